//! The operator's folder beside the inventory, `.imctl/<deployment>/`: encrypted secrets, the private CA, run
//! logs, plans, releases, history. It keeps bytes and does not know what they mean to a planner.

mod authority;
mod chain;
mod contents;
mod error;
mod history;
mod keepsake;
mod own;
mod place;
mod published;
mod recipients;
mod redact;
mod release;
mod results;
mod run_log;
mod shape;
mod turn;
mod unlock;
mod vault;

#[cfg(test)]
mod tests;

pub use authority::{AUTHORITY_DAYS, Identity, LEAF_DAYS, due};
pub use chain::{Chain, Copied, Fault};
pub use error::StateError;
pub use history::{About, BEGAN, Entry, HISTORY, Operation, StepCounts, operations};
pub use keepsake::{KEEPSAKE, Keepsake, STATE_TAR, write_private};
pub use own::{OwnFiles, own_certificate_mistakes, split_certificates};
pub use place::{Lock, must_be_private};
pub use published::{Published, read_certificate};
pub use recipients::{Means, NewRecipient, Recipient};
pub use redact::Redactor;
pub use release::{Release, ReleasedBundle};
pub use results::{Kept, ResultKind};
pub use run_log::{RunLog, event_line};
pub use shape::{KeyPair, Shape};
pub use turn::{Phase, Sides};
pub use unlock::{Ask, Question, Unlocker};
pub use vault::{Issued, Value, Vault};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// The state folder of one deployment. Cloning it names the same folder.
#[derive(Debug, Clone)]
pub struct State {
    folder: PathBuf,
    deployment: String,
}

impl State {
    /// The folder of a deployment beside its inventory file; makes it (0700) when it is not there.
    pub fn open(inventory: &Path, deployment: &str) -> Result<Self, StateError> {
        let all = inventory.parent().unwrap_or(Path::new("")).join(".imctl");
        let fresh = !all.exists();
        let folder = all.join(deployment);
        place::private_folder(&all)?;
        place::private_folder(&folder)?;
        if fresh {
            // Run logs and secrets do not belong in a repository by accident; who wants them there removes this file.
            place::write(&all.join(".gitignore"), b"*\n")?;
        }
        Ok(Self { folder, deployment: deployment.to_owned() })
    }

    /// Whether what the folder tells of the past reads as it was written; commands ask before they begin.
    pub fn intact(&self) -> Result<(), StateError> {
        self.history()?;
        self.releases()?;
        Ok(())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The deployment's name.
    pub fn deployment(&self) -> &str {
        &self.deployment
    }

    /// A path within the folder.
    pub fn path(&self, within: impl AsRef<Path>) -> PathBuf {
        self.folder.join(within)
    }

    /// Where host keys of this deployment are recorded.
    pub fn known_hosts(&self) -> PathBuf {
        self.path("known_hosts")
    }

    /// Keeps other commands of imctl that change things out of the folder until the lock is dropped.
    pub fn lock(&self, doing: &str) -> Result<Lock, StateError> {
        self.lock_file("lock", doing)
    }

    fn lock_file(&self, name: &str, doing: &str) -> Result<Lock, StateError> {
        let (who, pid, since) = (operator(), std::process::id(), Timestamp::now().strftime("%F %T UTC"));
        place::lock(self.path(name), &format!("{doing} by {who}, process {pid}, since {since}"))
    }

    /// A name for this folder on this machine: a copy elsewhere has another.
    pub fn id(&self) -> String {
        use std::os::unix::ffi::OsStrExt as _;
        let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
        let whole = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        let mut digest = Sha256::new();
        digest.update(machine);
        digest.update(whole.as_os_str().as_bytes());
        hex::encode(&digest.finalize()[..8])
    }

    /// Reads a file of the folder; none when it is not there.
    pub fn read(&self, within: impl AsRef<Path>) -> Result<Option<Vec<u8>>, StateError> {
        place::read(&self.path(within))
    }

    /// The names in a folder within the folder, in order; none when it is not there.
    pub fn names(&self, within: impl AsRef<Path>) -> Result<Vec<String>, StateError> {
        place::names(&self.path(within))
    }

    /// Writes a file of the folder whole, 0600.
    pub fn write(&self, within: impl AsRef<Path>, content: &[u8]) -> Result<(), StateError> {
        place::write(&self.path(within), content)
    }

    /// The encrypted secrets and everything that opens them for those who may, as one tar archive that each host keeps
    /// a copy of: a lost control machine loses nothing. Equal state gives equal bytes. `tar -xf` puts it back. File name and content.
    pub fn mirror(&self) -> Result<Vec<(String, Vec<u8>)>, StateError> {
        let wraps = place::names(&self.path("identity.d"))?;
        let wraps = wraps.iter().map(|name| format!("identity.d/{name}"));
        let bytes = self.archive(std::iter::once("secrets.age".to_owned()).chain(wraps))?;
        Ok(vec![(STATE_TAR.to_owned(), bytes)])
    }
}

/// Who runs this: `user@machine`; behind sudo the one who called it.
pub fn operator() -> String {
    let named = |key: &str| std::env::var(key).ok().filter(|name| !name.is_empty());
    let user =
        named("SUDO_USER").or_else(|| named("USER")).or_else(|| named("LOGNAME")).unwrap_or("root".into());
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = machine.trim();
    let fits = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let clean = |text: &str| text.chars().filter(fits).take(30).collect::<String>();
    if machine.is_empty() { clean(&user) } else { format!("{}@{}", clean(&user), clean(machine)) }
}
