//! Ports: which of them answer from outside, which from the other hosts, and which are meant to.

use super::Scene;
use super::inside::{Insides, at_home};
use crate::base::HostName;
use crate::checks::{NetworkSeen, Said, network};
use crate::cli::road::Road;
use crate::facts::Transport;
use crate::probe::{open_ports, ports_at_once};
use crate::stack::Protocol;
use crate::topology::Source;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

/// What answers from here, or why nobody can say; none when it was not asked.
pub(super) type Outside = BTreeMap<HostName, Result<BTreeSet<u16>, String>>;

/// Tries all ports of all hosts at once.
pub(super) async fn outside(scene: &Scene<'_>) -> Outside {
    if !scene.asked.area("network") || scene.asked.left_out("EXPO-01") {
        return Outside::new();
    }
    let at_once = ports_at_once(scene.road.hosts.len());
    let one = |host: &HostName| {
        let (host, address) = (host.clone(), scene.road.topology.place(host).address.clone());
        let ssh = ssh_port(scene.road, &host);
        async move {
            let open = match crate::transport::addresses(&address).await {
                Ok(known) => match known.first() {
                    Some(first) => open_ports(*first, ssh, at_once).await,
                    None => Err(format!("`{address}` has no address")),
                },
                Err(why) => Err(why),
            };
            (host, open)
        }
    };
    join_all(scene.road.hosts.iter().map(one)).await.into_iter().collect()
}

fn ssh_port(road: &Road, host: &HostName) -> u16 {
    road.topology.host(host).ssh.port.unwrap_or(22)
}

fn transport(protocol: Protocol) -> Transport {
    if protocol == Protocol::Udp { Transport::Udp } else { Transport::Tcp }
}

/// Ports of the stack on a host, and SSH.
pub(super) fn declared(road: &Road, host: &HostName) -> BTreeSet<(Transport, u16)> {
    let ports = road.topology.on(host).filter_map(|it| road.topology.stack.component(&it.component));
    let ports = ports.flat_map(|component| component.ports.values());
    let ssh = (Transport::Tcp, ssh_port(road, host));
    ports.map(|it| (transport(it.protocol), it.port)).chain([ssh]).collect()
}

/// Of them, TCP ports that only the host itself may use.
fn inner(road: &Road, host: &HostName) -> BTreeSet<u16> {
    let ports = road.topology.on(host).filter_map(|it| road.topology.stack.component(&it.component));
    let ports = ports.flat_map(|component| component.ports.values());
    ports.filter(|it| it.from.iter().all(|peer| peer == "loopback")).map(|it| it.port).collect()
}

/// TCP ports of a host that anybody may use, and those that each other host may.
fn planned(road: &Road, host: &HostName) -> (BTreeSet<u16>, BTreeMap<HostName, BTreeSet<u16>>) {
    let rules = road.topology.rules(host);
    let tcp = || rules.iter().filter(|rule| rule.protocol != Protocol::Udp);
    let anybody = tcp().filter(|rule| rule.from == Source::Clients).map(|rule| rule.port);
    let anybody: BTreeSet<u16> = anybody.chain([ssh_port(road, host)]).collect();
    let own = |from: &HostName| {
        let named = tcp().filter(|rule| matches!(&rule.from, Source::Hosts(hosts) if hosts.contains(from)));
        named.map(|rule| rule.port).chain(anybody.iter().copied()).collect()
    };
    let others = road.hosts.iter().filter(|from| *from != host);
    let allowed = others.map(|from| (from.clone(), own(from))).collect();
    (anybody, allowed)
}

/// Judges every host's ports.
pub(super) fn judge(scene: &Scene<'_>, outside: &Outside, insides: &Insides) -> Vec<Said> {
    if !scene.asked.area("network") {
        return Vec::new();
    }
    let home = at_home(insides);
    let mut said = Vec::new();
    for (host, inside) in insides {
        let (public, allowed) = planned(scene.road, host);
        let others = insides.iter().filter(|(from, _)| *from != host);
        let reached = others.map(|(from, it)| (from.clone(), it.reached.get(host).cloned().flatten()));
        let from_here = match outside.get(host) {
            _ if home => Err("imctl runs on a host of the deployment: run it from elsewhere".to_owned()),
            Some(open) => open.clone(),
            None => Err("not tried".to_owned()),
        };
        let seen = NetworkSeen {
            host: host.clone(),
            outside: from_here,
            public,
            reached: reached.collect(),
            allowed,
            listeners: inside.facts.listeners.clone(),
            declared: declared(scene.road, host),
            inner: inner(scene.road, host),
            unfiltered: scene.road.topology.host(host).limits.iter().any(|limit| limit == "firewall"),
        };
        let all = network(&seen, &inside.guard);
        said.extend(all.into_iter().filter(|it| !scene.asked.left_out(&it.id)));
    }
    said
}
