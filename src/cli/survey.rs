//! The second part of the road: seeing every host in one exec, and planning on what was seen.

use super::material::{self, Made};
use super::renewal::Renewal;
use super::road::Road;
use super::rotation::{self, Stretch};
use super::{Failure, Global, connect, drift, heal, passage};
use crate::base::{HostName, Sink};
use crate::desired::{self, Desired};
use crate::exec::{self, Fleet, LookFailure};
use crate::facts::{self, HostFacts};
use crate::plan::{self, Basis, Pace, Plan, Scene, Standing};
use crate::record::{LeaseSeen, Observed};
use crate::resource::{Probe, Resource};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Why hosts could not be seen.
#[derive(Debug)]
pub struct Unseen {
    /// The host.
    pub host: HostName,
    /// Why.
    pub cause: LookFailure,
}

/// Everything that was seen, and the plan made on it.
pub(super) struct Survey {
    pub(super) fleet: Fleet,
    pub(super) made: Made,
    pub(super) desired: Desired,
    pub(super) observed: BTreeMap<HostName, Observed>,
    pub(super) plan: Plan,
    /// What hosts are put back to when their change of version fails.
    pub(super) back: Option<Desired>,
    /// Where secrets are changed: the plan phase by phase; `plan` shows them all.
    pub(super) phases: Vec<Stretch>,
    /// From the first connection to the plan.
    pub(super) took: Duration,
}

/// What the hosts should be brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// What inventory and stack say.
    Inventory,
    /// What is safe to mend for `imctl check`, and all else as it is.
    Remedies,
    /// Nothing of ours.
    Nothing,
}

/// Connects, looks, plans.
pub(super) async fn survey(road: &Road, global: &Global, sink: &Sink, aim: Aim) -> Result<Survey, Failure> {
    let identities = desired::identities(&road.topology)?;
    let made = material::make(road)?;
    let begun = Instant::now();
    sink.phase(format!("seeing {}", crate::report::counted(road.hosts.len(), "host")));
    let fleet = connect::fleet(road, global, sink).await?;
    let seen = see(road, &fleet, &identities).await;
    let (mut observed, facts) = or_close(&fleet, seen).await?;
    let logins = drift::take_logins(&mut observed);
    let restart = heal::ill(road, &mut observed, &made.redactor);
    or_close(&fleet, platforms(road, &facts).and_then(|()| sound(road, &observed))).await?;
    let wanted = wanted(road, &made, aim, (&observed, &facts));
    let (desired, back) = or_close(&fleet, wanted).await?;
    leftovers(&fleet, &desired, &mut observed).await?;
    or_close(&fleet, passage::open(road, &desired, &observed)).await?;
    texts(&fleet, &desired, &mut observed).await?;
    let basis = basis(road, &observed);
    let pace = Pace { restart, ..rotation::pace(road, &made, made.phase) };
    let scene = Scene {
        topology: &road.topology,
        desired: &desired,
        observed: &observed,
        basis: &basis,
        pace: &pace,
    };
    let mut plan = plan::install(scene);
    let phases = or_close(&fleet, rotation::phases(road, &made, (scene, &mut plan), &facts)).await?;
    // What stood on a host before may hold a secret although what will stand there does not.
    plan.hide(|line| made.redactor.redact(line));
    plan.notes.extend(observed.iter().filter(|(_, seen)| Standing::seen(seen).starting).map(|(host, _)| {
        format!("`{host}` is still starting up: units that are down may come up by themselves.")
    }));
    plan.notes.extend(rotation::notes(road, &made)?);
    plan.notes.extend(road.sized.iter().cloned());
    plan.notes.extend(super::lost::back(road)?);
    plan.notes.extend(if aim == Aim::Nothing { missed(road) } else { unasked(road, &plan) });
    // What differs because it is made anew was changed by nobody.
    if aim == Aim::Inventory && road.renewal == Renewal::Nothing && made.phase.is_none() {
        plan.notes.extend(drift::notes(road, &plan, (&observed, &logins))?);
    }
    Ok(Survey { fleet, made, desired, observed, plan, back, phases, took: begun.elapsed() })
}

/// Closes the connections when there is an error.
async fn or_close<T>(fleet: &Fleet, result: Result<T, Failure>) -> Result<T, Failure> {
    if result.is_err() {
        fleet.close().await;
    }
    result
}

/// What the hosts should hold, and what they are put back to where a change of version fails.
fn wanted(
    road: &Road,
    made: &Made,
    aim: Aim,
    seen: passage::Seen<'_>,
) -> Result<(Desired, Option<Desired>), Failure> {
    if aim == Aim::Nothing {
        return Ok((Desired { going: Some(road.going), ..Desired::default() }, None));
    }
    let mut desired = of_hosts(desired::state(&road.topology, &made.material, seen.1)?, &road.hosts);
    let back = match aim {
        Aim::Inventory => passage::add(road, made, &mut desired, seen)?,
        Aim::Remedies | Aim::Nothing => None,
    };
    if let Some(before) = &road.before {
        desired.leaving = desired::farewell(before, &made.material, seen.1)?;
    }
    Ok((desired, back))
}

/// Refuses hosts whose manifest is damaged: what to take away there would not be known.
fn sound(road: &Road, observed: &BTreeMap<HostName, Observed>) -> Result<(), Failure> {
    for (host, seen) in observed {
        if let Err(cause) = plan::Manifest::read(seen) {
            let path = plan::manifest_path(&road.inventory().name);
            return Err(Failure::Damaged { host: host.clone(), path, cause });
        }
    }
    Ok(())
}

impl Survey {
    /// Leases of others that keep this folder out.
    pub(super) fn kept_out(&self, folder: &str) -> Vec<(HostName, LeaseSeen)> {
        let lease = |(host, seen): (&HostName, &Observed)| {
            let lease = Standing::seen(seen).lease.filter(|lease| lease.keeps_out(folder))?;
            Some((host.clone(), lease))
        };
        self.observed.iter().filter_map(lease).collect()
    }

    /// Hosts on which packages of an earlier run are still being installed.
    pub(super) fn installing(&self) -> Vec<HostName> {
        let busy = self.observed.iter().filter(|(_, seen)| Standing::seen(seen).packages);
        busy.map(|(host, _)| host.clone()).collect()
    }

    /// Hosts that have not finished their own start.
    pub(super) fn starting(&self) -> Option<&HostName> {
        self.observed.iter().find(|(_, seen)| Standing::seen(seen).starting).map(|(host, _)| host)
    }

    /// Looks again, now that nobody else may change the hosts: the first host that is not as the plan says.
    pub(super) async fn moved(&self, road: &Road) -> Result<Option<HostName>, Failure> {
        let identities = desired::identities(&road.topology)?;
        let probes =
            road.hosts.iter().map(|host| (host.clone(), plan::probes(&road.topology, &identities, host)));
        let mut seen = all(exec::look(&self.fleet, &probes.collect()).await)?;
        leftovers(&self.fleet, &self.desired, &mut seen).await?;
        let now = |host: &HostName| seen.get(host).map(Basis::of_host);
        let moved = self.plan.basis.hosts.iter().find(|(host, then)| now(host).as_ref() != Some(then));
        Ok(moved.map(|(host, _)| host.clone()))
    }
}

/// A sentence about hosts that were not selected, when something that runs is disturbed without asking them.
fn unasked(road: &Road, plan: &Plan) -> Option<String> {
    let others: Vec<String> = road
        .present()
        .iter()
        .filter(|host| !road.hosts.contains(host))
        .map(|host| format!("`{host}`"))
        .collect();
    let disturbs = plan.steps().any(|step| step.verb == plan::Verb::Restart);
    let sentence = format!(
        "{} not selected: nobody asks there whether the service is well before it is restarted here.",
        if others.len() == 1 { format!("{} is", others[0]) } else { format!("{} are", others.join(", ")) }
    );
    (disturbs && !others.is_empty()).then_some(sentence)
}

/// A sentence about what the hosts that stay will miss.
fn missed(road: &Road) -> Option<String> {
    let gone = |host: &HostName| road.hosts.contains(host);
    if road.present().iter().all(gone) {
        return None;
    }
    let of = |name: &crate::base::Component| {
        let hosts: Vec<&HostName> =
            road.topology.instances.iter().filter(|it| it.component == *name).map(|it| &it.host).collect();
        let left = hosts.iter().filter(|host| !gone(host)).count();
        (left < hosts.len() && left > 0).then(|| format!("{name} ({left} of {})", hosts.len()))
    };
    let left: Vec<String> =
        road.topology.stack.file.components.iter().filter_map(|it| of(&it.name)).collect();
    Some(format!(
        "The other hosts serve on with what is left: {}. They are not told: their next plan tells them.",
        left.join(", ")
    ))
}

pub(super) fn of_hosts(mut desired: Desired, hosts: &[HostName]) -> Desired {
    desired.instances.retain(|it| hosts.contains(&it.instance.host));
    desired
}

type Seen = (BTreeMap<HostName, Observed>, BTreeMap<HostName, HostFacts>);

async fn see(road: &Road, fleet: &Fleet, identities: &Desired) -> Result<Seen, Failure> {
    let one = |host: &HostName| -> Result<(HostName, Vec<Probe>), Failure> {
        let mut probes = plan::probes(&road.topology, identities, host);
        probes.push(Probe::Script { key: facts::KEY.to_owned(), script: facts::script() });
        probes.push(drift::logins_probe());
        if road.heals {
            probes.extend(heal::probes(road, host)?);
        }
        Ok((host.clone(), probes))
    };
    let probes = road.hosts.iter().map(one).collect::<Result<_, _>>()?;
    let observed = all(exec::look(fleet, &probes).await)?;
    let facts = observed.iter().map(|(host, seen)| {
        let answer = seen.scripts.get(facts::KEY).map(|answer| answer.out.as_str()).unwrap_or_default();
        (host.clone(), facts::parse(answer))
    });
    let facts = facts.collect();
    Ok((observed, facts))
}

fn all(
    looks: BTreeMap<HostName, Result<Observed, LookFailure>>,
) -> Result<BTreeMap<HostName, Observed>, Failure> {
    let mut observed = BTreeMap::new();
    let mut unseen = Vec::new();
    for (host, look) in looks {
        match look {
            Ok(seen) => drop(observed.insert(host, seen)),
            Err(cause) => unseen.push(Unseen { host, cause }),
        }
    }
    if unseen.is_empty() { Ok(observed) } else { Err(Failure::Unseen(unseen)) }
}

/// Refuses hosts whose system the stack was not made for, by name.
fn platforms(road: &Road, facts: &BTreeMap<HostName, HostFacts>) -> Result<(), Failure> {
    let fit = &road.topology.stack.file.platforms;
    let mut wrong = Vec::new();
    for (host, facts) in facts {
        let said = |part: &Option<String>| part.clone().unwrap_or_else(|| "unknown".to_owned());
        let platform = format!("{}-{}-{}", said(&facts.os_id), said(&facts.os_version), said(&facts.arch));
        if !fit.contains(&platform) {
            wrong.push(format!("`{host}` is {platform}"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Platform { hosts: wrong.join(", "), fit: fit.join(", ") })
}

/// Looks at what imctl put on hosts and the inventory no longer wants, and how far a change of version has come.
pub(super) async fn leftovers(
    fleet: &Fleet,
    desired: &Desired,
    observed: &mut BTreeMap<HostName, Observed>,
) -> Result<(), Failure> {
    let probes: BTreeMap<HostName, Vec<Probe>> = observed
        .iter()
        .map(|(host, seen)| (host.clone(), plan::later_probes(desired, host, seen)))
        .filter(|(_, probes)| !probes.is_empty())
        .collect();
    for (host, more) in all(exec::look(fleet, &probes).await)? {
        if let Some(seen) = observed.get_mut(&host) {
            seen.paths.extend(more.paths);
            seen.units.extend(more.units);
            seen.users.extend(more.users);
            seen.groups.extend(more.groups);
            seen.sysctls.extend(more.sysctls);
            seen.scripts.extend(more.scripts);
            if !more.packages.is_empty() {
                seen.packages = more.packages;
            }
        }
    }
    Ok(())
}

/// Fetches the text of files that differ and may be shown.
pub(super) async fn texts(
    fleet: &Fleet,
    desired: &Desired,
    observed: &mut BTreeMap<HostName, Observed>,
) -> Result<(), Failure> {
    let mut wanted: BTreeMap<HostName, Vec<String>> = BTreeMap::new();
    for it in &desired.instances {
        let Some(seen) = observed.get(&it.instance.host) else { continue };
        for resource in &it.resources {
            let path = match resource {
                Resource::File(file) if !file.secret => &file.path,
                Resource::Firewall(firewall) => &firewall.path,
                _ => continue,
            };
            if seen.paths.contains_key(path) && resource.kind().diff(seen).is_some() {
                wanted.entry(it.instance.host.clone()).or_default().push(path.clone());
            }
        }
    }
    let fetched = exec::contents(fleet, &wanted).await;
    let fetched = fetched.map_err(|(host, cause)| Failure::Unseen(vec![Unseen { host, cause }]))?;
    for (host, contents) in fetched {
        if let Some(seen) = observed.get_mut(&host) {
            seen.contents = contents;
        }
    }
    Ok(())
}

pub(super) fn basis(road: &Road, observed: &BTreeMap<HostName, Observed>) -> Basis {
    Basis {
        inventory: road.inventory_digest.clone(),
        stack: road.topology.stack.digest.clone(),
        imctl: env!("CARGO_PKG_VERSION").to_owned(),
        bundle: road.bundle.as_ref().map(|bundle| bundle.digest().to_owned()),
        hosts: observed.iter().map(|(host, seen)| (host.clone(), Basis::of_host(seen))).collect(),
    }
}
