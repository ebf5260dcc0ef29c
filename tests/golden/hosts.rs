//! Hosts as a look would see them, and plans over them.

use imctl::base::HostName;
use imctl::desired::{self, Certificate, Desired, Material};
use imctl::facts::HostFacts;
use imctl::inventory::{self, Inventory};
use imctl::plan::{self, Basis, Pace, Plan, Scene};
use imctl::record::{Answer, Observed, PathKind, PathState, UnitState};
use imctl::report::{self, Style};
use imctl::resource::{File, Probe, Resource, ServiceState};
use imctl::stack::{self, SecretSpec, Stack};
use imctl::topology::Topology;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) fn load(name: &str) -> (Inventory, Stack) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("inventories").join(format!("{name}.yml"));
    let inventory = inventory::load_alone(&path).expect("the example is right");
    let stack = stack::load(&inventory.stack, Path::new(".")).expect("the stack is right");
    (inventory, stack)
}

/// Secrets and certificates that are the same every time.
pub(crate) fn material(topology: &Topology) -> Material {
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

pub(crate) fn facts(topology: &Topology) -> BTreeMap<HostName, HostFacts> {
    let facts = || HostFacts { cpus: Some(4), memory_mib: Some(8192), ..HostFacts::default() };
    let hosts = topology.hosts.iter().filter(|place| !topology.lost.contains(&place.name));
    hosts.map(|place| (place.name.clone(), facts())).collect()
}

pub(crate) fn wanted(topology: &Topology) -> Desired {
    desired::state(topology, &material(topology), &facts(topology)).expect("the stack renders")
}

pub(crate) fn planned(topology: &Topology, observed: &BTreeMap<HostName, Observed>) -> Plan {
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

pub(crate) fn text(plan: &Plan) -> String {
    let mut out = Vec::new();
    let view = report::plan_view(plan, false);
    report::plan(&mut out, &view, "0.5 s", Style::plain(110)).expect("memory can be written to");
    String::from_utf8(out).expect("plans are text")
}

pub(crate) fn bare(topology: &Topology) -> BTreeMap<HostName, Observed> {
    topology.hosts.iter().map(|place| (place.name.clone(), Observed::default())).collect()
}

/// What a look would see on hosts that hold exactly what is wanted.
pub(crate) fn installed(topology: &Topology) -> BTreeMap<HostName, Observed> {
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

pub(crate) fn done() -> Answer {
    Answer { status: 0, out: String::new() }
}

pub(crate) fn see(resource: &Resource, seen: &mut Observed) {
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

pub(crate) fn unit(state: ServiceState) -> UnitState {
    let (active, file) = match state {
        ServiceState::Running => ("active", "enabled"),
        ServiceState::Stopped => ("inactive", "disabled"),
    };
    let word = |text: &str| text.to_owned();
    UnitState { load: word("loaded"), active: word(active), file: word(file), ..UnitState::default() }
}

/// Kinds that are a path on the host.
pub(crate) fn see_path(resource: &Resource, seen: &mut Observed) {
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

pub(crate) fn it_is_right(resource: &Resource, seen: &Observed) -> bool {
    resource.kind().diff(seen).is_none()
}

pub(crate) fn file(it: &File) -> PathState {
    path(PathKind::File, (&it.mode, &it.owner, &it.group), Some(it.content.as_deref().unwrap_or_default()))
}

pub(crate) fn path(
    kind: PathKind,
    (mode, owner, group): (&str, &str, &str),
    content: Option<&str>,
) -> PathState {
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
