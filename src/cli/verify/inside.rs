//! Product checks: every host of a component is asked what its stack wants to know, all hosts at once.

use super::Road;
use crate::base::{Finding, HostName, Verdict, duration};
use crate::checks::{Language, Seen, judge};
use crate::desired::Scope;
use crate::exec::Fleet;
use crate::stack::CheckSpec;
use crate::transport::Exec;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;

/// Questions under way at the same time; a host's SSH server allows ten channels a connection, hosts differ, and a scan has
/// other questions beside these.
const AT_ONCE: usize = 6;

/// A stack's texts and expressions on one instance.
pub(in crate::cli) struct Words<'a> {
    pub(in crate::cli) scope: &'a Scope,
    /// What they belong to, for errors.
    pub(in crate::cli) place: String,
}

impl Language for Words<'_> {
    fn text(&self, source: &str, seen: &Value) -> Result<String, String> {
        self.scope.text(&self.place, source, seen).map_err(|error| error.to_string())
    }

    fn holds(&self, expression: &str, seen: &Value) -> Result<bool, String> {
        self.scope.holds(&self.place, expression, seen).map_err(|error| error.to_string())
    }
}

/// Asks and judges all checks; findings come in the order of the file, then of the hosts.
pub(in crate::cli) async fn ask(road: &Road, fleet: &Fleet, checks: &[CheckSpec]) -> Vec<Finding> {
    let mut questions = Vec::new();
    for check in checks {
        let instances = road.topology.of(&check.on).filter(|instance| road.hosts.contains(&instance.host));
        for instance in instances {
            questions.push((check, instance.host.clone(), Scope::of(&road.topology, instance)));
        }
    }
    let asked = questions
        .into_iter()
        .map(|(check, host, scope)| async move { one(fleet, check, &host, &scope).await });
    let mut findings: Vec<Finding> = stream::iter(asked).buffered(AT_ONCE).collect().await;
    // What does not apply is said once, not once a host.
    findings.dedup_by(|later, first| {
        later.verdict == Verdict::NotApplicable
            && first.verdict == Verdict::NotApplicable
            && later.id == first.id
    });
    findings
}

async fn one(fleet: &Fleet, check: &CheckSpec, host: &HostName, scope: &Scope) -> Finding {
    let words = Words { scope, place: format!("check `{}`", check.id) };
    let nothing = json!({ "value": null, "status": null });
    let applies = check.when.as_ref().map_or(Ok(true), |when| words.holds(when, &nothing));
    let seen = match applies {
        Ok(true) => question(fleet, check, host, &words).await,
        Ok(false) => {
            let because = check.not_applicable.clone().unwrap_or_default();
            let finding = judge(check, host, &Seen::Nothing("-".to_owned()), &words);
            return Finding {
                verdict: Verdict::NotApplicable,
                host: None,
                because,
                fix: String::new(),
                ..finding
            };
        }
        Err(why) => Seen::Nothing(why),
    };
    judge(check, host, &seen, &words)
}

async fn question(fleet: &Fleet, check: &CheckSpec, host: &HostName, words: &Words<'_>) -> Seen {
    let script = match words.text(&check.run, &Value::Null) {
        Ok(script) => script,
        Err(why) => return Seen::Nothing(why),
    };
    let Some(link) = fleet.link(host) else { return Seen::Nothing("not connected".to_owned()) };
    let within = duration(&check.within).unwrap_or(Duration::from_secs(20));
    match link.exec(Exec::new(script, within)).await {
        Ok(output) => Seen::Answer {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        Err(lost) => Seen::Nothing(lost.to_string()),
    }
}
