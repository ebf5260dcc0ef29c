//! Connections to hosts: SSH with checked host keys, and a fake for the engine's tests. Knows nothing of
//! plans or terminals.

mod fake;
mod session;

pub use fake::Fake;
pub use session::{Exec, Forward, LinkError, Output, Session};
