//! `imctl backup`: sets of everything that only the customer has. They are made and kept on the backup host, by imctl there;
//! this machine asks for them, and believes a set only when its signature fits a key of its own secrets.

pub(super) mod create;
mod host;
mod judge;
mod prune;
pub(super) mod sets;
mod view;

use super::road::Road;
use super::{Failure, Global, connect, material};
use crate::backup::{BackupError, Kind};
use crate::base::{Exit, HostName, Sink, quote};
use crate::exec::Fleet;
use crate::stack::BackupSpec;
use crate::transport::{Exec, Output, Session};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

pub(super) use sets::Seen;

/// Arguments of `imctl backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl backup create -i acme.yml                a set of everything, now
  imctl backup list -i acme.yml                  the sets there are, the newest last
  imctl backup show 2026-11-23T20-40-12 -i acme.yml
  imctl backup verify -i acme.yml                every byte of every set is read again
  imctl backup prune --keep-last 7 -i acme.yml   which sets would go; -y takes them away

The host with the role `backup` makes and keeps the sets: docs/backup.md.")]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Makes a set: database, files, and what builds the operator's folder anew
    Create(create::Args),
    /// Lists the sets there are, the newest last
    List,
    /// Shows what a set holds
    Show {
        /// The set; `last` is the newest
        #[arg(value_name = "SET")]
        set: String,
    },
    /// Reads every byte of the sets again and judges it
    Verify {
        /// One set only; `last` is the newest
        #[arg(value_name = "SET")]
        set: Option<String>,
    },
    /// Takes old sets away, and the content that no other set holds
    Prune(prune::Args),
    /// What imctl does on the backup host itself
    #[command(hide = true)]
    Host(host::Args),
}

/// Runs `imctl backup`.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Create(args) => create::run(&args, global).await,
        Verb::List => sets::list(global).await,
        Verb::Show { set } => sets::show(&set, global).await,
        Verb::Verify { set } => judge::run(set.as_deref(), global).await,
        Verb::Prune(args) => prune::run(&args, global).await,
        Verb::Host(args) => host::run(args).await,
    }
}

/// How much of the database is read anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Type {
    /// All of it
    Full,
    /// What changed since the last full one
    Diff,
    /// What changed since the last one
    Incr,
    /// What is due: full, diff or incr
    Auto,
}

impl Type {
    const fn kind(self) -> Kind {
        match self {
            Self::Full => Kind::Full,
            Self::Diff => Kind::Diff,
            Self::Incr => Kind::Incr,
            Self::Auto => Kind::Auto,
        }
    }
}

/// The backup host, and how it is spoken to.
pub(super) struct Depot {
    pub(super) road: Road,
    pub(super) spec: BackupSpec,
    pub(super) host: HostName,
    pub(super) fleet: Fleet,
    /// Keys that a set may be signed with.
    keys: Vec<String>,
    /// Lines of the products' own programs are shown.
    loud: bool,
}

impl Depot {
    /// Connects to the host that makes backups.
    pub(super) async fn open(global: &Global) -> Result<Self, Failure> {
        let road = Road::without_bundle(global)?;
        let name = &road.topology.stack.file.name;
        let spec = road.topology.stack.file.backup.clone();
        let spec = spec
            .ok_or_else(|| Failure::Usage(format!("the stack `{name}` does not say how it is backed up")))?;
        let mut instances = road.topology.instances.iter();
        let host = instances.find(|it| it.component == spec.on).map(|it| it.host.clone());
        let host = host.ok_or_else(|| Failure::NoBackupHost { inventory: road.typed() })?;
        let keys = material::vault(&road)?.public_keys(&spec.signed_with);
        let fleet = {
            let (fleet, unreached) =
                connect::some(&road, global, std::slice::from_ref(&host), &Sink::none()).await?;
            if !unreached.is_empty() {
                return Err(Failure::Unreached(unreached));
            }
            fleet
        };
        Ok(Self { road, spec, host, fleet, keys, loud: global.verbose > 0 })
    }

    pub(super) fn link(&self) -> &Arc<dyn Session> {
        self.fleet.link(&self.host).expect("it was connected to")
    }

    /// Runs a script on the host as root.
    async fn exec(&self, script: String, within: Duration) -> Result<Output, Failure> {
        let output = self.link().exec(Exec::new(script, within)).await;
        output.map_err(|cause| Failure::Link(self.host.clone(), cause))
    }

    /// Asks imctl there, and reads its answer.
    async fn ask<T: DeserializeOwned>(&self, words: &[&str], within: Duration) -> Result<T, Failure> {
        self.tell(words, &[], within).await
    }

    /// The same with something on standard input.
    pub(super) async fn tell<T: DeserializeOwned>(
        &self,
        words: &[&str],
        input: &[u8],
        within: Duration,
    ) -> Result<T, Failure> {
        let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
        let (program, job) = (&self.spec.program, quote(&self.spec.job));
        let script = format!(
            "[ -x {program} ] || {{ echo 'imctl is not installed there' >&2; exit 127; }}\ncd / && exec runuser -u {} -- {program} backup host --job {job} {}\n",
            quote(&self.spec.user),
            words.join(" ")
        );
        let output = self.link().exec(Exec::new(script, within).input(input.to_vec())).await;
        let output = output.map_err(|cause| Failure::Link(self.host.clone(), cause))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let answer = text.lines().rev().find(|line| line.starts_with('{'));
        let answer = answer.and_then(|line| serde_json::from_str::<Answer<T>>(line).ok());
        match answer {
            Some(Answer::Done(answer)) => Ok(answer),
            Some(Answer::Failed(why)) => Err(self.failed(&why)),
            None => Err(self.failed(&output.text())),
        }
    }

    pub(super) fn failed(&self, why: &str) -> Failure {
        let why = if why.is_empty() { "it said nothing" } else { why };
        Failure::Backup { host: self.host.clone(), why: why.to_owned(), inventory: self.road.typed() }
    }
}

/// What imctl on the backup host answers, as its last line.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer<T> {
    Done(T),
    Failed(String),
}

impl<T> From<Result<T, BackupError>> for Answer<T> {
    fn from(result: Result<T, BackupError>) -> Self {
        match result {
            Ok(answer) => Self::Done(answer),
            Err(why) => Self::Failed(why.to_string()),
        }
    }
}

/// What helps with a failure of backups.
pub(super) fn help(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::NoBackupHost { inventory } => vec![
            "backup1: { address: 10.20.0.41, roles: [backup] }  under `hosts:` of the inventory".to_owned(),
            format!(
                "imctl bundle build -i {inventory} -o bundle, then imctl install -i {inventory} --bundle bundle"
            ),
        ],
        Failure::Backup { inventory, .. } => {
            vec![
                format!("imctl backup list -i {inventory}  shows what is whole"),
                format!("imctl plan -i {inventory}  shows what is missing there, imctl install brings it"),
            ]
        }
        Failure::BackupAtWork { unit, .. } => vec![format!("journalctl -f -u {unit}  there shows it")],
        Failure::NoSet { inventory, .. } => vec![format!("imctl backup list -i {inventory}")],
        _ => vec![],
    }
}
