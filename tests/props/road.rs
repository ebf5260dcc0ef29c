//! The road in the pretended world: look, plan, run; and what must be true of every run.

use super::host::digest;
use super::shapes::{Moment, SECRET, Shape};
use super::watch::{Happened, Promise, Watch};
use super::world::{Fault, World};
use futures_util::future::BoxFuture;
use imctl::base::{Event, HostName, Sink};
use imctl::desired::{self, Desired, Material};
use imctl::exec::{self, Depot, Fleet, Run};
use imctl::facts::HostFacts;
use imctl::plan::{self, Basis, Pace, Plan, Scene};
use imctl::record::{Execution, Observed};
use imctl::resource::{Probe, Resource};
use imctl::topology::Topology;
use imctl::transport::{Exec, Session};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A look and the plan made on it.
pub(crate) struct Survey {
    pub(crate) desired: Desired,
    observed: BTreeMap<HostName, Observed>,
    pub(crate) plan: Plan,
    fleet: Fleet,
}

impl Survey {
    /// Whether the host is to hold something at the path.
    pub(crate) fn wants(&self, host: &HostName, path: &str) -> bool {
        let named = |resource: &Resource| resource.id().name == path;
        self.desired.on(host).flat_map(|it| &it.resources).any(named)
    }
}

/// Looks at the world and plans, as the command does.
pub(crate) async fn survey(world: &World, topology: &Topology) -> Survey {
    let identities = desired::identities(topology).expect("identities need nothing");
    let mut fleet = Fleet::default();
    for place in &topology.hosts {
        fleet.insert(place.name.clone(), world.link(&place.name));
    }
    let probes = |host: &HostName| plan::probes(topology, &identities, host);
    let probes: BTreeMap<HostName, Vec<Probe>> =
        topology.hosts.iter().map(|place| (place.name.clone(), probes(&place.name))).collect();
    let mut observed = seen(&fleet, &probes).await;
    let desired = wanted(topology);
    let left: BTreeMap<HostName, Vec<Probe>> = observed
        .iter()
        .map(|(host, seen)| (host.clone(), plan::later_probes(&desired, host, seen)))
        .collect();
    for (host, more) in seen(&fleet, &left).await {
        let seen = observed.get_mut(&host).expect("it was seen before");
        seen.paths.extend(more.paths);
        seen.units.extend(more.units);
        seen.scripts.extend(more.scripts);
        if !more.packages.is_empty() {
            seen.packages = more.packages;
        }
    }
    let basis = Basis {
        hosts: observed.iter().map(|(host, seen)| (host.clone(), Basis::of_host(seen))).collect(),
        ..Basis::default()
    };
    let scene =
        Scene { topology, desired: &desired, observed: &observed, basis: &basis, pace: &Pace::default() };
    let plan = plan::install(scene);
    let text = serde_json::to_string(&plan).expect("a plan is JSON");
    assert!(!text.contains(SECRET), "a plan holds a secret");
    assert_eq!(serde_json::from_str::<Plan>(&text).expect("and comes back"), plan);
    Survey { desired, observed, plan, fleet }
}

async fn seen(fleet: &Fleet, probes: &BTreeMap<HostName, Vec<Probe>>) -> BTreeMap<HostName, Observed> {
    let looks = exec::look(fleet, probes).await.into_iter();
    looks.map(|(host, look)| (host, look.expect("the look goes well"))).collect()
}

/// What should be.
pub(crate) fn wanted(topology: &Topology) -> Desired {
    let mut material = Material::default();
    material.secrets.insert("token".to_owned(), SECRET.into());
    let facts = topology.hosts.iter().map(|place| (place.name.clone(), HostFacts::default())).collect();
    desired::state(topology, &material, &facts).expect("the stack renders")
}

struct Shelf;

impl Depot for Shelf {
    fn packages<'a>(
        &'a self,
        _host: &'a HostName,
        link: &'a dyn Session,
        names: &'a [String],
        mask: &'a [String],
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let script = format!("impkg {} '{}'\n", names.join(","), mask.join(","));
            let done = link.exec(Exec::new(script, Duration::from_mins(1))).await;
            let output = done.map_err(|cause| cause.to_string())?;
            if output.status == 0 { Ok(()) } else { Err(output.text()) }
        })
    }

    fn artifact(&self, name: &str) -> Result<Vec<u8>, String> {
        Err(format!("there is no artifact `{name}`"))
    }
}

fn promises(shape: &Shape, moment: &Moment) -> BTreeMap<String, Promise> {
    let parts = shape.parts.iter().enumerate().map(|(at, part)| {
        let promise = |drains_on| Promise {
            at_once: part.at_once,
            health: part.health,
            drains_on,
            hosts: moment.hosts_of(at).collect(),
        };
        let on = part.drain.filter(|on| *on < shape.parts.len() && *on != at);
        (format!("c{at}"), promise(on.map(|on| moment.hosts_of(on).collect()).unwrap_or_default()))
    });
    parts.collect()
}

/// Runs the plan of a survey in a world where things go wrong.
pub(crate) async fn run(
    world: &World,
    survey: &Survey,
    (shape, moment): (&Shape, &Moment),
    faults: Vec<(usize, Fault)>,
) -> Execution {
    let stop = world.begin(faults, Watch::new(promises(shape, moment)));
    let said = Arc::new(Mutex::new(String::new()));
    let (place, words) = (world.clone(), said.clone());
    let sink = Sink::new(move |event| {
        writeln!(words.lock().expect("nobody panics with it"), "{event:?}").expect("a String takes all text");
        let watch = &mut place.lock().watch;
        match event {
            Event::StepStarted { host, .. } => watch.note(Happened::Began(host)),
            Event::StepDone { host, .. } | Event::StepFailed { host, .. } => {
                watch.note(Happened::Ended(host));
            }
            _ => {}
        }
    });
    let holds = |host: &HostName| {
        let mut inside = world.lock();
        let held = !inside.leaseless;
        inside.watch.note(Happened::Asked(host.clone(), held));
        if held { Ok(()) } else { Err("the lease is gone".to_owned()) }
    };
    let it = Run {
        plan: &survey.plan,
        desired: &survey.desired,
        observed: &survey.observed,
        fleet: &survey.fleet,
        depot: &Shelf,
        sink: &sink,
        redact: &|text| text.to_owned(),
        holds: &holds,
        stop,
        back: None,
        mirror: Vec::new(),
    };
    let execution = exec::run(&it).await;
    world.end();
    let said = said.lock().expect("nobody panics with it");
    assert!(!said.contains(SECRET) && !format!("{execution:?}").contains(SECRET), "a secret was told");
    execution
}

/// What is not as it should be once everything went well: nothing wanted is missing, nothing is left over.
/// What only pretended to be done in a way that no look can see does not count.
pub(crate) fn unfinished(
    world: &World,
    survey: &Survey,
    (shape, moment): (&Shape, &Moment),
    idled: &[(HostName, String)],
) -> Vec<String> {
    let inside = world.lock();
    let mut found = Vec::new();
    for (host, it) in &inside.hosts {
        if !it.drained.is_empty() {
            found.push(format!("{host} still holds load away from {:?}", it.drained));
        }
        for at in 0..shape.parts.len() {
            let unit = format!("c{at}.service");
            let here = moment.hosts_of(at).any(|carrier| carrier == *host);
            if here != it.is_well(&unit) {
                found.push(format!("{unit} on {host}: wanted {here}, well {}", !here));
            }
            if !here && it.nodes.keys().any(|path| path.starts_with(&format!("/etc/c{at}/"))) {
                found.push(format!("{host} still holds files of c{at}"));
            }
        }
        let wanted = survey.desired.on(host).flat_map(|it| &it.resources);
        for resource in wanted {
            let Resource::File(file) = resource else { continue };
            let sum = digest(file.content.as_deref().unwrap_or_default().as_bytes());
            if it.nodes.get(&file.path).map(|node| &node.sha256) != Some(&sum) {
                found.push(format!("{} on {host} is not as wanted", file.path));
            }
            for unit in file.restarts.iter().chain(&file.reloads) {
                let read = it.units.get(unit).and_then(|unit| unit.read.get(&file.path));
                let pretended = idled.iter().any(|(at, what)| at == host && what.contains(unit.as_str()));
                if read != Some(&sum) && !pretended {
                    found.push(format!("{unit} on {host} runs with an older {}", file.path));
                }
            }
        }
    }
    found
}
