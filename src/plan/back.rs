//! Putting one instance back to what it was, after a change of it failed.

use super::story::{Around, hook_steps, story};
use super::{Act, HookKind, Lane};
use crate::desired::DesiredInstance;
use crate::record::Observed;
use crate::resource::Probe;
use std::collections::BTreeSet;

/// What to look at before an instance is put back.
pub fn back_probes(it: &DesiredInstance) -> Vec<Probe> {
    let resources = it.resources.iter().flat_map(|resource| resource.kind().probes());
    let units = it.units.iter().cloned().map(Probe::Unit);
    resources.chain(units).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What brings an instance from what is seen now back to `it`: others are not asked, for there is nothing left to spare,
/// and its load comes back at the end.
pub fn back(it: &DesiredInstance, seen: &Observed) -> Lane {
    let mut it = it.clone();
    // A member that failed is a member all the same.
    it.hooks.join.clear();
    let around = Around { prepared: &BTreeSet::new(), peers: Vec::new(), updated: BTreeSet::new() };
    let mut steps = story(&it, seen, around).steps;
    let has =
        |kind: HookKind| steps.iter().any(|step| matches!(step.act, Act::Hook { hook, .. } if hook == kind));
    let missing: Vec<HookKind> =
        [HookKind::Health, HookKind::Undrain].into_iter().filter(|kind| !has(*kind)).collect();
    for kind in missing {
        steps.extend(hook_steps(&it, kind));
    }
    Lane { host: it.instance.host.clone(), steps, settled: 0 }
}
