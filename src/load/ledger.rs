//! What became of every message: when it was meant to go, whether it went, whether the server took it, and with how many of those
//! who were to have it it arrived, how often. Sessions write into it from all sides at once.

use super::result::{micros, times};
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const SENT: u8 = 1;
const TAKEN: u8 = 2;
/// It came back as an error.
const RETURNED: u8 = 4;
/// Somebody found it in the history.
const FOUND: u8 = 8;
/// It stands in the history of who was to have it, and of who sent it.
const KEPT_BY_READER: u8 = 16;
const KEPT_BY_SENDER: u8 = 32;
/// Its sender's session broke before he knew whether it was taken, and he sent it again.
const RESENT: u8 = 64;

#[derive(Default)]
struct Entry {
    /// Microseconds after the start.
    meant: AtomicU64,
    sender: AtomicU32,
    /// Copies that are to arrive, and that arrived.
    needed: AtomicU16,
    copies: AtomicU16,
    state: AtomicU8,
}

/// All messages of a run.
pub struct Ledger {
    started: Instant,
    entries: Vec<Entry>,
    /// One bit for each who is to have a message: he has it.
    have: Vec<AtomicU64>,
    words: usize,
    complete: AtomicU64,
    taken: AtomicU64,
    duplicated: AtomicU64,
    out_of_order: AtomicU64,
    found: AtomicU64,
    alone: Mutex<Histogram<u64>>,
    group: Mutex<Histogram<u64>>,
}

/// Who sends a message, when, and how many are to have it.
#[derive(Debug, Clone, Copy)]
pub struct Meant {
    /// When it is to go.
    pub due: Instant,
    /// Number of its sender.
    pub sender: u32,
    /// How many are to have it.
    pub needed: u16,
}

/// What became of them, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Handed to a connection.
    pub sent: u64,
    /// Taken by the server.
    pub acknowledged: u64,
    /// Arrived with everybody who was to have them.
    pub delivered: u64,
    /// Copies that arrived more than once.
    pub duplicated: u64,
    /// Copies that arrived after a later one of the same sender.
    pub out_of_order: u64,
    /// Taken by the server and not arrived with everybody.
    pub lost: u64,
    /// Sent, and neither taken nor arrived.
    pub unknown: u64,
    /// That the server gave back as an error.
    pub returned: u64,
    /// Copies that were to arrive, of all that were sent.
    pub expected: u64,
    /// Copies that arrived.
    pub arrived: u64,
    /// Of these, copies found in the history.
    pub found: u64,
    /// Of what the server took, what does not stand in both histories; counts only where all histories were read.
    pub unkept: u64,
}

impl Ledger {
    /// Room for so many messages, each for so many at most.
    pub fn new(messages: usize, members: usize) -> Self {
        let words = members.div_ceil(64).max(1);
        Self {
            started: Instant::now(),
            entries: std::iter::repeat_with(Entry::default).take(messages).collect(),
            have: std::iter::repeat_with(AtomicU64::default).take(messages * words).collect(),
            words,
            complete: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            duplicated: AtomicU64::new(0),
            out_of_order: AtomicU64::new(0),
            found: AtomicU64::new(0),
            alone: Mutex::new(times()),
            group: Mutex::new(times()),
        }
    }

    /// A message is to go.
    pub fn meant(&self, number: usize, meant: Meant) {
        if let Some(entry) = self.entries.get(number) {
            let after = micros(meant.due.saturating_duration_since(self.started));
            entry.meant.store(after, Relaxed);
            entry.sender.store(meant.sender, Relaxed);
            entry.needed.store(meant.needed, Relaxed);
        }
    }

    /// Whether it was not marked so before.
    fn mark(&self, number: usize, state: u8) -> bool {
        self.entries.get(number).is_some_and(|entry| entry.state.fetch_or(state, Relaxed) & state == 0)
    }

    /// It was handed to a connection.
    pub fn sent(&self, number: usize) {
        if !self.mark(number, SENT) {
            self.mark(number, RESENT);
        }
    }

    /// The server took it.
    pub fn acknowledged(&self, number: usize) {
        self.taken.fetch_add(u64::from(self.mark(number, TAKEN)), Relaxed);
    }

    /// The server gave it back as an error.
    pub fn returned(&self, number: usize) {
        self.mark(number, RETURNED);
    }

    /// Who sent it.
    pub fn sender(&self, number: usize) -> u32 {
        self.entries.get(number).map_or(u32::MAX, |entry| entry.sender.load(Relaxed))
    }

    /// It arrived with the one on this seat; whether for the first time.
    pub fn delivered(&self, number: usize, seat: usize) -> bool {
        let Some(entry) = self.entries.get(number) else { return false };
        if !self.take(number, seat) {
            // What was read in the history before it came is not doubled, nor is what was sent again: a client shows it once.
            let known = entry.state.load(Relaxed) & (FOUND | RESENT) > 0;
            self.duplicated.fetch_add(u64::from(!known), Relaxed);
            return false;
        }
        let took = micros(self.started.elapsed()).saturating_sub(entry.meant.load(Relaxed));
        let many = entry.needed.load(Relaxed) > 1;
        let histogram = if many { &self.group } else { &self.alone };
        histogram.lock().unwrap_or_else(PoisonError::into_inner).saturating_record(took.max(1));
        true
    }

    /// The one on this seat found it in the history.
    pub fn found(&self, number: usize, seat: usize) {
        self.mark(number, FOUND);
        self.found.fetch_add(u64::from(self.take(number, seat)), Relaxed);
    }

    /// It stands in the history of who sent it, or of who was to have it.
    pub fn kept(&self, number: usize, sender: bool) {
        self.mark(number, if sender { KEPT_BY_SENDER } else { KEPT_BY_READER });
    }

    fn take(&self, number: usize, seat: usize) -> bool {
        let (Some(entry), true) = (self.entries.get(number), seat < self.words * 64) else { return false };
        let (word, bit) = (number * self.words + seat / 64, 1 << (seat % 64));
        if self.have[word].fetch_or(bit, Relaxed) & bit > 0 {
            return false;
        }
        let copies = entry.copies.fetch_add(1, Relaxed) + 1;
        self.complete.fetch_add(u64::from(copies == entry.needed.load(Relaxed)), Relaxed);
        true
    }

    /// A message arrived after a later one of the same sender.
    pub fn out_of_order(&self) {
        self.out_of_order.fetch_add(1, Relaxed);
    }

    /// Everything counted.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            out_of_order: self.out_of_order.load(Relaxed),
            duplicated: self.duplicated.load(Relaxed),
            found: self.found.load(Relaxed),
            ..Counts::default()
        };
        for entry in &self.entries {
            let state = entry.state.load(Relaxed);
            let (sent, taken, returned) = (state & SENT > 0, state & TAKEN > 0, state & RETURNED > 0);
            let (copies, needed) = (entry.copies.load(Relaxed), entry.needed.load(Relaxed));
            let complete = needed > 0 && copies >= needed;
            counts.sent += u64::from(sent);
            counts.acknowledged += u64::from(taken);
            counts.delivered += u64::from(complete);
            counts.returned += u64::from(returned);
            // A room that let some have it took it.
            let accepted = (taken || copies > 0) && !returned;
            let kept = state & (KEPT_BY_READER | KEPT_BY_SENDER) == KEPT_BY_READER | KEPT_BY_SENDER;
            counts.unkept += u64::from(sent && accepted && !kept);
            counts.lost += u64::from(sent && accepted && !complete);
            counts.unknown += u64::from(sent && !accepted && !returned);
            counts.expected += if sent { u64::from(needed) } else { 0 };
            counts.arrived += u64::from(copies);
        }
        counts
    }

    /// How many messages the server took.
    pub fn taken(&self) -> u64 {
        self.taken.load(Relaxed)
    }

    /// How many messages arrived with everybody who was to have them.
    pub fn complete(&self) -> u64 {
        self.complete.load(Relaxed)
    }

    /// How long deliveries took, from the moment each message was meant to go: to one, and to each of a group.
    pub fn deliveries(&self) -> (Histogram<u64>, Histogram<u64>) {
        let copy = |one: &Mutex<Histogram<u64>>| one.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (copy(&self.alone), copy(&self.group))
    }

    /// How long the run lasts by now.
    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger(messages: usize, needed: u16) -> Ledger {
        let ledger = Ledger::new(messages, usize::from(needed));
        for number in 0..messages {
            ledger.meant(number, Meant { due: Instant::now(), sender: 7, needed });
            ledger.sent(number);
        }
        ledger
    }

    #[test]
    fn what_became_of_each_message_is_counted() {
        let ledger = ledger(5, 1);
        ledger.acknowledged(0);
        assert!(ledger.delivered(0, 0));
        ledger.acknowledged(1);
        ledger.delivered(2, 0);
        assert!(!ledger.delivered(2, 0));
        ledger.acknowledged(3);
        ledger.returned(3);
        ledger.out_of_order();
        ledger.delivered(99, 0);
        let counts = Counts {
            sent: 5,
            acknowledged: 3,
            delivered: 2,
            duplicated: 1,
            out_of_order: 1,
            lost: 1,
            unknown: 1,
            returned: 1,
            expected: 5,
            arrived: 2,
            unkept: 3,
            found: 0,
        };
        assert_eq!(ledger.counts(), counts);
        assert_eq!((ledger.complete(), ledger.deliveries().0.len()), (2, 2));
    }

    #[test]
    fn a_message_to_a_group_is_lost_until_every_member_has_it() {
        let ledger = ledger(2, 70);
        ledger.acknowledged(0);
        for seat in 0..69 {
            assert!(ledger.delivered(0, seat));
        }
        assert!(!ledger.delivered(0, 3));
        let counts = ledger.counts();
        assert_eq!((counts.lost, counts.unknown, counts.duplicated, counts.delivered), (1, 1, 1, 0));
        assert_eq!((counts.expected, counts.arrived), (140, 69));
        ledger.delivered(0, 69);
        assert_eq!((ledger.counts().lost, ledger.complete()), (0, 1));
        assert_eq!(ledger.deliveries().1.len(), 70);
    }

    #[test]
    fn what_was_read_in_the_history_and_then_comes_is_there_once() {
        let ledger = ledger(1, 1);
        ledger.acknowledged(0);
        ledger.found(0, 0);
        assert!(!ledger.delivered(0, 0));
        let counts = ledger.counts();
        assert_eq!((counts.delivered, counts.duplicated, counts.found, counts.lost), (1, 0, 1, 0));
    }
}
