//! Looking at hosts and making them so: one exec a host to see, one step after the other to change.
//! Sends events; knows no terminal.

mod act;
mod back;
mod copies;
mod depot;
mod fleet;
mod flow;
mod guard;
mod lane;
mod lease;
mod look;
mod note;
mod record;
mod run;
mod stretch;
mod view;

pub use back::Back;
pub use copies::{Copies, copies, kept, mirror};
pub use depot::Depot;
pub use fleet::Fleet;
pub use lease::{Claim, Lease, NotTaken, release, take};
pub use look::{LookFailure, contents, look};
pub use run::{Run, run};
