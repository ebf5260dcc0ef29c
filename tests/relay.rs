//! The second stack: a whole product as data, read, laid out, rendered and planned without a word about it in `src/`.

use imctl::base::HostName;
use imctl::desired::{Material, identities, state};
use imctl::facts::HostFacts;
use imctl::plan::{Basis, Pace, Plan, Scene, install, probes};
use imctl::record::Observed;
use imctl::resource::{Probe, Resource};
use imctl::topology::{Topology, build};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const INVENTORY: &str = "tests/stacks/relay.yml";

fn topology(version: &str) -> Topology {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(INVENTORY);
    let mut inventory = imctl::inventory::load(&path).expect("the inventory is right");
    inventory.version = Some(version.to_owned());
    let beside = path.parent().expect("it stands in a folder");
    let stack = imctl::stack::load(&inventory.stack, beside).expect("the stack is right");
    build(&inventory, &stack).expect("they fit each other")
}

fn material() -> Material {
    let secrets = [("store-token", "hunter2-store"), ("ring-token", "hunter2-ring")];
    let secrets = secrets.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
    Material { secrets, ..Material::default() }
}

fn facts(topology: &Topology) -> BTreeMap<HostName, HostFacts> {
    topology.hosts.iter().map(|place| (place.name.clone(), HostFacts::default())).collect()
}

fn fresh_plan(version: &str) -> Plan {
    let topology = topology(version);
    let desired = state(&topology, &material(), &facts(&topology)).expect("every template renders");
    let observed: BTreeMap<HostName, Observed> =
        topology.hosts.iter().map(|place| (place.name.clone(), Observed::default())).collect();
    let basis = Basis::default();
    install(Scene {
        topology: &topology,
        desired: &desired,
        observed: &observed,
        basis: &basis,
        pace: &Pace::default(),
    })
}

/// Stage, batch, host and line of each step.
fn told(plan: &Plan) -> String {
    let mut text = String::new();
    for (stage, (batch, lane)) in plan.stages.iter().flat_map(|stage| {
        let batches = stage.batches.iter().enumerate();
        batches
            .flat_map(move |(at, batch)| batch.lanes.iter().map(move |lane| (&stage.title, (at + 1, lane))))
    }) {
        for step in &lane.steps {
            writeln!(text, "{stage} {batch} {} {}", step.on, step.line()).expect("a String takes all text");
        }
    }
    text
}

#[test]
fn what_to_look_at_is_known_before_secrets_and_facts() {
    let topology = topology("1");
    let identities = identities(&topology).expect("identities need neither secrets nor facts");
    let probes = probes(&topology, &identities, &topology.hosts[0].name);
    assert!(probes.contains(&Probe::Path("/etc/relay/tokens".to_owned())));
    assert!(probes.contains(&Probe::Unit("relay-store.service".to_owned())));
}

#[test]
fn the_plan_for_fresh_hosts_reads_well_and_holds_no_secret() {
    let plan = fresh_plan("1");
    insta::assert_snapshot!(told(&plan));
    assert!(!serde_json::to_string(&plan).expect("a plan is JSON").contains("hunter2"));
}

#[test]
fn every_program_of_the_stack_is_perl_that_compiles_in_both_versions() {
    let lines = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stacks/relay");
    for version in ["1", "2"] {
        let topology = topology(version);
        let desired = state(&topology, &material(), &facts(&topology)).expect("every template renders");
        let resources = desired.instances.iter().flat_map(|it| &it.resources);
        let programs = resources.filter_map(|resource| match resource {
            Resource::File(file) => file.content.as_ref().filter(|text| text.starts_with("#!/usr/bin/perl")),
            _ => None,
        });
        let mut count = 0;
        for program in programs {
            let mut perl = Command::new("perl");
            let mut child = perl
                .arg("-c")
                .arg("-I")
                .arg(&lines)
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("perl is here");
            child.stdin.take().expect("it was asked for").write_all(program.as_bytes()).expect("perl reads");
            let output = child.wait_with_output().expect("perl ends");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            count += 1;
        }
        assert_eq!(count, 5, "two relays with their tool, one store");
    }
}

#[test]
fn the_versions_differ_in_what_runs_and_in_nothing_else() {
    let files = |version: &str| -> BTreeMap<String, String> {
        let topology = topology(version);
        let desired = state(&topology, &material(), &facts(&topology)).expect("every template renders");
        let on_two = desired.instances.iter().filter(|it| it.instance.host.as_str() == "two");
        let files = on_two.flat_map(|it| it.resources.clone());
        files
            .filter_map(|resource| match resource {
                Resource::File(file) => Some((file.path, file.content.unwrap_or_default())),
                _ => None,
            })
            .collect()
    };
    let (one, two) = (files("1"), files("2"));
    let differ: Vec<&String> = one.keys().filter(|path| one[*path] != two[*path]).collect();
    assert_eq!(differ, ["/usr/local/lib/relay/relay.pl"]);
}
