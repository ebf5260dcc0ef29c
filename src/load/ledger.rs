//! What became of every message: when it was meant to go, whether it went, whether the server took it, when and how often it
//! arrived. Sessions write into it from all sides at once.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Never.
const NEVER: u64 = u64::MAX;

struct Entry {
    /// Microseconds after the start.
    meant: AtomicU64,
    sent: AtomicU64,
    delivered: AtomicU64,
    acknowledged: AtomicU8,
    copies: AtomicU8,
}

/// All messages of a run.
pub struct Ledger {
    started: Instant,
    entries: Vec<Entry>,
    out_of_order: AtomicU64,
}

/// What became of them, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Handed to a connection.
    pub sent: u64,
    /// Taken by the server.
    pub acknowledged: u64,
    /// Arrived.
    pub delivered: u64,
    /// Arrived more than once.
    pub duplicated: u64,
    /// Arrived after a later one of the same sender.
    pub out_of_order: u64,
    /// Taken by the server and not arrived.
    pub lost: u64,
    /// Sent, and neither taken nor arrived.
    pub unknown: u64,
}

impl Ledger {
    /// Room for so many messages.
    pub fn new(messages: usize) -> Self {
        let entry = || Entry {
            meant: AtomicU64::new(NEVER),
            sent: AtomicU64::new(NEVER),
            delivered: AtomicU64::new(NEVER),
            acknowledged: AtomicU8::new(0),
            copies: AtomicU8::new(0),
        };
        let entries = std::iter::repeat_with(entry).take(messages).collect();
        Self { started: Instant::now(), entries, out_of_order: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(NEVER - 1)
    }

    /// A message is to go at this moment.
    pub fn meant(&self, number: usize, when: Instant) {
        let after = when.saturating_duration_since(self.started).as_micros();
        if let Some(entry) = self.entries.get(number) {
            entry.meant.store(u64::try_from(after).unwrap_or(NEVER - 1), Relaxed);
        }
    }

    /// It was handed to a connection.
    pub fn sent(&self, number: usize) {
        if let Some(entry) = self.entries.get(number) {
            entry.sent.store(self.now(), Relaxed);
        }
    }

    /// The server took it.
    pub fn acknowledged(&self, number: usize) {
        if let Some(entry) = self.entries.get(number) {
            entry.acknowledged.store(1, Relaxed);
        }
    }

    /// It arrived.
    pub fn delivered(&self, number: usize) {
        let Some(entry) = self.entries.get(number) else { return };
        if entry.copies.fetch_add(1, Relaxed) == 0 {
            entry.delivered.store(self.now(), Relaxed);
        }
    }

    /// A message arrived after a later one of the same sender.
    pub fn out_of_order(&self) {
        self.out_of_order.fetch_add(1, Relaxed);
    }

    /// Everything counted.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { out_of_order: self.out_of_order.load(Relaxed), ..Counts::default() };
        for entry in &self.entries {
            let sent = entry.sent.load(Relaxed) != NEVER;
            let taken = entry.acknowledged.load(Relaxed) > 0;
            let copies = entry.copies.load(Relaxed);
            counts.sent += u64::from(sent);
            counts.acknowledged += u64::from(taken);
            counts.delivered += u64::from(copies > 0);
            counts.duplicated += u64::from(copies > 1);
            counts.lost += u64::from(taken && copies == 0);
            counts.unknown += u64::from(sent && !taken && copies == 0);
        }
        counts
    }

    /// Whether so many messages have arrived.
    pub fn settled(&self, messages: u64) -> bool {
        self.counts().delivered >= messages
    }

    /// How long deliveries took, from the moment each message was meant to go.
    pub fn deliveries(&self) -> impl Iterator<Item = Duration> {
        self.entries.iter().filter_map(|entry| {
            let (meant, arrived) = (entry.meant.load(Relaxed), entry.delivered.load(Relaxed));
            (arrived != NEVER && meant != NEVER).then(|| Duration::from_micros(arrived.saturating_sub(meant)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_each_message_is_counted() {
        let ledger = Ledger::new(5);
        for number in 0..4 {
            ledger.meant(number, Instant::now());
            ledger.sent(number);
        }
        ledger.acknowledged(0);
        ledger.delivered(0);
        ledger.acknowledged(1);
        ledger.delivered(2);
        ledger.delivered(2);
        ledger.out_of_order();
        ledger.delivered(99);
        let counts = Counts {
            sent: 4,
            acknowledged: 2,
            delivered: 2,
            duplicated: 1,
            out_of_order: 1,
            lost: 1,
            unknown: 1,
        };
        assert_eq!(ledger.counts(), counts);
        assert!(!ledger.settled(4) && ledger.settled(2));
        assert_eq!(ledger.deliveries().count(), 2);
    }
}
