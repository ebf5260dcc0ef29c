//! A load test as users make it: real sessions over TLS with SCRAM logins that come at a rate, and messages, groups, files and
//! returns after an absence that come at rates, whether the service keeps up or not. Times count from the moment something was
//! meant to happen, so that a service which makes the generator wait cannot hide it. It knows nothing of hosts or stacks.

mod crowd;
mod entry;
mod history;
mod ledger;
mod result;
mod run;
mod scenario;
mod schedule;
mod session;
mod shared;
mod watch;

pub use crowd::Crowd;
pub use ledger::{Counts, Ledger, Meant};
pub use result::result;
pub use run::{Load, Outcome, Progress, run};
pub use scenario::{RatesFile, ScenarioFile, line_of, read_scenario};
pub use schedule::{Kind, Rates, Schedule};
pub use shared::{FilePlace, Seen, Tried};
pub use watch::allow_sessions;

/// Scenarios that need no file.
pub const NAMES: [&str; 7] = ["login", "chat", "muc", "history", "upload", "mixed", "reconnect"];
