//! Seeing all hosts at once, each in one exec: what a plan looks at, what health hooks and figures ask, who logged in.

use super::Scene;
use super::figures::{Figures, figures};
use crate::base::{HostName, quote};
use crate::cli::drift::{self, Logins};
use crate::cli::reach::Unreached;
use crate::cli::survey::{basis, leftovers, of_hosts, texts};
use crate::cli::{Failure, connect, links};
use crate::desired::{self, RenderedHook};
use crate::exec::{self, Fleet};
use crate::facts::{self, HostFacts};
use crate::plan::{self, Manifest, Plan};
use crate::record::{Answer, Observed};
use crate::resource::Probe;
use crate::topology::Instance;
use std::collections::BTreeMap;

/// A health hook is asked once and has this long, in seconds.
const HEALTH: u32 = 10;
/// A figure has this long, in seconds.
const FIGURE: u32 = 5;

/// Everything that one look brought.
pub(super) struct Look {
    /// What the hosts that answered showed.
    pub(super) observed: BTreeMap<HostName, Observed>,
    pub(super) facts: BTreeMap<HostName, HostFacts>,
    /// Why the others did not, and what helps.
    pub(super) silent: BTreeMap<HostName, (String, String)>,
    pub(super) logins: Logins,
    /// What would bring the hosts to what the inventory says; `Err` says why it is not known.
    pub(super) plan: Result<Plan, String>,
    pub(super) figures: Figures,
    answers: BTreeMap<HostName, BTreeMap<String, Answer>>,
}

impl Look {
    /// Whether the deployment stands on a host.
    pub(super) fn stands(&self, host: &HostName) -> bool {
        self.observed.get(host).is_some_and(|seen| Manifest::seen(seen).stands())
    }

    /// The answer of a health hook or a figure.
    pub(super) fn answer(&self, host: &HostName, key: &str) -> Option<&Answer> {
        self.answers.get(host)?.get(key)
    }
}

/// The key of an instance's health hook.
pub(super) fn health_key(instance: &Instance, at: usize) -> String {
    format!("status health {} {at}", instance.component)
}

/// The key of a figure of an instance.
pub(super) fn figure_key(instance: &Instance, figure: &str) -> String {
    format!("status figure {} {figure}", instance.component)
}

/// Looks at every host that can be reached.
pub(super) async fn look(scene: &Scene<'_>) -> Result<Look, Failure> {
    let road = scene.road;
    let figures = figures(road)?;
    let probes = probes(scene, &figures)?;
    let (fleet, unreached) =
        connect::some(road, scene.global, &road.hosts, &crate::base::Sink::none()).await?;
    let why = |it: Unreached| {
        let help = links::help(&it.host, &it.cause).join("; ");
        (it.host, (it.cause.to_string(), help))
    };
    let mut silent: BTreeMap<HostName, (String, String)> = unreached.into_iter().map(why).collect();
    let reached = probes.into_iter().filter(|(host, _)| fleet.link(host).is_some()).collect();
    let mut observed = BTreeMap::new();
    for (host, seen) in exec::look(&fleet, &reached).await {
        match seen {
            Ok(seen) => drop(observed.insert(host, seen)),
            Err(cause) => drop(silent.insert(host, (cause.to_string(), String::new()))),
        }
    }
    let logins = drift::take_logins(&mut observed);
    let answers = taken(&mut observed);
    let facts: BTreeMap<HostName, HostFacts> = observed.iter().map(read_facts).collect();
    let plan = planned(scene, &fleet, &mut observed, &facts).await;
    fleet.close().await;
    Ok(Look { observed, facts, silent, logins, plan, figures, answers })
}

fn read_facts((host, seen): (&HostName, &Observed)) -> (HostName, HostFacts) {
    let answer = seen.scripts.get(facts::KEY).map(|answer| answer.out.as_str()).unwrap_or_default();
    (host.clone(), facts::parse(answer))
}

/// What to ask each host: one list, and so one exec.
fn probes(scene: &Scene<'_>, figures: &Figures) -> Result<BTreeMap<HostName, Vec<Probe>>, Failure> {
    let topology = &scene.road.topology;
    let identities = desired::identities(topology)?;
    let script = |key: String, script| Probe::Script { key, script };
    let mut all = BTreeMap::new();
    for host in &scene.road.hosts {
        let mut probes = plan::probes(topology, &identities, host);
        probes.push(script(facts::KEY.to_owned(), facts::script()));
        probes.push(drift::logins_probe());
        for instance in topology.on(host) {
            for (at, hook) in healths(scene, instance).iter().enumerate() {
                probes.push(script(health_key(instance, at), bounded(&hook.script, HEALTH)));
            }
            for (figure, run) in figures.of(instance) {
                probes.push(script(figure_key(instance, figure), bounded(run, FIGURE)));
            }
        }
        all.insert(host.clone(), probes);
    }
    Ok(all)
}

/// Health hooks of an instance. One that cannot be asked before the host is known is left out, and the units alone tell.
pub(super) fn healths(scene: &Scene<'_>, instance: &Instance) -> Vec<RenderedHook> {
    desired::health(&scene.road.topology, instance).unwrap_or_default()
}

/// The script, ended after so many seconds: a sick service does not keep the look from its end.
fn bounded(script: &str, seconds: u32) -> String {
    format!("timeout -k 1 {seconds} sh -c {}", quote(script))
}

/// Takes the answers to our own questions out of what was seen: a plan is not made on them.
fn taken(observed: &mut BTreeMap<HostName, Observed>) -> BTreeMap<HostName, BTreeMap<String, Answer>> {
    let mut answers: BTreeMap<HostName, BTreeMap<String, Answer>> = BTreeMap::new();
    for (host, seen) in observed {
        let keys: Vec<String> =
            seen.scripts.keys().filter(|key| key.starts_with("status ")).cloned().collect();
        for key in keys {
            if let Some(answer) = seen.scripts.remove(&key) {
                answers.entry(host.clone()).or_default().insert(key, answer);
            }
        }
    }
    answers
}

/// What a plan would say of what was seen.
async fn planned(
    scene: &Scene<'_>,
    fleet: &Fleet,
    observed: &mut BTreeMap<HostName, Observed>,
    facts: &BTreeMap<HostName, HostFacts>,
) -> Result<Plan, String> {
    let road = scene.road;
    let made = scene.made.as_ref().map_err(Clone::clone)?;
    let words = |failure: Failure| failure.to_string();
    let desired = desired::state(&road.topology, &made.material, facts).map_err(|cause| cause.to_string())?;
    let hosts: Vec<HostName> = observed.keys().cloned().collect();
    let desired = of_hosts(desired, &hosts);
    leftovers(fleet, &desired, observed).await.map_err(words)?;
    if scene.global.verbose > 0 {
        texts(fleet, &desired, observed).await.map_err(words)?;
    }
    let basis = basis(road, observed);
    let mut plan = plan::install(plan::Scene {
        topology: &road.topology,
        desired: &desired,
        observed,
        basis: &basis,
        pace: &road.pace,
    });
    plan.hide(|line| made.redactor.redact(line));
    Ok(plan)
}
