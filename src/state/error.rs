//! Why the operator's folder could not be read, written or opened. No message holds a secret.

use std::path::PathBuf;
use thiserror::Error;

/// Why the state folder could not do what was asked.
#[derive(Debug, Error)]
pub enum StateError {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} `{path}`")]
    Io {
        /// What was being done, such as `read`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another imctl works on the same folder.
    #[error("`{path}` is in use: {holder}")]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who, since when, doing what.
        holder: String,
    },
    /// A file of ours does not read as it should.
    #[error("`{path}` is damaged: {cause}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// Somebody else wrote the secrets while this command ran.
    #[error("`{path}` was changed by another command meanwhile; nothing was overwritten")]
    ChangedMeanwhile {
        /// The file.
        path: PathBuf,
    },
    /// Nothing at hand opens the secrets.
    #[error("the secrets of `{deployment}` cannot be opened: {tried}")]
    CannotUnlock {
        /// The deployment.
        deployment: String,
        /// What was tried, in words.
        tried: String,
        /// Who could open them.
        recipients: String,
    },
    /// There is nothing to protect new secrets with.
    #[error("the secrets of `{deployment}` need a passphrase or an SSH key file, and there is neither")]
    NothingToProtectWith {
        /// The deployment.
        deployment: String,
    },
    /// A key that cannot be used to protect secrets.
    #[error("`{key}` cannot protect secrets: {cause}")]
    UnfitKey {
        /// The key's file or text.
        key: String,
        /// Why not.
        cause: String,
    },
    /// A file with a passphrase or key that others can read.
    #[error("`{path}` can be read by others (mode {mode})")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Four octal digits.
        mode: String,
    },
    /// A passphrase that would be guessed.
    #[error("the passphrase is too short: {length} characters, at least {least} are needed")]
    WeakPassphrase {
        /// Its length.
        length: usize,
        /// The least length.
        least: usize,
    },
    /// A secret with a shape that would be guessed.
    #[error("secret `{name}` would have {bits} bits, fewer than 128")]
    WeakShape {
        /// The secret.
        name: String,
        /// What its shape gives.
        bits: usize,
    },
    /// A secret kept in another shape than the one asked for.
    #[error("secret `{name}` is kept as {kept}, and {wanted} is asked for")]
    OtherShape {
        /// The secret.
        name: String,
        /// How it is kept.
        kept: &'static str,
        /// How it is asked for.
        wanted: &'static str,
    },
    /// No secret of that name.
    #[error("there is no secret `{name}`")]
    NoSuchSecret {
        /// The name asked for.
        name: String,
        /// Names there are.
        known: String,
    },
    /// A recipient that cannot be added or removed.
    #[error("recipient `{label}` {cause}")]
    Recipient {
        /// The recipient.
        label: String,
        /// Why not.
        cause: &'static str,
    },
    /// A certificate that could not be made or read.
    #[error("certificate `{name}` {cause}")]
    Certificate {
        /// The certificate.
        name: String,
        /// What is wrong.
        cause: String,
    },
    /// The age format refused.
    #[error("cannot {doing} the secrets: {cause}")]
    Sealing {
        /// What was being done.
        doing: &'static str,
        /// What the library said.
        cause: String,
    },
}

impl StateError {
    /// What the operator can do, as commands or sentences.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Locked { .. } => vec!["wait until that command has ended, then run this one again".into()],
            Self::Damaged { path, .. } if is_result(path) => vec![
                "run that command again: the report takes the newest result".to_owned(),
                format!("or put the file back from a backup, or move it away: {}", path.display()),
            ],
            Self::Damaged { path, .. } if path.ends_with("history.jsonl") => vec![
                "see which lines, and what the hosts know of them:  imctl history verify -i FILE".to_owned(),
                "docs/history.md says how to take a host's copy".to_owned(),
            ],
            Self::Damaged { path, .. } => vec![
                format!("restore {} from a backup; the hosts hold a copy of the secrets", path.display()),
                "docs/security.md says how to get it back".into(),
            ],
            Self::ChangedMeanwhile { .. } => vec!["run the command again".into()],
            Self::CannotUnlock { recipients, .. } => vec![
                format!("who can open them: {recipients}"),
                "set `secrets: { ssh-key: FILE }` or `secrets: { passphrase-file: FILE }` in the inventory,".into(),
                "or IMCTL_PASSPHRASE_FILE=FILE in the environment".into(),
            ],
            Self::NothingToProtectWith { .. } => vec![
                "make a passphrase:  (umask 077; head -c 24 /dev/urandom | base64 > imctl.pass)".into(),
                "and name it:  IMCTL_PASSPHRASE_FILE=imctl.pass, or `secrets: { passphrase-file: imctl.pass }`".into(),
                "or make a key:  ssh-keygen -t ed25519 -f ~/.ssh/id_ed25519".into(),
            ],
            Self::UnfitKey { .. } => {
                vec!["an agent or a FIDO key cannot decrypt: use a passphrase or an ed25519 or RSA key file".into()]
            }
            Self::TooOpen { path, .. } => vec![format!("chmod 600 {}", crate::base::quote(&path.to_string_lossy()))],
            Self::NoSuchSecret { known, .. } => vec![format!("there are: {known}")],
            Self::Recipient { .. } => vec!["imctl secret recipients list".into()],
            Self::Io { .. }
            | Self::WeakPassphrase { .. }
            | Self::WeakShape { .. }
            | Self::OtherShape { .. }
            | Self::Certificate { .. }
            | Self::Sealing { .. } => vec![],
        }
    }
}

/// Whether a file is what a judging command or a load test left; it can be made again.
fn is_result(path: &std::path::Path) -> bool {
    let folder = path.parent().and_then(|folder| folder.file_name());
    folder.is_some_and(|name| ["check", "verify", "scan", "load"].iter().any(|kind| name == *kind))
}
