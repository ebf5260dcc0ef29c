//! Licence texts that travel with an artifact: its own and those of the crates inside, from the sources cargo
//! fetched to build it.

use super::{ArtifactOrder, BundleError, digest};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// A crate inside a program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Crate {
    /// Name.
    pub(super) name: String,
    /// Version.
    pub(super) version: String,
    /// SPDX expression as the crate gives it; may be empty.
    pub(super) license: String,
}

/// The crates inside a built crate and their licence texts; kept beside the program, since the sources may go.
pub(super) fn of_crate(name: &str, version: &str, kept: &Path) -> Result<(Vec<Crate>, String), BundleError> {
    let (list, texts) = (kept.join("crates.json"), kept.join("licenses.txt"));
    if !texts.exists() {
        let (crates, text) = collect(name, version);
        let json = serde_json::to_string(&crates).expect("names and versions are text");
        fs::write(&list, json).map_err(BundleError::io(&list))?;
        fs::write(&texts, text).map_err(BundleError::io(&texts))?;
    }
    let json = fs::read(&list).map_err(BundleError::io(&list))?;
    let crates = serde_json::from_slice(&json)
        .map_err(|cause| BundleError::Order(format!("`{}`: {cause}; remove it", list.display())))?;
    Ok((crates, fs::read_to_string(&texts).map_err(BundleError::io(&texts))?))
}

/// The notice that stands in the bundle for an artifact.
pub(super) fn notice(name: &str, order: &ArtifactOrder, crates: &[Crate], texts: &str) -> String {
    let mut out = format!(
        "{name} {}\nLicence (SPDX): {}\nThe full text of a licence named here by its identifier is at https://spdx.org/licenses/\n",
        order.version, order.license
    );
    if !crates.is_empty() {
        let _ = writeln!(out, "\nBuilt from these crates, whose source is in the crate registry:\n");
    }
    for krate in crates {
        let license = if krate.license.is_empty() { "see its text below" } else { &krate.license };
        let _ = writeln!(out, "  {} {}  {license}", krate.name, krate.version);
    }
    out.push_str(texts);
    out
}

/// Reads the crate's lock file and, of every crate in it whose source is here, the licence.
fn collect(name: &str, version: &str) -> (Vec<Crate>, String) {
    let shelves = registries();
    let source = |name: &str, version: &str| -> Option<PathBuf> {
        shelves.iter().map(|shelf| shelf.join(format!("{name}-{version}"))).find(|path| path.is_dir())
    };
    // Without the source (a program seeded into the cache) there is nothing to read; the SPDX identifier remains.
    let lock = source(name, version).and_then(|path| fs::read_to_string(path.join("Cargo.lock")).ok());
    let mut crates = Vec::new();
    let mut texts: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for (name, version) in locked(&lock.unwrap_or_default()) {
        let Some(path) = source(&name, &version) else { continue };
        let manifest = fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default();
        for (file, text) in license_files(&path) {
            let entry = texts.entry(digest::of_bytes(text.as_bytes())).or_insert_with(|| (text, Vec::new()));
            entry.1.push(format!("{name} {version} ({file})"));
        }
        crates.push(Crate { name, version, license: license(&manifest) });
    }
    let mut texts: Vec<(String, Vec<String>)> = texts.into_values().collect();
    texts.sort_by(|a, b| a.1.cmp(&b.1));
    let mut out = String::new();
    for (text, users) in texts {
        let _ = write!(out, "\n{}\n{}\n\n{text}\n", "=".repeat(78), users.join(", "));
    }
    (crates, out)
}

fn registries() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo"))).unwrap_or_default();
    let mut shelves: Vec<PathBuf> = fs::read_dir(home.join("registry/src"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    shelves.sort();
    shelves
}

/// Names and versions of a lock file.
fn locked(lock: &str) -> Vec<(String, String)> {
    let value = |line: &str| {
        line.split_once('"').and_then(|(_, rest)| rest.split_once('"')).map(|(value, _)| value.to_owned())
    };
    let mut found = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("name = ")
            && let (Some(name), Some(version)) = (value(line), lines.next().and_then(value))
        {
            found.push((name, version));
        }
    }
    found
}

fn license(manifest: &str) -> String {
    let line = manifest.lines().find(|line| line.starts_with("license = ")).unwrap_or_default();
    line.split('"').nth(1).unwrap_or_default().to_owned()
}

fn license_files(source: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(source).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let upper = name.to_ascii_uppercase();
        if ["LICENSE", "LICENCE", "COPYING", "NOTICE", "UNLICENSE"]
            .iter()
            .any(|start| upper.starts_with(start))
            && let Ok(text) = fs::read_to_string(entry.path())
        {
            found.push((name, text));
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_tells_its_crates() {
        let lock = "version = 3\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"x\"\n\n[[package]]\nname = \"b\"\nversion = \"0.2.1\"\n";
        assert_eq!(locked(lock), [("a".into(), "1.0.0".into()), ("b".into(), "0.2.1".into())]);
        assert_eq!(
            license("[package]\nname = \"a\"\nlicense = \"MIT OR Apache-2.0\"\n"),
            "MIT OR Apache-2.0"
        );
    }
}
