//! What is to happen when: deeds of several kinds, each at its own even rate, in the order of their times. Pure.

use std::time::Duration;

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A message to one.
    Chat,
    /// A message to a group.
    Group,
    /// Somebody comes back and reads what came meanwhile.
    Return,
    /// A file is put and fetched.
    Upload,
}

/// How often a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Messages to one.
    pub chat: f64,
    /// Messages to a group.
    pub groups: f64,
    /// Returns of somebody who was absent.
    pub history: f64,
    /// Files.
    pub uploads: f64,
}

impl Rates {
    fn all(&self) -> [(Kind, f64); 4] {
        [
            (Kind::Chat, self.chat),
            (Kind::Group, self.groups),
            (Kind::Return, self.history),
            (Kind::Upload, self.uploads),
        ]
    }

    /// How many of a kind there are within a time.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates and times are checked before"
    )]
    pub fn count(&self, kind: Kind, duration: Duration) -> usize {
        let rate = self.all().iter().find(|(one, _)| *one == kind).map_or(0.0, |(_, rate)| *rate);
        // Rates such as 0.1 must not lose their last deed to the way numbers are kept.
        (rate * duration.as_secs_f64() + 1e-9) as usize
    }

    /// Messages a second, of both kinds.
    pub fn messages(&self) -> f64 {
        self.chat + self.groups
    }
}

/// Deeds in the order of their times.
pub struct Schedule {
    lines: Vec<Line>,
}

struct Line {
    kind: Kind,
    rate: f64,
    next: usize,
    count: usize,
}

impl Line {
    fn due(&self) -> f64 {
        super::result::real(self.next) / self.rate
    }
}

impl Schedule {
    /// All deeds within a time.
    pub fn new(rates: &Rates, duration: Duration) -> Self {
        let line = |(kind, rate)| Line { kind, rate, next: 0, count: rates.count(kind, duration) };
        Self { lines: rates.all().map(line).into() }
    }

    /// How many there are.
    pub fn count_all(&self) -> usize {
        self.lines.iter().map(|line| line.count).sum()
    }
}

impl Iterator for Schedule {
    type Item = (Duration, Kind);

    fn next(&mut self) -> Option<Self::Item> {
        let open = self.lines.iter_mut().filter(|line| line.next < line.count);
        let line = open.min_by(|one, other| one.due().total_cmp(&other.due()))?;
        let deed = (Duration::from_secs_f64(line.due()), line.kind);
        line.next += 1;
        Some(deed)
    }
}

/// How many of each kind have begun.
#[derive(Default)]
pub(super) struct Next {
    pub(super) message: usize,
    pub(super) chat: usize,
    pub(super) absent: usize,
    pub(super) group: usize,
    pub(super) upload: usize,
    pub(super) back: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_of_all_kinds_come_in_the_order_of_their_times() {
        let rates = Rates { chat: 2.0, groups: 1.0, history: 0.0, uploads: 0.1 };
        let all: Vec<_> = Schedule::new(&rates, Duration::from_secs(10)).collect();
        assert_eq!(all.len(), 31);
        assert!(all.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        let count = |kind| all.iter().filter(|(_, it)| *it == kind).count();
        assert_eq!((count(Kind::Chat), count(Kind::Group), count(Kind::Upload)), (20, 10, 1));
        assert_eq!(all[0], (Duration::ZERO, Kind::Chat));
        assert_eq!(Schedule::new(&Rates::default(), Duration::from_secs(9)).count_all(), 0);
    }
}
