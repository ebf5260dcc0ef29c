//! The plans of every example inventory as an operator reads them: fresh hosts, nothing to do, one setting changed, one
//! host added. A change to planner or stack shows here, in words.

use imctl::base::HostName;
use imctl::desired::{self, Certificate, Desired, Material};
use imctl::facts::HostFacts;
use imctl::inventory::{self, Inventory};
use imctl::plan::{self, Basis, Pace, Plan, Scene};
use imctl::record::{Answer, Observed, PathKind, PathState, UnitState};
use imctl::report::{self, Style};
use imctl::resource::{File, Probe, Resource, ServiceState};
use imctl::sizing;
use imctl::stack::{self, SecretSpec, Stack};
use imctl::topology::{self, Topology};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

const INVENTORIES: [&str; 3] = ["single", "three", "six"];

fn load(name: &str) -> (Inventory, Stack) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories").join(format!("{name}.yml"));
    let inventory = inventory::load_alone(&path).expect("the example is right");
    let stack = stack::load(&inventory.stack, Path::new(".")).expect("the stack is right");
    (inventory, stack)
}

/// Secrets and certificates that are the same every time.
fn material(topology: &Topology) -> Material {
    let wants = desired::wants(topology).expect("the stack says what it wants");
    let mut material = Material::default();
    for want in wants.secrets {
        let value = match want.spec {
            SecretSpec::Ed25519(_) => want
                .hosts
                .iter()
                .map(|host| {
                    (host.to_string(), json!({ "public": "ab".repeat(32), "private": "cd".repeat(64) }))
                })
                .collect(),
            SecretSpec::Alphanumeric(_) | SecretSpec::Hex(_) => json!(format!("secret of {}", want.name)),
        };
        material.secrets.insert(want.name, value);
    }
    for want in wants.certificates {
        let text = |part: &str| format!("{part} of {} on {}\n", want.name, want.host);
        let made = Certificate { cert: text("cert"), key: text("key"), chain: text("chain"), ca: text("ca") };
        material.certificates.insert((want.name, want.host), made);
    }
    material.artifacts =
        topology.stack.file.artifacts.keys().map(|name| (name.clone(), "00".repeat(32))).collect();
    material
}

fn facts(topology: &Topology) -> BTreeMap<HostName, HostFacts> {
    let facts = || HostFacts { cpus: Some(4), memory_mib: Some(8192), ..HostFacts::default() };
    let hosts = topology.hosts.iter().filter(|place| !topology.lost.contains(&place.name));
    hosts.map(|place| (place.name.clone(), facts())).collect()
}

fn wanted(topology: &Topology) -> Desired {
    desired::state(topology, &material(topology), &facts(topology)).expect("the stack renders")
}

fn planned(topology: &Topology, observed: &BTreeMap<HostName, Observed>) -> Plan {
    let basis = Basis {
        hosts: observed.keys().map(|host| (host.clone(), String::new())).collect(),
        ..Basis::default()
    };
    plan::install(Scene {
        topology,
        desired: &wanted(topology),
        observed,
        basis: &basis,
        pace: &Pace::default(),
    })
}

fn text(plan: &Plan) -> String {
    let mut out = Vec::new();
    let view = report::plan_view(plan, false);
    report::plan(&mut out, &view, "0.5 s", Style::plain(110)).expect("memory can be written to");
    String::from_utf8(out).expect("plans are text")
}

fn bare(topology: &Topology) -> BTreeMap<HostName, Observed> {
    topology.hosts.iter().map(|place| (place.name.clone(), Observed::default())).collect()
}

/// What a look would see on hosts that hold exactly what is wanted.
fn installed(topology: &Topology) -> BTreeMap<HostName, Observed> {
    let mut observed = bare(topology);
    for it in wanted(topology).instances {
        let seen = observed.get_mut(&it.instance.host).expect("a host of the topology");
        for resource in &it.resources {
            see(resource, seen);
        }
        seen.scripts.insert(format!("joined {}", it.instance.component), done());
        for probe in it.resources.iter().flat_map(|resource| resource.kind().probes()) {
            if let Probe::Script { key, .. } = probe {
                seen.scripts.entry(key).or_insert_with(done);
            }
        }
    }
    observed
}

fn done() -> Answer {
    Answer { status: 0, out: String::new() }
}

fn see(resource: &Resource, seen: &mut Observed) {
    match resource {
        Resource::Package(it) => {
            for name in &it.names {
                let (name, version) = name.split_once('=').unwrap_or((name, "1"));
                seen.packages.insert(name.to_owned(), version.to_owned());
            }
        }
        Resource::User(it) => {
            let mut groups = vec![it.group.clone().unwrap_or_else(|| it.name.clone())];
            groups.extend(it.groups.iter().cloned());
            seen.users.insert(it.name.clone(), format!("{}:{}:{}", it.home, it.shell, groups.join(",")));
            seen.groups.extend(groups.into_iter().map(|group| (group.clone(), group)));
        }
        Resource::Service(it) => drop(seen.units.insert(it.unit.clone(), unit(it.state))),
        Resource::Sysctl(_) | Resource::Data(_) => {}
        other => see_path(other, seen),
    }
}

fn unit(state: ServiceState) -> UnitState {
    let (active, file) = match state {
        ServiceState::Running => ("active", "enabled"),
        ServiceState::Stopped => ("inactive", "disabled"),
    };
    let word = |text: &str| text.to_owned();
    UnitState { load: word("loaded"), active: word(active), file: word(file), ..UnitState::default() }
}

/// Kinds that are a path on the host.
fn see_path(resource: &Resource, seen: &mut Observed) {
    let root = |mode| (mode, "root", "root");
    match resource {
        Resource::Directory(it) => {
            let state = path(PathKind::Directory, (&it.mode, &it.owner, &it.group), None);
            seen.paths.insert(it.path.clone(), state);
        }
        Resource::File(it) => {
            seen.paths.insert(it.path.clone(), file(it));
            if !it.secret {
                seen.contents.insert(it.path.clone(), it.content.clone().unwrap_or_default());
            }
        }
        Resource::Firewall(it) => {
            let content = it.content.clone().unwrap_or_default();
            for mode in ["0600", "0640", "0644", "0755"] {
                seen.paths.insert(it.path.clone(), path(PathKind::File, root(mode), Some(&content)));
                if it_is_right(resource, seen) {
                    break;
                }
            }
        }
        Resource::Artifact(it) => {
            let mut state = path(PathKind::File, root(&it.mode), None);
            state.sha256.clone_from(&it.sha256);
            seen.paths.insert(it.path.clone(), state);
        }
        Resource::Command(it) => {
            let text = hex::encode(Sha256::digest(it.script.as_deref().unwrap_or_default()));
            for probe in resource.kind().probes() {
                if let Probe::Path(mark) = probe {
                    let state = path(PathKind::File, root("0600"), Some(&format!("{text}\n")));
                    seen.paths.insert(mark, state);
                }
            }
        }
        _ => {}
    }
}

fn it_is_right(resource: &Resource, seen: &Observed) -> bool {
    resource.kind().diff(seen).is_none()
}

fn file(it: &File) -> PathState {
    path(PathKind::File, (&it.mode, &it.owner, &it.group), Some(it.content.as_deref().unwrap_or_default()))
}

fn path(kind: PathKind, (mode, owner, group): (&str, &str, &str), content: Option<&str>) -> PathState {
    PathState {
        kind,
        mode: format!("{mode:0>4}"),
        owner: owner.to_owned(),
        group: group.to_owned(),
        size: content.map_or(0, |text| text.len() as u64),
        sha256: content.map(|text| hex::encode(Sha256::digest(text))),
        target: None,
    }
}

#[test]
fn a_fresh_installation_reads_well() {
    for name in INVENTORIES {
        let (inventory, stack) = load(name);
        let topology = topology::build(&inventory, &stack).expect("they fit");
        let text = text(&planned(&topology, &bare(&topology)));
        assert!(!text.contains("secret of "), "no secret in a plan");
        insta::assert_snapshot!(format!("{name}_install"), text);
    }
}

#[test]
fn hosts_that_hold_what_is_wanted_have_no_change() {
    for name in INVENTORIES {
        let (inventory, stack) = load(name);
        let topology = topology::build(&inventory, &stack).expect("they fit");
        let plan = planned(&topology, &installed(&topology));
        let left: Vec<String> = plan.steps().map(|step| format!("{}: {}", step.on, step.line())).collect();
        let left: Vec<&String> = left.iter().filter(|line| !line.contains(" sysctl ")).collect();
        assert!(left.is_empty(), "{name}: {left:#?}");
    }
}

#[test]
fn a_changed_setting_rolls_over_the_hosts_it_concerns() {
    for name in INVENTORIES {
        let (mut inventory, stack) = load(name);
        let before = topology::build(&inventory, &stack).expect("they fit");
        let observed = installed(&before);
        inventory.domain = "im.elsewhere.example".to_owned();
        let after = topology::build(&inventory, &stack).expect("they fit");
        insta::assert_snapshot!(format!("{name}_domain_changed"), text(&planned(&after, &observed)));
    }
}

#[test]
fn a_host_that_joins_is_prepared_while_the_others_go_on() {
    for name in ["three", "six"] {
        let (mut inventory, stack) = load(name);
        let before = topology::build(&inventory, &stack).expect("they fit");
        let mut observed = installed(&before);
        let mut new = inventory
            .hosts
            .iter()
            .find(|host| host.roles.iter().any(|role| role.as_str() == "app"))
            .expect("an app host")
            .clone();
        new.name = HostName::new("app9").expect("a name");
        new.address = "10.20.0.19".to_owned();
        observed.insert(new.name.clone(), Observed::default());
        inventory.hosts.push(new);
        let after = topology::build(&inventory, &stack).expect("they fit");
        insta::assert_snapshot!(format!("{name}_host_added"), text(&planned(&after, &observed)));
    }
}

#[test]
fn a_secret_that_a_host_still_shows_is_hidden_in_the_diff() {
    let (inventory, stack) = load("single");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&topology);
    let seen = observed.values_mut().next().expect("one host");
    let path = "/etc/haproxy/haproxy.cfg";
    seen.contents.insert(path.to_owned(), "# hunter2\n".to_owned());
    let state = seen.paths.get_mut(path).expect("the balancer has its file");
    state.sha256 = Some("00".repeat(32));
    let mut plan = planned(&topology, &observed);
    assert!(text(&plan).contains("-# hunter2"), "the diff shows what stands there");
    plan.hide(|line| line.replace("hunter2", "…"));
    assert!(!text(&plan).contains("hunter2"));
}

#[test]
fn a_member_that_is_down_is_mended_before_those_that_run_are_touched() {
    let (mut inventory, stack) = load("six");
    let before = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&before);
    let second = observed.get_mut("app2").expect("the second app host");
    second.units.get_mut("ejabberd.service").expect("it has a chat server").active = "failed".to_owned();
    inventory.domain = "im.elsewhere.example".to_owned();
    let after = topology::build(&inventory, &stack).expect("they fit");
    let plan = planned(&after, &observed);
    let stage = plan.stages.iter().find(|stage| stage.title.contains("server")).expect("chat servers change");
    let order: Vec<&str> =
        stage.batches.iter().flat_map(|batch| &batch.lanes).map(|lane| lane.host.as_str()).collect();
    assert_eq!(order, ["app2", "app1"]);
}

#[test]
fn a_restart_that_a_run_was_cut_off_before_is_made_up_for() {
    let (inventory, stack) = load("six");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&topology);
    let owed =
        Answer { status: 0, out: "owed restart ejabberd.service\nowed reload gone.service\n".to_owned() };
    let second = observed.get_mut("app2").expect("the second app host");
    second.scripts.insert(plan::STANDING_KEY.to_owned(), owed);
    let plan = planned(&topology, &observed);
    let steps = plan.steps().filter(|step| step.kind != "sysctl");
    let steps: Vec<String> = steps.map(|step| format!("{} {}", step.kind, step.name)).collect();
    let restart = "service ejabberd.service".to_owned();
    assert_eq!(steps.iter().filter(|step| **step == restart).count(), 1, "{steps:#?}");
    assert!(steps[0].starts_with("gate") && !steps.iter().any(|step| step.contains("gone")), "{steps:#?}");
    let step = plan.steps().find(|step| step.kind == "service").expect("a restart");
    assert_eq!(step.because.as_deref(), Some("an earlier run was cut off before it"));
}

#[test]
fn a_service_restarts_host_by_host_when_its_packages_get_security_updates() {
    let (inventory, stack) = load("six");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let mut desired = wanted(&topology);
    for resource in desired.instances.iter_mut().flat_map(|it| &mut it.resources) {
        let Resource::Updates(updates) = resource else { continue };
        let wanted = [("haproxy", "2.6.12-1+deb12u4"), ("curl", "1"), ("libexpat1", "2.5.0-1+deb12u5")];
        updates.versions = wanted.map(|(name, version)| (name.to_owned(), version.to_owned())).into();
    }
    let observed = installed(&topology);
    let hosts = observed.keys().map(|host| (host.clone(), String::new())).collect();
    let basis = Basis { hosts, ..Basis::default() };
    let plan = plan::install(Scene {
        topology: &topology,
        desired: &desired,
        observed: &observed,
        basis: &basis,
        pace: &Pace::default(),
    });
    let steps = plan.steps().filter(|step| matches!(step.kind.as_str(), "updates" | "service"));
    let told: Vec<String> = steps.map(|step| format!("{} {}", step.on, step.line())).collect();
    let expected = [
        "app1 ~ updates system 1 security update",
        "app2 ~ updates system 1 security update",
        "app1 ^ service haproxy.service restarts",
        "app2 ^ service haproxy.service restarts",
    ];
    assert_eq!(told, expected);
    let stage = plan.stages.iter().find(|stage| stage.title == "balancer").expect("it restarts");
    assert_eq!(stage.batches.len(), 2, "one after the other");
}

#[test]
fn a_lost_host_is_left_alone_and_the_others_let_it_in_no_more() {
    let (inventory, stack) = load("six");
    let before = topology::build(&inventory, &stack).expect("they fit");
    let mut observed = installed(&before);
    let lost = HostName::new("app2").expect("a name");
    let address = before.place(&lost).address.clone();
    observed.remove(&lost);
    let after = before.without([lost.clone()].into()).expect("another app host is there");
    let desired = wanted(&after);
    let plan = planned(&after, &observed);
    assert!(plan.steps().all(|step| step.on != lost), "nothing happens there");
    let filters: Vec<&Resource> = desired
        .instances
        .iter()
        .filter(|it| it.instance.host != lost)
        .flat_map(|it| &it.resources)
        .filter(|resource| matches!(resource, Resource::Firewall(_)))
        .collect();
    assert!(!filters.is_empty());
    for filter in filters {
        let Resource::Firewall(filter) = filter else { continue };
        let text = filter.content.as_deref().unwrap_or_default();
        assert!(!text.contains(&address), "{address} is still let in: {text}");
    }
    let load_balancers = [HostName::new("app1").expect("a name"), lost].into();
    let (inventory, stack) = load("six");
    let all = topology::build(&inventory, &stack).expect("they fit");
    assert!(all.without(load_balancers).is_err(), "one app host has to be left");
}

#[test]
fn a_host_that_may_open_few_files_gets_services_that_fit_it() {
    let (mut inventory, mut stack) = load("six");
    for host in &mut inventory.hosts {
        host.limits = vec!["nofile".to_owned()];
    }
    let said = sizing::settle(&mut stack, &inventory).expect("the formulas hold");
    assert!(said.iter().any(|it| it.contains("balancer.connections is 15000")), "{said:?}");
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let mut files = 0;
    for resource in wanted(&topology).instances.iter().flat_map(|it| &it.resources) {
        let Resource::File(File { path, content: Some(content), .. }) = resource else { continue };
        for line in content.lines() {
            let Some(number) = line.strip_prefix("LimitNOFILE=") else { continue };
            files += 1;
            assert!(number.parse::<u64>().is_ok_and(|it| it < 20_000), "{path}: {line}");
        }
    }
    assert!(files > 2, "some units say how many files they open");
}
