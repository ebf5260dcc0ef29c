//! What judging commands left behind: one file a run, newest first. A file that does not read as it was written is an
//! error for whoever asks for it; whether an older one matters is for the reader to decide.

use super::vault::other_format;
use super::{State, StateError, place};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Commands whose results are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultKind {
    /// The judgement of the hosts.
    Check,
    /// The proof of the service.
    Verify,
    /// The security scan.
    Scan,
    /// A load test.
    Load,
}

/// A kept result with the file that it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept<T> {
    /// The file within the folder, such as `results/check/2026-11-22T12-03-41.json`.
    pub file: String,
    /// SHA-256 of the file (hex).
    pub sha256: String,
    /// What it says.
    pub value: T,
}

impl ResultKind {
    /// The folder of its results within the operator's folder.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Check => "results/check",
            Self::Verify => "results/verify",
            Self::Scan => "results/scan",
            Self::Load => "load",
        }
    }
}

impl State {
    /// Keeps a result under the time it began and tells the file. Two of one second stand beside each other.
    pub fn keep_result(
        &self,
        kind: ResultKind,
        time: Timestamp,
        result: &impl Serialize,
    ) -> Result<String, StateError> {
        let text = serde_json::to_vec_pretty(result).expect("a result is plain data");
        let stem = format!("{}/{}", kind.folder(), time.strftime("%Y-%m-%dT%H-%M-%S"));
        let mut file = format!("{stem}.json");
        let mut number = 1;
        while self.path(&file).exists() {
            number += 1;
            file = format!("{stem}-{number}.json");
        }
        self.write(&file, &text)?;
        Ok(file)
    }

    /// All results of a kind, the newest first; each is read when it is asked for, and damage is told with the file.
    pub fn results<T: DeserializeOwned>(
        &self,
        kind: ResultKind,
    ) -> Result<impl Iterator<Item = Result<Kept<T>, StateError>> + '_, StateError> {
        let mut names = place::names(&self.path(kind.folder()))?;
        names.retain(|name| Path::new(name).extension().is_some_and(|it| it == "json"));
        names.sort_by_key(|name| order(name));
        Ok(names.into_iter().rev().map(move |name| self.result(format!("{}/{name}", kind.folder()))))
    }

    /// The name of the newest result in a folder of results; none when there is none.
    pub fn newest(&self, folder: &str) -> Result<Option<String>, StateError> {
        let mut names = place::names(&self.path(folder))?;
        names.retain(|name| Path::new(name).extension().is_some_and(|it| it == "json"));
        Ok(names.into_iter().max_by_key(|name| order(name)))
    }

    fn result<T: DeserializeOwned>(&self, file: String) -> Result<Kept<T>, StateError> {
        let path = self.path(&file);
        let damaged = |cause: String| StateError::Damaged { path: path.clone(), cause };
        let text = place::read_private(&path)?.ok_or_else(|| damaged("it is gone".to_owned()))?;
        if let Some(other) = other_format(&text) {
            return Err(damaged(other));
        }
        let value = serde_json::from_slice(&text).map_err(|cause| damaged(cause.to_string()))?;
        Ok(Kept { file, sha256: hex::encode(Sha256::digest(&text)), value })
    }
}

/// What the name of a result sorts by: its time, then its number within the second.
fn order(name: &str) -> (String, u32) {
    const TIME: usize = "2026-11-22T12-03-41".len();
    let stem = name.trim_end_matches(".json");
    let (time, rest) = stem.split_at_checked(TIME).unwrap_or((stem, ""));
    (time.to_owned(), rest.trim_start_matches('-').parse().unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Judged;

    fn judged(who: &str) -> Judged {
        Judged { format: 1, command: "check".to_owned(), who: who.to_owned(), ..Judged::default() }
    }

    fn state(folder: &tempfile::TempDir) -> State {
        State::open(&folder.path().join("acme.yml"), "acme").unwrap()
    }

    fn whos(state: &State) -> Vec<Result<String, String>> {
        let all = state.results::<Judged>(ResultKind::Check).unwrap();
        all.map(|it| it.map(|kept| kept.value.who).map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn results_come_back_newest_first_also_those_of_one_second() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(&folder);
        assert!(whos(&state).is_empty());
        let keep = |second: i64, who: &str| {
            let time = Timestamp::from_second(second).unwrap();
            state.keep_result(ResultKind::Check, time, &judged(who)).unwrap()
        };
        for number in 1..=11 {
            keep(1_000_000_000, &number.to_string());
        }
        let file = keep(2_000_000_000, "last");
        assert_eq!(file, "results/check/2033-05-18T03-33-20.json");
        let found: Vec<String> = whos(&state).into_iter().map(Result::unwrap).collect();
        assert_eq!(found, ["last", "11", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1"]);
    }

    #[test]
    fn a_damaged_result_is_told_with_its_file_and_the_others_are_read_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(&folder);
        for second in [1, 2, 3] {
            let time = Timestamp::from_second(second).unwrap();
            state.keep_result(ResultKind::Check, time, &judged(&second.to_string())).unwrap();
        }
        state.write("results/check/1970-01-01T00-00-02.json", b"{ \"format\": 1, \"who\"").unwrap();
        state.write("results/check/1970-01-01T00-00-01.json", b"{ \"format\": 7 }").unwrap();
        let found = whos(&state);
        assert_eq!(found[0], Ok("3".to_owned()));
        let cut = found[1].clone().unwrap_err();
        assert!(cut.contains("00-00-02.json` is damaged: EOF"), "{cut}");
        let other = found[2].clone().unwrap_err();
        assert!(other.ends_with("its format is 7, this imctl reads 1"), "{other}");
    }
}
