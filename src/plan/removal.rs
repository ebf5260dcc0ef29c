//! Taking away what imctl put on a host and the inventory no longer wants.

use super::{Act, Kept, Lane, Manifest, Step, Verb};
use crate::base::HostName;
use crate::desired::{Desired, DesiredInstance};
use crate::record::Observed;

/// The manifest's resources that are wanted no more, last put first.
pub(super) fn leftovers(manifest: &Manifest, wanted: &[&DesiredInstance]) -> Vec<Kept> {
    let is_wanted = |kept: &&Kept| {
        let id = kept.resource.id();
        wanted.iter().any(|it| it.resources.iter().any(|resource| resource.id() == id))
    };
    manifest.resources.iter().rev().filter(|kept| !is_wanted(kept)).cloned().collect()
}

/// The lane that takes a host's leftovers away; none when there is nothing to take.
pub(super) fn lane(host: &HostName, desired: &Desired, seen: &Observed) -> Option<Lane> {
    let wanted: Vec<&DesiredInstance> = desired.on(host).collect();
    let steps: Vec<Step> = leftovers(&Manifest::seen(seen), &wanted)
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
