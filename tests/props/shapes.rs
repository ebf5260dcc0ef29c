//! Random small stacks and inventories: components with packages or unit files, drains, health, joins, and what changes
//! between one look of the world and the next.

use imctl::base::HostName;
use imctl::topology::{self, Topology};
use imctl::{inventory, stack};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;

/// A secret that no plan, event or result may show.
pub(crate) const SECRET: &str = "hunter2-of-the-property-test";

/// A component.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a component has or has not")]
pub(crate) struct Part {
    pub(crate) at_once: usize,
    pub(crate) health: bool,
    /// Its load is moved away on the hosts of this component (its own number: on its own host).
    pub(crate) drain: Option<usize>,
    pub(crate) join: bool,
    pub(crate) package: bool,
    pub(crate) soft: bool,
    pub(crate) peers: bool,
    pub(crate) command: u8,
    pub(crate) needs: u8,
}

/// What an inventory says at one time: the components of each host as bits, a setting of each component, a version.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub(crate) hosts: Vec<u8>,
    pub(crate) colours: Vec<u8>,
    pub(crate) version: u8,
}

/// A stack and two inventories for it.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) parts: Vec<Part>,
    pub(crate) before: Moment,
    pub(crate) after: Moment,
}

fn part() -> impl Strategy<Value = Part> {
    let flags = (any::<[bool; 5]>(), 0..4_usize, prop::option::of(0..3_usize), 0..3_u8, 0..8_u8);
    flags.prop_map(|([health, join, package, soft, peers], at_once, drain, command, needs)| Part {
        at_once,
        health,
        drain,
        join,
        package,
        soft,
        peers,
        command,
        needs,
    })
}

fn moment(hosts: usize) -> impl Strategy<Value = Moment> {
    (prop::collection::vec(0..8_u8, hosts), prop::collection::vec(0..2_u8, 3), 1..3_u8)
        .prop_map(|(hosts, colours, version)| Moment { hosts, colours, version })
}

/// Any shape of up to three components on up to five hosts. The second moment keeps about half of the first's places.
pub(crate) fn shape() -> impl Strategy<Value = Shape> {
    let hosts = 1..6_usize;
    hosts.prop_flat_map(|hosts| {
        let parts = prop::collection::vec(part(), 1..4);
        (parts, moment(hosts), moment(hosts), any::<bool>()).prop_map(|(parts, before, mut after, stay)| {
            if stay {
                after.hosts.clone_from(&before.hosts);
            }
            Shape { parts, before, after }
        })
    })
}

fn resources(at: usize, part: &Part) -> Vec<Value> {
    let (name, unit) = (format!("c{at}"), format!("c{at}.service"));
    let mut all = Vec::new();
    if part.package {
        let names = [format!("{name}-server={{{{ versions.release }}}}")];
        all.push(json!({ "package": { "names": names, "masks": [unit] } }));
    } else {
        let path = format!("/etc/systemd/system/{unit}");
        all.push(json!({ "file": { "path": path, "content": "[Service]\n", "restarts": [unit] } }));
    }
    all.push(json!({ "directory": { "path": format!("/etc/{name}") } }));
    let mut file = |file: &str, content: &str, rest: Value| {
        let mut it = json!({ "path": format!("/etc/{name}/{file}"), "content": content });
        it.as_object_mut().expect("a map").extend(rest.as_object().expect("a map").clone());
        all.push(json!({ "file": it }));
    };
    file("main.conf", "colour {{ settings.colour }}\n", json!({ "restarts": [unit] }));
    file("token", "{{ secrets.token }} {{ settings.colour }}", json!({ "secret": true, "mode": "0600" }));
    if part.soft {
        file("soft.conf", "shade {{ settings.colour }}\n", json!({ "reloads": [unit] }));
    }
    if part.peers {
        let peers = "{% for peer in peers %}{{ peer.name }}\n{% endfor %}";
        file("peers.conf", peers, json!({ "restarts": [unit] }));
    }
    let command = |script: String| json!({ "name": name, "about": "loads", "script": script });
    match part.command {
        1 => {
            let mut it = command(format!("imcmd {name}"));
            it["unless"] = json!(format!("imdone {name}"));
            it["undo"] = json!(format!("imundo {name}"));
            all.push(json!({ "command": it }));
        }
        2 => all.push(json!({ "command": command("load {{ settings.colour }}".to_owned()) })),
        _ => {}
    }
    all.push(json!({ "service": { "unit": unit } }));
    all
}

fn hooks(at: usize, part: &Part, count: usize) -> Value {
    let hook = |kind: &str| {
        let script = format!("imhook {kind} c{at} {{{{ target.name }}}}");
        json!({ "about": format!("{kind} it"), "script": script, "within": "1s" })
    };
    let mut hooks = serde_json::Map::new();
    if part.health {
        hooks.insert("health".to_owned(), hook("health"));
    }
    if part.join {
        let mut join = hook("join");
        join["unless"] = json!(format!("imjoined c{at}"));
        join["when"] = json!("not target.first");
        hooks.insert("join".to_owned(), join);
    }
    if let Some(on) = part.drain.filter(|on| *on < count) {
        for kind in ["drain", "undrain"] {
            let mut hook = hook(kind);
            if on != at {
                hook["on"] = json!(format!("c{on}"));
            }
            hooks.insert(kind.to_owned(), hook);
        }
    }
    Value::Object(hooks)
}

/// The stack's file; YAML takes JSON.
fn stack_file(parts: &[Part]) -> Value {
    let components = parts.iter().enumerate().map(|(at, part)| {
        let needs: Vec<String> =
            (0..at).filter(|it| part.needs & (1 << it) != 0).map(|it| format!("c{it}")).collect();
        json!({
            "name": format!("c{at}"), "role": format!("r{at}"), "needs": needs,
            "settings": { "colour": { "default": 0, "about": "any number" } },
            "units": [format!("c{at}.service")],
            "rollout": { "max-unavailable": part.at_once },
            "resources": resources(at, part),
            "hooks": hooks(at, part, parts.len()),
        })
    });
    let version = |release: &str, default| json!({ "default": default, "values": { "release": release }, "packages": [] });
    let mut roles = serde_json::Map::new();
    roles.insert("any".to_owned(), json!({ "about": "nothing" }));
    roles.extend((0..parts.len()).map(|at| (format!("r{at}"), json!({ "about": "something" }))));
    json!({
        "name": "pretended", "title": "a stack of the property test", "platforms": [],
        "versions": { "1": version("1.0", true), "2": version("2.0", false) },
        "roles": roles, "secrets": { "token": { "alphanumeric": 40 } },
        "components": components.collect::<Vec<_>>(),
    })
}

fn inventory_file(moment: &Moment, parts: usize) -> Value {
    let hosts = moment.hosts.iter().enumerate().map(|(at, bits)| {
        let mut roles: Vec<String> =
            (0..parts).filter(|it| bits & (1 << it) != 0).map(|it| format!("r{it}")).collect();
        roles.push("any".to_owned());
        (format!("h{at}"), json!({ "address": format!("192.0.2.{}", at + 1), "roles": roles }))
    });
    let settings = (0..parts).map(|at| (format!("c{at}"), json!({ "colour": moment.colours[at] })));
    json!({
        "name": "props", "domain": "props.example", "stack": "./stack", "version": moment.version.to_string(),
        "hosts": hosts.collect::<serde_json::Map<_, _>>(),
        "settings": settings.collect::<serde_json::Map<_, _>>(),
    })
}

impl Shape {
    /// Lays the stack out as one moment's inventory wants it.
    pub(crate) fn topology(&self, moment: &Moment) -> Topology {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("stack");
        std::fs::create_dir(&below).expect("a folder");
        std::fs::write(below.join("stack.yml"), stack_file(&self.parts).to_string()).expect("written");
        let text = inventory_file(moment, self.parts.len()).to_string();
        let inventory = inventory::parse(Path::new("props.yml"), &text).expect("the inventory is right");
        let stack = stack::load("./stack", folder.path()).expect("the stack is right");
        topology::build(&inventory, &stack).expect("they fit each other")
    }
}

impl Moment {
    /// The hosts of a component.
    pub(crate) fn hosts_of(&self, part: usize) -> impl Iterator<Item = HostName> {
        let of = self.hosts.iter().enumerate().filter(move |(_, bits)| *bits & (1 << part) != 0);
        of.map(|(at, _)| host(at))
    }
}

/// The name of a host.
pub(crate) fn host(at: usize) -> HostName {
    HostName::new(format!("h{at}")).expect("a name")
}
