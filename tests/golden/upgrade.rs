//! The plans of a change of version, as an operator reads them: what comes before, who follows whom, what comes after.

use crate::hosts::{facts, installed, load, material, text};
use imctl::base::HostName;
use imctl::desired;
use imctl::plan::{self, Act, Basis, HookKind, Pace, Plan, Scene, Share, Verb};
use imctl::record::Observed;
use imctl::topology::{self, Topology};
use std::collections::BTreeMap;

fn basis(observed: &BTreeMap<HostName, Observed>) -> Basis {
    Basis { hosts: observed.keys().map(|host| (host.clone(), String::new())).collect(), ..Basis::default() }
}

fn six(version: &str) -> Topology {
    let (mut inventory, stack) = load("six");
    inventory.version = Some(version.to_owned());
    topology::build(&inventory, &stack).expect("the example fits")
}

/// The plan from one version to another.
fn change(from: &str, to: &str, pace: &Pace) -> Plan {
    let (before, after) = (six(from), six(to));
    let observed = installed(&before);
    let (material, facts) = (material(&after), facts(&after));
    let mut desired = desired::state(&after, &material, &facts).expect("the stack renders");
    let way = after.stack.way(from, to).expect("the stack knows the way");
    let ways = [(from.to_owned(), way)].into();
    let passage = desired::passage(&after, &ways, Some((&material, &facts))).expect("the passage renders");
    desired.passage = Some(passage);
    let basis = basis(&observed);
    plan::install(Scene { topology: &after, desired: &desired, observed: &observed, basis: &basis, pace })
}

fn host(name: &str) -> HostName {
    HostName::new(name).expect("a plain word")
}

/// Hosts of the chat servers in the order in which they are drained.
fn drained(plan: &Plan) -> Vec<Vec<String>> {
    let drains = |it: &plan::Step| matches!(it.act, Act::Hook { hook: HookKind::Drain, .. });
    let batches = plan.stages.iter().flat_map(|stage| &stage.batches);
    let hosts = batches.map(|batch| {
        let lanes = batch.lanes.iter().filter(|lane| lane.steps.iter().any(drains));
        lanes.map(|lane| lane.host.to_string()).collect::<Vec<_>>()
    });
    hosts.filter(|hosts| !hosts.is_empty()).collect()
}

#[test]
fn an_upgrade_reads_well() {
    insta::assert_snapshot!("six_upgrade", text(&change("23.01", "24.12", &Pace::default())));
}

#[test]
fn the_way_back_has_nothing_before_and_nothing_after() {
    let plan = change("24.12", "23.01", &Pace::default());
    assert!(plan.steps().all(|step| !matches!(step.act, Act::Passage { .. })));
    assert!(plan.steps().any(|step| step.lines.iter().any(|line| line.contains("-> 23.01-1"))));
    assert_eq!(drained(&plan), [["app2"], ["app1"]], "the first, who seeds the cluster, goes last");
}

#[test]
fn a_canary_goes_first_and_with_a_pause_alone() {
    let canary = Some(host("app1"));
    let all = change("23.01", "24.12", &Pace { canary: canary.clone(), ..Pace::default() });
    assert_eq!(drained(&all), [["app1"], ["app2"]]);
    assert!(all.later.is_empty() && !all.open);

    let alone = change("23.01", "24.12", &Pace { canary, pause: true, ..Pace::default() });
    assert_eq!(drained(&alone), [["app1"]]);
    let restarts = alone.steps().filter(|step| step.verb == Verb::Restart);
    assert!(restarts.map(|step| step.on.as_str()).all(|on| on == "app1"));
    assert!(
        alone.steps().next().is_some_and(|step| step.kind == "expand"),
        "what comes before comes all the same"
    );
    assert!(alone.later.contains(&host("app2")) && alone.open);
}

#[test]
fn one_host_of_a_component_stays_whatever_the_batch() {
    let plan = change("23.01", "24.12", &Pace { batch: Some(Share::Count(9)), ..Pace::default() });
    assert_eq!(drained(&plan), [["app2"], ["app1"]]);
}

#[test]
fn with_a_pause_what_cannot_be_undone_is_left_out() {
    let plan = change("23.01", "24.12", &Pace { pause: true, ..Pace::default() });
    assert!(plan.steps().all(|step| step.kind != "contract" && step.kind != "backup"));
    assert!(plan.open && plan.later.is_empty());
    assert_eq!(drained(&plan).len(), 2);
}

#[test]
fn an_instance_that_failed_is_put_back_without_asking_the_others() {
    let (before, after) = (six("23.01"), six("24.12"));
    let old = desired::state(&before, &material(&before), &facts(&before)).expect("the stack renders");
    let seen = &installed(&after)[&host("app1")];
    let it = old
        .instances
        .iter()
        .find(|it| it.instance.component.as_str() == "server" && it.instance.host == host("app1"));
    let lane = plan::back(it.expect("a chat server stands there"), seen);
    let kinds: Vec<&str> = lane.steps.iter().map(|step| step.kind.as_str()).collect();
    assert!(!kinds.contains(&"gate") && !kinds.contains(&"join"), "{kinds:?}");
    let at = |kind: &str| {
        kinds.iter().position(|it| *it == kind).unwrap_or_else(|| panic!("no {kind}: {kinds:?}"))
    };
    assert_eq!(
        lane.steps[0].line(),
        "^ service ejabberd.service stops",
        "nothing starts on half of the change"
    );
    assert!(at("package") < at("health") && at("health") < at("undrain"), "{kinds:?}");
}

#[test]
fn a_cluster_that_fell_apart_comes_together_around_its_first_node() {
    let topology = six("24.12");
    let observed = installed(&topology);
    let apart = topology.instances.iter().filter(|it| matches!(it.component.as_str(), "server" | "balancer"));
    let ill = apart.map(|it| (it.clone(), "it is not well: split".to_owned())).collect();
    let restart = plan::to_restart(&topology, &ill);
    let places: Vec<String> = restart.keys().map(|it| format!("{} {}", it.component, it.host)).collect();
    assert_eq!(places, ["server app2"], "the first stays, and balancers get well with the servers");

    let (material, facts) = (material(&topology), facts(&topology));
    let desired = desired::state(&topology, &material, &facts).expect("the stack renders");
    let (basis, pace) = (basis(&observed), Pace { restart, ..Pace::default() });
    let plan = plan::install(Scene {
        topology: &topology,
        desired: &desired,
        observed: &observed,
        basis: &basis,
        pace: &pace,
    });
    let restarts: Vec<String> = plan
        .steps()
        .filter(|step| step.verb == Verb::Restart)
        .map(|step| format!("{}: {}", step.on, step.because.clone().unwrap_or_default()))
        .collect();
    assert_eq!(restarts, ["app2: it is not well: split"]);
    let kinds: Vec<&str> =
        plan.steps().map(|step| step.kind.as_str()).filter(|kind| *kind != "sysctl").collect();
    assert_eq!(kinds, ["gate", "drain", "drain", "service", "health", "undrain", "undrain"]);
}
