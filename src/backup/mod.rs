//! Backup sets on the backup host: what is read from the other hosts goes into one store, content under its digest; a signed
//! document names what belongs together. Runs on the backup host, as a user of its own.

mod bucket;
mod error;
mod job;
mod program;
mod prune;
mod run;
mod s3;
mod send;
mod sign;
mod store;
mod tree;
mod verify;

pub use error::BackupError;
pub use job::{Bucket, Job, JobPart, Tree};
pub use prune::{Keep, prune};
pub use run::{Kind, run};
pub use send::{Given, Wanted, send};
pub use sign::{Signer, fits};
pub use store::{Kept, Store};
pub use verify::{Fault, verify};

#[cfg(test)]
mod tests;
