//! Hosts call each other on the planned ports.

use super::super::road::Road;
use super::Scene;
use crate::base::HostName;
use crate::checks::{Pair, Trial};
use crate::exec::Fleet;
use crate::facts::{self, Call, Listening, MeshSaid, Transport};
use crate::stack::Protocol;
use crate::topology::Source;
use crate::transport::Exec;
use futures_util::future::join_all;
use rand::Rng as _;
use std::collections::{BTreeMap, BTreeSet};

/// One planned call: numbers of the hosts, and the port.
type Planned = (usize, usize, Transport, u16);

/// Lets these hosts call each other, all at once.
pub(super) async fn mesh(road: &Road, fleet: &Fleet, hosts: Vec<HostName>, scene: Scene) -> Trial<Vec<Pair>> {
    if scene == Scene::Upgrade {
        return Trial::Left("the service itself shows it: imctl verify".to_owned());
    }
    let planned = planned(road, &hosts);
    if planned.is_empty() {
        return Trial::Left("no host calls another".to_owned());
    }
    let token = hex::encode(rand::rng().random::<[u8; 16]>());
    let taking_part: BTreeSet<usize> = planned.iter().flat_map(|(from, to, ..)| [*from, *to]).collect();
    let one = |number: usize| {
        let script = script(road, &hosts, &planned, number, &token);
        let link = fleet.link(&hosts[number]).cloned();
        async move {
            let output = match link {
                Some(link) => link.exec(Exec::new(script, facts::MESH_WITHIN)).await.ok(),
                None => None,
            };
            let said = output.map(|output| facts::parse_mesh(&String::from_utf8_lossy(&output.stdout)));
            (number, said.unwrap_or_default())
        }
    };
    let said: BTreeMap<usize, MeshSaid> =
        join_all(taking_part.into_iter().map(one)).await.into_iter().collect();
    Trial::Made(planned.iter().map(|it| pair(road, &hosts, it, &said)).collect())
}

/// Every pair of the port matrix among these hosts.
fn planned(road: &Road, hosts: &[HostName]) -> Vec<Planned> {
    let number = |host: &HostName| hosts.iter().position(|it| it == host);
    let mut all = Vec::new();
    for (to, host) in hosts.iter().enumerate() {
        for rule in road.topology.rules(host) {
            let Source::Hosts(from) = &rule.from else { continue };
            let transport = if rule.protocol == Protocol::Udp { Transport::Udp } else { Transport::Tcp };
            all.extend(from.iter().filter_map(number).map(|from| (from, to, transport, rule.port)));
        }
    }
    all
}

fn script(road: &Road, hosts: &[HostName], planned: &[Planned], number: usize, token: &str) -> String {
    let mut listening: BTreeMap<(Transport, u16), Vec<usize>> = BTreeMap::new();
    let mut calls: Vec<Call> = Vec::new();
    for (from, to, transport, port) in planned.iter().copied() {
        if to == number {
            listening.entry((transport, port)).or_default().push(from);
        }
        if from == number {
            let measured = |call: &Call| call.peer == to && call.measure;
            let measure = transport == Transport::Tcp && !calls.iter().any(measured);
            let address = road.topology.place(&hosts[to]).address.clone();
            calls.push(Call { transport, port, peer: to, measure, address });
        }
    }
    let listening: Vec<Listening> = listening
        .into_iter()
        .map(|((transport, port), callers)| Listening { transport, port, callers })
        .collect();
    facts::mesh_script(number, token, &listening, &calls)
}

fn pair(road: &Road, hosts: &[HostName], planned: &Planned, said: &BTreeMap<usize, MeshSaid>) -> Pair {
    let (from, to, transport, port) = *planned;
    let called =
        said[&from].calls.iter().find(|it| (it.peer, it.transport, it.port) == (to, transport, port));
    let answered = match called.map(|it| &it.answer) {
        Some(facts::Answer::Open(who)) => *who,
        _ => None,
    };
    Pair {
        from: hosts[from].clone(),
        address: road.topology.place(&hosts[from]).address.clone(),
        to: hosts[to].clone(),
        transport,
        port,
        ours: said[&to].bound.contains(&(transport, port)),
        // A host on which the test did not run is not to blame for silence.
        answer: called.map(|it| it.answer.clone()).filter(|_| said[&to].ended),
        other: answered.filter(|who| *who != to).and_then(|who| hosts.get(who).cloned()),
        way: called.and_then(|it| it.way),
    }
}
