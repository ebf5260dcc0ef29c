//! Judging a product check: the answer of a host, against the expression that its stack gives.

use super::answer::read;
use crate::base::{Finding, HostName, Verdict};
use crate::stack::{CheckSpec, Severity};
use serde_json::{Value, json};

/// How the stack's templates and expressions are understood on one host, with `value` and `status` added.
pub trait Language {
    /// Renders a text.
    fn text(&self, source: &str, seen: &Value) -> Result<String, String>;
    /// Evaluates a condition.
    fn holds(&self, expression: &str, seen: &Value) -> Result<bool, String>;
}

/// What a host answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The script ran to its end.
    Answer {
        /// Exit status.
        status: i32,
        /// Standard output.
        stdout: String,
        /// Standard error, for people.
        stderr: String,
    },
    /// It could not be asked; why.
    Nothing(String),
}

/// Judges one check on one host.
pub fn judge(check: &CheckSpec, host: &HostName, seen: &Seen, language: &dyn Language) -> Finding {
    let bad = match check.severity {
        Severity::Failure => Verdict::Failed,
        Severity::Warning => Verdict::Warning,
    };
    let (verdict, shown) = match outcome(check, seen, language) {
        Ok((true, shown)) => (Verdict::Passed, shown),
        Ok((false, shown)) => (bad, shown),
        // What could not be asked or understood is never a pass, and never a mere warning.
        Err(why) => (Verdict::Failed, why),
    };
    let nothing = json!({ "value": null, "status": null });
    let say = |source: &str| language.text(source, &nothing).unwrap_or_else(|_| source.to_owned());
    Finding {
        id: check.id.clone(),
        verdict,
        host: Some(host.clone()),
        what: say(&check.what),
        seen: shown,
        needed: say(&check.needed),
        because: say(&check.because),
        fix: if verdict == Verdict::Passed { String::new() } else { say(&check.fix) },
    }
}

/// A finding of a check in Chinese, as far as its stack says it.
pub fn in_chinese(check: &CheckSpec, finding: &Finding, language: &dyn Language) -> Finding {
    let Some(words) = &check.zh else { return finding.clone() };
    let nothing = json!({ "value": null, "status": null });
    let say = |source: &str| language.text(source, &nothing).unwrap_or_else(|_| source.to_owned());
    let apart = finding.verdict == Verdict::NotApplicable;
    Finding {
        what: say(&words.what),
        needed: say(&words.needed),
        because: match &check.zh_not_applicable {
            _ if !apart => say(&words.because),
            Some(why) => say(why),
            None => finding.because.clone(),
        },
        fix: if finding.fix.is_empty() { String::new() } else { say(&words.fix) },
        ..finding.clone()
    }
}

fn outcome(check: &CheckSpec, seen: &Seen, language: &dyn Language) -> Result<(bool, String), String> {
    let (status, stdout, stderr) = match seen {
        Seen::Nothing(why) => return Err(why.clone()),
        Seen::Answer { status, stdout, stderr } => (*status, stdout, stderr),
    };
    let value = read(check.parse, stdout).map_err(|why| match status {
        0 => why,
        _ => format!("the question failed with status {status}: {}", short(stderr)),
    })?;
    let known = json!({ "value": value, "status": status });
    let passed = language.holds(&check.pass, &known)?;
    let shown = match &check.seen {
        Some(template) => language.text(template, &known)?,
        None => plain(&known["value"], status),
    };
    Ok((passed, short(&shown)))
}

fn plain(value: &Value, status: i32) -> String {
    match value {
        Value::Null => format!("status {status}"),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(|one| plain(one, status)).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn short(text: &str) -> String {
    let line: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    if line.is_empty() { "nothing".to_owned() } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Parser;
    use minijinja::value::Serde;
    use minijinja::{Environment, Value as Jinja};

    struct Plain;

    impl Language for Plain {
        fn text(&self, source: &str, seen: &Value) -> Result<String, String> {
            let text = Environment::new().render_str(source, Jinja::from(Serde(seen)));
            text.map_err(|error| error.to_string())
        }

        fn holds(&self, expression: &str, seen: &Value) -> Result<bool, String> {
            let environment = Environment::new();
            let compiled = environment.compile_expression(expression).map_err(|error| error.to_string())?;
            Ok(compiled.eval(Jinja::from(Serde(seen))).map_err(|error| error.to_string())?.is_true())
        }
    }

    fn check() -> CheckSpec {
        serde_json::from_value(json!({
            "id": "CLUSTER-01", "what": "members", "on": "server", "run": "list", "parse": "lines",
            "pass": "status == 0 and value|length == 2", "seen": "{{ value|length }} of 2",
            "needed": "2 of 2", "because": "halves look healthy", "fix": "restart one", "severity": "warning",
        }))
        .unwrap()
    }

    fn seen(status: i32, stdout: &str) -> Seen {
        Seen::Answer { status, stdout: stdout.to_owned(), stderr: "no such thing".to_owned() }
    }

    #[test]
    fn an_answer_passes_or_fails_by_the_expression() {
        let host = HostName::new("app1").unwrap();
        let passed = judge(&check(), &host, &seen(0, "a\nb\n"), &Plain);
        assert_eq!(
            (passed.verdict, passed.seen.as_str(), passed.fix.as_str()),
            (Verdict::Passed, "2 of 2", "")
        );
        let warned = judge(&check(), &host, &seen(0, "a\n"), &Plain);
        assert_eq!((warned.verdict, warned.fix.as_str()), (Verdict::Warning, "restart one"));
    }

    #[test]
    fn a_check_is_told_in_chinese_with_what_was_seen_as_it_was() {
        let host = HostName::new("app1").unwrap();
        let words =
            json!({ "what": "集群成员", "needed": "{{ 1 + 1 }} 个", "because": "会裂成两半", "fix": "重启" });
        let mut check = CheckSpec { zh: serde_json::from_value(words).unwrap(), ..check() };
        let told = in_chinese(&check, &judge(&check, &host, &seen(0, "a\n"), &Plain), &Plain);
        assert_eq!(
            [&told.what, &told.seen, &told.needed, &told.because, &told.fix],
            ["集群成员", "1 of 2", "2 个", "会裂成两半", "重启"]
        );
        let passed = in_chinese(&check, &judge(&check, &host, &seen(0, "a\nb\n"), &Plain), &Plain);
        assert_eq!(passed.fix, "");
        check.zh = None;
        let plain = judge(&check, &host, &seen(0, "a\n"), &Plain);
        assert_eq!(in_chinese(&check, &plain, &Plain), plain);
    }

    #[test]
    fn what_cannot_be_asked_or_read_is_a_failure() {
        let host = HostName::new("app1").unwrap();
        assert_eq!(judge(&check(), &host, &Seen::Nothing("lost".into()), &Plain).verdict, Verdict::Failed);
        let json = CheckSpec { parse: Parser::Json, ..check() };
        let failed = judge(&json, &host, &seen(7, ""), &Plain);
        assert_eq!(failed.seen, "the question failed with status 7: no such thing");
        let broken = CheckSpec { pass: "value +".to_owned(), ..check() };
        assert_eq!(judge(&broken, &host, &seen(0, "a"), &Plain).verdict, Verdict::Failed);
    }
}
