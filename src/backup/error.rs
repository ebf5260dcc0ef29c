//! Why a set could not be made, read or trusted.

use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a backup could not do what was asked. No message names a secret.
#[derive(Debug, Error)]
pub enum BackupError {
    /// The job or a key cannot be used.
    #[error("`{path}` cannot be used: {cause}")]
    Job {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The disk said no.
    #[error("cannot {doing} `{path}`: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Somebody else works in the store.
    #[error("another run works in the store: {0}")]
    Busy(String),
    /// A part could not be read.
    #[error("{part}: {cause}")]
    Part {
        /// The part.
        part: String,
        /// What happened.
        cause: String,
    },
    /// The store has too little room.
    #[error("{part} needs {need} MiB more in the store, and `{path}` has {free} MiB left")]
    Room {
        /// The part.
        part: String,
        /// MiB that it needs.
        need: u64,
        /// MiB that are free.
        free: u64,
        /// Where.
        path: PathBuf,
    },
    /// There is no such set.
    #[error("there is no set `{0}`")]
    NoSet(String),
    /// A set's document cannot be believed.
    #[error("set `{set}` is not to be used: {cause}")]
    Untrusted {
        /// The set.
        set: String,
        /// Why.
        cause: String,
    },
}

/// Names an error of the system after what was being done with which path.
pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    move |source| BackupError::Io { doing, path: path.to_owned(), source }
}
