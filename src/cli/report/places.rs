//! Groups of hosts with the same roles, and the ports between them, from the components' declarations.

use super::super::road::Road;
use crate::base::HostName;
use crate::report::{Group, Link, TopologyView};
use crate::stack::Protocol;
use crate::topology::{Rule, Source, Topology};
use std::collections::{BTreeMap, BTreeSet};

/// Port and whether it is UDP.
type Port = (u16, bool);

/// The deployment as the report draws it.
pub(super) fn topology(road: &Road) -> TopologyView {
    let topology = &road.topology;
    let mut groups: Vec<Group> = Vec::new();
    let mut places: BTreeMap<HostName, usize> = BTreeMap::new();
    for host in &road.inventory().hosts {
        let mut roles: Vec<String> = host.roles.iter().map(ToString::to_string).collect();
        roles.sort();
        let at = groups.iter().position(|group| group.roles == roles).unwrap_or_else(|| {
            groups.push(Group { roles, hosts: Vec::new() });
            groups.len() - 1
        });
        groups[at].hosts.push(host.name.to_string());
        places.insert(host.name.clone(), at);
    }
    let (mut links, mut everywhere) = (BTreeMap::new(), BTreeSet::new());
    for (host, &to) in &places {
        for rule in topology.rules(host) {
            let port = (rule.port, rule.protocol == Protocol::Udp);
            if of_all(topology, &rule) {
                everywhere.insert(port);
                continue;
            }
            for from in sources(&rule, &places) {
                links.entry((from, to)).or_insert_with(BTreeSet::new).insert(port);
            }
        }
    }
    let link = |((from, to), ports): ((Option<usize>, usize), BTreeSet<Port>)| Link {
        from,
        to,
        ports: ports.into_iter().map(word).collect(),
    };
    TopologyView {
        groups,
        links: links.into_iter().map(link).collect(),
        everywhere: everywhere.into_iter().map(word).collect(),
    }
}

/// Whether the component that listens stands on every host: it would be an arrow between all pairs.
fn of_all(topology: &Topology, rule: &Rule) -> bool {
    let spec = topology.stack.component(&rule.component);
    spec.is_some_and(|spec| spec.role.as_str() == "all") && rule.from != Source::Clients
}

/// Groups that open connections; none among them = clients.
fn sources(rule: &Rule, places: &BTreeMap<HostName, usize>) -> BTreeSet<Option<usize>> {
    match &rule.from {
        Source::Clients => BTreeSet::from([None]),
        Source::Hosts(hosts) => hosts.iter().filter_map(|host| places.get(host).copied().map(Some)).collect(),
    }
}

fn word((port, udp): Port) -> String {
    if udp { format!("{port}/udp") } else { port.to_string() }
}
