//! The offline bundle: built from the machine's own package sources and crates, signed, verified, served to hosts
//! through their SSH connection. It knows nothing of plans; what is in it is told by an [`Order`].
//!
//! Only [`build`] asks the net for anything. Whoever holds a [`Verified`] holds a proof that every file was checked
//! against a manifest signed by a key the inventory trusts.

mod apt;
mod artifact;
mod build;
mod change;
mod deb;
mod digest;
mod elf;
mod error;
mod host;
mod index;
mod key;
mod licenses;
mod manifest;
mod openpgp;
mod sbom;
mod serve;
mod shelf;
mod sources;
mod supply;
#[cfg(test)]
mod tests;
mod tool;
mod updates;
mod verify;

pub use crate::resource::waiting_script;
pub use build::{Built, Workbench, build};
pub use error::BundleError;
pub use key::SigningKey;
pub use manifest::{ArtifactEntry, FileEntry, Manifest, PackageEntry};
pub use supply::Supply;
pub use verify::{Verified, inspect, verify};

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a bundle shall hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Name of the deployment.
    pub deployment: String,
    /// Name of the stack.
    pub stack: String,
    /// Platform of the hosts, such as `debian-12-amd64`.
    pub platform: String,
    /// Versions of the stack; several make a way back possible.
    pub versions: BTreeMap<String, VersionOrder>,
    /// What is no package, by name.
    pub artifacts: BTreeMap<String, ArtifactOrder>,
    /// The package that holds the product's tables as SQL, and the file within it; kept for each version, so that two can be compared.
    pub schema: Option<(String, String)>,
    /// Package mirror; none = the building machine's own apt sources.
    pub mirror: Option<String>,
}

/// Packages of one version of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VersionOrder {
    /// Names, or `name=version`; their dependencies come along.
    pub packages: Vec<String>,
    /// Suites beside the base ones: suite -> package globs taken from it, and only these.
    pub suites: BTreeMap<String, Vec<String>>,
}

/// What is no package, and how it is had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactOrder {
    /// Version.
    pub version: String,
    /// SPDX expression.
    pub license: String,
    /// How it is had.
    pub source: ArtifactSource,
}

/// How an artifact is had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArtifactSource {
    /// A file that is there.
    Given(PathBuf),
    /// These very bytes: a file of the stack's folder.
    Content(Vec<u8>),
    /// Built by cargo from the crate registry.
    Crate {
        /// Crate.
        name: String,
        /// Features, without the default ones.
        features: Vec<String>,
        /// Program within the crate.
        bin: String,
    },
}
