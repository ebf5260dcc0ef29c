//! The rules' texts in Chinese, and the sentences that are put together around them. Data by id; a test keeps every rule
//! in it. What was seen stays as it was recorded: it is evidence.

use super::{RULES, preflight_rules};
use crate::base::{Finding, Verdict};
use crate::record::Words;
use std::collections::BTreeMap;

/// What is known in Chinese.
#[derive(Debug, Clone)]
pub struct Chinese {
    rules: BTreeMap<String, Words>,
    phrases: Vec<(String, String)>,
}

impl Default for Chinese {
    fn default() -> Self {
        let read = |text| -> BTreeMap<String, Words> { serde_yaml::from_str(text).expect("a test reads it") };
        let mut rules = read(include_str!("preflight.yml"));
        rules.extend(read(include_str!("verify.yml")));
        let phrases = serde_yaml::from_str(include_str!("phrases.yml")).expect("a test reads it");
        Self { rules, phrases }
    }
}

impl Chinese {
    /// The texts of a rule that is code; `LIMIT` and `HOST` stand in them as they do in the rule's own.
    pub fn words(&self, id: &str) -> Option<&Words> {
        self.rules.get(id)
    }

    /// A sentence that imctl puts together; as it is when it is none of those known.
    pub fn said(&self, text: &str) -> String {
        let filled = |(english, chinese): &(String, String)| Some(fill(chinese, &holes(english, text)?));
        self.phrases.iter().find_map(filled).unwrap_or_else(|| text.to_owned())
    }

    /// A finding of a rule that is code, in Chinese; none when it is of another rule.
    pub fn finding(&self, finding: &Finding) -> Option<Finding> {
        let words = self.words(&finding.id)?;
        let (needed, fix) = english(&finding.id)?;
        let host = finding.host.as_ref().map(ToString::to_string).unwrap_or_default();
        let put = |text: &str| if host.is_empty() { text.to_owned() } else { text.replace("HOST", &host) };
        let numbers = holes(&needed.replace("LIMIT", "{}"), &finding.needed);
        Some(Finding {
            what: words.what.clone(),
            needed: match numbers {
                Some(numbers) => words.needed.replace("LIMIT", numbers.first().copied().unwrap_or_default()),
                // What depends on the host is a number or a name, and needs no words.
                None => finding.needed.clone(),
            },
            because: match finding.verdict {
                Verdict::NotApplicable => self.said(&finding.because),
                _ => words.because.clone(),
            },
            fix: fixed(&put(&words.fix), &put(fix), &finding.fix, &host),
            ..finding.clone()
        })
    }
}

/// What helps, in Chinese, with what was added to it for this finding alone.
fn fixed(chinese: &str, english: &str, recorded: &str, host: &str) -> String {
    let own = format!("; on {host} itself: ");
    match recorded.strip_prefix(english) {
        _ if recorded.is_empty() => String::new(),
        Some("") => chinese.to_owned(),
        Some(more) => match more.strip_prefix(&own) {
            Some(command) => format!("{chinese}；在 {host} 本机上执行：{command}"),
            None => format!("{chinese}（{}）", more.trim_start_matches([';', ' '])),
        },
        None => format!("{chinese}（{recorded}）"),
    }
}

/// What is wanted and what helps, as the rule says it in English.
fn english(id: &str) -> Option<(&'static str, &'static str)> {
    let code = RULES.iter().find(|rule| rule.id == id).map(|rule| (rule.needed, rule.fix));
    code.or_else(|| preflight_rules().find(|rule| rule.id == id).map(|rule| (rule.needed, rule.fix)))
}

/// What stands in the holes of a pattern; none when the text does not fit it.
fn holes<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut found = Vec::new();
    let parts: Vec<&str> = parts.collect();
    for (at, part) in parts.iter().enumerate() {
        let end = if part.is_empty() && at + 1 == parts.len() { rest.len() } else { rest.find(part)? };
        found.push(&rest[..end]);
        rest = &rest[end + part.len()..];
    }
    rest.is_empty().then_some(found)
}

fn fill(pattern: &str, holes: &[&str]) -> String {
    let number = |text: String, (at, hole): (usize, &&str)| text.replace(&format!("{{{}}}", at + 1), hole);
    holes.iter().enumerate().fold(pattern.to_owned(), number)
}

#[cfg(test)]
mod tests;
