//! What all sessions of a run share: the ledger, and what was seen beside messages.

use super::ledger::Ledger;
use super::result::{micros, times};
use crate::xmpp::{Files, Slot, Wrong};
use hdrhistogram::Histogram;
use rand::Rng as _;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Where files go.
#[derive(Clone)]
pub struct FilePlace {
    /// Address of the service that gives slots.
    pub service: String,
    /// Where HTTPS is answered, one after the other.
    pub https: Vec<SocketAddr>,
    /// Roots that are trusted, PEM.
    pub roots: Vec<String>,
    /// Bytes of a file.
    pub size: usize,
}

/// Times of something that may fail.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Times of what succeeded, microseconds from the moment each was meant to begin.
    pub times: Histogram<u64>,
    /// What failed, by reason.
    pub failed: BTreeMap<String, u64>,
}

impl Default for Tried {
    fn default() -> Self {
        Self { times: times(), failed: BTreeMap::new() }
    }
}

impl Tried {
    pub(super) fn note(&mut self, done: Result<Duration, Wrong>) {
        match done {
            Ok(took) => self.times.saturating_record(micros(took)),
            Err(wrong) => *self.failed.entry(wrong.to_string()).or_default() += 1,
        }
    }
}

/// What was seen beside messages.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Coming back until all history is there.
    pub history: Tried,
    /// Pages of history that were read.
    pub pages: u64,
    /// A file from asking for a slot until it was fetched and compared.
    pub uploads: Tried,
    /// Putting alone, fetching alone.
    pub put: Tried,
    /// Fetching alone.
    pub get: Tried,
    /// Longest gap of each user whose session broke and who came back, or why he did not.
    pub gaps: Tried,
}

/// What all users share.
pub(super) struct Shared {
    /// Letters and digits that no other run has; they begin the ids of messages.
    pub(super) run: String,
    /// What became of each message.
    pub(super) ledger: Ledger,
    /// Text of each message.
    pub(super) body: String,
    /// How long a login or a wait may take.
    pub(super) within: Duration,
    /// Messages after which the server is asked what it took.
    pub(super) ask_after: usize,
    /// Users whose session breaks come back.
    pub(super) come_back: bool,
    pub(super) files: Option<FilePlace>,
    /// Deeds that are under way.
    pub(super) under_way: std::sync::atomic::AtomicUsize,
    seen: Mutex<Seen>,
    ways: Mutex<BTreeMap<String, Arc<Vec<Files>>>>,
}

impl Shared {
    pub(super) fn new(ledger: Ledger, body: usize, within: Duration) -> Self {
        Self {
            run: format!("imctl-load-{:08x}", rand::rng().random::<u32>()),
            ledger,
            body: "x".repeat(body),
            within,
            ask_after: 16,
            come_back: false,
            files: None,
            under_way: std::sync::atomic::AtomicUsize::new(0),
            seen: Mutex::new(Seen::default()),
            ways: Mutex::new(BTreeMap::new()),
        }
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a message of this run; others, such as those of an earlier run, are none of ours.
    pub(super) fn number(&self, id: &str) -> Option<usize> {
        id.strip_prefix(&*self.run)?.strip_prefix('-')?.parse().ok()
    }

    /// Puts a file into its slot, fetches it and compares.
    pub(super) async fn move_file(&self, number: usize, slot: Slot) -> Result<(), Wrong> {
        let place =
            self.files.as_ref().ok_or_else(|| Wrong::Answer("nobody said where files go".to_owned()))?;
        let mut content = vec![0u8; place.size];
        rand::rng().fill(&mut content[..]);
        let sum = hex::encode(Sha256::digest(&content));
        let ways = self.ways(place, &slot)?;
        let way = &ways[number % ways.len()];
        let began = Instant::now();
        let status = way.put(&slot, content).await?;
        if !(200..300).contains(&status) {
            return Err(Wrong::Answer(format!("the put was answered by status {status}")));
        }
        self.seen().put.note(Ok(began.elapsed()));
        let began = Instant::now();
        let fetched = way.get(&slot.get).await?;
        if fetched.status != 200 {
            return Err(Wrong::Answer(format!("the fetch was answered by status {}", fetched.status)));
        }
        if fetched.sha256 != sum {
            return Err(Wrong::Answer("what was fetched is not what was put".to_owned()));
        }
        self.seen().get.note(Ok(began.elapsed()));
        Ok(())
    }

    /// Clients for which the names in a slot lead to each place where HTTPS is answered.
    fn ways(&self, place: &FilePlace, slot: &Slot) -> Result<Arc<Vec<Files>>, Wrong> {
        let names: Vec<String> = [&slot.put, &slot.get].into_iter().filter_map(|it| name(it)).collect();
        let key = names.join(" ");
        let mut known = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ways) = known.get(&key) {
            return Ok(Arc::clone(ways));
        }
        let roots: Vec<&str> = place.roots.iter().map(String::as_str).collect();
        let one = |address: &SocketAddr| {
            let names: Vec<_> = names.iter().map(|name| (name.clone(), *address)).collect();
            Files::new(&roots, &names, self.within)
        };
        let ways: Vec<Files> = place.https.iter().map(one).collect::<Result<_, _>>()?;
        if ways.is_empty() {
            return Err(Wrong::Answer("the stack does not say where HTTPS is answered".to_owned()));
        }
        let ways = Arc::new(ways);
        known.insert(key, Arc::clone(&ways));
        Ok(ways)
    }
}

fn name(address: &str) -> Option<String> {
    reqwest::Url::parse(address).ok()?.host_str().map(ToOwned::to_owned)
}
