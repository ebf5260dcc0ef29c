//! Taking away what imctl put on a host and the inventory no longer wants.

use super::{Act, Kept, Lane, Manifest, Step, Verb};
use crate::base::{Component, HostName};
use crate::desired::{Desired, Leaving};
use crate::record::Observed;
use crate::resource::{Purge, Resource};
use std::collections::BTreeSet;

/// What imctl put on a host and nobody there wants any more, last put first.
pub fn leftovers(host: &HostName, desired: &Desired, seen: &Observed) -> Vec<Kept> {
    let wanted: Vec<&Resource> = desired.on(host).flat_map(|it| &it.resources).collect();
    let manifest = Manifest::seen(seen);
    let beside = manifest.clone().beside(desired, host);
    let rest = |kept: Kept| {
        let resource = kept.resource.remainder(&wanted)?;
        let resource = desired.going.map_or(resource.clone(), |leaving| leave(resource, leaving));
        Some(Kept { resource, ..kept })
    };
    let others = manifest.resources.into_iter().filter(|kept| !beside.resources.contains(kept));
    others.rev().filter_map(rest).collect()
}

/// How a thing goes with its deployment: what came along with packages goes too, and users that are left with nothing.
fn leave(mut resource: Resource, leaving: Leaving) -> Resource {
    let whole = leaving == Leaving::Whole;
    match &mut resource {
        Resource::Package(package) => package.purge = if whole { Purge::Along } else { Purge::Programs },
        Resource::User(user) => user.goes = whole,
        _ => {}
    }
    resource
}

/// The lane that takes a host's leftovers away; none when there is nothing to take.
pub(super) fn lane(host: &HostName, desired: &Desired, seen: &Observed) -> Option<Lane> {
    let leftovers = leftovers(host, desired, seen);
    let goes = leftovers.iter().filter(|kept| !kept.resource.kind().removal(seen).is_empty());
    let mut steps: Vec<Step> = goes.map(|kept| step(host, desired, kept)).collect();
    steps.extend(again(host, &leftovers, seen));
    (!steps.is_empty()).then(|| Lane { host: host.clone(), steps, settled: 0 })
}

/// Restarts of the system's own units that run on after files of theirs went, such as the journal's.
fn again(host: &HostName, leftovers: &[Kept], seen: &Observed) -> Vec<Step> {
    let runs_on = |unit: &str| {
        let state = seen.units.get(unit);
        state.is_some_and(|it| it.file == "static" && it.active == "active")
            && !leftovers.iter().any(|kept| matches!(&kept.resource, Resource::File(file) if file.path.ends_with(&format!("/{unit}"))))
    };
    let mut units: BTreeSet<(Component, String, String)> = BTreeSet::new();
    for kept in leftovers {
        let Resource::File(file) = &kept.resource else { continue };
        for unit in file.restarts.iter().filter(|unit| seen.paths.contains_key(&file.path) && runs_on(unit)) {
            units.insert((kept.component.clone(), unit.clone(), file.path.clone()));
        }
    }
    let step = |(component, unit, path): (Component, String, String)| Step {
        on: host.clone(),
        component,
        verb: Verb::Restart,
        kind: "service".to_owned(),
        name: unit.clone(),
        summary: "restarts".to_owned(),
        lines: Vec::new(),
        because: Some(format!("because {path} goes")),
        act: Act::Restart { unit },
        digest: String::new(),
    };
    units.into_iter().map(step).collect()
}

fn step(host: &HostName, desired: &Desired, kept: &Kept) -> Step {
    let id = kept.resource.id();
    let summary = match &kept.resource {
        Resource::Data(data) => format!("with everything in it: {}", data.about),
        Resource::Package(it) if it.purge == Purge::Along => "and what came along with it".to_owned(),
        Resource::Package(it) if it.purge == Purge::Programs => "without its configuration".to_owned(),
        Resource::User(_) => "unless it owns anything".to_owned(),
        _ => String::new(),
    };
    let because =
        if desired.going.is_some() { None } else { Some("the inventory no longer wants it".to_owned()) };
    Step {
        on: host.clone(),
        component: kept.component.clone(),
        verb: Verb::Remove,
        kind: id.kind.clone(),
        name: id.name.clone(),
        summary,
        lines: Vec::new(),
        because,
        act: Act::Remove { component: kept.component.clone(), id },
        digest: String::new(),
    }
}
