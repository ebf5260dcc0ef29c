//! The signing key of a deployment: read from its file, or made on first use. It stays with the operator.

use crate::base::Secret;
use crate::bundle::{BundleError, SigningKey};
use crate::cli::Failure;
use crate::inventory::Inventory;
use std::fs;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A signing key and where it is kept.
pub(super) struct Kept {
    /// The key.
    pub(super) key: SigningKey,
    /// Its file.
    pub(super) path: PathBuf,
    /// Made just now.
    pub(super) made: bool,
}

/// The key in the file named, or the deployment's own; makes it when it is not there.
pub(super) fn signing_key(inventory: &Inventory, named: Option<&Path>) -> Result<Kept, Failure> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => super::state(inventory)?.path("bundle-key/minisign.key"),
    };
    let wrong =
        |cause: std::io::Error| Failure::Bundle(BundleError::Io { path: path.clone(), source: cause });
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Kept { key: read(&text)?, path, made: false }),
        Err(cause) if cause.kind() == ErrorKind::NotFound => {
            let (key, text) = SigningKey::generate()?;
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(wrong)?;
            }
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(wrong)?;
            file.write_all(text.expose().as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
            Ok(Kept { key, path, made: true })
        }
        Err(cause) => Err(wrong(cause)),
    }
}

/// Reads a key; one that is protected asks for its password, once, on a terminal.
fn read(text: &str) -> Result<SigningKey, Failure> {
    if !SigningKey::is_protected(text) {
        return Ok(SigningKey::parse(text, None)?);
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(
            BundleError::Key("it is protected by a password and nobody is there to type it".into()).into()
        );
    }
    let typed = dialoguer::Password::new().with_prompt("Password of the signing key").interact();
    let password = typed.map_err(|cause| BundleError::Key(cause.to_string()))?;
    Ok(SigningKey::parse(text, Some(&Secret::new(password)))?)
}
