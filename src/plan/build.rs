//! The plan that brings every host to its desired state: a list of stages.

use super::manifest::{MANIFEST_KEY, manifest_script};
use super::members::members;
use super::standing::{STANDING_KEY, standing_script};
use super::story::{Around, Story, apply_step, join_key, story};
use super::{Act, Basis, Batch, Lane, Pace, Plan, Stage, Step, Verb, batches, leaving, passage, removal};
use crate::base::{Component, HostName, ResourceId};
use crate::desired::Desired;
use crate::record::Observed;
use crate::resource::{BEFORE, ChangeKind, Probe, Resource};
use crate::topology::{Instance, Topology};
use std::collections::{BTreeMap, BTreeSet};

/// Everything a plan is made from.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Who stands where.
    pub topology: &'a Topology,
    /// What should be.
    pub desired: &'a Desired,
    /// What is, by host; only these hosts are planned for.
    pub observed: &'a BTreeMap<HostName, Observed>,
    /// What the plan is made on.
    pub basis: &'a Basis,
    /// How a change of version rolls.
    pub pace: &'a Pace,
}

/// Key of the probe for what was on a host before imctl.
pub const BEFORE_KEY: &str = "before";

/// What to look at on a host, from identities alone: its resources, whether it has joined, its manifest.
pub fn probes(topology: &Topology, identities: &Desired, host: &HostName) -> Vec<Probe> {
    let deployment = &topology.inventory.name;
    let script = |key: &str, script| Probe::Script { key: key.to_owned(), script };
    let mut probes = BTreeSet::from([
        script(MANIFEST_KEY, manifest_script(deployment)),
        script(STANDING_KEY, standing_script(deployment)),
    ]);
    for it in identities.on(host) {
        probes.extend(it.resources.iter().flat_map(|resource| resource.kind().probes()));
        probes.extend(it.units.iter().cloned().map(Probe::Unit));
        for join in it.hooks.join.iter().filter(|join| join.on == *host) {
            let script = join.unless.clone().unwrap_or_else(|| "false".to_owned());
            probes.insert(Probe::Script { key: join_key(&it.instance.component), script });
        }
    }
    probes.into_iter().collect()
}

/// What to look at besides, once a host's manifest is seen: what imctl put there and is wanted no more, and how far a change
/// of version has come.
pub fn later_probes(desired: &Desired, host: &HostName, seen: &Observed) -> Vec<Probe> {
    let leftovers = removal::leftovers(host, desired, seen);
    let mut probes: Vec<Probe> = leftovers.iter().flat_map(|kept| kept.resource.kind().probes()).collect();
    if desired.going.is_some() {
        let script = format!("[ ! -s {BEFORE} ] || cat {BEFORE}");
        probes.push(Probe::Script { key: BEFORE_KEY.to_owned(), script });
    }
    probes.extend(desired.passage.iter().flat_map(|it| passage::probes(it, host)));
    probes
}

/// Plans an installation, a change or a removal: whatever brings the hosts from what is to what should be.
pub fn install(scene: Scene<'_>) -> Plan {
    let prepared = prepare(scene);
    let mut stages: Vec<Stage> = passage::before(scene).into_iter().collect();
    if !prepared.lanes.is_empty() {
        stages.push(Stage { title: "packages".to_owned(), batches: vec![Batch { lanes: prepared.lanes }] });
    }
    stages.extend(leaving::leave(scene));
    let mut settled: BTreeMap<HostName, usize> = BTreeMap::new();
    for level in &scene.topology.levels {
        let stage = level_stage(scene, level, &prepared.ids, &mut settled);
        stages.extend(stage);
    }
    let lanes: Vec<Lane> =
        scene.observed.iter().filter_map(|(host, seen)| removal::lane(host, scene.desired, seen)).collect();
    if !lanes.is_empty() {
        stages.push(Stage { title: "removal".to_owned(), batches: vec![Batch { lanes }] });
    }
    stages.extend(leaving::forget(scene));
    stages.extend(passage::after(scene));
    let (stages, later) = passage::paused(scene, stages);
    Plan {
        format: 1,
        deployment: scene.topology.inventory.name.clone(),
        stack: scene.topology.stack.file.name.clone(),
        version: scene.topology.version.clone(),
        basis: scene.basis.clone(),
        stages,
        needs: needs(scene),
        notes: passage::notes(scene).into_iter().chain(leaving::notes(scene)).chain(notes(scene)).collect(),
        later,
        open: passage::is_open(scene),
        settled,
    }
}

fn needs(scene: Scene<'_>) -> BTreeMap<Component, BTreeSet<Component>> {
    let specs = scene.topology.stack.file.components.iter().filter(|it| !it.needs.is_empty());
    specs.map(|it| (it.name.clone(), it.needs.iter().cloned().collect())).collect()
}

/// Hosts that cannot do everything, each kind of limit once.
fn notes(scene: Scene<'_>) -> Vec<String> {
    let mut limited: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for host in &scene.topology.inventory.hosts {
        // Its size keeps a host from nothing that a plan does.
        let limits: Vec<&str> = host.limits.iter().map(String::as_str).filter(|it| *it != "size").collect();
        if !limits.is_empty() {
            limited.entry(limits.join(", ")).or_default().push(host.name.to_string());
        }
    }
    let note = |(limits, hosts): (String, Vec<String>)| {
        format!("What {} cannot do ({limits}) is left alone there.", hosts.join(", "))
    };
    limited.into_iter().map(note).collect()
}

/// What the first stage does: packages that are new on a host, of all its components in one run, and whatever a
/// stack puts before them.
struct Prepared {
    lanes: Vec<Lane>,
    ids: BTreeMap<Instance, BTreeSet<ResourceId>>,
}

fn prepare(scene: Scene<'_>) -> Prepared {
    let mut prepared = Prepared { lanes: Vec::new(), ids: BTreeMap::new() };
    for (host, seen) in scene.observed {
        let mut steps = Vec::new();
        let mut packages: Vec<Step> = Vec::new();
        for it in scene.desired.on(host) {
            let Some(last) = it.resources.iter().rposition(|resource| is_new_package(resource, seen)) else {
                continue;
            };
            let ids = prepared.ids.entry(it.instance.clone()).or_default();
            for resource in &it.resources[..=last] {
                let Some(change) = resource.kind().diff(seen) else { continue };
                if matches!(resource, Resource::Service(_)) {
                    continue;
                }
                ids.insert(resource.id());
                let step = apply_step(&it.instance.component, host, resource, change);
                if matches!(resource, Resource::Package(_)) { packages.push(step) } else { steps.push(step) }
            }
        }
        steps.extend(one_run(host, packages));
        if !steps.is_empty() {
            prepared.lanes.push(Lane { host: host.clone(), steps, settled: 0 });
        }
    }
    prepared
}

fn is_new_package(resource: &Resource, seen: &Observed) -> bool {
    let diff = || resource.kind().diff(seen);
    matches!(resource, Resource::Package(_)) && diff().is_some_and(|change| change.kind == ChangeKind::Create)
}

/// Joins the package steps of a host into one.
fn one_run(host: &HostName, packages: Vec<Step>) -> Option<Step> {
    let first = packages.first()?.clone();
    let mut lines = Vec::new();
    let mut of = Vec::new();
    let mut digests = String::new();
    for step in packages {
        for line in step.lines {
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        digests.push_str(&step.digest);
        if let Act::Apply { component, id } = step.act {
            of.push((component, id));
        }
    }
    let noun = if lines.len() == 1 { "package" } else { "packages" };
    Some(Step {
        on: host.clone(),
        verb: Verb::Create,
        kind: "packages".to_owned(),
        name: format!("{} {noun} from the bundle", lines.len()),
        summary: String::new(),
        lines,
        act: Act::Packages { of },
        digest: super::basis::digest(&digests),
        ..first
    })
}

/// The stage of the components that need only what stands before them.
fn level_stage(
    scene: Scene<'_>,
    level: &[Component],
    prepared: &BTreeMap<Instance, BTreeSet<ResourceId>>,
    settled: &mut BTreeMap<HostName, usize>,
) -> Option<Stage> {
    let none = BTreeSet::new();
    let mut rows: Vec<Vec<Vec<Lane>>> = Vec::new();
    let mut titles = Vec::new();
    for component in level {
        let mut stories: Vec<(HostName, Story)> = Vec::new();
        let members = members(scene, component);
        for it in scene.desired.instances.iter().filter(|it| it.instance.component == *component) {
            let Some(seen) = scene.observed.get(&it.instance.host) else { continue };
            // Where all change at once nobody is left to be asked.
            let peers = members.iter().filter(|peer| **peer != it.instance && !together(scene, component));
            let peers = peers.cloned().collect();
            let prepared = prepared.get(&it.instance).unwrap_or(&none);
            let updated = updated(scene.desired, &it.instance.host, seen);
            let told = story(
                it,
                seen,
                Around { prepared, peers, updated, ill: scene.pace.restart.get(&it.instance) },
            );
            *settled.entry(it.instance.host.clone()).or_default() += told.settled;
            if !told.steps.is_empty() {
                stories.push((it.instance.host.clone(), told));
            }
        }
        if stories.is_empty() {
            continue;
        }
        titles.push(component.to_string());
        rows.push(component_batches(scene, component, stories));
    }
    let count = rows.iter().map(Vec::len).max()?;
    let mut out = vec![Batch { lanes: Vec::new() }; count];
    for row in rows {
        for (at, lanes) in row.into_iter().enumerate() {
            for lane in lanes {
                add_lane(&mut out[at].lanes, lane);
            }
        }
    }
    Some(Stage { title: titles.join(", "), batches: out })
}

fn together(scene: Scene<'_>, component: &Component) -> bool {
    scene.pace.together.contains(component)
}

/// Packages of a host that get security updates.
fn updated<'a>(desired: &'a Desired, host: &'a HostName, seen: &'a Observed) -> BTreeSet<&'a str> {
    let updates = desired.on(host).flat_map(|it| &it.resources);
    let late =
        updates.filter_map(|it| if let Resource::Updates(it) = it { Some(it.late(seen)) } else { None });
    late.flatten().map(|(name, _, _)| name).collect()
}

/// The batches of one component: rolling when something that runs is disturbed, all together otherwise. Members that
/// are down come first and by themselves: the others' health does not wait for them in vain. Those that only owe a restart
/// come last. When a version changes, the canary goes first, then the others from the last to the first, who is the seed.
fn component_batches(
    scene: Scene<'_>,
    component: &Component,
    mut stories: Vec<(HostName, Story)>,
) -> Vec<Vec<Lane>> {
    let canary = |host: &HostName| scene.pace.canary.as_ref() == Some(host);
    if scene.desired.passage.is_some() {
        stories.reverse();
    }
    stories.sort_by_key(|(host, story)| (!canary(host), story.last));
    let by_stack = scene.topology.stack.component(component).map_or(1, |spec| spec.rollout.max_unavailable);
    let by_stack = if together(scene, component) { 0 } else { by_stack };
    let allowed = scene.pace.at_once(by_stack, scene.topology.present(component).count());
    let lanes = |stories: Vec<(HostName, Story)>| -> Vec<Lane> {
        let lane =
            |(host, story): (HostName, Story)| Lane { host, steps: story.steps, settled: story.settled };
        stories.into_iter().map(lane).collect()
    };
    let disturbs = stories.iter().any(|(_, story)| story.disturbs);
    let (down, others): (Vec<_>, Vec<_>) = stories.into_iter().partition(|(_, story)| story.down);
    let (first, others): (Vec<_>, Vec<_>) = others.into_iter().partition(|(host, _)| canary(host));
    let (down, first, others) = (lanes(down), lanes(first), lanes(others));
    if !disturbs {
        return batches(&[down, first, others].concat(), 0);
    }
    let mut rolling = batches(&down, allowed);
    rolling.extend(batches(&first, allowed));
    rolling.extend(batches(&others, allowed));
    rolling
}

/// A host has one lane in a batch: what two components do there follows one another.
fn add_lane(lanes: &mut Vec<Lane>, lane: Lane) {
    match lanes.iter_mut().find(|known| known.host == lane.host) {
        Some(known) => {
            known.steps.extend(lane.steps);
            known.settled += lane.settled;
        }
        None => lanes.push(lane),
    }
}
