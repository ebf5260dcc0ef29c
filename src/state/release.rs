//! What was installed when, by whom: one file a release, and the history of everything that was done as
//! lines that each carry the digest of the one before, so that a line taken out or changed shows.

use super::vault::other_format;
use super::{State, StateError, operator, place};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Number and digest of the history's last line.
const HEAD: &str = "history.head";

/// A record of what was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Release {
    /// Version of this shape.
    pub format: u32,
    /// The stack.
    pub stack: String,
    /// Its version.
    pub version: String,
    /// When the install ended.
    pub time: Timestamp,
    /// Who did it, `user@machine`.
    pub who: String,
    /// Digest of the plan that was applied.
    pub plan: String,
    /// When the last change of a host ended; the proof follows it.
    #[serde(default)]
    pub changed: Option<Timestamp>,
    /// Version of imctl.
    #[serde(default)]
    pub imctl: String,
    /// Hosts that were meant.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// SHA-256 of the inventory file.
    #[serde(default)]
    pub inventory: String,
    /// The bundle it was installed from; none when none was at hand.
    #[serde(default)]
    pub bundle: Option<ReleasedBundle>,
}

/// The bundle of a release, as it was checked before the hosts were touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReleasedBundle {
    /// Name of its folder.
    pub name: String,
    /// When it was built, in UTC.
    pub created: String,
    /// Number of the trusted key whose signature holds.
    pub signer: String,
    /// SHA-256 of its manifest, which names the digest of every file.
    pub digest: String,
    /// Files that the manifest names; each was checked.
    pub files: usize,
    /// What the stack names of it, with versions: packages, then programs that are no package.
    pub software: BTreeMap<String, String>,
}

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
    /// How it ended, in one sentence without secrets.
    pub outcome: String,
    /// SHA-256 of the line before (hex); empty for the first.
    pub before: String,
}

impl State {
    /// Keeps a release under `releases/`, with the inventory it came from beside it.
    pub fn save_release(&self, release: &Release, inventory: &[u8]) -> Result<(), StateError> {
        self.write(format!("{}.yml", stem(release)), inventory)?;
        let text = serde_json::to_string_pretty(release).expect("a release is plain data");
        self.write(format!("{}.json", stem(release)), text.as_bytes())
    }

    /// The inventory that a release came from; none of one by an older imctl.
    pub fn released_inventory(&self, release: &Release) -> Result<Option<String>, StateError> {
        let text = self.read(format!("{}.yml", stem(release)))?;
        Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
    }

    /// All releases, oldest first.
    pub fn releases(&self) -> Result<Vec<Release>, StateError> {
        let folder = self.path("releases");
        let mut releases = Vec::new();
        for name in place::names(&folder)?.into_iter().filter(|name| name.ends_with(".json")) {
            let path = folder.join(name);
            let text = place::read_private(&path)?.unwrap_or_default();
            let damaged = |cause: String| StateError::Damaged { path: path.clone(), cause };
            if let Some(other) = other_format(&text) {
                return Err(damaged(other));
            }
            let release = serde_json::from_slice(&text).map_err(|cause| damaged(cause.to_string()))?;
            releases.push(release);
        }
        Ok(releases)
    }

    /// Adds a line to the history.
    pub fn remember(&self, what: &str, outcome: &str, now: Timestamp) -> Result<(), StateError> {
        let _writing = self.lock_file("history.lock", "writing history")?;
        self.history()?;
        let lines = self.history_lines()?;
        let number = lines.len() as u64 + 1;
        let entry = Entry {
            number,
            time: now,
            who: operator(),
            what: what.to_owned(),
            outcome: outcome.to_owned(),
            before: lines.last().map(|line| digest(line)).unwrap_or_default(),
        };
        let line = serde_json::to_string(&entry).expect("a line of history is plain data");
        place::append(&self.path("history.jsonl"), &line)?;
        self.write(HEAD, format!("{number} {}\n", digest(&line)).as_bytes())
    }

    /// The history, oldest first; an error names the first line that does not follow from the one before.
    pub fn history(&self) -> Result<Vec<Entry>, StateError> {
        let damaged = |cause: String| StateError::Damaged { path: self.path("history.jsonl"), cause };
        let mut entries: Vec<Entry> = Vec::new();
        let mut before = String::new();
        for (at, line) in self.history_lines()?.iter().enumerate() {
            let entry: Entry =
                serde_json::from_str(line).map_err(|cause| damaged(format!("line {}: {cause}", at + 1)))?;
            if entry.before != before {
                return Err(damaged(format!("line {} does not follow from the one before it", at + 1)));
            }
            before = digest(line);
            entries.push(entry);
        }
        match self.cut()? {
            Some(cause) => Err(damaged(cause)),
            None => Ok(entries),
        }
    }

    /// What is missing at the end of the history, by the number and digest kept of its last line; none when it is whole.
    /// One line more than that is what a command that was killed leaves.
    fn cut(&self) -> Result<Option<String>, StateError> {
        let text = place::read_private(&self.path("history.jsonl"))?.unwrap_or_default();
        if !text.is_empty() && !text.ends_with(b"\n") {
            return Ok(Some("its last line is cut".to_owned()));
        }
        let Some(head) = place::read_private(&self.path(HEAD))? else { return Ok(None) };
        let head = String::from_utf8_lossy(&head).trim().to_owned();
        let lines = self.history_lines()?;
        let known = |at: usize| format!("{} {}", at + 1, digest(&lines[at]));
        let fits = (lines.len().saturating_sub(2)..lines.len()).any(|at| known(at) == head);
        Ok((!fits).then(|| format!("it does not end as `{HEAD}` says: lines are missing")))
    }

    fn history_lines(&self) -> Result<Vec<String>, StateError> {
        let text = place::read_private(&self.path("history.jsonl"))?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).lines().map(str::to_owned).collect())
    }
}

/// Where a release is kept, without the end of the name.
fn stem(release: &Release) -> String {
    format!("releases/{}", release.time.strftime("%Y-%m-%dT%H-%M-%S"))
}

fn digest(line: &str) -> String {
    hex::encode(Sha256::digest(line.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_history_that_was_changed_by_hand_shows() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
        for outcome in ["73 created", "0 changes", "1 changed"] {
            state.remember("install", outcome, Timestamp::UNIX_EPOCH).unwrap();
        }
        assert_eq!(state.history().unwrap().len(), 3);
        let text = String::from_utf8(state.read("history.jsonl").unwrap().unwrap()).unwrap();
        state.write("history.jsonl", text.replace("0 changes", "9 changes").as_bytes()).unwrap();
        let seen = state.history().unwrap_err().to_string();
        assert!(seen.ends_with("line 3 does not follow from the one before it"), "{seen}");
    }

    #[test]
    fn releases_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
        let mut release = Release {
            format: 1,
            stack: "tiny".into(),
            version: "1".into(),
            time: Timestamp::from_second(2_000_000_000).unwrap(),
            who: "ops@laptop".into(),
            plan: "abc".into(),
            changed: None,
            imctl: "0.1.0".into(),
            hosts: vec!["app1".into()],
            inventory: "def".into(),
            bundle: None,
        };
        state.save_release(&release, b"name: acme").unwrap();
        release.time = Timestamp::from_second(1_000_000_000).unwrap();
        state.save_release(&release, b"name: acme").unwrap();
        let times: Vec<i64> = state.releases().unwrap().iter().map(|it| it.time.as_second()).collect();
        assert_eq!(times, [1_000_000_000, 2_000_000_000]);
        assert_eq!(state.released_inventory(&release).unwrap().as_deref(), Some("name: acme"));
    }
}
