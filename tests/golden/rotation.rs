//! A change of secrets as an operator reads it: all its phases before the first begins.

use crate::hosts::{facts, installed, load, material, text};
use imctl::base::Component;
use imctl::desired::{self, Desired, Material};
use imctl::plan::{self, Basis, MANIFEST_KEY, Pace, Plan, Scene, manifest_of};
use imctl::record::Answer;
use imctl::resource::Resource;
use imctl::topology::{self, Topology};
use serde_json::json;

/// Material in which these secrets have a value in use and another one.
fn with(topology: &Topology, names: &[&str], used: &str, also: Option<&str>) -> Material {
    let mut material = material(topology);
    for name in names {
        let value = |which: &str| format!("{which} secret of {name}, long enough");
        // Planning begins where everybody has the old value.
        let used = if used == "old" { format!("secret of {name}") } else { value(used) };
        let also = also.map(|which| if which == "old" { format!("secret of {name}") } else { value(which) });
        material.secrets.insert((*name).to_owned(), json!(used));
        material.also.insert((*name).to_owned(), also.into_iter().collect());
    }
    material
}

fn wanted(topology: &Topology, material: &Material) -> Desired {
    let mut desired = desired::state(topology, material, &facts(topology)).expect("the stack renders");
    for it in &mut desired.instances {
        it.resources.retain(|resource| !matches!(resource, Resource::Sysctl(_)));
    }
    desired
}

/// The three phases, one plan.
fn rotation(inventory: &str, names: &[&str], together: &[&str]) -> Plan {
    let (inventory, stack) = load(inventory);
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let phases = [("old", Some("new")), ("new", Some("old")), ("new", None)];
    let phases = phases.map(|(used, also)| wanted(&topology, &with(&topology, names, used, also)));
    let mut observed = installed(&topology);
    let basis =
        Basis { hosts: observed.keys().map(|it| (it.clone(), String::new())).collect(), ..Basis::default() };
    let together = together.iter().map(|name| Component::new(*name).expect("a name")).collect();
    let paces = [Pace::default(), Pace { together, ..Pace::default() }, Pace::default()];
    let mut before = wanted(&topology, &material(&topology));
    let mut whole: Option<Plan> = None;
    for ((desired, pace), part) in phases.into_iter().zip(&paces).zip(["accept", "use", "forget"]) {
        let scene =
            Scene { topology: &topology, desired: &desired, observed: &observed, basis: &basis, pace };
        let mut plan = plan::onward(scene, &before);
        plan.entitle(part);
        observed = plan::foreseen(&desired, &observed);
        before = desired;
        match &mut whole {
            Some(whole) => whole.append(&plan),
            None => whole = Some(plan),
        }
    }
    whole.expect("there are three")
}

#[test]
fn a_rotation_is_read_phase_by_phase_and_shows_no_value() {
    let plan = rotation("six", &["upload-slot", "store-key-id", "store-key", "cluster-cookie"], &[]);
    let text = text(&plan);
    assert!(!text.contains("secret of") && !text.contains("long enough"), "no secret in a plan");
    assert!(plan.steps().all(|step| step.verb != plan::Verb::Restart), "nobody is disconnected");
    insta::assert_snapshot!("six_rotation", text);
}

#[test]
fn what_cannot_work_with_the_others_in_between_restarts_together_and_asks_nobody() {
    let plan = rotation("six", &["store-rpc"], &["store"]);
    let stage = plan.stages.iter().find(|stage| stage.title == "use: store").expect("the storage restarts");
    assert_eq!(stage.batches.len(), 1, "all at once");
    assert!(plan.steps().all(|step| step.kind != "gate"));
    let alone = rotation("six", &["store-admin"], &[]);
    let stage = alone.stages.iter().find(|stage| stage.title == "use: store").expect("the storage restarts");
    assert!(stage.batches.len() > 1, "one after the other");
}

#[test]
fn packages_stay_imctls_own_through_every_phase() {
    let (inventory, stack) = load("three");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let desired = wanted(&topology, &material(&topology));
    let mut observed = installed(&topology);
    for (host, seen) in &mut observed {
        let manifest = manifest_of("ejabberd 24.12", desired.on(host));
        let out = serde_json::to_string(&manifest).expect("plain data");
        seen.scripts.insert(MANIFEST_KEY.to_owned(), Answer { status: 0, out });
    }
    let later = plan::with_manifests(&plan::foreseen(&desired, &observed), &observed);
    for (host, seen) in &later {
        let whole = manifest_of("ejabberd 24.12", desired.on(host));
        assert_eq!(whole.clone().own(seen), whole, "a removal would leave what is not in it");
    }
}
