//! What happens while imctl works, as values; `report` alone turns them into text.

use super::HostName;
use std::sync::Arc;
use std::time::Duration;

/// Something that happened during a run. Rooms that touch the world send these; only `report` prints them.
#[derive(Debug, Clone)]
pub enum Event {
    /// A phase of the whole command begins, such as "seeing 4 hosts".
    Phase {
        /// What is being done, in the present tense.
        what: String,
    },
    /// A host's connection is open.
    Connected {
        /// The host.
        host: HostName,
    },
    /// The number of steps a host will go through.
    Planned {
        /// The host.
        host: HostName,
        /// Steps on it.
        steps: usize,
    },
    /// A step begins on a host.
    StepStarted {
        /// The host whose lane the step is in.
        host: HostName,
        /// The step as the plan prints it, such as "+ package chrony".
        step: String,
    },
    /// A step ended well.
    StepDone {
        /// The host whose lane the step is in.
        host: HostName,
        /// The step as the plan prints it.
        step: String,
        /// How long it took.
        took: Duration,
    },
    /// A step failed; nothing further runs on this host.
    StepFailed {
        /// The host whose lane the step is in.
        host: HostName,
        /// The step as the plan prints it.
        step: String,
        /// What went wrong, without secrets.
        error: String,
    },
    /// All steps of a host are done.
    HostDone {
        /// The host.
        host: HostName,
    },
    /// Something grows: bytes sent, files fetched. `total` is 0 when unknown.
    Progress {
        /// What grows.
        what: String,
        /// How much is done.
        done: u64,
        /// How much there is.
        total: u64,
    },
    /// Something worth knowing that is no failure.
    Note {
        /// The host, when it concerns one.
        host: Option<HostName>,
        /// The sentence.
        text: String,
    },
    /// Something that may need the operator's attention.
    Warning {
        /// The host, when it concerns one.
        host: Option<HostName>,
        /// The sentence.
        text: String,
    },
}

/// Where events go: shared by all tasks of a run.
#[derive(Clone)]
pub struct Sink(Arc<dyn Fn(Event) + Send + Sync>);

impl Sink {
    /// Wraps a receiver of events.
    pub fn new(receive: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// A sink that forgets everything.
    pub fn none() -> Self {
        Self::new(|_| {})
    }

    /// Sends one event.
    pub fn send(&self, event: Event) {
        (self.0)(event);
    }

    /// Sends a note about the whole run.
    pub fn note(&self, text: impl Into<String>) {
        self.send(Event::Note { host: None, text: text.into() });
    }

    /// Sends a warning about the whole run.
    pub fn warn(&self, text: impl Into<String>) {
        self.send(Event::Warning { host: None, text: text.into() });
    }

    /// Announces a phase.
    pub fn phase(&self, what: impl Into<String>) {
        self.send(Event::Phase { what: what.into() });
    }
}
