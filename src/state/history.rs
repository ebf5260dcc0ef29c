//! The history of everything that was done: lines that each carry the digest of the one before, so that a line taken out
//! or changed shows. A change of hosts writes two: one when it begins, one when it ended.

use super::chain::Chain;
use super::{State, StateError, operator, place};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Number and digest of the history's last line.
pub(super) const HEAD: &str = "history.head";
/// The lines.
pub const HISTORY: &str = "history.jsonl";
/// The outcome of a line that tells that an operation began.
pub const BEGAN: &str = "began";

/// One line of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Entry {
    /// From 1.
    pub number: u64,
    /// When.
    pub time: Timestamp,
    /// Who, `user@machine`.
    pub who: String,
    /// The command, such as `install`.
    pub what: String,
    /// How it ended, in one sentence without secrets; `began` where it began to change hosts.
    pub outcome: String,
    /// SHA-256 of the line before (hex); empty for the first.
    pub before: String,
    /// More about it; nothing in lines of older versions.
    #[serde(default, skip_serializing_if = "About::is_empty")]
    pub about: About,
}

impl Entry {
    /// Whether it tells of a change of what stands on hosts, and not of locks, accounts or secrets alone.
    pub fn changes_hosts(&self) -> bool {
        let first = self.what.split(' ').next().unwrap_or_default();
        !["lock", "user", "secret"].contains(&first)
    }
}

/// What else a line tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct About {
    /// Number of the line that told that this operation began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Why, as the operator gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The ticket it belongs to, as the operator gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The run's folder within the operator's folder, such as `runs/2026-11-22T12-03-41`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Stack and version, such as `relay 1.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Hosts that it changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// What came of its steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<StepCounts>,
    /// Milliseconds from the first step to the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
}

impl About {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Steps of an operation by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct StepCounts {
    /// Done and seen to be done.
    pub done: usize,
    /// Failed, or stopped because the host was not as planned.
    pub failed: usize,
    /// Never begun.
    pub not_reached: usize,
}

/// Something that was done: its only line, or the two of its beginning and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The first line.
    pub first: Entry,
    /// The line of its end; none when no end is recorded.
    pub last: Option<Entry>,
}

impl Operation {
    /// The newest line of it.
    pub fn newest(&self) -> &Entry {
        self.last.as_ref().unwrap_or(&self.first)
    }

    /// Whether a line of this number belongs to it.
    pub fn has(&self, number: u64) -> bool {
        self.first.number == number || self.newest().number == number
    }
}

/// The operations that lines tell of, in the order in which they began.
pub fn operations(entries: Vec<Entry>) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    for entry in entries {
        let begun = entry.about.of.and_then(|of| all.iter_mut().rev().find(|it| it.first.number == of));
        match begun {
            Some(operation) => operation.last = Some(entry),
            None if entry.outcome == BEGAN => all.push(Operation { first: entry, last: None }),
            None => all.push(Operation { first: entry.clone(), last: Some(entry) }),
        }
    }
    all
}

impl State {
    /// Adds a line to the history.
    pub fn remember(&self, what: &str, outcome: &str, now: Timestamp) -> Result<(), StateError> {
        self.record((what, outcome), About::default(), now).map(drop)
    }

    /// Adds a line with all that is known of it, and tells its number.
    pub fn record(
        &self,
        (what, outcome): (&str, &str),
        about: About,
        now: Timestamp,
    ) -> Result<u64, StateError> {
        let _writing = self.lock_file("history.lock", "writing history")?;
        self.history()?;
        let chain = self.chain()?;
        let number = chain.lines.len() as u64 + 1;
        let entry = Entry {
            number,
            time: now,
            who: operator(),
            what: what.to_owned(),
            outcome: outcome.to_owned(),
            before: chain.last_digest(),
            about,
        };
        let line = serde_json::to_string(&entry).expect("a line of history is plain data");
        place::append(&self.path(HISTORY), &line)?;
        self.write(HEAD, format!("{number} {}\n", Chain::digest(&line)).as_bytes())?;
        Ok(number)
    }

    /// The history, oldest first; an error names the first line that does not follow from the one before.
    pub fn history(&self) -> Result<Vec<Entry>, StateError> {
        let chain = self.chain()?;
        match chain.faults().into_iter().next() {
            Some(fault) => Err(StateError::Damaged { path: self.path(HISTORY), cause: fault.says }),
            None => Ok(chain.entries()),
        }
    }

    /// The history's lines as they stand, whatever is wrong with them.
    pub fn chain(&self) -> Result<Chain, StateError> {
        let text = place::read_private(&self.path(HISTORY))?.unwrap_or_default();
        let head = place::read_private(&self.path(HEAD))?;
        let head = head.map(|head| String::from_utf8_lossy(&head).trim().to_owned());
        Ok(Chain { head, ..Chain::of(&text) })
    }

    /// The history's file as hosts keep a copy of it: name and content.
    pub fn history_file(&self) -> Result<(String, Vec<u8>), StateError> {
        Ok((HISTORY.to_owned(), place::read_private(&self.path(HISTORY))?.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(folder: &tempfile::TempDir) -> State {
        State::open(&folder.path().join("acme.yml"), "acme").unwrap()
    }

    #[test]
    fn a_line_of_history_that_was_changed_by_hand_shows() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(&folder);
        for outcome in ["73 created", "0 changes", "1 changed"] {
            state.remember("install", outcome, Timestamp::UNIX_EPOCH).unwrap();
        }
        assert_eq!(state.history().unwrap().len(), 3);
        let text = String::from_utf8(state.read(HISTORY).unwrap().unwrap()).unwrap();
        state.write(HISTORY, text.replace("0 changes", "9 changes").as_bytes()).unwrap();
        let seen = state.history().unwrap_err().to_string();
        assert!(seen.ends_with("line 3 does not follow from line 2: one of them was changed"), "{seen}");
    }

    #[test]
    fn lines_of_an_older_version_are_read_and_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(&folder);
        let old = r#"{"number":1,"time":"1970-01-01T00:00:00Z","who":"ops@old","what":"install --reason \"new\"","outcome":"done","before":""}"#;
        state.write(HISTORY, format!("{old}\n").as_bytes()).unwrap();
        let about = About { reason: Some("more room".to_owned()), ..About::default() };
        assert_eq!(state.record(("install", BEGAN), about, Timestamp::UNIX_EPOCH).unwrap(), 2);
        let history = state.history().unwrap();
        assert_eq!((history[0].who.as_str(), history[0].about.clone()), ("ops@old", About::default()));
        assert_eq!(history[1].about.reason.as_deref(), Some("more room"));
    }

    #[test]
    fn beginning_and_end_are_one_operation_and_a_killed_run_has_no_end() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(&folder);
        let now = Timestamp::UNIX_EPOCH;
        let of = |of| About { of: Some(of), ..About::default() };
        state.record(("install", BEGAN), About::default(), now).unwrap();
        state.remember("lock release", "nobody held it", now).unwrap();
        state.record(("install", "done"), of(1), now).unwrap();
        state.record(("destroy", BEGAN), About::default(), now).unwrap();
        let all = operations(state.history().unwrap());
        let told: Vec<_> = all.iter().map(|it| (it.first.number, it.newest().outcome.as_str())).collect();
        assert_eq!(told, [(1, "done"), (2, "nobody held it"), (4, BEGAN)]);
        assert!(all[0].has(3) && all[0].has(1) && !all[0].has(2) && all[2].last.is_none());
    }
}
