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
    let batches: Vec<Batch> =
        instances.filter_map(|it| batch(&it.instance.host, farewell(scene, it))).collect();
    (!batches.is_empty()).then(|| Stage { title: "leaving".to_owned(), batches })
}

/// The stage at the end, on the hosts that stay: nobody waits any more for the dead.
pub(super) fn forget(scene: Scene<'_>) -> Option<Stage> {
    let steps = scene.topology.levels.iter().flatten().flat_map(|component| of(scene, component));
    let steps = steps.flat_map(|it| hook_steps(it, HookKind::Forget));
    let batches: Vec<Batch> = steps.filter_map(|step| batch(&step.on.clone(), vec![step])).collect();
    (!batches.is_empty()).then(|| Stage { title: "without the dead".to_owned(), batches })
}

/// What the operator should know before hosts leave.
pub(super) fn notes(scene: Scene<'_>) -> Vec<String> {
    let seen = |it: &&DesiredInstance| scene.observed.contains_key(&it.instance.host);
    let leaving: BTreeSet<&HostName> =
        scene.desired.leaving.iter().filter(seen).map(|it| &it.instance.host).collect();
    let note = |host: &HostName| {
        format!(
            "`{host}` leaves for good: what imctl put there is taken away, what it kept is deleted there."
        )
    };
    leaving.into_iter().map(note).collect()
}

fn of<'a>(scene: Scene<'a>, component: &Component) -> impl Iterator<Item = &'a DesiredInstance> {
    let component = component.clone();
    scene.desired.leaving.iter().filter(move |it| it.instance.component == component)
}

/// Nothing when it has left already: its host's manifest does not know it any more.
fn farewell(scene: Scene<'_>, it: &DesiredInstance) -> Vec<Step> {
    let component = &it.instance.component;
    let manifest = scene.observed.get(&it.instance.host).map(Manifest::seen).unwrap_or_default();
    if manifest.resources.iter().all(|kept| kept.component != *component) {
        return Vec::new();
    }
    let leave = hook_steps(it, HookKind::Leave);
    let gate = (!leave.is_empty()).then(|| gate_step(&it.instance, &members(scene, component), "taken out"));
    let drain = hook_steps(it, HookKind::Drain);
    gate.flatten().into_iter().chain(drain).chain(leave).collect()
}

fn batch(host: &HostName, steps: Vec<Step>) -> Option<Batch> {
    let lane = Lane { host: host.clone(), steps, settled: 0 };
    (!lane.steps.is_empty()).then(|| Batch { lanes: vec![lane] })
}
