//! Opening the secrets: an SSH key file, a file with a passphrase, or a question to the operator; and, the
//! first time, choosing what they are protected by.

use super::recipients::{MOST_WORK, Means, NewRecipient, Recipient, ssh_recipient};
use super::{State, StateError, Vault, operator, place};
use crate::base::Secret;
use age::secrecy::SecretString;
use age::{scrypt, ssh, x25519};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the operator is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A passphrase for new secrets; whoever asks has it typed twice.
    NewPassphrase {
        /// The deployment.
        deployment: String,
    },
    /// The passphrase that opens the secrets.
    Passphrase {
        /// The deployment.
        deployment: String,
    },
    /// The passphrase of an SSH key file.
    KeyPassphrase {
        /// The file.
        path: PathBuf,
    },
}

/// Asks the operator; none when nobody is there to answer.
pub type Ask = Arc<dyn Fn(&Question) -> Option<Secret<String>> + Send + Sync>;

/// What is at hand to open the secrets, or to protect new ones.
#[derive(Clone)]
pub struct Unlocker {
    /// SSH private key file that the inventory names.
    pub ssh_key: Option<PathBuf>,
    /// File with the passphrase that the inventory or `IMCTL_PASSPHRASE_FILE` names.
    pub passphrase_file: Option<PathBuf>,
    /// Key files tried when neither is named, such as `~/.ssh/id_ed25519`.
    pub usual_keys: Vec<PathBuf>,
    /// Asks the operator.
    pub ask: Ask,
}

impl Unlocker {
    /// What the inventory names, else `IMCTL_PASSPHRASE_FILE`, else the usual keys in `~/.ssh`, else a question.
    pub fn new(ssh_key: Option<PathBuf>, passphrase_file: Option<PathBuf>, ask: Ask) -> Self {
        let from_environment = || std::env::var_os("IMCTL_PASSPHRASE_FILE").map(PathBuf::from);
        let passphrase_file = passphrase_file.or_else(from_environment);
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let usual_keys = match (&ssh_key, &passphrase_file, home) {
            (None, None, Some(home)) => {
                ["id_ed25519", "id_rsa"].map(|name| home.join(".ssh").join(name)).into()
            }
            _ => vec![],
        };
        Self { ssh_key, passphrase_file, usual_keys, ask }
    }

    /// Nobody to ask and no usual keys: what is not named is not had.
    pub fn unattended(ssh_key: Option<PathBuf>, passphrase_file: Option<PathBuf>) -> Self {
        Self { ssh_key, passphrase_file, usual_keys: vec![], ask: Arc::new(|_| None) }
    }

    fn keys(&self) -> impl Iterator<Item = &PathBuf> {
        self.ssh_key.iter().chain(&self.usual_keys)
    }
}

impl State {
    /// Opens the secrets; the first time makes an identity and protects it with what is at hand.
    pub fn vault(&self, unlocker: &Unlocker) -> Result<Vault, StateError> {
        let recipients = self.recipients()?;
        if recipients.is_empty() && self.held_secrets() {
            let cause = "it names nobody who can open the secrets, and there were some".to_owned();
            return Err(StateError::Damaged { path: self.path("identity.d"), cause });
        }
        if recipients.is_empty() {
            return self.new_vault(unlocker);
        }
        let mut tried = Vec::new();
        if let Some(identity) = self.by_keys(unlocker, &recipients, &mut tried)? {
            return Vault::read(self.clone(), identity);
        }
        if let Some(identity) = self.by_passphrase(unlocker, &recipients, &mut tried)? {
            return Vault::read(self.clone(), identity);
        }
        let tried =
            if tried.is_empty() { "nobody is there to type a passphrase".into() } else { tried.join("; ") };
        let recipients: Vec<String> = recipients.iter().map(described).collect();
        Err(StateError::CannotUnlock {
            deployment: self.deployment.clone(),
            tried,
            recipients: recipients.join(", "),
        })
    }

    fn new_vault(&self, unlocker: &Unlocker) -> Result<Vault, StateError> {
        let (new, note) = self.protection(unlocker)?;
        let identity = x25519::Identity::generate();
        self.welcome(&identity, &operator(), &new)?;
        let mut vault = Vault::new(self.clone(), identity, vec![note]);
        vault.save()?;
        Ok(vault)
    }

    /// What new secrets are protected by, and the sentence that says so.
    fn protection(&self, unlocker: &Unlocker) -> Result<(NewRecipient, String), StateError> {
        if let Some(path) = &unlocker.ssh_key {
            let line = public_line(path)?;
            return Ok((
                NewRecipient::SshKey(line),
                format!("the secrets are protected by the SSH key {}", path.display()),
            ));
        }
        if let Some(path) = &unlocker.passphrase_file {
            let note = format!("the secrets are protected by the passphrase in {}", path.display());
            return Ok((NewRecipient::Passphrase(passphrase_in(path)?), note));
        }
        for path in unlocker.usual_keys.iter().filter(|path| path.exists()) {
            if let Ok(line) = public_line(path) {
                let note = format!("the secrets are protected by the SSH key {}", path.display());
                return Ok((NewRecipient::SshKey(line), note));
            }
        }
        let question = Question::NewPassphrase { deployment: self.deployment.clone() };
        let Some(passphrase) = (unlocker.ask)(&question) else {
            return Err(StateError::NothingToProtectWith { deployment: self.deployment.clone() });
        };
        let note =
            "the secrets are protected by the passphrase: an SSH agent or a FIDO key cannot decrypt them"
                .into();
        Ok((NewRecipient::Passphrase(passphrase), note))
    }

    fn by_keys(
        &self,
        unlocker: &Unlocker,
        recipients: &[Recipient],
        tried: &mut Vec<String>,
    ) -> Result<Option<x25519::Identity>, StateError> {
        for path in unlocker.keys().filter(|path| path.exists() || unlocker.ssh_key.as_ref() == Some(path)) {
            let key = match read_key(path) {
                Ok(key) => key,
                Err(cause) if unlocker.ssh_key.as_ref() == Some(path) => return Err(cause),
                // A usual key of a kind that cannot decrypt is passed over.
                Err(_) => continue,
            };
            let Ok(public) = ssh::Recipient::try_from(key.clone()) else { continue };
            let Some(recipient) = recipients.iter().find(|it| it.public == public.to_string()) else {
                tried.push(format!("the key {} is not one of the recipients", path.display()));
                continue;
            };
            let asking = Asking { ask: unlocker.ask.clone(), path: path.clone() };
            match self.unwrap(recipient, &key.with_callbacks(asking))? {
                Some(identity) => return Ok(Some(identity)),
                None => tried.push(format!("the key {} did not open (wrong passphrase?)", path.display())),
            }
        }
        Ok(None)
    }

    fn by_passphrase(
        &self,
        unlocker: &Unlocker,
        recipients: &[Recipient],
        tried: &mut Vec<String>,
    ) -> Result<Option<x25519::Identity>, StateError> {
        if let Some(path) = &unlocker.passphrase_file {
            if let Some(identity) = self.open_with(&passphrase_in(path)?, recipients)? {
                return Ok(Some(identity));
            }
            tried.push(format!("the passphrase in {} is none of theirs", path.display()));
        }
        if !recipients.iter().any(|it| it.means == Means::Passphrase) {
            return Ok(None);
        }
        for _ in 0..3 {
            let question = Question::Passphrase { deployment: self.deployment.clone() };
            let Some(passphrase) = (unlocker.ask)(&question) else { return Ok(None) };
            if let Some(identity) = self.open_with(&passphrase, recipients)? {
                return Ok(Some(identity));
            }
        }
        tried.push("three wrong passphrases".into());
        Ok(None)
    }

    fn open_with(
        &self,
        passphrase: &Secret<String>,
        recipients: &[Recipient],
    ) -> Result<Option<x25519::Identity>, StateError> {
        let mut key = scrypt::Identity::new(SecretString::from(passphrase.expose().clone()));
        key.set_max_work_factor(MOST_WORK);
        for recipient in recipients.iter().filter(|it| it.means == Means::Passphrase) {
            let path = self.path("identity.d").join(format!("{}.key.age", recipient.label));
            let Some(sealed) = place::read_private(&path)? else { continue };
            let Ok(plain) = age::decrypt(&key, &sealed) else { continue };
            let personal = parse_identity(&path, &Zeroizing::new(plain))?;
            return self.unwrap(recipient, &personal);
        }
        Ok(None)
    }

    fn unwrap(
        &self,
        recipient: &Recipient,
        key: &impl age::Identity,
    ) -> Result<Option<x25519::Identity>, StateError> {
        let path = self.path("identity.d").join(format!("{}.age", recipient.label));
        let Some(sealed) = place::read_private(&path)? else { return Ok(None) };
        match age::decrypt(key, &sealed) {
            Ok(plain) => parse_identity(&path, &Zeroizing::new(plain)).map(Some),
            Err(age::DecryptError::NoMatchingKeys | age::DecryptError::KeyDecryptionFailed) => Ok(None),
            Err(cause) => Err(StateError::Damaged { path, cause: cause.to_string() }),
        }
    }
}

/// Label and means, as a hint shows them.
fn described(recipient: &Recipient) -> String {
    match recipient.means {
        Means::Passphrase => format!("{} (passphrase)", recipient.label),
        Means::SshKey => format!("{} (SSH key)", recipient.label),
    }
}

fn parse_identity(path: &Path, plain: &[u8]) -> Result<x25519::Identity, StateError> {
    let damaged = |cause: &str| StateError::Damaged { path: path.to_owned(), cause: cause.to_owned() };
    let text = std::str::from_utf8(plain).map_err(|_| damaged("it holds no identity"))?;
    let line = text.lines().find(|line| !line.starts_with('#') && !line.is_empty());
    line.unwrap_or_default().trim().parse().map_err(damaged)
}

/// The first line of a file that only its owner can read.
fn passphrase_in(path: &Path) -> Result<Secret<String>, StateError> {
    place::must_be_private(path)?;
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(place::io("read", path))?);
    Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn read_key(path: &Path) -> Result<ssh::Identity, StateError> {
    place::must_be_private(path)?;
    let text = Zeroizing::new(std::fs::read(path).map_err(place::io("read", path))?);
    let unfit =
        |cause: &str| StateError::UnfitKey { key: path.display().to_string(), cause: cause.to_owned() };
    let key = ssh::Identity::from_buffer(&text[..], Some(path.display().to_string()))
        .map_err(|_| unfit("it is no SSH private key"))?;
    match key {
        ssh::Identity::Unsupported(_) => Err(unfit("keys of this type cannot decrypt")),
        key => Ok(key),
    }
}

/// The public line of a private key file.
fn public_line(path: &Path) -> Result<String, StateError> {
    let unfit = |cause: String| StateError::UnfitKey { key: path.display().to_string(), cause };
    let line =
        ssh::Recipient::try_from(read_key(path)?).map_err(|cause| unfit(format!("{cause:?}")))?.to_string();
    ssh_recipient(&line)?;
    Ok(line)
}

/// Hands age's questions on to ours.
#[derive(Clone)]
struct Asking {
    ask: Ask,
    path: PathBuf,
}

impl age::Callbacks for Asking {
    fn display_message(&self, _message: &str) {}

    fn confirm(&self, _message: &str, _yes: &str, _no: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _description: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _description: &str) -> Option<SecretString> {
        let answer = (self.ask)(&Question::KeyPassphrase { path: self.path.clone() })?;
        Some(SecretString::from(answer.expose().clone()))
    }
}
