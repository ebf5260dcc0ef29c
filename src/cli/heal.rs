//! `imctl heal`: mends what is broken although it stands as the inventory says, such as a cluster that fell apart.

use super::change::Change;
use super::hold::ChangeArgs;
use super::road::Road;
use super::survey::Aim;
use super::{Failure, Global, install};
use crate::base::{Exit, HostName, quote};
use crate::desired;
use crate::plan::to_restart;
use crate::record::Observed;
use crate::resource::Probe;
use crate::topology::Instance;
use std::collections::BTreeMap;

/// A health hook is asked once and has so long, in seconds.
const WITHIN: u32 = 15;

/// Arguments of `imctl heal`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Every instance is asked whether it is well. Those that are not are restarted one after the other, where they stand behind nothing else that is \
        ill; of a cluster that fell apart the first node stays. Besides, everything is brought to what the inventory says, as `imctl install` does."
)]
pub(super) struct Args {
    #[command(flatten)]
    change: ChangeArgs,
}

/// Asks, plans, restarts, proves.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let mut road = Road::open(global)?.without(&args.change.lost)?;
    road.heals = true;
    let change = Change {
        road: &road,
        global,
        asked: &args.change,
        aim: Aim::Inventory,
        verb: "heal",
        done: "well again",
        skip: None,
    };
    let Some(applied) = change.apply(None).await? else { return Ok(Exit::Done) };
    install::prove_and_tell(&change, applied).await
}

/// Asks a host's instances whether they are well.
pub(super) fn probes(road: &Road, host: &HostName) -> Vec<Probe> {
    let mut probes = Vec::new();
    for instance in road.topology.on(host) {
        for (at, hook) in desired::health(&road.topology, instance).unwrap_or_default().iter().enumerate() {
            let script = format!("timeout -k 1 {WITHIN} sh -c {} 2>&1", quote(&hook.script));
            probes.push(Probe::Script { key: key(instance, at), script });
        }
    }
    probes
}

/// Takes the answers out of what was seen, and tells which instances are to be restarted.
pub(super) fn ill(road: &Road, observed: &mut BTreeMap<HostName, Observed>) -> BTreeMap<Instance, String> {
    let mut ill = BTreeMap::new();
    for instance in &road.topology.instances {
        let Some(seen) = observed.get_mut(&instance.host) else { continue };
        for at in 0.. {
            let Some(answer) = seen.scripts.remove(&key(instance, at)) else { break };
            if answer.status != 0 {
                let said = answer.out.lines().rev().find(|line| !line.trim().is_empty());
                let why = format!("it is not well: {}", said.unwrap_or("it does not answer").trim());
                ill.entry(instance.clone()).or_insert(why);
            }
        }
    }
    to_restart(&road.topology, &ill)
}

fn key(instance: &Instance, at: usize) -> String {
    format!("heal {} {at}", instance.component)
}
