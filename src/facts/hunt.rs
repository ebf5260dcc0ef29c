//! The search for secrets where they must not be: its script, which takes them from standard input, and the reader of its answer.

use crate::base::quote;
use std::time::Duration;

const PROGRAM: &str = include_str!("hunt.pl");

/// The script may take so long.
pub const HUNT_WITHIN: Duration = Duration::from_mins(2);

/// The script; the texts to look for are its input, a line each.
pub fn hunt_script() -> String {
    format!("perl -e {}\n", quote(PROGRAM))
}

/// Where texts were found that must not be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hunted {
    /// Processes, by name and number.
    pub arguments: Vec<String>,
    /// Histories of shells.
    pub histories: Vec<String>,
    /// Logs.
    pub logs: Vec<String>,
    /// Files that everybody may read.
    pub readable: Vec<String>,
    /// Everything was searched to its end.
    pub whole: bool,
}

/// Reads what the script printed.
pub fn parse_hunt(answer: &str) -> Hunted {
    let mut hunted = Hunted::default();
    for line in answer.lines() {
        match line.split_once(' ') {
            Some(("argument", place)) => hunted.arguments.push(place.to_owned()),
            Some(("history", place)) => hunted.histories.push(place.to_owned()),
            Some(("log", place)) => hunted.logs.push(place.to_owned()),
            Some(("readable", place)) => hunted.readable.push(place.to_owned()),
            _ => hunted.whole |= line == "answered",
        }
    }
    hunted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_by_their_kind() {
        let hunted = parse_hunt("argument perl (12)\nreadable /var/tmp/x y\nlog /var/log/a\nanswered\n");
        assert_eq!(
            (hunted.arguments[0].as_str(), hunted.readable[0].as_str()),
            ("perl (12)", "/var/tmp/x y")
        );
        assert!(hunted.whole && hunted.histories.is_empty());
        assert!(!parse_hunt("log /var/log/a\n").whole);
    }
}
