//! Taking away what imctl put on a host and the inventory no longer wants.

use super::{Act, Kept, Lane, Manifest, Step, Verb};
use crate::base::HostName;
use crate::desired::Desired;
use crate::record::Observed;
use crate::resource::Resource;

/// What imctl put on a host and nobody there wants any more, last put first.
pub fn leftovers(host: &HostName, desired: &Desired, seen: &Observed) -> Vec<Kept> {
    let wanted: Vec<&Resource> = desired.on(host).flat_map(|it| &it.resources).collect();
    let manifest = Manifest::seen(seen);
    let beside = manifest.clone().beside(desired, host);
    let rest = |kept: Kept| {
        let resource = kept.resource.remainder(&wanted)?;
        Some(Kept { resource, ..kept })
    };
    let others = manifest.resources.into_iter().filter(|kept| !beside.resources.contains(kept));
    others.rev().filter_map(rest).collect()
}

/// The lane that takes a host's leftovers away; none when there is nothing to take.
pub(super) fn lane(host: &HostName, desired: &Desired, seen: &Observed) -> Option<Lane> {
    let steps: Vec<Step> = leftovers(host, desired, seen)
        .iter()
        .filter(|kept| !kept.resource.kind().removal(seen).is_empty())
        .map(|kept| step(host, kept))
        .collect();
    (!steps.is_empty()).then(|| Lane { host: host.clone(), steps, settled: 0 })
}

fn step(host: &HostName, kept: &Kept) -> Step {
    let id = kept.resource.id();
    Step {
        on: host.clone(),
        component: kept.component.clone(),
        verb: Verb::Remove,
        kind: id.kind.clone(),
        name: id.name.clone(),
        summary: String::new(),
        lines: Vec::new(),
        because: Some("the inventory no longer wants it".to_owned()),
        act: Act::Remove { component: kept.component.clone(), id },
        digest: String::new(),
    }
}
