//! The signed table of contents of a bundle: what it is for and the digest of every file. Types and paths only.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the manifest in a bundle.
pub(super) const MANIFEST: &str = "manifest.json";
/// Name of its signature.
pub(super) const SIGNATURE: &str = "manifest.json.minisig";
/// Folder of the apt repository in a bundle.
pub(super) const REPOSITORY: &str = "apt";
/// The keyring that apt on a host trusts.
pub(super) const KEYRING: &str = "apt/imctl.gpg";

/// `manifest.json`, format 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// 1.
    pub format: u32,
    /// Name of the deployment it was built for.
    pub deployment: String,
    /// Name of the stack.
    pub stack: String,
    /// Platform of the hosts, such as `debian-12-amd64`.
    pub platform: String,
    /// When it was built (RFC 3339, UTC).
    pub created: String,
    /// Version of the imctl that built it.
    pub imctl: String,
    /// Fingerprint of the OpenPGP key that signs the package indexes.
    pub openpgp: String,
    /// Versions of the stack inside, each with exactly the packages it is installed from: name -> version.
    pub versions: BTreeMap<String, BTreeMap<String, String>>,
    /// Packages, by name and version.
    pub packages: Vec<PackageEntry>,
    /// What is no package, by name.
    pub artifacts: BTreeMap<String, ArtifactEntry>,
    /// Every file of the bundle but the manifest and its signature, by path.
    pub files: BTreeMap<String, FileEntry>,
}

/// A package of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct PackageEntry {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Architecture.
    pub architecture: String,
    /// Suite it came from.
    pub suite: String,
    /// Path in the bundle.
    pub file: String,
    /// Lower-case hex.
    pub sha256: String,
}

/// A program or file of the bundle that is no package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ArtifactEntry {
    /// Version.
    pub version: String,
    /// SPDX expression.
    pub license: String,
    /// How it was had, such as `crate store 1.2.0 (features a,b)` or `given`.
    pub source: String,
    /// Oldest glibc it runs on; none when it is no dynamically linked program.
    pub glibc: Option<String>,
    /// Path in the bundle.
    pub file: String,
    /// Lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FileEntry {
    /// Lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

impl Manifest {
    /// Packages that come in several versions, as this version of the stack wants them: the ones to move
    /// together when a host goes from one version to another.
    pub fn aligned(&self, version: &str) -> BTreeMap<String, String> {
        let several = |name: &str| self.packages.iter().filter(|package| package.name == name).count() > 1;
        let own = self.versions.get(version).cloned().unwrap_or_default();
        own.into_iter().filter(|(name, _)| several(name)).collect()
    }

    /// Bytes of all files together.
    pub fn size(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }
}

/// Whether a path of a manifest stays inside the bundle: plain words between slashes.
pub(super) fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.contains(['\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_paths_stay_inside() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\\b", "a/"] {
            assert!(!is_inside(bad), "{bad}");
        }
        assert!(is_inside("apt/pool/a_1.0+b~c_all.deb") && is_inside("licenses/debian/..x"));
    }
}
