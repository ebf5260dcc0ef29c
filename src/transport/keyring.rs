//! Private keys and passwords of the operator: read and opened once for all hosts, asked for once, never written.

use super::LinkError;
use super::options::{Options, Questions};
use crate::base::Secret;
use russh::keys::ssh_key::{self, PrivateKey, PublicKey};
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Opened keys and answered passwords of one command.
#[derive(Default)]
pub(super) struct KeyRing {
    keys: Mutex<HashMap<PathBuf, Door>>,
    passwords: Mutex<HashMap<String, Option<Secret<String>>>>,
}

/// A key file once it was tried.
#[derive(Clone)]
enum Door {
    Open(Arc<PrivateKey>),
    /// Nobody had the passphrase.
    Shut,
}

impl Door {
    fn key(self) -> Option<Arc<PrivateKey>> {
        match self {
            Self::Open(key) => Some(key),
            Self::Shut => None,
        }
    }
}

/// A private key file.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    /// The public half, where it can be known without the passphrase.
    pub(super) public: Option<PublicKey>,
    pub(super) encrypted: bool,
    /// Only the public half is here: it says which key of the agent is meant.
    pub(super) public_only: bool,
    text: Secret<String>,
}

impl KeyFile {
    /// Reads a key file; `Ok(None)` when there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, LinkError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Secret::new(text),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                return Ok(beside(path).map(|key| Self::of_agent(path, key)));
            }
            Err(cause) => return Err(unusable(path, &cause)),
        };
        if let Ok(key) = PublicKey::from_openssh(text.expose()) {
            return Ok(Some(Self::of_agent(path, key)));
        }
        private(path)?;
        let (public, encrypted) = match PrivateKey::from_openssh(text.expose().as_bytes()) {
            Ok(key) => (Some(key.public_key().clone()), key.is_encrypted()),
            Err(_) => match russh::keys::decode_secret_key(text.expose(), None) {
                Ok(key) => (Some(key.public_key().clone()), false),
                Err(russh::keys::Error::KeyIsEncrypted) => (beside(path), true),
                Err(_) if text.expose().contains("ENCRYPTED") => (beside(path), true),
                Err(cause) => return Err(unusable(path, &cause)),
            },
        };
        Ok(Some(Self { path: path.to_owned(), public, encrypted, public_only: false, text }))
    }

    fn of_agent(path: &Path, key: PublicKey) -> Self {
        let text = Secret::new(String::new());
        Self { path: path.to_owned(), public: Some(key), encrypted: false, public_only: true, text }
    }

    fn open(&self, passphrase: Option<&str>) -> Result<PrivateKey, russh::keys::Error> {
        russh::keys::decode_secret_key(self.text.expose(), passphrase)
    }
}

impl KeyRing {
    /// Opens a key, asking for its passphrase once whatever the number of hosts; `None` when it stays closed.
    pub(super) async fn open(
        &self,
        file: KeyFile,
        asker: &Questions,
    ) -> Result<Option<Arc<PrivateKey>>, LinkError> {
        let path = file.path.clone();
        if let Some(door) = self.door(&path) {
            return Ok(door.key());
        }
        if !file.encrypted {
            let key = Arc::new(file.open(None).map_err(|cause| unusable(&path, &cause))?);
            self.keep(&path, Some(&key));
            return Ok(Some(key));
        }
        let opened = asker.ask(
            || self.door(&path).map(|door| Ok(door.key())),
            move |asker| {
                for _ in 0..3 {
                    let Some(passphrase) = asker.passphrase(&file.path) else { return Ok(None) };
                    if let Ok(key) = file.open(Some(passphrase.expose())) {
                        return Ok(Some(Arc::new(key)));
                    }
                }
                Err(unusable(&file.path, &"the passphrase does not open it"))
            },
            |answer| self.keep(&path, answer.as_ref().ok().and_then(Option::as_ref)),
        );
        opened.await.unwrap_or(Ok(None))
    }

    /// A password that is asked for once under this name; `None` when nobody gave one.
    pub(super) async fn password(&self, what: &str, asker: &Questions) -> Option<Secret<String>> {
        let name = what.to_owned();
        let known = || self.passwords.lock().unwrap_or_else(PoisonError::into_inner).get(what).cloned();
        let keep = |answer: &Option<Secret<String>>| {
            let mut all = self.passwords.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(what.to_owned(), answer.clone());
        };
        if let Some(known) = known() {
            return known;
        }
        asker.ask(known, move |asker| asker.password(&name), keep).await.flatten()
    }

    fn door(&self, path: &Path) -> Option<Door> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    fn keep(&self, path: &Path, key: Option<&Arc<PrivateKey>>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(path.to_owned(), key.cloned().map_or(Door::Shut, Door::Open));
    }
}

impl Options {
    /// The password in a file, or asked for once under `what`.
    pub(super) async fn password(
        &self,
        file: Option<&Path>,
        what: &str,
    ) -> Result<Option<Secret<String>>, LinkError> {
        match file {
            Some(file) => password_file(file).map(Some),
            None => Ok(self.shared.keys.password(what, &self.shared.questions).await),
        }
    }
}

/// The public half beside a key file.
fn beside(path: &Path) -> Option<PublicKey> {
    PublicKey::read_openssh_file(path.with_added_extension("pub")).ok()
}

/// The first line of a password file, which nobody but its owner may read.
fn password_file(path: &Path) -> Result<Secret<String>, LinkError> {
    private(path)?;
    let text = Secret::new(std::fs::read_to_string(path).map_err(|cause| unusable(path, &cause))?);
    match text.expose().lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line.to_owned())),
        _ => Err(unusable(path, &"its first line is empty")),
    }
}

/// Refuses a secret file that others than its owner may read.
fn private(path: &Path) -> Result<(), LinkError> {
    let mode = std::fs::metadata(path).map_err(|cause| unusable(path, &cause))?.permissions().mode();
    match mode & 0o077 {
        0 => Ok(()),
        _ => Err(unusable(path, &format!("others may read it; run: chmod 600 {}", path.display()))),
    }
}

fn unusable(path: &Path, cause: &dyn std::fmt::Display) -> LinkError {
    LinkError::File { path: path.display().to_string(), cause: cause.to_string() }
}

/// A certificate beside a key, as `ssh-keygen -s` writes it.
pub(super) fn certificate(key: &Path) -> Option<ssh_key::Certificate> {
    let mut name = key.file_name()?.to_owned();
    name.push("-cert.pub");
    ssh_key::Certificate::read_file(&key.with_file_name(name)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, "hunter2\nrest\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = password_file(&path).unwrap_err().to_string();
        assert!(refused.contains("chmod 600") && !refused.contains("hunter2"), "{refused}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(password_file(&path).unwrap().expose(), "hunter2");
    }
}
