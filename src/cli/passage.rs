//! A change of version: which ways hosts may go, whether the bundle's own schemas agree with what the stack does about them,
//! and what hosts are put back to when it fails.

use super::Failure;
use super::material::Made;
use super::road::Road;
use crate::base::HostName;
use crate::bundle::Verified;
use crate::desired::{self, Desired};
use crate::facts::HostFacts;
use crate::plan::{Manifest, shut};
use crate::record::Observed;
use crate::stack::{Passage, Way, columns, differences};
use std::collections::{BTreeMap, BTreeSet};

/// What is known of the hosts when a passage is made.
pub(super) type Seen<'a> = (&'a BTreeMap<HostName, Observed>, &'a BTreeMap<HostName, HostFacts>);

/// Versions of the stack that hosts have, by what they say themselves.
pub(super) fn versions(road: &Road, observed: &BTreeMap<HostName, Observed>) -> BTreeSet<String> {
    let stack = &road.topology.stack.file.name;
    let manifests = observed.values().map(Manifest::seen).filter(Manifest::stands);
    let of_stack = manifests.filter_map(|it| {
        let (name, version) = it.release.split_once(' ')?;
        (name == stack).then(|| version.to_owned())
    });
    of_stack.collect()
}

/// Adds to what is wanted what comes before and after hosts change from another version, and tells what hosts are put back to
/// when it fails.
pub(super) fn add(
    road: &Road,
    made: &Made,
    desired: &mut Desired,
    (observed, facts): Seen<'_>,
) -> Result<Option<Desired>, Failure> {
    let mut others = versions(road, observed);
    others.remove(&road.topology.version);
    let Some(before) = others.first().cloned() else {
        return unfinished(road, made, desired, facts).map(|()| None);
    };
    let ways = ways(road, &others)?;
    for (from, way) in &ways {
        if needs_bundle(road, from) {
            agrees(road, holds(road, from)?, (from, way.passage))?;
        }
    }
    let seen = (&made.material, facts);
    desired.passage = Some(desired::passage(&road.topology, &ways, Some(seen))?);
    let mut topology = road.topology.clone();
    topology.version = before;
    let back = desired::state(&topology, &made.material, facts)?;
    Ok(Some(super::survey::of_hosts(back, &road.hosts)))
}

/// All hosts have the version wanted, and what comes after the last of them may still be to be done.
fn unfinished(
    road: &Road,
    made: &Made,
    desired: &mut Desired,
    facts: &BTreeMap<HostName, HostFacts>,
) -> Result<(), Failure> {
    if !road.finishes {
        return Ok(());
    }
    let to = &road.topology.version;
    let known = road.topology.version_data().from.keys();
    let ways = known.filter_map(|from| Some((from.clone(), road.topology.stack.way(from, to)?))).collect();
    let mut passage = desired::passage(&road.topology, &ways, Some((&made.material, facts)))?;
    // Nobody comes from anywhere any more.
    passage.from.clear();
    desired.passage = Some(passage);
    Ok(())
}

/// The ways from the versions that hosts have; an error when the stack knows none, or when it is the way back and nobody asked
/// for it.
fn ways<'a>(road: &'a Road, from: &BTreeSet<String>) -> Result<BTreeMap<String, Way<'a>>, Failure> {
    let (stack, to) = (&road.topology.stack, &road.topology.version);
    let mut ways = BTreeMap::new();
    for from in from {
        let Some(way) = stack.way(from, to) else {
            let mut known: Vec<&str> = road.topology.version_data().from.keys().map(String::as_str).collect();
            known.sort_unstable();
            let known = if known.is_empty() { "no other".to_owned() } else { known.join(", ") };
            return Err(Failure::Refused(format!(
                "there is no way from {name} {from} to {to}; {to} can be reached from {known}",
                name = stack.file.name
            )));
        };
        if way.back && !road.back {
            return Err(Failure::Refused(format!(
                "hosts have {from} and `{}` says {to}, which is older: going back is  imctl rollback -i {0}",
                road.typed()
            )));
        }
        ways.insert(from.clone(), way);
    }
    Ok(ways)
}

/// Whether anything of the two versions comes out of a bundle.
fn needs_bundle(road: &Road, from: &str) -> bool {
    let file = &road.topology.stack.file;
    let packages = |version: &str| file.versions.get(version).is_some_and(|it| !it.packages.is_empty());
    !file.artifacts.is_empty() || packages(from) || packages(&road.topology.version)
}

/// The bundle, when it holds the version that hosts come from: without it nothing could be put back.
fn holds<'a>(road: &'a Road, from: &str) -> Result<&'a Verified, Failure> {
    let to = &road.topology.version;
    let build = format!("imctl bundle build -i {} --versions {from},{to}", road.typed());
    let Some(bundle) = &road.bundle else {
        return Err(Failure::Refused(format!(
            "a change from {from} to {to} needs the bundle at hand: name it with --bundle DIR, or  {build}"
        )));
    };
    if bundle.manifest().versions.contains_key(from) {
        return Ok(bundle);
    }
    Err(Failure::Refused(format!(
        "the bundle does not hold {from}, so a host that fails could not be put back:  {build}"
    )))
}

/// Compares the two versions' schemas: what differs must be what the stack takes care of.
fn agrees(road: &Road, bundle: &Verified, (from, passage): (&str, &Passage)) -> Result<(), Failure> {
    if road.topology.stack.file.schema.is_none() {
        return Ok(());
    }
    let to = &road.topology.version;
    let (before, after) = (schema(road, bundle, from)?, schema(road, bundle, to)?);
    let open: Vec<String> = differences(&columns(&before), &columns(&after))
        .into_iter()
        .filter(|it| !passage.covers.contains(&it.name))
        .map(|it| format!("`{}` {}", it.name, it.what))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "the tables of {from} and {to} differ by more than the stack takes care of: {}; while both versions run, rows would be lost",
        open.join(", ")
    )))
}

fn schema(road: &Road, bundle: &Verified, version: &str) -> Result<String, Failure> {
    let path = format!("schemas/{version}.sql");
    if !bundle.manifest().files.contains_key(&path) {
        return Err(Failure::Refused(format!(
            "the bundle holds no tables of {version} to compare; it is of an older imctl: build it again with  imctl bundle build -i {}",
            road.typed()
        )));
    }
    let text = bundle.read(&path)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Refuses the way back past a step that cannot be undone, and names the copy that was kept before it.
pub(super) fn open(
    road: &Road,
    desired: &Desired,
    observed: &BTreeMap<HostName, Observed>,
) -> Result<(), Failure> {
    let Some(step) = shut(desired, observed) else { return Ok(()) };
    let kept = desired.passage.as_ref().and_then(|passage| passage.kept.as_ref());
    let kept = kept.map_or_else(String::new, |(host, path)| {
        format!("; the data as it was before stands on `{host}` in {path}")
    });
    Err(Failure::Refused(format!(
        "there is no way back to {}, nothing was changed: \"{step}\" was done and cannot be undone{kept}",
        road.topology.version
    )))
}
