//! Names, units, remote commands, secrets, text diffs, events, findings and exit codes.
//! The ground floor: it knows nothing of ours.

mod cmd;
mod diff;
mod event;
mod exit;
mod finding;
mod language;
mod name;
mod nearest;
mod package_version;
pub mod scram;
mod secret;
mod unit;

pub use cmd::{Cmd, quote};
pub use diff::unified;
pub use event::{Event, Sink};
pub use exit::Exit;
pub use finding::{Finding, Verdict};
pub use language::{Language, Phrase};
pub use name::{Component, HostName, NameError, ResourceId, Role};
pub use nearest::nearest;
pub use package_version::newer_package;
pub use secret::Secret;
pub use unit::{Bytes, Percent, UnitError, duration};
