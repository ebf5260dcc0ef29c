//! What a template may know about an instance. Keys are snake case; decisions are made here, not in templates.

use super::wants::Material;
use crate::base::{Component, HostName};
use crate::facts::HostFacts;
use crate::topology::{Instance, Source, Topology};
use minijinja::value::{Serde, Value};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// What is known only after the look and the making of secrets.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// Secrets and certificates.
    pub(super) material: &'a Material,
    /// Facts of every host.
    pub(super) facts: &'a BTreeMap<HostName, HostFacts>,
}

/// The context of an instance. Without `known`, secrets, certificates and facts are undefined, so that a template
/// which needs them fails.
pub(super) fn instance_context(topology: &Topology, instance: &Instance, known: Option<Known<'_>>) -> Value {
    Value::from(Serde(context(topology, instance, known)))
}

/// The same with the instance that a hook concerns, when the hook runs on another instance's host.
pub(super) fn hook_context(
    topology: &Topology,
    at: &Instance,
    target: &Instance,
    known: Option<Known<'_>>,
) -> Value {
    let mut context = context(topology, at, known);
    context.insert("target".to_owned(), place(topology, target));
    Value::from(Serde(context))
}

pub(super) fn context(
    topology: &Topology,
    instance: &Instance,
    known: Option<Known<'_>>,
) -> Map<String, Json> {
    let inventory = &topology.inventory;
    let version = topology.version_data();
    let peers: Vec<Json> = topology
        .of(&instance.component)
        .filter(|peer| peer.host != instance.host)
        .map(|peer| place(topology, peer))
        .collect();
    let all_settings = all_settings(topology, instance);
    let mut variables = inventory.variables.clone();
    variables.extend(topology.host(&instance.host).variables.clone());
    let own = snake(instance.component.as_str());
    let value = json!({
        "name": inventory.name,
        "domain": inventory.domain,
        "stack": topology.stack.file.name,
        "version": topology.version,
        "versions": snake_keys(serde_json::to_value(&version.values).unwrap_or_default()),
        "host": host(topology, &instance.host, known),
        "self": place(topology, instance),
        "component": { "name": instance.component, "ports": ports(topology, &instance.component) },
        "peers": peers,
        "lost": topology.lost,
        "leaving": topology.leaving,
        "instances": instances(topology),
        "ports": all_ports(topology),
        "settings": all_settings.get(&own).cloned().unwrap_or_default(),
        "all_settings": all_settings,
        "vars": snake_keys(Json::Object(variables)),
        "targets": snake_keys(serde_json::to_value(&inventory.targets).unwrap_or_default()),
        "firewall": { "rules": firewall(topology, &instance.host) },
    });
    let Json::Object(mut context) = value else { return Map::new() };
    if let Some(known) = known {
        context.insert("secrets".to_owned(), snake_keys(Json::Object(known.material.secrets.clone())));
        context.insert("secrets_also".to_owned(), also(known.material));
        context.insert("certs".to_owned(), certificates(known.material, &instance.host));
    }
    context
}

/// For every secret the other values that are accepted while it is changed.
fn also(material: &Material) -> Json {
    let names = material.secrets.keys();
    let of = |name: &String| material.also.get(name).cloned().unwrap_or_default();
    names.map(|name| (snake(name), Json::from(of(name)))).collect()
}

/// An instance as templates see it. First is the first that is not lost: what one does for all is not left to the dead.
fn place(topology: &Topology, instance: &Instance) -> Json {
    let place = topology.place(&instance.host);
    let first = topology.present(&instance.component).next() == Some(instance);
    json!({
        "name": place.name, "address": place.address, "fqdn": place.fqdn,
        "index": instance.index, "first": first,
    })
}

fn host(topology: &Topology, name: &HostName, known: Option<Known<'_>>) -> Json {
    let place = topology.place(name);
    let words = topology.host(name);
    let mut host = json!({
        "name": name, "address": place.address, "fqdn": place.fqdn, "index": place.index,
        "roles": words.roles, "limits": words.limits,
    });
    if let (Some(facts), Some(fields)) = (known.and_then(|it| it.facts.get(name)), host.as_object_mut()) {
        let mut known = |key: &str, value: Option<Json>| {
            if let Some(value) = value {
                fields.insert(key.to_owned(), value);
            }
        };
        known("cpus", facts.cpus.map(Json::from));
        known("memory_mib", facts.memory_mib.map(Json::from));
        known(
            "ssh_port",
            Some(Json::from(facts.ssh.as_ref().map_or(words.ssh.port.unwrap_or(22), |ends| ends.port))),
        );
    }
    host
}

fn ports(topology: &Topology, component: &Component) -> Json {
    let ports = topology.stack.component(component).map(|spec| &spec.ports);
    ports.into_iter().flatten().map(|(name, port)| (snake(name), Json::from(port.port))).collect()
}

fn all_ports(topology: &Topology) -> Json {
    let components = topology.stack.file.components.iter();
    components.map(|it| (snake(it.name.as_str()), ports(topology, &it.name))).collect()
}

fn instances(topology: &Topology) -> Json {
    let components = topology.stack.file.components.iter();
    let of = |name: &Component| topology.of(name).map(|it| place(topology, it)).collect::<Vec<_>>();
    components.map(|it| (snake(it.name.as_str()), Json::from(of(&it.name)))).collect()
}

fn firewall(topology: &Topology, host: &HostName) -> Vec<Json> {
    let rules = topology.rules(host).into_iter().map(|rule| {
        let from = match rule.from {
            Source::Clients => Json::from("any"),
            Source::Hosts(hosts) => {
                hosts.iter().map(|peer| Json::from(topology.place(peer).address.clone())).collect()
            }
        };
        json!({
            "component": rule.component, "name": rule.name, "port": rule.port, "protocol": rule.protocol,
            "from": from, "about": rule.about,
        })
    });
    rules.collect()
}

fn certificates(material: &Material, host: &HostName) -> Json {
    let own = material.certificates.iter().filter(|((_, at), _)| at == host);
    own.map(|((name, _), it)| {
        (snake(name), json!({ "cert": it.cert, "key": it.key, "chain": it.chain, "ca": it.ca }))
    })
    .collect()
}

/// Settings of every component as they hold on this host: the stack's default, then the inventory's, then the host's.
fn all_settings(topology: &Topology, instance: &Instance) -> Map<String, Json> {
    let words = topology.host(&instance.host);
    let components = topology.stack.file.components.iter().map(|spec| {
        let mut settings: Map<String, Json> =
            spec.settings.iter().map(|(key, setting)| (key.clone(), setting.default.clone())).collect();
        for layer in [&topology.inventory.settings, &words.settings] {
            settings.extend(
                layer.get(&spec.name).into_iter().flatten().map(|(key, it)| (key.clone(), it.clone())),
            );
        }
        (snake(spec.name.as_str()), snake_keys(Json::Object(settings)))
    });
    components.collect()
}

fn snake(key: &str) -> String {
    key.replace('-', "_")
}

/// Turns the keys of the outer map into snake case; what is inside is the operator's own.
fn snake_keys(value: Json) -> Json {
    match value {
        Json::Object(map) => map.into_iter().map(|(key, it)| (snake(&key), it)).collect(),
        other => other,
    }
}
