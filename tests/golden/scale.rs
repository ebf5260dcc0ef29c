//! The plans of hosts that leave: on the service that stands, in an order that refuses nobody.

use crate::hosts::{facts, installed, load, material, text, wanted};
use imctl::base::HostName;
use imctl::desired;
use imctl::inventory::Inventory;
use imctl::plan::{
    self, Act, Basis, HookKind, MANIFEST_KEY, Manifest, Pace, Plan, Scene, manifest_of, refusals,
};
use imctl::record::{Answer, Observed};
use imctl::topology::{self, Topology};
use std::collections::BTreeMap;

fn host(name: &str) -> HostName {
    HostName::new(name).expect("a name")
}

/// The inventory `six` with a fourth file host.
fn seven() -> (Inventory, imctl::stack::Stack) {
    let (mut inventory, stack) = load("six");
    let mut fourth = inventory.hosts.last().expect("a file host").clone();
    fourth.name = host("file4");
    "10.20.0.24".clone_into(&mut fourth.address);
    inventory.hosts.push(fourth);
    (inventory, stack)
}

/// The plan that takes hosts out, and the topology that stays.
fn leaving(gone: &str, lost: bool) -> (Topology, BTreeMap<HostName, Observed>, Plan) {
    let (inventory, stack) = seven();
    let mut before = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&before);
    for (host, seen) in &mut observed {
        let manifest = manifest_of("ejabberd 24.12", wanted(&before).on(host));
        let out = serde_json::to_string(&manifest).expect("plain data");
        seen.scripts.insert(MANIFEST_KEY.to_owned(), Answer { status: 0, out });
    }
    before.leaving = [host(gone)].into();
    if lost {
        before.lost = before.leaving.clone();
        observed.remove(&host(gone));
    }
    let mut rest = inventory.clone();
    rest.hosts.retain(|it| it.name != host(gone));
    let after = topology::build(&rest, &stack).expect("they fit");
    let plan = way(&before, &after, &observed);
    (after, observed, plan)
}

fn way(before: &Topology, after: &Topology, observed: &BTreeMap<HostName, Observed>) -> Plan {
    let mut desired = wanted(after);
    desired.leaving = desired::farewell(before, &material(before), &facts(before)).expect("the hooks render");
    let basis = Basis {
        hosts: observed.keys().map(|host| (host.clone(), String::new())).collect(),
        ..Basis::default()
    };
    let pace = &Pace::default();
    plan::install(Scene { topology: after, desired: &desired, observed, basis: &basis, pace })
}

fn place(plan: &Plan, what: impl Fn(&plan::Step) -> bool) -> usize {
    plan.steps().position(what).expect("it is in the plan")
}

fn is_hook(step: &plan::Step, kind: HookKind, of: &str) -> bool {
    step.component.as_str() == of && matches!(step.act, Act::Hook { hook, .. } if hook == kind)
}

#[test]
fn an_app_host_leaves_the_service_that_stands() {
    let (after, mut observed, plan) = leaving("app1", false);
    insta::assert_snapshot!("app_host_leaves", text(&plan));
    let drain = place(&plan, |step| is_hook(step, HookKind::Drain, "server"));
    let leave = place(&plan, |step| is_hook(step, HookKind::Leave, "server"));
    let filter = place(&plan, |step| step.kind == "firewall");
    let removal = place(&plan, |step| matches!(step.act, Act::Remove { .. }));
    assert!(drain < leave && leave < filter && filter < removal);
    let restarted: Vec<&str> = plan
        .steps()
        .filter(|step| matches!(&step.act, Act::Restart { unit } if unit.contains("ejabberd")))
        .map(|step| step.on.as_str())
        .collect();
    assert!(restarted.is_empty(), "those that stay go on: {restarted:?}");
    // Once it has left, its host's manifest is gone, and it is asked for nothing more.
    observed.get_mut("app1").expect("it is looked at").scripts.remove(MANIFEST_KEY);
    let (inventory, stack) = seven();
    let mut before = topology::build(&inventory, &stack).expect("they fit");
    before.leaving = [host("app1")].into();
    assert!(way(&before, &after, &observed).steps().all(|step| step.on.as_str() != "app1"));
}

#[test]
fn a_file_host_leaves_when_its_files_are_whole_elsewhere() {
    let (_, _, plan) = leaving("file4", false);
    insta::assert_snapshot!("file_host_leaves", text(&plan));
    let whole = place(&plan, |step| is_hook(step, HookKind::Leave, "store"));
    let stopped = place(&plan, |step| step.name.starts_with("garage.service"));
    assert!(whole < stopped, "nothing is stopped before");
}

#[test]
fn the_others_forget_a_host_that_is_dead() {
    let (_, _, plan) = leaving("app2", true);
    assert!(plan.steps().all(|step| step.on.as_str() != "app2"), "nobody asks it");
    let forgets: Vec<&str> = plan
        .steps()
        .filter(|step| is_hook(step, HookKind::Forget, "server"))
        .map(|step| step.on.as_str())
        .collect();
    assert_eq!(forgets, ["app1"]);
}

#[test]
fn nothing_stays_on_a_host_that_leaves() {
    let (_, observed, plan) = leaving("app1", false);
    let kept = Manifest::seen(&observed["app1"]).resources.len();
    let gone = plan
        .steps()
        .filter(|step| step.on.as_str() == "app1" && matches!(step.act, Act::Remove { .. }))
        .count();
    assert!(gone > kept / 2, "{gone} of {kept}: what is shared or part of the system stays");
}

#[test]
fn hosts_come_and_go_only_as_the_stack_allows() {
    let (before, stack) = seven();
    let without = |names: &[&str]| {
        let mut after = before.clone();
        after.hosts.retain(|it| !names.contains(&it.name.as_str()));
        refusals(&stack.file, &before, &after).join("; ")
    };
    assert_eq!(without(&["app1"]), "");
    assert_eq!(without(&["file1"]), "");
    let (less, _) = load("six");
    assert!(refusals(&stack.file, &less, &before).is_empty(), "a fourth file host may come");
    assert!(without(&["app1", "app2"]).contains("no host would be left for the role `app`"));
    assert!(without(&["db1"]).contains("moved by a backup and a restore"));
    assert!(without(&["file1", "file2"]).contains("nothing can be written while one is down"));
    assert!(without(&["file1", "file2", "file3"]).contains("cannot hold three copies"));
    let mut two = before.clone();
    let db = two.hosts.iter().find(|it| it.name.as_str() == "db1").expect("a database").clone();
    two.hosts.push(db);
    assert!(refusals(&stack.file, &before, &two).join("").contains("cannot come, go or move"));
}
