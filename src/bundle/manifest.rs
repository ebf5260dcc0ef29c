//! The signed table of contents of a bundle: what it is for and the digest of every file. Types and paths only.

use crate::base::newer_package;
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

    /// Security updates for hosts of this version: name -> version. What the version itself is installed from stays at
    /// its version.
    pub fn updates(&self, version: &str) -> BTreeMap<String, String> {
        let own = self.versions.get(version);
        let mut updates: BTreeMap<String, String> = BTreeMap::new();
        for package in self.packages.iter().filter(|package| is_security(&package.suite)) {
            let pinned = own.and_then(|own| own.get(&package.name));
            let known = updates.get(&package.name);
            if pinned.is_none_or(|pinned| *pinned == package.version)
                && known.is_none_or(|known| newer_package(&package.version, known))
            {
                updates.insert(package.name.clone(), package.version.clone());
            }
        }
        updates
    }

    /// Bytes of all files together.
    pub fn size(&self) -> u64 {
        self.files.values().map(|file| file.size).sum()
    }
}

/// Whether a suite holds security updates, as `bookworm-security` does.
pub(super) fn is_security(suite: &str) -> bool {
    suite.contains("security")
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
    fn updates_are_of_a_security_suite_and_never_move_what_a_version_is_installed_from() {
        let entry = |name: &str, version: &str, suite: &str| PackageEntry {
            name: name.to_owned(),
            version: version.to_owned(),
            architecture: "amd64".to_owned(),
            suite: suite.to_owned(),
            file: String::new(),
            sha256: String::new(),
        };
        let map = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            all.iter().map(|&(name, version)| (name.to_owned(), version.to_owned())).collect()
        };
        let manifest = Manifest {
            format: 1,
            deployment: "d".into(),
            stack: "s".into(),
            platform: "p".into(),
            created: String::new(),
            imctl: String::new(),
            openpgp: String::new(),
            versions: BTreeMap::from([
                ("1".to_owned(), map(&[("server", "1"), ("libx", "2+deb12u1"), ("libc6", "2")])),
                ("2".to_owned(), map(&[("server", "2~bpo12"), ("libc6", "2")])),
            ]),
            packages: vec![
                entry("server", "1", "bookworm-security"),
                entry("server", "2~bpo12", "bookworm-backports"),
                entry("libx", "2+deb12u1", "bookworm-security"),
                entry("libc6", "2", "bookworm"),
                entry("less", "1", "bookworm-security"),
                entry("less", "1.1", "bookworm-security"),
            ],
            artifacts: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        assert_eq!(manifest.updates("1"), map(&[("server", "1"), ("libx", "2+deb12u1"), ("less", "1.1")]));
        assert_eq!(manifest.updates("2"), map(&[("libx", "2+deb12u1"), ("less", "1.1")]));
    }

    #[test]
    fn only_plain_paths_stay_inside() {
        for bad in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\\b", "a/"] {
            assert!(!is_inside(bad), "{bad}");
        }
        assert!(is_inside("apt/pool/a_1.0+b~c_all.deb") && is_inside("licenses/debian/..x"));
    }
}
