//! A load test as users make it: real sessions over TLS with SCRAM logins that come at a rate, and messages that come at a rate,
//! whether the service keeps up or not. Times count from the moment something was meant to happen, so that a service which makes the
//! generator wait cannot hide it. It knows nothing of hosts or stacks.

mod ledger;
mod result;
mod run;
mod session;
mod watch;

pub use ledger::{Counts, Ledger};
pub use result::result;
pub use run::{Load, Outcome, Progress, run};
pub use watch::{allow_sessions, spent};
