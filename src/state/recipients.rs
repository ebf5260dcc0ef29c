//! Who can open the secrets. The deployment's identity is wrapped once for each recipient under
//! `identity.d/`: to an SSH public key, or to a personal key that a passphrase protects. All files are
//! plain age files; `age` opens them without us.
//!
//! For `LABEL` there are `LABEL.pub` (the public key), `LABEL.age` (the identity, wrapped to it) and, for a
//! passphrase, `LABEL.key.age` (the personal key, wrapped by the passphrase). The personal key is what lets the
//! identity be renewed for everybody without knowing anybody's passphrase.

use super::{State, StateError, Vault, place};
use crate::base::Secret;
use age::secrecy::{ExposeSecret, SecretString};
use age::{scrypt, ssh, x25519};

/// scrypt's N = 2^17: 128 MiB and about half a second, for each guess too.
const WORK: u8 = 17;
/// Files of others are opened up to 2^20 (1 GiB).
pub(super) const MOST_WORK: u8 = 20;
/// The least length of a passphrase that a person chooses.
const LEAST: usize = 12;

/// How a recipient opens the secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// With a passphrase.
    Passphrase,
    /// With an SSH private key file.
    SshKey,
}

/// Somebody who can open the secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Name within the deployment, such as `ops@laptop`.
    pub label: String,
    /// How it opens them.
    pub means: Means,
    /// Its public key: `ssh-ed25519 …`, `ssh-rsa …` or `age1…`.
    pub public: String,
}

/// What a new recipient opens the secrets with.
pub enum NewRecipient {
    /// A passphrase.
    Passphrase(Secret<String>),
    /// An SSH public key, the line of a `.pub` file.
    SshKey(String),
}

impl State {
    /// Who can open the secrets, in order of their labels.
    pub fn recipients(&self) -> Result<Vec<Recipient>, StateError> {
        let folder = self.path("identity.d");
        let mut recipients = Vec::new();
        for name in place::names(&folder)? {
            let Some(label) = name.strip_suffix(".pub") else { continue };
            let path = folder.join(&name);
            let text = place::read_private(&path)?.unwrap_or_default();
            let public = String::from_utf8_lossy(&text).trim().to_owned();
            let means = if public.starts_with("age1") { Means::Passphrase } else { Means::SshKey };
            recipients.push(Recipient { label: label.to_owned(), means, public });
        }
        Ok(recipients)
    }

    fn wrap(&self, identity: &x25519::Identity, to: &Recipient) -> Result<(), StateError> {
        let identity = identity.to_string();
        let plain = identity.expose_secret().as_bytes();
        let sealed = match to.means {
            Means::Passphrase => {
                let key: x25519::Recipient =
                    to.public.parse().map_err(|cause: &str| unfit(&to.public, cause))?;
                age::encrypt_and_armor(&key, plain)
            }
            Means::SshKey => age::encrypt_and_armor(&ssh_recipient(&to.public)?, plain),
        };
        let sealed = sealed.map_err(|cause| sealing(&cause))?;
        place::write(&self.path("identity.d").join(format!("{}.age", to.label)), sealed.as_bytes())
    }

    /// Wraps an identity for a new recipient.
    pub(super) fn welcome(
        &self,
        identity: &x25519::Identity,
        label: &str,
        new: &NewRecipient,
    ) -> Result<Recipient, StateError> {
        must_be_label(label)?;
        if self.recipients()?.iter().any(|known| known.label == label) {
            return Err(StateError::Recipient { label: label.to_owned(), cause: "is there already" });
        }
        let folder = self.path("identity.d");
        let recipient = match new {
            NewRecipient::SshKey(line) => {
                ssh_recipient(line)?;
                let public: Vec<&str> = line.split_whitespace().take(2).collect();
                Recipient { label: label.to_owned(), means: Means::SshKey, public: public.join(" ") }
            }
            NewRecipient::Passphrase(passphrase) => {
                let personal = x25519::Identity::generate();
                let sealed = by_passphrase(passphrase, personal.to_string().expose_secret())?;
                place::write(&folder.join(format!("{label}.key.age")), sealed.as_bytes())?;
                let public = personal.to_public().to_string();
                Recipient { label: label.to_owned(), means: Means::Passphrase, public }
            }
        };
        self.wrap(identity, &recipient)?;
        place::write(&folder.join(format!("{label}.pub")), format!("{}\n", recipient.public).as_bytes())?;
        Ok(recipient)
    }
}

impl Vault {
    /// Lets somebody else open the secrets from now on.
    pub fn add_recipient(&mut self, label: &str, new: &NewRecipient) -> Result<Recipient, StateError> {
        self.state.welcome(&self.identity, label, new)
    }

    /// Shuts somebody out: a new identity is made, wrapped for all others, and the secrets are written anew under it.
    /// What was copied before can still be opened with the old key; docs/security.md says which secrets to change.
    pub fn remove_recipient(&mut self, label: &str) -> Result<(), StateError> {
        let all = self.state.recipients()?;
        let (gone, staying): (Vec<_>, Vec<_>) = all.into_iter().partition(|it| it.label == label);
        if gone.is_empty() {
            return Err(StateError::Recipient { label: label.to_owned(), cause: "is not there" });
        }
        if staying.is_empty() {
            return Err(StateError::Recipient {
                label: label.to_owned(),
                cause: "is the last one and stays",
            });
        }
        // Out of the list first: a failure from here on leaves nobody in who should be out, and `secrets.age`
        // stays readable for the others through the old identity until it is replaced.
        let folder = self.state.path("identity.d");
        for file in [format!("{label}.pub"), format!("{label}.age"), format!("{label}.key.age")] {
            let path = folder.join(file);
            match std::fs::remove_file(&path) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                    return Err(place::io("remove", &path)(cause));
                }
                Ok(()) | Err(_) => {}
            }
        }
        let old = std::mem::replace(&mut self.identity, x25519::Identity::generate());
        // While files of both identities stand side by side, `secrets.age` is sealed to both.
        self.seal_to(&[old.to_public(), self.identity.to_public()])?;
        for recipient in &staying {
            self.state.wrap(&self.identity, recipient)?;
        }
        self.seal_to(&[self.identity.to_public()])
    }
}

/// Seals a text by a passphrase, as `age -p -a` does.
fn by_passphrase(passphrase: &Secret<String>, text: &str) -> Result<String, StateError> {
    let length = passphrase.expose().chars().count();
    if length < LEAST {
        return Err(StateError::WeakPassphrase { length, least: LEAST });
    }
    let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.expose().clone()));
    recipient.set_work_factor(if cfg!(test) { 10 } else { WORK });
    age::encrypt_and_armor(&recipient, text.as_bytes()).map_err(|cause| sealing(&cause))
}

/// The line of a `.pub` file as a recipient.
pub(super) fn ssh_recipient(line: &str) -> Result<ssh::Recipient, StateError> {
    line.trim().parse().map_err(|cause| {
        let why = match cause {
            ssh::ParseRecipientKeyError::RsaModulusTooSmall => {
                "an RSA key needs at least 2048 bits".to_owned()
            }
            ssh::ParseRecipientKeyError::Unsupported(kind) => format!("keys of type `{kind}` cannot decrypt"),
            other => format!("{other:?}"),
        };
        let key: String = line.trim().chars().take(40).collect();
        unfit(&key, &why)
    })
}

fn must_be_label(label: &str) -> Result<(), StateError> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '@' | '.');
    let ends = [".pub", ".age", ".key"].iter().any(|end| label.ends_with(end));
    if label.is_empty() || label.starts_with('.') || ends || label.len() > 64 || !label.chars().all(fits) {
        let cause = "is no label: letters, digits, `-`, `_`, `@` and `.` make one, at most 64";
        return Err(StateError::Recipient { label: label.to_owned(), cause });
    }
    Ok(())
}

fn unfit(key: &str, cause: &str) -> StateError {
    StateError::UnfitKey { key: key.to_owned(), cause: cause.to_owned() }
}

fn sealing(cause: &dyn std::fmt::Display) -> StateError {
    StateError::Sealing { doing: "protect", cause: cause.to_string() }
}
