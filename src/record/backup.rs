//! A backup set as it is written down: one document, signed, that says what belongs together and under which digest its
//! content stands in the store.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Version of the document's shape.
pub const SET_FORMAT: u32 = 1;

/// A whole set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BackupSet {
    /// Version of this shape.
    pub format: u32,
    /// Its name: when it began, such as `2026-11-23T20-40-12`.
    pub id: String,
    /// The deployment.
    pub deployment: String,
    /// Its domain.
    pub domain: String,
    /// SHA-256 of the deployment's own authority: a set fits one service only.
    pub cluster: String,
    /// The stack and its version.
    pub stack: String,
    /// Version of the stack.
    pub version: String,
    /// imctl that made it.
    pub imctl: String,
    /// When it began.
    pub began: Timestamp,
    /// The moment that a restore brings back.
    pub point: Timestamp,
    /// When it was whole.
    pub ended: Timestamp,
    /// SHA-256 of the document of the set before; none for the first.
    pub previous: Option<String>,
    /// What it holds.
    pub parts: Vec<BackupPart>,
    /// The public key, ed25519 in hex, that its signature fits.
    pub signer: String,
}

/// A part of a set, such as the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BackupPart {
    /// Its name.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// Files in it.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that no set before it had.
    pub new_files: u64,
    /// Their bytes.
    pub new_bytes: u64,
    /// SHA-256 of the list of its files, which stands in the store like them.
    pub list: String,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// What the product said of it: labels, positions, counts.
    pub figures: serde_json::Map<String, serde_json::Value>,
}

/// A line of a part's list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BackupFile {
    /// Its name within the part.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content.
    pub sha256: String,
    /// What tells whether its source has changed since: a tag of the storage, or a time.
    pub mark: String,
}

/// What monitoring reads: how the last run ended, and since when nothing good was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BackupState {
    /// Version of this shape.
    pub format: u32,
    /// The newest whole set.
    pub set: Option<String>,
    /// When it was whole.
    pub ended: Option<Timestamp>,
    /// The moment that it brings back.
    pub point: Option<Timestamp>,
    /// Its bytes.
    pub bytes: u64,
    /// Whole sets in the store.
    pub sets: u64,
    /// When a run failed since, and why.
    pub failed: Option<BackupFailed>,
}

/// A run that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BackupFailed {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub why: String,
}

/// What a run tells while it goes, one JSON document a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event", deny_unknown_fields)]
pub enum BackupEvent {
    /// It began; the set's name.
    Began {
        /// The set.
        set: String,
    },
    /// A step of a part begins.
    Step {
        /// The part.
        part: String,
        /// What is done, in words.
        what: String,
    },
    /// A line that the product's own program said.
    Line {
        /// The part.
        part: String,
        /// The line.
        text: String,
    },
    /// A part is in the store.
    Part {
        /// It.
        part: BackupPart,
    },
    /// The set is whole.
    Done {
        /// The set.
        set: String,
        /// Milliseconds from the beginning.
        took_ms: u64,
    },
    /// The run failed; no set came of it.
    Failed {
        /// Why.
        why: String,
    },
}
