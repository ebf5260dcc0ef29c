//! Lines of which each carries the digest of the one before: what is wrong with them, and how two copies stand to each
//! other. Pure.

use super::history::Entry;
use sha2::{Digest, Sha256};

/// Lines as they stand somewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain {
    /// The lines.
    pub lines: Vec<String>,
    /// The last line has no end.
    pub torn: bool,
    /// Number and digest of the last line, as they are kept beside the lines; none when they are not.
    pub head: Option<String>,
}

/// Something wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, as a sentence's end.
    pub says: String,
}

/// How a copy stands to the lines it is a copy of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// It is their beginning, so many lines short.
    Behind(usize),
    /// It goes on where they end.
    Ahead(Vec<String>),
    /// Line `at`, from 1, is another one.
    Differs {
        /// The line, from 1.
        at: usize,
        /// The line as it is here.
        here: String,
        /// The line of the copy.
        there: String,
    },
}

impl Chain {
    /// The lines of a text.
    pub fn of(text: &[u8]) -> Self {
        let torn = !text.is_empty() && !text.ends_with(b"\n");
        let lines = String::from_utf8_lossy(text).lines().map(str::to_owned).collect();
        Self { lines, torn, head: None }
    }

    /// SHA-256 of a line (hex).
    pub fn digest(line: &str) -> String {
        hex::encode(Sha256::digest(line.as_bytes()))
    }

    /// The digest of the last line; empty when there is none.
    pub fn last_digest(&self) -> String {
        self.lines.last().map(|line| Self::digest(line)).unwrap_or_default()
    }

    /// The lines that can be read.
    pub fn entries(&self) -> Vec<Entry> {
        self.lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Everything that is wrong, in the order of the lines.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let (mut before, mut number) = (String::new(), 0);
        for (at, line) in self.lines.iter().enumerate() {
            let fault = |says: String| Fault { line: at + 1, says };
            match serde_json::from_str::<Entry>(line) {
                Err(cause) => {
                    faults.push(fault(format!("line {}: {cause}", at + 1)));
                    number += 1;
                }
                Ok(entry) => {
                    let gap = entry.number > number + 1;
                    if entry.before != before {
                        faults.push(fault(why(at, &entry, gap.then_some(number + 1))));
                    } else if entry.number != number + 1 {
                        faults.push(fault(format!(
                            "line {} says that it is number {}",
                            at + 1,
                            entry.number
                        )));
                    }
                    number = entry.number;
                }
            }
            before = Self::digest(line);
        }
        faults.extend(self.cut());
        faults
    }

    /// What is missing at the end, by the number and digest kept of the last line. One line more than that is what a command
    /// that was killed leaves.
    fn cut(&self) -> Option<Fault> {
        let fault = |says: String| Some(Fault { line: self.lines.len(), says });
        if self.torn {
            return fault(format!("line {}, the last, is cut in the middle", self.lines.len()));
        }
        let head = self.head.as_ref()?;
        let (number, digest) = head.split_once(' ').unwrap_or((head, ""));
        let newest = self.lines.len().saturating_sub(2);
        if self.lines[newest..].iter().any(|line| Self::digest(line) == digest) {
            return None;
        }
        let number: u64 = number.parse().unwrap_or(0);
        let last = self.entries().last().map_or(0, |entry| entry.number);
        fault(match number {
            _ if number == last + 1 => {
                format!("lines are missing at its end: line {number}, the last, is gone")
            }
            _ if number > last => {
                format!("lines are missing at its end: lines {} to {number} are gone", last + 1)
            }
            _ => format!("line {number} is not the last line that was written here"),
        })
    }

    /// How another copy stands to this one.
    pub fn copied(&self, there: &Self) -> Copied {
        let differs = self.lines.iter().zip(&there.lines).position(|(here, there)| here != there);
        match differs {
            Some(at) => {
                Copied::Differs { at: at + 1, here: self.lines[at].clone(), there: there.lines[at].clone() }
            }
            None if there.lines.len() > self.lines.len() => {
                Copied::Ahead(there.lines[self.lines.len()..].to_vec())
            }
            None => Copied::Behind(self.lines.len() - there.lines.len()),
        }
    }
}

/// Why a line does not follow; `missing` is the first number that is left out before it.
fn why(at: usize, entry: &Entry, missing: Option<u64>) -> String {
    match missing {
        Some(first) if first + 1 == entry.number => {
            format!("line {first} was taken out: number {} follows here", entry.number)
        }
        Some(first) => format!(
            "lines {first} to {} were taken out: number {} follows here",
            entry.number - 1,
            entry.number
        ),
        None if at == 0 => "line 1 is not the first that was written".to_owned(),
        None => format!("line {} does not follow from line {at}: one of them was changed", at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;
    use jiff::Timestamp;

    fn chain() -> Chain {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
        for what in ["one", "two", "three", "four"] {
            state.remember(what, "done", Timestamp::UNIX_EPOCH).unwrap();
        }
        state.chain().unwrap()
    }

    fn says(change: impl FnOnce(&mut Chain)) -> Vec<String> {
        let mut chain = chain();
        change(&mut chain);
        chain.faults().into_iter().map(|fault| fault.says).collect()
    }

    #[test]
    fn whatever_is_done_to_a_line_is_named() {
        let none: [&str; 0] = [];
        assert_eq!(says(|_| ()), none);
        let changed =
            |chain: &mut Chain, at: usize| chain.lines[at] = chain.lines[at].replace("done", "gone");
        assert_eq!(
            says(|it| changed(it, 1)),
            ["line 3 does not follow from line 2: one of them was changed"]
        );
        assert_eq!(says(|it| changed(it, 3)), ["line 4 is not the last line that was written here"]);
        assert_eq!(says(|it| drop(it.lines.remove(1))), ["line 2 was taken out: number 3 follows here"]);
        assert_eq!(
            says(|it| drop(it.lines.drain(..2))),
            ["lines 1 to 2 were taken out: number 3 follows here"]
        );
        assert_eq!(
            says(|it| drop(it.lines.pop())),
            ["lines are missing at its end: line 4, the last, is gone"]
        );
        assert_eq!(says(|it| it.lines.truncate(1)), ["lines are missing at its end: lines 2 to 4 are gone"]);
        assert_eq!(says(|it| it.torn = true), ["line 4, the last, is cut in the middle"]);
        assert!(says(|it| it.lines[2].truncate(20))[0].starts_with("line 3: EOF"));
        let doubled = says(|it| it.lines.insert(2, it.lines[1].clone()));
        assert_eq!(doubled[0], "line 3 does not follow from line 2: one of them was changed");
    }

    #[test]
    fn a_line_more_than_the_head_says_is_what_a_kill_leaves() {
        let head = |chain: &Chain, at: usize| Some(format!("{} {}", at, Chain::digest(&chain.lines[at - 1])));
        let none: [&str; 0] = [];
        assert_eq!(says(|it| it.head = head(it, 3)), none);
        assert_eq!(says(|it| it.head = head(it, 2)), ["line 2 is not the last line that was written here"]);
    }

    #[test]
    fn a_copy_is_behind_or_ahead_or_another() {
        let (here, mut there) = (chain(), chain());
        assert_eq!(here.copied(&there), Copied::Behind(0));
        let last = there.lines.pop().unwrap();
        assert_eq!(here.copied(&there), Copied::Behind(1));
        assert_eq!(there.copied(&here), Copied::Ahead(vec![last]));
        there.lines[1].push(' ');
        assert!(matches!(here.copied(&there), Copied::Differs { at: 2, .. }));
        assert_eq!(here.copied(&Chain::default()), Copied::Behind(4));
    }
}
