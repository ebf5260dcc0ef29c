//! Hosts that leave for good: what they do on the service that stands before the others go on without them, and what the
//! others do about those that are dead.

use super::members::members;
use super::story::{gate_step, hook_steps};
use super::{Batch, HookKind, Lane, Manifest, Scene, Stage, Step};
use crate::base::{Component, HostName};
use crate::desired::DesiredInstance;
use std::collections::BTreeSet;

/// The stage before the others change: one instance after the other, those that clients meet first.
pub(super) fn leave(scene: Scene<'_>) -> Option<Stage> {
    let order = scene.topology.levels.iter().rev().flatten();
    let instances = order.flat_map(|component| of(scene, component));
    one_by_one("leaving", instances.flat_map(|it| farewell(scene, it)))
}

/// The stage at the end, on the hosts that stay: nobody waits any more for the dead.
pub(super) fn forget(scene: Scene<'_>) -> Option<Stage> {
    let instances = scene.topology.levels.iter().flatten().flat_map(|component| of(scene, component));
    let steps = instances.flat_map(|it| hook_steps(it, HookKind::Forget));
    one_by_one("without the dead", steps.map(|step| (step.on.clone(), step)))
}

/// A stage of steps that follow one another, host by host.
fn one_by_one(title: &str, steps: impl Iterator<Item = (HostName, Step)>) -> Option<Stage> {
    let mut batches: Vec<Batch> = Vec::new();
    for (host, step) in steps {
        match batches.last_mut().and_then(|batch| batch.lanes.first_mut()) {
            Some(lane) if lane.host == host => lane.steps.push(step),
            _ => batches.push(Batch { lanes: vec![Lane { host, steps: vec![step], settled: 0 }] }),
        }
    }
    (!batches.is_empty()).then(|| Stage { title: title.to_owned(), batches })
}

/// What the operator should know before hosts leave.
pub(super) fn notes(scene: Scene<'_>) -> Vec<String> {
    let seen = |it: &&DesiredInstance| scene.observed.contains_key(&it.instance.host);
    let leaving: BTreeSet<&HostName> =
        scene.desired.leaving.iter().filter(seen).map(|it| &it.instance.host).collect();
    let entrance = |host: &HostName| {
        let mut records = scene.topology.stack.file.dns.iter();
        records.any(|it| of(scene, &it.of).any(|it| it.instance.host == *host))
    };
    let note = |host: &HostName| {
        let dns = if entrance(host) { "; take its address out of the DNS first" } else { "" };
        format!("`{host}` leaves for good: what imctl put there and what it kept is taken away{dns}.")
    };
    leaving.into_iter().map(note).collect()
}

fn of<'a>(scene: Scene<'a>, component: &Component) -> impl Iterator<Item = &'a DesiredInstance> {
    let component = component.clone();
    scene.desired.leaving.iter().filter(move |it| it.instance.component == component)
}

/// Its steps; none when it has left already: its host's manifest does not know it any more.
fn farewell(scene: Scene<'_>, it: &DesiredInstance) -> Vec<(HostName, Step)> {
    let (host, component) = (&it.instance.host, &it.instance.component);
    let manifest = scene.observed.get(host).map(Manifest::seen).unwrap_or_default();
    if manifest.resources.iter().all(|kept| kept.component != *component) {
        return Vec::new();
    }
    let leave = hook_steps(it, HookKind::Leave);
    let gate = (!leave.is_empty()).then(|| gate_step(&it.instance, &members(scene, component), "taken out"));
    let drain = hook_steps(it, HookKind::Drain);
    let steps = gate.flatten().into_iter().chain(drain).chain(leave);
    steps.map(|step| (host.clone(), step)).collect()
}
