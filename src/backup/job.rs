//! What the backup host is to read, as its stack wrote it down.

use super::BackupError;
use super::error::io;
use super::prune::Keep;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The job of a backup host.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    /// Version of this shape: 1.
    pub format: u32,
    /// The deployment.
    pub name: String,
    /// Its domain.
    pub domain: String,
    /// Its stack.
    pub stack: String,
    /// Version of the stack.
    pub version: String,
    /// Folder of the store.
    pub store: PathBuf,
    /// Certificate of the deployment's own authority.
    pub authority: PathBuf,
    /// Key that sets are signed with: seed and public key, ed25519 in hex.
    pub sign: PathBuf,
    /// File that monitoring reads.
    pub monitor: PathBuf,
    /// By the clock: all of the database at least so often, days.
    pub full_days: u32,
    /// By the clock: what changed since the last full one at least so often, hours; else what changed since the last one.
    pub diff_hours: u32,
    /// By the clock: which sets stay afterwards.
    pub keep: Keep,
    /// What is read, in this order.
    pub parts: Vec<JobPart>,
}

/// A part of the job.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobPart {
    /// Objects of a bucket, over S3.
    Bucket(Bucket),
    /// Files below a folder of this host, which programs of the product may fill.
    Tree(Tree),
}

/// Objects of a bucket.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Bucket {
    /// Name of the part.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// Where it can be read; the first that answers is asked.
    pub endpoints: Vec<String>,
    /// Name of the bucket.
    pub bucket: String,
    /// Region in signatures.
    pub region: String,
    /// File with the key's id and its secret, a line each.
    pub key: PathBuf,
    /// Authority of the endpoints.
    pub ca: PathBuf,
    /// Certificate that we show.
    pub certificate: PathBuf,
    /// Its key.
    pub private_key: PathBuf,
}

/// Files below a folder.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tree {
    /// Name of the part.
    pub name: String,
    /// What it is, for people.
    pub about: String,
    /// The folder.
    pub root: PathBuf,
    /// Program that fills it, with the kind of backup as its argument; its last line is a JSON object.
    #[serde(default)]
    pub make: Vec<String>,
    /// Program that marks the moment to come back to, with the set's name; prints a JSON object.
    #[serde(default)]
    pub point: Vec<String>,
    /// Program that waits until that moment has arrived in the folder, with what `point` calls `wal`.
    #[serde(default)]
    pub wait: Vec<String>,
    /// Program that names the files of this set, with the label that `make` said; without one, all of them.
    #[serde(default)]
    pub list: Vec<String>,
    /// Program that judges the folder; its last line is a JSON object with `ok`.
    #[serde(default)]
    pub verify: Vec<String>,
}

impl Job {
    /// Reads a job.
    pub fn read(path: &Path) -> Result<Self, BackupError> {
        let text = std::fs::read_to_string(path).map_err(io("read", path))?;
        let wrong = |cause: String| BackupError::Job { path: path.to_owned(), cause };
        let job: Self = serde_yaml::from_str(&text).map_err(|cause| wrong(cause.to_string()))?;
        if job.format != 1 {
            return Err(wrong(format!("it has format {}, and this imctl knows 1", job.format)));
        }
        Ok(job)
    }
}
