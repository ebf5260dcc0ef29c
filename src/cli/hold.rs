//! Holding the lease of a deployment while its hosts are changed: on all hosts of the command, and on a majority of the
//! inventory's, so that no two operators change different halves of it.

use super::connect;
use super::road::Road;
use super::{Failure, Global};
use crate::base::{Exit, HostName, Sink, duration};
use crate::exec::{self, Claim, Fleet, Lease, NotTaken};
use crate::record::{Holder, LeaseSeen};
use crate::report::spoken;
use crate::state::operator;
use jiff::Timestamp;
use rand::Rng as _;
use std::time::Duration;

/// Options of every command that changes hosts.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ChangeArgs {
    /// Wait so long for another operator to be done, such as 10m
    #[arg(long, value_name = "TIME")]
    pub(super) lock_wait: Option<String>,
    /// Why, for the record and for whoever meets the lock
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
    /// The ticket or change number it belongs to, for the record
    #[arg(long, value_name = "TEXT")]
    pub(super) ticket: Option<String>,
    /// Leave out this host, because it is dead; needs --confirm. May be given several times
    #[arg(long, value_name = "HOST")]
    pub(super) lost: Vec<String>,
    /// The deployment's name, typed as a confirmation where a host or data may be lost
    #[arg(long, value_name = "NAME")]
    pub(super) confirm: Option<String>,
}

impl ChangeArgs {
    /// How long to wait for others.
    pub(super) fn wait(&self) -> Result<Duration, Failure> {
        let Some(text) = &self.lock_wait else { return Ok(Duration::ZERO) };
        duration(text).map_err(|cause| Failure::Usage(format!("--lock-wait: {cause}")))
    }
}

/// Why the lease could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LeaseFailure {
    /// Somebody else holds it.
    #[error("{}", told(name, holders))]
    Held {
        /// The deployment.
        name: String,
        /// Where, and who.
        holders: Vec<(HostName, LeaseSeen)>,
        /// The inventory as typed.
        inventory: String,
    },
    /// Something of the holder before still runs.
    #[error("a program of the run before still runs on `{0}`")]
    Running(HostName),
    /// Too few hosts answer.
    #[error(
        "only {reached} of {of} hosts answer, and a majority of {needed} is needed so that nobody else changes the others"
    )]
    NoMajority {
        /// Hosts that answer.
        reached: usize,
        /// Hosts needed.
        needed: usize,
        /// Hosts there are.
        of: usize,
    },
    /// A host's answer is none.
    #[error("`{0}` did not answer as it should: {1}")]
    Answer(HostName, String),
}

impl LeaseFailure {
    /// The exit code.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Held { .. } | Self::Running(_) => Exit::Locked,
            Self::NoMajority { .. } => Exit::Unreachable,
            Self::Answer(..) => Exit::HostFailed,
        }
    }

    /// The number that `imctl explain` knows.
    pub(super) fn number(&self) -> &'static str {
        match self {
            Self::Held { .. } => "IM2401",
            Self::Running(_) => "IM2402",
            Self::NoMajority { .. } => "IM2403",
            Self::Answer(..) => "IM2404",
        }
    }

    /// What helps.
    pub(super) fn help(&self) -> Vec<String> {
        match self {
            Self::Held { inventory, name, .. } => vec![
                "wait for the end of it: the same command with --lock-wait 10m".to_owned(),
                format!(
                    "when the holder is gone for good:  imctl lock release -i {inventory} --confirm {name}"
                ),
            ],
            Self::Running(_) => vec!["run the same command again in a minute".to_owned()],
            Self::NoMajority { .. } => vec![
                "bring the others back, or name those that are dead for good with --lost HOST --confirm NAME"
                    .to_owned(),
            ],
            Self::Answer(..) => vec![],
        }
    }
}

/// Who holds it where, one line a holder.
fn told(name: &str, holders: &[(HostName, LeaseSeen)]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for (_, lease) in holders {
        if told.contains(&lease.token.as_str()) {
            continue;
        }
        told.push(&lease.token);
        let hosts: Vec<String> = holders
            .iter()
            .filter(|(_, it)| it.token == lease.token)
            .map(|(host, _)| host.to_string())
            .collect();
        let ends = format!("ends in {} s unless it is renewed", lease.ends_in);
        lines.push(format!("{}; the lease on {} {ends}", holder_words(name, lease), hosts.join(", ")));
    }
    lines.join("\n")
}

/// The holder as a sentence's beginning.
pub(super) fn holder_words(name: &str, lease: &LeaseSeen) -> String {
    let Some(holder) = &lease.holder else { return format!("somebody holds the lease of {name}") };
    let age = Timestamp::now().duration_since(holder.started).unsigned_abs();
    let since = holder.started.strftime("%H:%M:%S UTC");
    let reason = holder.reason.as_ref().map(|reason| format!(" (\"{reason}\")")).unwrap_or_default();
    format!(
        "`{}` is changing {name} since {since} ({}): {}{reason}",
        holder.owner,
        spoken(age),
        holder.operation
    )
}

/// Takes the lease.
pub(super) async fn hold(
    road: &Road,
    global: &Global,
    (fleet, sink): (&Fleet, &Sink),
    (verb, reason): (&str, Option<&str>),
) -> Result<Lease, Failure> {
    let hosts: Vec<HostName> = road.present();
    let needed = hosts.len() / 2 + 1;
    let wide = widened(road, global, (fleet, sink), (&hosts, needed)).await?;
    let claim = Claim {
        deployment: road.inventory().name.clone(),
        token: format!("{}.{:016x}", road.state.id(), rand::rng().random::<u64>()),
        holder: Holder {
            owner: operator(),
            operation: verb.to_owned(),
            reason: reason.map(str::to_owned),
            started: Timestamp::now(),
        },
        needed,
    };
    exec::take(&claim, &wide).await.map_err(|refusal| refused(road, refusal))
}

fn refused(road: &Road, refusal: NotTaken) -> Failure {
    match refusal {
        NotTaken::Held(holders) => held(road, holders),
        NotTaken::Running(host) => LeaseFailure::Running(host).into(),
        NotTaken::Link(host, cause) => Failure::Link(host, cause),
        NotTaken::Answer(host, said) => LeaseFailure::Answer(host, said).into(),
    }
}

/// The failure that others hold the lease.
pub(super) fn held(road: &Road, holders: Vec<(HostName, LeaseSeen)>) -> Failure {
    LeaseFailure::Held { name: road.inventory().name.clone(), holders, inventory: road.typed() }.into()
}

/// The fleet, and connections to further hosts until they are a majority.
async fn widened(
    road: &Road,
    global: &Global,
    (fleet, sink): (&Fleet, &Sink),
    (hosts, needed): (&[HostName], usize),
) -> Result<Fleet, Failure> {
    let mut wide = fleet.clone();
    let mut rest: Vec<HostName> = hosts.iter().filter(|host| fleet.link(host).is_none()).cloned().collect();
    rest.sort();
    while wide.iter().count() < needed && !rest.is_empty() {
        let missing = needed - wide.iter().count();
        let more: Vec<HostName> = rest.drain(..missing.min(rest.len())).collect();
        let (joined, _) = connect::some(road, global, &more, sink).await?;
        for (host, link) in joined.iter() {
            wide.insert(host.clone(), link.clone());
        }
    }
    let reached = wide.iter().count();
    if reached < needed {
        return Err(LeaseFailure::NoMajority { reached, needed, of: hosts.len() }.into());
    }
    Ok(wide)
}
