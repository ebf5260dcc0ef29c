//! Taking away what imctl put on a host and the inventory no longer wants.

use super::{Act, Kept, Lane, Manifest, Step, Verb};
use crate::base::HostName;
use crate::desired::{Desired, DesiredInstance};
use crate::record::Observed;
use crate::resource::Resource;

/// What is left of the manifest's resources once everything wanted is taken off, last put first: what stands in the
/// manifest, and the part of it that must go.
pub(super) fn leftovers(manifest: &Manifest, wanted: &[&DesiredInstance]) -> Vec<(Kept, Resource)> {
    let held: Vec<&Resource> = wanted.iter().flat_map(|it| &it.resources).collect();
    let left = |kept: &Kept| Some((kept.clone(), kept.resource.remainder(&held)?));
    manifest.resources.iter().rev().filter_map(left).collect()
}

/// The lane that takes a host's leftovers away; none when there is nothing to take.
pub(super) fn lane(host: &HostName, desired: &Desired, seen: &Observed) -> Option<Lane> {
    let wanted: Vec<&DesiredInstance> = desired.on(host).collect();
    let steps: Vec<Step> = leftovers(&Manifest::seen(seen), &wanted)
        .iter()
        .filter(|(_, left)| !left.kind().removal(seen).is_empty())
        .map(|(kept, left)| step(host, kept, left))
        .collect();
    (!steps.is_empty()).then(|| Lane { host: host.clone(), steps, settled: 0 })
}

fn step(host: &HostName, kept: &Kept, left: &Resource) -> Step {
    let (id, left) = (kept.resource.id(), left.id());
    Step {
        on: host.clone(),
        component: kept.component.clone(),
        verb: Verb::Remove,
        kind: left.kind,
        name: left.name,
        summary: String::new(),
        lines: Vec::new(),
        because: Some("the inventory no longer wants it".to_owned()),
        act: Act::Remove { component: kept.component.clone(), id },
        digest: String::new(),
    }
}
