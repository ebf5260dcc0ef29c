//! The kinds of things imctl keeps on a host, one file a kind. Each kind says what to look at, tells what
//! differs from what was seen, and which actions make it so: pure, without transport or stacks.
//!
//! The same types serve a stack's file (string leaves are templates) and the rendered desired state.

mod artifact;
mod command;
mod data;
mod directory;
mod file;
mod firewall;
mod foreseen;
mod look;
mod package;
mod package_unit;
mod path;
mod remainder;
mod service;
mod shell;
mod sysctl;
mod updates;
mod user;

pub use artifact::Artifact;
pub use command::Command;
pub use data::Data;
pub use directory::Directory;
pub use file::File;
pub use firewall::{Firewall, RESTORE_UNIT};
pub use look::{LookError, contents, parse, program};
pub use package::{Package, Purge};
pub use package_unit::{RUNS, SWEEP, launch, unit_program, waiting_script};
pub use service::{Service, ServiceState};
pub use sysctl::Sysctl;
pub use updates::Updates;
pub use user::{BEFORE, User};

use crate::base::{ResourceId, Secret};
use crate::record::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One thing on a host. In a stack file every string may hold a template; rendered, all strings are final.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Resource {
    /// Packages from the bundle, installed in one run of apt.
    Package(Package),
    /// Installed packages are brought to the bundle's version where that comes from a security suite.
    Updates(Updates),
    /// A system user and its group.
    User(User),
    /// A directory with its mode and owner.
    Directory(Directory),
    /// A whole file with its content, mode and owner.
    File(File),
    /// A systemd unit that runs, or does not.
    Service(Service),
    /// Kernel settings, now and after a reboot.
    Sysctl(Sysctl),
    /// The host's packet filter; a change restores itself unless confirmed over a new connection.
    Firewall(Firewall),
    /// A program or file out of the bundle that is no package.
    Artifact(Artifact),
    /// A script that runs unless its check says that it has nothing to do.
    Command(Command),
    /// A folder that the product fills; it goes when the deployment is destroyed, and never otherwise.
    Data(Data),
}

/// What to look at on a host. Equal probes are made once; all of a host's probes travel in one program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// Existence, kind, mode, owner and content hash of a path.
    Path(String),
    /// All installed packages.
    Packages,
    /// State of a systemd unit.
    Unit(String),
    /// A user with home, shell and groups.
    User(String),
    /// A group.
    Group(String),
    /// Value of a kernel setting.
    Sysctl(String),
    /// A POSIX sh script run as root with no input; it must change nothing and end within 20 s.
    Script {
        /// Key of the answer in `Observed::scripts`.
        key: String,
        /// The script.
        script: String,
    },
}

/// What would change about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is not there.
    Create,
    /// It is there and differs.
    Update,
    /// It is there and must go.
    Remove,
}

/// A difference between a resource and what was seen, ready to be read by a person. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Create, update or remove.
    pub kind: ChangeKind,
    /// A few words after the name, such as `4.3-2 -> 4.4-1` or `mode 0644 -> 0640`; may be empty.
    pub summary: String,
    /// Lines to show below: a unified diff, or one line a package.
    pub lines: Vec<String>,
}

/// One act on a host. Actions of a change run in order; the first that fails ends the step.
#[derive(Debug, Clone)]
pub enum Action {
    /// A POSIX sh script run as root; a status other than 0 is a failure and its output the reason.
    Run {
        /// The script; travels over standard input, never in argv, so it may hold a secret.
        script: String,
        /// What the script reads on its standard input.
        input: Secret<Vec<u8>>,
        /// After this it is ended and has failed.
        within: Duration,
    },
    /// A file put in place whole: temporary name in the same folder, mode and owner, fsync, rename.
    Upload {
        /// Absolute path.
        path: String,
        /// Content.
        content: Secret<Vec<u8>>,
        /// Four octal digits.
        mode: String,
        /// Owner's name.
        owner: String,
        /// Group's name.
        group: String,
    },
    /// Packages out of the bundle, in one run of apt with services kept from starting.
    Packages {
        /// Names, with `=version` where one is asked for.
        names: Vec<String>,
        /// Units masked before the packages come, so that nothing starts on a default configuration.
        mask: Vec<String>,
    },
    /// A file out of the bundle, put in place like an upload.
    Artifact {
        /// Its name in the bundle's manifest.
        name: String,
        /// Absolute path on the host.
        path: String,
        /// Four octal digits.
        mode: String,
    },
    /// systemd reads its files again; of several in a row the last does.
    ReadUnits,
    /// A change that can cut our own connection: `restore` runs by a timer on the host unless a new connection
    /// confirms within the time.
    Guarded {
        /// What makes the change.
        apply: String,
        /// What brings the old state back.
        restore: String,
        /// How long the host waits for the confirmation.
        within: Duration,
    },
}

impl Action {
    /// A script without input that may take two minutes.
    pub fn run(script: impl Into<String>) -> Self {
        Self::Run { script: script.into(), input: Secret::new(Vec::new()), within: Duration::from_mins(2) }
    }
}

/// What every kind can tell about itself.
pub trait Kind {
    /// Kind and name.
    fn id(&self) -> ResourceId;
    /// The condition under which the resource belongs to the desired state: a template expression, none = always.
    fn when(&self) -> Option<&str>;
    /// What to look at.
    fn probes(&self) -> Vec<Probe>;
    /// What differs from what was seen; none when it is already right.
    fn diff(&self, seen: &Observed) -> Option<Change>;
    /// What makes it so.
    fn actions(&self, seen: &Observed) -> Vec<Action>;
    /// What takes it away again, given what was seen; empty when the kind leaves its things in place.
    fn removal(&self, seen: &Observed) -> Vec<Action>;
    /// Units that must restart after this resource changed.
    fn restarts(&self) -> &[String] {
        &[]
    }
    /// Units that must reload after this resource changed.
    fn reloads(&self) -> &[String] {
        &[]
    }
}

impl Resource {
    /// The kind's own view of the resource.
    pub fn kind(&self) -> &dyn Kind {
        match self {
            Self::Package(it) => it,
            Self::Updates(it) => it,
            Self::User(it) => it,
            Self::Directory(it) => it,
            Self::File(it) => it,
            Self::Service(it) => it,
            Self::Sysctl(it) => it,
            Self::Firewall(it) => it,
            Self::Artifact(it) => it,
            Self::Command(it) => it,
            Self::Data(it) => it,
        }
    }

    /// Kind and name.
    pub fn id(&self) -> ResourceId {
        self.kind().id()
    }
}
