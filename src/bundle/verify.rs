//! Checks a bundle from end to end before any host is touched: the manifest's signature against the keys the
//! inventory trusts, then every file against the manifest, and that there is nothing else.

use super::key::key_name;
use super::manifest::{FileEntry, KEYRING, MANIFEST, Manifest, SIGNATURE, is_inside};
use super::{BundleError, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign_verify::{PublicKey, Signature};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bundle whose every file was checked. There is no other way to get one than [`verify`].
#[derive(Debug, Clone)]
pub struct Verified {
    dir: PathBuf,
    manifest: Manifest,
    signer: String,
    digest: String,
}

impl Verified {
    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Name of the trusted key that signed it.
    pub fn signer(&self) -> &str {
        &self.signer
    }

    /// SHA-256 of the manifest: it stands for the whole bundle.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Reads a file of the manifest and checks it once more, since the disk may have changed meanwhile.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, BundleError> {
        let entry = self
            .manifest
            .files
            .get(path)
            .ok_or_else(|| damaged(&self.dir, path, "is not in the manifest"))?;
        let file = self.dir.join(path);
        let content = fs::read(&file).map_err(BundleError::io(&file))?;
        if digest::of_bytes(&content) == entry.sha256 {
            return Ok(content);
        }
        Err(damaged(&self.dir, path, "changed while it was in use"))
    }

    /// The content of an artifact.
    pub fn artifact(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        match self.manifest.artifacts.get(name) {
            Some(artifact) => self.read(&artifact.file),
            None => Err(self.unfit(format!("holds no artifact `{name}`"))),
        }
    }

    /// The keyring that apt on a host needs.
    pub fn keyring(&self) -> Result<Vec<u8>, BundleError> {
        self.read(KEYRING)
    }

    /// Whether the bundle is for this stack and holds this version of it for this platform.
    pub fn fits(&self, stack: &str, version: &str, platform: &str) -> Result<(), BundleError> {
        let manifest = &self.manifest;
        if manifest.stack != stack {
            return Err(self.unfit(format!("is for stack `{}`, not `{stack}`", manifest.stack)));
        }
        if manifest.platform != platform {
            return Err(self.unfit(format!("is for platform `{}`, not `{platform}`", manifest.platform)));
        }
        if !manifest.versions.contains_key(version) {
            let have: Vec<&str> = manifest.versions.keys().map(String::as_str).collect();
            return Err(self.unfit(format!("holds {stack} {}, not {version}", have.join(" and "))));
        }
        Ok(())
    }

    pub(super) fn unfit(&self, what: String) -> BundleError {
        BundleError::Unfit { dir: self.dir.clone(), what }
    }
}

/// Checks everything. `trusted` are the lines of the inventory's `bundle.trusted-keys`.
pub fn verify(dir: &Path, trusted: &[String]) -> Result<Verified, BundleError> {
    let (content, signature) = signed(dir)?;
    if trusted.is_empty() {
        return Err(BundleError::NoTrustedKeys);
    }
    let signer = signer(dir, &content, &signature, trusted)?;
    let manifest = manifest(dir, &content)?;
    check_files(dir, &manifest)?;
    let verified = Verified { dir: dir.to_owned(), manifest, signer, digest: digest::of_bytes(&content) };
    check_keyring(&verified)?;
    Ok(verified)
}

/// Reads what a bundle says about itself, trusting nothing: the manifest and the name of the key that claims it.
pub fn inspect(dir: &Path) -> Result<(Manifest, String), BundleError> {
    let (content, signature) = signed(dir)?;
    Ok((manifest(dir, &content)?, claimed(&signature)))
}

/// The manifest's bytes and its signature file.
fn signed(dir: &Path) -> Result<(Vec<u8>, String), BundleError> {
    let read = |name: &'static str| {
        fs::read(dir.join(name)).map_err(|_| BundleError::Missing { dir: dir.to_owned(), missing: name })
    };
    Ok((read(MANIFEST)?, String::from_utf8_lossy(&read(SIGNATURE)?).into_owned()))
}

fn manifest(dir: &Path, content: &[u8]) -> Result<Manifest, BundleError> {
    let manifest: Manifest = serde_json::from_slice(content)
        .map_err(|cause| damaged(dir, MANIFEST, &format!("cannot be read: {cause}")))?;
    if manifest.format == 1 {
        return Ok(manifest);
    }
    let what = format!(
        "is made by another imctl ({}): its format is {}, this one reads 1",
        manifest.imctl, manifest.format
    );
    Err(BundleError::Unfit { dir: dir.to_owned(), what })
}

/// The trusted key that signed the manifest, by name.
fn signer(dir: &Path, content: &[u8], signature: &str, trusted: &[String]) -> Result<String, BundleError> {
    let parsed =
        Signature::decode(signature).map_err(|_| damaged(dir, SIGNATURE, "is no minisign signature"))?;
    let claimed = claimed(signature);
    for line in trusted {
        let key = PublicKey::from_base64(line.trim())
            .map_err(|_| BundleError::BadTrustedKey { key: line.clone() })?;
        if key.verify(content, &parsed, false).is_ok() {
            return Ok(claimed);
        }
        if named(line) == Some(claimed.clone()) {
            return Err(damaged(dir, MANIFEST, "was changed after it was signed"));
        }
    }
    Err(BundleError::Untrusted { dir: dir.to_owned(), signer: claimed })
}

/// Name of the key a signature says it is by.
fn claimed(signature: &str) -> String {
    signature.lines().nth(1).and_then(named).unwrap_or_else(|| "nobody".to_owned())
}

/// Name of the key in a base64 line of a key or signature.
fn named(line: &str) -> Option<String> {
    STANDARD.decode(line.trim()).ok()?.get(2..10).map(key_name)
}

fn check_files(dir: &Path, manifest: &Manifest) -> Result<(), BundleError> {
    if let Some(path) = manifest.files.keys().find(|path| !is_inside(path)) {
        return Err(damaged(dir, path, "is a path that leaves the bundle"));
    }
    let mut present = BTreeSet::new();
    walk(dir, "", &mut present)?;
    let known = |path: &String| path == MANIFEST || path == SIGNATURE || manifest.files.contains_key(path);
    if let Some(extra) = present.iter().find(|path| !known(path)) {
        return Err(damaged(dir, extra, "is not in the manifest"));
    }
    if let Some(missing) = manifest.files.keys().find(|path| !present.contains(*path)) {
        return Err(damaged(dir, missing, "is missing"));
    }
    check_contents(dir, manifest)?;
    let packages = manifest.packages.iter().map(|package| (&package.file, &package.sha256));
    let artifacts = manifest.artifacts.values().map(|artifact| (&artifact.file, &artifact.sha256));
    for (file, sha256) in packages.chain(artifacts) {
        if manifest.files.get(file).is_none_or(|entry| entry.sha256 != *sha256) {
            return Err(damaged(dir, file, "has two digests in the manifest"));
        }
    }
    Ok(())
}

/// Collects all files below a folder; anything else than files and folders is refused.
fn walk(dir: &Path, below: &str, present: &mut BTreeSet<String>) -> Result<(), BundleError> {
    let folder = dir.join(below);
    for entry in fs::read_dir(&folder).map_err(BundleError::io(&folder))? {
        let entry = entry.map_err(BundleError::io(&folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let kind = entry.file_type().map_err(BundleError::io(&entry.path()))?;
        if kind.is_dir() {
            walk(dir, &path, present)?;
        } else if kind.is_file() {
            present.insert(path);
        } else {
            return Err(damaged(dir, &path, "is no plain file"));
        }
    }
    Ok(())
}

/// Sizes and digests of all files, on all cores; the first wrong one by path is named.
fn check_contents(dir: &Path, manifest: &Manifest) -> Result<(), BundleError> {
    let files: Vec<(&String, &FileEntry)> = manifest.files.iter().collect();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, Into::into) {
            scope.spawn(|| {
                while let Some((path, entry)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = check_content(dir, path, entry) {
                        wrong.lock().expect("no thread panics with it").push(((*path).clone(), error));
                    }
                }
            });
        }
    });
    let mut wrong = wrong.into_inner().expect("no thread panicked with it");
    wrong.sort_by(|a, b| a.0.cmp(&b.0));
    wrong.into_iter().next().map_or(Ok(()), |(_, error)| Err(error))
}

fn check_content(dir: &Path, path: &str, entry: &FileEntry) -> Result<(), BundleError> {
    let (sha256, size) = digest::of_file(&dir.join(path))?;
    if size != entry.size {
        return Err(damaged(dir, path, &format!("has {size} bytes instead of {}", entry.size)));
    }
    if sha256 != entry.sha256 {
        return Err(damaged(dir, path, "is corrupt: its content is not what was signed"));
    }
    Ok(())
}

/// The keyring is the key whose fingerprint was signed.
fn check_keyring(verified: &Verified) -> Result<(), BundleError> {
    let keyring = verified.keyring()?;
    let body = keyring.get(3..).and_then(|rest| rest.get(..usize::from(keyring[2])));
    let print = body.map(super::openpgp::fingerprint).map(hex::encode_upper);
    if print.as_ref() == Some(&verified.manifest.openpgp) {
        return Ok(());
    }
    Err(damaged(&verified.dir, KEYRING, "holds another key than the manifest names"))
}

fn damaged(dir: &Path, file: &str, what: &str) -> BundleError {
    BundleError::Damaged { dir: dir.to_owned(), file: file.to_owned(), what: what.to_owned() }
}
