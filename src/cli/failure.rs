//! Everything that can end a command, each with its number, exit code and help: one exhaustive match.

use super::hold::LeaseFailure;
use super::reach::{self, Unreached};
use super::survey::Unseen;
use super::{Global, OutputFormat, failure_view, links};
use crate::base::{Exit, HostName, Language};
use crate::bundle::BundleError;
use crate::desired::RenderError;
use crate::inventory::{EditError, Mistakes, SelectError};
use crate::lab::LabError;
use crate::report::Style;
use crate::stack::StackError;
use crate::state::StateError;
use crate::topology::TopologyError;
use crate::transport::{ConfigError, LinkError};

/// Why a command ended without its answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Arguments that do not fit together.
    #[error("{0}")]
    Usage(String),
    /// The inventory has mistakes.
    #[error(transparent)]
    Inventory(#[from] Mistakes),
    /// `--on` names what is not there.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The lab could not do what was asked.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// The bundle is missing, corrupt or not trusted.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The inventory was not changed.
    #[error(transparent)]
    Edit(EditError),
    /// The state folder or its secrets could not be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A host's connection could not be made, or broke.
    #[error("{0}: {1}")]
    Link(HostName, LinkError),
    /// The operator's SSH configuration says something about a host that cannot be followed.
    #[error("{0}: {1}")]
    Way(HostName, ConfigError),
    /// The stack is wrong.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// Inventory and stack do not fit together.
    #[error(transparent)]
    Topology(#[from] TopologyError),
    /// A template of the stack is wrong.
    #[error("the stack cannot be rendered: {0}")]
    Render(#[from] RenderError),
    /// Hosts cannot be reached.
    #[error("{}", reach::unreached(.0))]
    Unreached(Vec<Unreached>),
    /// Hosts could not be seen.
    #[error("{}", reach::unseen(.0))]
    Unseen(Vec<Unseen>),
    /// Hosts run what the stack was not made for.
    #[error("{hosts}; the stack runs on {fit}")]
    Platform {
        /// Which, and what they are.
        hosts: String,
        /// What would fit.
        fit: String,
    },
    /// Hosts are not good enough.
    #[error("hosts are not good enough; nothing was changed")]
    Unfit {
        /// The inventory as typed.
        inventory: String,
        /// The judgement, for programs.
        findings: Box<serde_json::Value>,
    },
    /// The service does not stand on hosts.
    #[error("the service is not installed on {hosts}: there is nothing to judge")]
    NotInstalled {
        /// Which hosts.
        hosts: String,
        /// The inventory as typed.
        inventory: String,
    },
    /// A report was asked for, and nothing was recorded.
    #[error("nothing is recorded of `{deployment}` yet")]
    NothingRecorded {
        /// The deployment.
        deployment: String,
        /// The inventory as typed.
        inventory: String,
    },
    /// The saved plan no longer fits.
    #[error("the plan is stale: {why}; nothing was changed")]
    Stale {
        /// What changed.
        why: String,
        /// The inventory as typed.
        inventory: String,
    },
    /// The lease of the deployment could not be had.
    #[error(transparent)]
    Lease(#[from] LeaseFailure),
    /// What imctl wrote down on a host about itself cannot be read.
    #[error("`{path}` on `{host}` is damaged: {cause}")]
    Damaged {
        /// The host.
        host: HostName,
        /// The file.
        path: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Accounts could not be seen or changed.
    #[error(transparent)]
    User(#[from] super::user::UserError),
    /// No host makes backups.
    #[error("no host of the inventory has the role that makes backups")]
    NoBackupHost {
        /// The inventory as typed.
        inventory: String,
    },
    /// The backup host could not do what was asked.
    #[error("`{host}`: {why}")]
    Backup {
        /// The host.
        host: HostName,
        /// What happened there.
        why: String,
        /// The inventory as typed.
        inventory: String,
    },
    /// A backup is being made already.
    #[error("`{host}` is at work: {unit}")]
    BackupAtWork {
        /// The host.
        host: HostName,
        /// The unit that runs.
        unit: String,
    },
    /// There is no such set.
    #[error("there is no set `{set}`")]
    NoSet {
        /// What was asked for.
        set: String,
        /// The inventory as typed.
        inventory: String,
    },
    /// The operator said no, or was not there to say yes.
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    /// The exit code of this failure.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Bundle(error) => error.exit(),
            Self::BackupAtWork { .. }
            | Self::Lab(LabError::Busy(_))
            | Self::State(StateError::Locked { .. } | StateError::ChangedMeanwhile { .. }) => Exit::Locked,
            Self::Backup { .. }
            | Self::Lab(LabError::Program { .. } | LabError::Host { .. } | LabError::File { .. }) => {
                Exit::HostFailed
            }
            Self::Usage(_)
            | Self::NoBackupHost { .. }
            | Self::NoSet { .. }
            | Self::NothingRecorded { .. }
            | Self::NotInstalled { .. }
            | Self::Inventory(_)
            | Self::Select(_)
            | Self::Edit(_)
            | Self::Lab(_)
            | Self::State(_)
            | Self::Stack(_)
            | Self::Topology(_)
            | Self::Render(_)
            | Self::Way(..) => Exit::Usage,
            Self::Unreached(hosts) => reach::exit(hosts),
            Self::Unseen(_) => Exit::Unreachable,
            Self::User(error) => error.exit(),
            Self::Lease(error) => error.exit(),
            Self::Platform { .. } | Self::Unfit { .. } | Self::Damaged { .. } => Exit::CheckFailed,
            Self::Stale { .. } => Exit::Stale,
            Self::Link(_, error) => links::exit(error),
            Self::Refused(_) => Exit::Refused,
        }
    }

    /// The number `imctl explain` knows it by.
    pub fn number(&self) -> &'static str {
        match self {
            Self::Usage(_) => "IM1001",
            Self::Refused(_) => "IM1002",
            Self::Inventory(mistakes) => mistakes.list.first().map_or("IM1201", |mistake| mistake.number),
            Self::Select(_) => "IM1203",
            Self::State(error) => state_number(error),
            Self::Bundle(_) => "IM5001",
            Self::Lab(LabError::Busy(_)) => "IM8303",
            Self::Lab(LabError::Program { .. } | LabError::Host { .. } | LabError::File { .. }) => "IM8302",
            Self::Lab(_) => "IM8301",
            Self::Edit(_) => "IM1230",
            Self::Link(_, error) => links::number(error),
            Self::Way(..) => "IM3115",
            Self::Stack(_) => "IM1401",
            Self::Topology(_) => "IM1402",
            Self::Render(_) => "IM1403",
            Self::Unreached(hosts) => reach::number(hosts),
            Self::Unseen(_) => "IM3202",
            Self::User(_) => "IM6001",
            Self::Lease(error) => error.number(),
            Self::Platform { .. } => "IM3201",
            Self::Damaged { .. } => "IM3203",
            Self::Unfit { .. } => "IM3204",
            Self::Stale { .. } => "IM4001",
            Self::NothingRecorded { .. } => "IM7001",
            Self::NotInstalled { .. } => "IM7002",
            Self::NoBackupHost { .. } => "IM9001",
            Self::Backup { .. } => "IM9002",
            Self::BackupAtWork { .. } => "IM9003",
            Self::NoSet { .. } => "IM9004",
        }
    }

    /// What helps, as commands or sentences.
    pub fn help(&self) -> Vec<String> {
        match self {
            Self::Usage(_) => vec!["imctl --help".to_owned()],
            Self::Select(error) => vec![error.help().to_owned()],
            Self::Lab(error) => error.help(),
            Self::Link(host, error) => links::help(host, error),
            Self::Way(..) => vec!["ssh -G HOST shows what the configuration says".to_owned()],
            Self::Bundle(error) => error.help(),
            Self::State(error) => error.hints(),
            Self::Lease(error) => error.help(),
            Self::Damaged { host, path, .. } => vec![
                format!(
                    "what it held is in the history; move it away on `{host}` and imctl makes it anew: mv {path} {path}.damaged"
                ),
                "until then imctl would not know what to take away there".to_owned(),
            ],
            Self::Unreached(hosts) => reach::help(hosts),
            Self::Stale { inventory, .. } => {
                vec![format!("imctl plan -i {inventory} -o FILE.plan  shows what would be done now")]
            }
            Self::NotInstalled { inventory, .. } => {
                vec![format!(
                    "imctl plan -i {inventory}  shows what is missing, imctl install -i {inventory}  brings it"
                )]
            }
            Self::NothingRecorded { inventory, .. } => vec![
                format!("imctl check -i {inventory}  judges the hosts and records it"),
                format!("imctl verify -i {inventory}  proves the installed service and records it"),
            ],
            Self::Unfit { inventory, .. } => vec![
                format!("imctl check -i {inventory}  judges them again"),
                "--skip ID='REASON' leaves a check out; the reason is recorded".to_owned(),
            ],
            Self::NoBackupHost { .. }
            | Self::Backup { .. }
            | Self::BackupAtWork { .. }
            | Self::NoSet { .. } => super::backup::help(self),
            Self::Platform { .. } => {
                vec!["take these hosts out of the inventory, or install a system that fits".to_owned()]
            }
            Self::Inventory(_)
            | Self::Edit(_)
            | Self::Refused(_)
            | Self::Stack(_)
            | Self::Topology(_)
            | Self::Render(_)
            | Self::Unseen(_)
            | Self::User(_) => vec![],
        }
    }

    /// Prints the failure once: the chain of causes, then what helps.
    #[expect(clippy::print_stderr, clippy::print_stdout, reason = "this room prints")]
    pub fn print(&self, global: &Global) {
        if global.shape() == OutputFormat::Json {
            println!("{}", failure_view::machine(self));
        }
        let language = Language::of(&global.lang);
        eprint!("{}", failure_view::human(self, language, Style::stderr(global.no_color)));
    }
}

impl From<EditError> for Failure {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Mistakes(mistakes) => Self::Inventory(mistakes),
            other => Self::Edit(other),
        }
    }
}

/// The number of each mistake of the state folder.
fn state_number(error: &StateError) -> &'static str {
    match error {
        StateError::Locked { .. } | StateError::ChangedMeanwhile { .. } => "IM2301",
        StateError::Io { .. } => "IM2302",
        StateError::Damaged { .. } => "IM2303",
        StateError::CannotUnlock { .. } => "IM2304",
        StateError::NothingToProtectWith { .. } => "IM2305",
        StateError::UnfitKey { .. } => "IM2306",
        StateError::TooOpen { .. } => "IM2307",
        StateError::WeakPassphrase { .. } => "IM2308",
        StateError::WeakShape { .. } | StateError::OtherShape { .. } => "IM2309",
        StateError::NoSuchSecret { .. } => "IM2310",
        StateError::Recipient { .. } => "IM2311",
        StateError::Certificate { .. } => "IM2312",
        StateError::Sealing { .. } => "IM2313",
    }
}
