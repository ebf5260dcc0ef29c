//! What all connections of one command share: limits, the one who answers questions, opened keys, known hosts,
//! and the gates that keep imctl from knocking too often at one door.

use super::keyring::KeyRing;
use super::known_hosts::Store;
use super::resolve::Names;
use super::target::{Asker, Nobody};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Handshakes to one destination at a time: sshd's `MaxStartups 10:30:100` begins to drop at ten.
const HANDSHAKES: usize = 8;

/// How to connect. Clones share everything: make one for a whole command.
#[derive(Clone)]
pub struct Options {
    /// Limit for connection and login together; time spent on questions does not count.
    pub within: Duration,
    /// Accept and record hosts that are not known yet.
    pub accept_new: bool,
    /// Bytes in one direction after which the keys of a connection are changed.
    pub(super) rekey_after: usize,
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) questions: Questions,
    pub(super) keys: KeyRing,
    pub(super) known: Store,
    pub(super) names: Names,
    /// How often the keys of open connections were changed.
    pub(super) rekeys: AtomicU64,
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Options {
    /// Options with the one who answers questions.
    pub fn new(within: Duration, accept_new: bool, asker: Arc<dyn Asker>) -> Self {
        let shared = Shared {
            questions: Questions { asker, lock: tokio::sync::Mutex::new(()), count: AtomicU64::new(0) },
            keys: KeyRing::default(),
            known: Store::default(),
            names: Names::default(),
            rekeys: AtomicU64::new(0),
            gates: Mutex::default(),
        };
        Self { within, accept_new, rekey_after: 1 << 30, shared: Arc::new(shared) }
    }

    /// Options for when nobody is there to answer.
    pub fn silent(within: Duration) -> Self {
        Self::new(within, false, Arc::new(Nobody))
    }

    /// Waits for a place among the handshakes with one destination.
    pub(super) async fn gate(&self, destination: &str) -> OwnedSemaphorePermit {
        let gate = {
            let mut gates = self.shared.gates.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(
                gates.entry(destination.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(HANDSHAKES))),
            )
        };
        gate.acquire_owned().await.expect("gates are never closed")
    }

    /// Runs a future against the limit; while a question is open the clock starts again. `None` = too late.
    pub(super) async fn limited<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let before = self.shared.questions.count.load(Ordering::SeqCst);
            if let Ok(done) = tokio::time::timeout(self.within, &mut work).await {
                return Some(done);
            }
            let now = self.shared.questions.count.load(Ordering::SeqCst);
            if now == before && now.is_multiple_of(2) {
                return None;
            }
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options").field("within", &self.within).finish_non_exhaustive()
    }
}

/// Questions to the operator, one at a time.
pub(super) struct Questions {
    asker: Arc<dyn Asker>,
    lock: tokio::sync::Mutex<()>,
    /// Grows at the beginning and at the end of each question: odd while one is open.
    count: AtomicU64,
}

impl Questions {
    /// Asks, unless by the time it is our turn `known` has the answer from an earlier question.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        known: impl Fn() -> Option<T>,
        ask: impl FnOnce(&dyn Asker) -> T + Send + 'static,
        keep: impl FnOnce(&T),
    ) -> Option<T> {
        let _turn = self.lock.lock().await;
        if let Some(answer) = known() {
            return Some(answer);
        }
        let _open = Open::new(&self.count);
        let asker = Arc::clone(&self.asker);
        let answer = tokio::task::spawn_blocking(move || ask(&*asker)).await.ok()?;
        keep(&answer);
        Some(answer)
    }
}

struct Open<'a>(&'a AtomicU64);

impl<'a> Open<'a> {
    fn new(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
