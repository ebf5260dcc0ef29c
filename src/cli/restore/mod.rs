//! `imctl restore`: brings a set back, whole or a part of it, to its own moment or to a later one. What is there now goes into
//! a set of its own first.

mod relay;
mod step;
mod view;

use super::backup::{Depot, Seen, create, sets};
use super::hold::hold;
use super::{Failure, Global, OutputFormat, connect, material, verify};
use crate::base::{Exit, HostName, Secret, Sink};
use crate::desired::{self, RestoreWork};
use crate::exec::Fleet;
use crate::record::{BackupPart, BackupSet};
use crate::report::{Live, Shape, Style};
use crate::state::{About, BEGAN};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Arguments of `imctl restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl restore last -i acme.yml                                 what would be done; nothing is changed
  imctl restore last -i acme.yml --confirm acme                  everything as the newest set has it
  imctl restore last -i acme.yml --part files --confirm acme     missing files only
  imctl restore --at 2026-11-23T14:05:00Z -i acme.yml --confirm acme    the database at that moment, files beside it")]
pub(super) struct Args {
    /// The set; `last` is the newest. Not needed with --at
    #[arg(value_name = "SET", required_unless_present = "at")]
    set: Option<String>,
    /// A moment after the set, in UTC, such as 2026-11-23T14:05:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// One part only, such as database or files. May be given several times
    #[arg(long, value_name = "PART")]
    part: Vec<String>,
    /// The deployment's name, typed: what came after that moment is lost
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
    /// Without a set of what is there now, because it cannot be read any more
    #[arg(long)]
    no_safety_set: bool,
    /// Why, for the record and for whoever meets the lock
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The ticket or change number it belongs to, for the record
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
}

/// What is brought back.
struct Aim {
    set: BackupSet,
    at: Option<Timestamp>,
    work: Vec<RestoreWork>,
    /// Values of the secrets that steps need.
    secrets: BTreeMap<String, Secret<String>>,
}

impl Aim {
    fn part(&self, name: &str) -> Option<&BackupPart> {
        self.set.parts.iter().find(|part| part.name == name)
    }

    /// The moment that it brings back.
    fn moment(&self) -> Timestamp {
        self.at.unwrap_or(self.set.point)
    }
}

/// Chooses, shows, asks, restores, proves.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let shape = Shape::fitting(global.shape() == OutputFormat::Json);
    let live = Live::new(shape, Style::stderr(global.no_color));
    let depot = Depot::open(global).await?;
    let aim = aim(&depot, &args).await;
    let done = match aim {
        Ok(aim) => Box::pin(agreed(&depot, &aim, (&args, global, &live))).await,
        Err(why) => Err(why),
    };
    depot.fleet.close().await;
    live.finish();
    done?;
    let proof = verify::after_change(&depot.road, global).await?;
    let green = proof.as_ref().is_none_or(|proof| proof.exit(false) == Exit::Done);
    view::proved(&depot.road, proof, global);
    Ok(if green { Exit::Done } else { Exit::CheckFailed })
}

async fn agreed(
    depot: &Depot,
    aim: &Aim,
    (args, global, live): (&Args, &Global, &Live),
) -> Result<(), Failure> {
    view::plan(depot, aim, args.no_safety_set, global);
    let name = &depot.road.inventory().name;
    if args.confirm.as_ref() != Some(name) {
        return Err(Failure::Refused(format!(
            "nothing was changed: what came after {} is lost by this; --confirm {name} does it",
            view::time(aim.moment())
        )));
    }
    let sink = live.sink();
    let fleet = connect::fleet(&depot.road, global, &sink).await?;
    let lease = hold(&depot.road, global, (&fleet, &sink), ("restore", args.reason.as_deref())).await;
    let lease = match lease {
        Ok(lease) => lease,
        Err(why) => {
            fleet.close().await;
            return Err(why);
        }
    };
    let about = || About { reason: args.reason.clone(), ticket: args.ticket.clone(), ..About::default() };
    let verb = format!("restore {}", aim.set.id);
    let number = depot.road.state.record((&verb, BEGAN), about(), Timestamp::now())?;
    let done = all(depot, aim, (&lease.fenced(&fleet), &sink, args)).await;
    lease.give_back().await;
    fleet.close().await;
    let outcome = if done.is_ok() { "done" } else { "stopped" };
    let about = About { of: Some(number), ..about() };
    depot.road.state.record((&verb, outcome), about, Timestamp::now())?;
    done
}

/// A safety set, then every step. What comes beside a part is done also where the part failed: services start again.
async fn all(depot: &Depot, aim: &Aim, (fleet, sink, args): (&Fleet, &Sink, &Args)) -> Result<(), Failure> {
    if !args.no_safety_set {
        let set = create::follow_to_end(depot, sink).await?;
        sink.note(format!("what was there is in set {set}"));
    }
    let mut failed = None;
    for work in &aim.work {
        if failed.is_some() && work.part.is_some() {
            continue;
        }
        for hook in &work.hooks {
            if let Err(why) = step::run(depot, (aim, work, hook), (fleet, sink)).await {
                failed.get_or_insert(why);
            }
        }
    }
    if let Some(why) = failed {
        return Err(why);
    }
    // What comes from now on follows from here: a later moment is reached from a set of now.
    match create::follow_to_end(depot, sink).await {
        Ok(set) => sink.note(format!("what is there now is in set {set}")),
        Err(why) => sink.warn(format!("no set of what is there now could be made: {why}")),
    }
    Ok(())
}

/// Which set, and whether it fits this service.
async fn aim(depot: &Depot, args: &Args) -> Result<Aim, Failure> {
    let (seen, _) = sets::all(depot).await?;
    let id = match (&args.set, args.at) {
        (None, Some(at)) => before(depot, &seen, at)?,
        (word, _) => sets::meant(depot, &seen, word.as_deref().unwrap_or("last"))?,
    };
    let set = seen.into_iter().find(|(name, _)| *name == id).map(|(_, set)| set);
    let set = set.unwrap_or_else(|| Err("it is gone".to_owned()));
    let set = set.map_err(|why| depot.failed(&format!("set `{id}` is not to be used: {why}")))?;
    fits(depot, &set)?;
    if let Some(at) = args.at.filter(|at| *at < set.point) {
        return Err(Failure::Usage(format!(
            "set `{id}` begins at {}, after {}: name an older one, or none",
            view::time(set.point),
            view::time(at)
        )));
    }
    let spec = &depot.spec;
    let known: Vec<String> = spec.restore.iter().filter_map(|step| step.part.clone()).collect();
    if let Some(strange) = args.part.iter().find(|part| !known.contains(*part)) {
        return Err(Failure::Usage(format!("there is no part `{strange}`; there are {}", known.join(", "))));
    }
    let parts = if args.part.is_empty() { known } else { args.part.clone() };
    let work = desired::restore(&depot.road.topology, &spec.restore, &parts)?;
    let vault = material::vault(&depot.road)?;
    let mut secrets = BTreeMap::new();
    for name in work.iter().flat_map(|work| &work.secrets) {
        secrets.insert(name.clone(), vault.reveal(name)?);
    }
    Ok(Aim { set, at: args.at, work, secrets })
}

/// The newest set that is not after a moment.
fn before(depot: &Depot, seen: &[Seen], at: Timestamp) -> Result<String, Failure> {
    if at > Timestamp::now() {
        return Err(Failure::Usage(format!("{} has not come yet", view::time(at))));
    }
    let mut fitting = seen.iter().rev().filter(|(_, set)| set.as_ref().is_ok_and(|set| set.point <= at));
    let found = fitting.next().map(|(id, _)| id.clone());
    let word = || format!("before {}", view::time(at));
    found.ok_or_else(|| Failure::NoSet { set: word(), inventory: depot.road.typed() })
}

/// A set of this very service, in the version that it has.
fn fits(depot: &Depot, set: &BackupSet) -> Result<(), Failure> {
    let topology = &depot.road.topology;
    let authority = depot.road.state.read("pki/ca.pem")?.unwrap_or_default();
    let cluster = hex::encode(Sha256::digest(authority));
    let refused = |why: String| Err(Failure::Refused(format!("nothing was changed: {why}")));
    if set.deployment != depot.road.inventory().name || set.cluster != cluster {
        return refused(format!("set `{}` is of another service, `{}`", set.id, set.deployment));
    }
    if set.stack != topology.stack.file.name || set.version != topology.version {
        return refused(format!(
            "set `{}` is of {} {}, and the inventory says {}: bring the service to that version first, with `imctl upgrade --to` or `imctl rollback`",
            set.id, set.stack, set.version, topology.version
        ));
    }
    Ok(())
}

/// The first host that a piece of work is done on, for people.
fn hosts(work: &RestoreWork) -> Vec<&HostName> {
    work.hooks.iter().map(|hook| &hook.on).collect()
}
