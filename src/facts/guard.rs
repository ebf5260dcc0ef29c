//! How a host is guarded: the script of the scan and the reader of its answer. A list says something only when its question was
//! answered.

use crate::base::quote;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PROGRAM: &str = include_str!("guard.pl");

/// The script may take so long: it reads the checksums of all packages.
pub const GUARD_WITHIN: Duration = Duration::from_mins(2);

/// The script; `folders` are those that hold data, and `quick` leaves out the checksums of packages.
pub fn guard_script(folders: &[&str], quick: bool) -> String {
    let quick = if quick { "quick" } else { "" };
    format!("perl -e {} {} {}\n", quote(PROGRAM), quote(&folders.join(" ")), quote(quick))
}

/// What was found out about a host.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GuardFacts {
    answered: BTreeSet<String>,
    said: BTreeMap<String, Vec<String>>,
}

impl GuardFacts {
    /// Whether a question was answered, so that an empty list means that there is nothing.
    pub fn knows(&self, question: &str) -> bool {
        self.answered.contains(question)
    }

    /// Everything that was said under a key.
    pub fn all(&self, key: &str) -> &[String] {
        self.said.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The last that was said under a key.
    pub fn last(&self, key: &str) -> Option<&str> {
        self.all(key).last().map(String::as_str)
    }

    /// What was said under a key beginning with a word: the rest of it; the last one counts.
    pub fn of(&self, key: &str, word: &str) -> Option<&str> {
        let with = |said: &'_ String| {
            said.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ') || rest.is_empty())
        };
        self.all(key).iter().rev().find(|said| with(said)).map(|said| said[word.len()..].trim())
    }

    /// Pairs of words under a key.
    pub fn pairs(&self, key: &str) -> impl Iterator<Item = (&str, &str)> {
        self.all(key).iter().filter_map(|said| said.split_once(' '))
    }

    /// The packet filter as `nft -j list ruleset` tells it.
    pub fn ruleset(&self) -> Option<Vec<Value>> {
        let text = self.last("nft")?;
        let mut value: Value = serde_json::from_str(text).ok()?;
        match value["nftables"].take() {
            Value::Array(all) => Some(all),
            _ => None,
        }
    }
}

/// Reads what the script printed.
pub fn parse_guard(answer: &str) -> GuardFacts {
    let mut facts = GuardFacts::default();
    for line in answer.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        if key == "answered" {
            facts.answered.insert(value.to_owned());
        } else {
            facts.said.entry(key.to_owned()).or_default().push(value.to_owned());
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_answered_is_not_known_to_be_empty() {
        let facts = parse_guard(
            "answered accounts\nsysctl kernel/kptr_restrict 1\nsysctl kernel/kptr_restrict 2\nnft {\"nftables\":[{\"metainfo\":{}}]}\n",
        );
        assert!(facts.knows("accounts") && !facts.knows("passwords"));
        assert!(facts.all("root-like").is_empty());
        assert_eq!(facts.of("sysctl", "kernel/kptr_restrict"), Some("2"));
        assert_eq!(facts.of("sysctl", "kernel/kptr"), None);
        assert_eq!(facts.ruleset().map(|all| all.len()), Some(1));
    }
}
