//! What is seen on the hosts: how each is guarded, who listens, where secrets turn up, and which ports of the others it reaches.

use super::{Failure, Scene, kept};
use crate::base::HostName;
use crate::bundle::Verified;
use crate::checks::{Guarded, Outcome, Said, guarded};
use crate::cli::check::Wants;
use crate::facts::{self, GuardFacts, HostFacts, Hunted, Transport};
use crate::transport::{Exec, LinkError, Session};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// What one host said.
#[derive(Default)]
pub(super) struct Inside {
    pub(super) guard: GuardFacts,
    pub(super) facts: HostFacts,
    pub(super) hunted: Option<Result<Hunted, Outcome>>,
    /// Ports of each other host that it reaches; none when it could not try.
    pub(super) reached: BTreeMap<HostName, Option<BTreeSet<u16>>>,
}

/// All hosts, by name.
pub(super) type Insides = BTreeMap<HostName, Inside>;

/// Looks at all hosts at once. A host that stops answering leaves its questions open, never passed.
pub(super) async fn look(scene: &Scene<'_>) -> Result<Insides, Failure> {
    let wants = Wants::read(scene.road)?;
    let guards = join_all(scene.road.hosts.iter().map(|host| guard(scene, &wants, host)));
    let ways = async {
        let facts = join_all(scene.road.hosts.iter().map(|host| listening(scene, host))).await;
        let facts: BTreeMap<HostName, HostFacts> = scene.road.hosts.iter().cloned().zip(facts).collect();
        let reached = join_all(scene.road.hosts.iter().map(|host| reached(scene, host, &facts))).await;
        (facts, reached)
    };
    let (guards, (mut facts, reached)) = tokio::join!(guards, ways);
    let hosts = scene.road.hosts.iter().zip(guards).zip(reached);
    Ok(hosts
        .map(|((host, (guard, hunted)), reached)| {
            let facts = facts.remove(host).unwrap_or_default();
            (host.clone(), Inside { guard, facts, hunted, reached })
        })
        .collect())
}

async fn ask(scene: &Scene<'_>, host: &HostName, exec: Exec) -> Result<String, LinkError> {
    let link: Option<&dyn Session> = scene.seen.fleet.link(host).map(AsRef::as_ref);
    match link {
        None => Ok(String::new()),
        Some(link) => Ok(String::from_utf8_lossy(&link.exec(exec).await?.stdout).into_owned()),
    }
}

/// How the host is guarded, then where its secrets turn up.
async fn guard(
    scene: &Scene<'_>,
    wants: &Wants,
    host: &HostName,
) -> (GuardFacts, Option<Result<Hunted, Outcome>>) {
    let mut guard = GuardFacts::default();
    if scene.asked.any(&["network", "hosts", "secrets", "integrity"]) {
        let data = wants.data(scene.road, host);
        let folders: Vec<&str> = data.iter().map(|(path, _)| path.as_str()).collect();
        let script = facts::guard_script(&folders, scene.asked.left_out("DRIFT-02"));
        let answer = ask(scene, host, Exec::new(script, facts::GUARD_WITHIN)).await;
        guard = facts::parse_guard(&answer.unwrap_or_default());
    }
    if !scene.asked.area("secrets") || scene.asked.left_out("SECRET-02") {
        return (guard, None);
    }
    let texts = kept::needles(scene.seen, host);
    let hunt = Exec::new(facts::hunt_script(), facts::HUNT_WITHIN).input(texts.join("\n").into_bytes());
    let hunted = match ask(scene, host, hunt).await {
        Ok(answer) => Ok(facts::parse_hunt(&answer)),
        Err(lost) => Err(Outcome::Unknown(lost.to_string())),
    };
    (guard, Some(hunted))
}

async fn listening(scene: &Scene<'_>, host: &HostName) -> HostFacts {
    if !scene.asked.any(&["network", "hosts"]) {
        return HostFacts::default();
    }
    let answer = ask(scene, host, Exec::new(facts::script_with_listeners(), facts::GUARD_WITHIN)).await;
    facts::parse(&answer.unwrap_or_default())
}

/// Which ports of every other host this one reaches, of those that somebody listens on or that are declared.
async fn reached(
    scene: &Scene<'_>,
    from: &HostName,
    facts: &BTreeMap<HostName, HostFacts>,
) -> BTreeMap<HostName, Option<BTreeSet<u16>>> {
    if !scene.asked.area("network") {
        return BTreeMap::new();
    }
    let mut places: BTreeMap<SocketAddr, HostName> = BTreeMap::new();
    let mut deaf: Vec<HostName> = Vec::new();
    for to in scene.road.hosts.iter().filter(|to| *to != from) {
        let known = crate::transport::addresses(&scene.road.topology.place(to).address).await;
        let Some(address) = known.ok().and_then(|all| all.first().copied()) else {
            deaf.push(to.clone());
            continue;
        };
        let listening = facts.get(to).and_then(|facts| facts.listeners.as_deref()).unwrap_or_default();
        let tcp = listening.iter().filter(|it| it.transport == Transport::Tcp).map(|it| it.port);
        let declared = super::ports::declared(scene.road, to);
        let declared = declared.iter().filter(|(transport, _)| *transport == Transport::Tcp);
        let ports: BTreeSet<u16> = tcp.chain(declared.map(|(_, port)| *port)).collect();
        places.extend(ports.into_iter().map(|port| (SocketAddr::new(address, port), to.clone())));
    }
    let all: Vec<SocketAddr> = places.keys().copied().collect();
    let exec = Exec::new(facts::reach_script(&all), facts::reach_within(all.len()));
    let open = facts::parse_reach(&ask(scene, from, exec).await.unwrap_or_default());
    let of_host = |to: &HostName| {
        let open = open.as_ref().filter(|_| !deaf.contains(to))?;
        let own = open.iter().filter(|place| places.get(*place) == Some(to));
        Some(own.map(SocketAddr::port).collect())
    };
    let others = scene.road.hosts.iter().filter(|to| *to != from);
    others.map(|to| (to.clone(), of_host(to))).collect()
}

/// Judges how each host is guarded.
pub(super) fn judge(scene: &Scene<'_>, insides: &Insides) -> Vec<Said> {
    let mut said = Vec::new();
    for (host, inside) in insides {
        let seen = guarded_host(scene, host, inside);
        let all = guarded(host, &seen);
        said.extend(all.into_iter().filter(|it| !scene.asked.left_out(&it.id)));
    }
    said
}

fn guarded_host(scene: &Scene<'_>, host: &HostName, inside: &Inside) -> Guarded {
    let words = scene.road.topology.host(host);
    let desired = scene.seen.desired.instances.iter().filter(|it| it.instance.host == *host);
    let bundle = scene.road.bundle.as_ref();
    Guarded {
        facts: inside.guard.clone(),
        limits: words.limits.clone(),
        login: words.ssh.user.clone(),
        units: desired.flat_map(|it| it.units.iter().cloned()).collect(),
        updates: bundle.map(|it| it.manifest().updates(&scene.road.topology.version)),
        bundle_days: bundle.and_then(days),
        clock: inside.facts.clock_synced,
    }
}

fn days(bundle: &Verified) -> Option<i64> {
    let made: Timestamp = bundle.manifest().created.parse().ok()?;
    Some((Timestamp::now().as_second() - made.as_second()) / 86_400)
}

/// Whether imctl itself runs on a host of the deployment, where the packet filter does not stand between.
pub(super) fn at_home(insides: &Insides) -> bool {
    let own = |address: &IpAddr| insides.values().any(|it| it.facts.addresses.contains(address));
    insides.values().any(|it| it.facts.ssh.as_ref().is_some_and(|ends| own(&ends.client)))
}
