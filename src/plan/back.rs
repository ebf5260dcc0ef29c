//! Putting one instance back to what it was, after a change of it failed.

use super::story::{Around, hook_steps, story};
use super::{Act, HookKind, Lane, Step, Verb};
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

/// What brings an instance from what is seen now back to `it`: its units are stopped first, or one that systemd keeps trying to start
/// would start on half of the change. Others are not asked, for there is nothing left to spare, and its load comes back at the end.
pub fn back(it: &DesiredInstance, seen: &Observed) -> Lane {
    let mut it = it.clone();
    // A member that failed is a member all the same.
    it.hooks.join.clear();
    let mut seen = seen.clone();
    let mut steps = Vec::new();
    for unit in &it.units {
        if let Some(state) = seen.units.get_mut(unit).filter(|state| state.active != "inactive") {
            "inactive".clone_into(&mut state.active);
            steps.push(stop(&it, unit));
        }
    }
    let around =
        Around { prepared: &BTreeSet::new(), peers: Vec::new(), updated: BTreeSet::new(), ill: None };
    steps.extend(story(&it, &seen, around).steps);
    end(&it, &mut steps);
    Lane { host: it.instance.host.clone(), steps, settled: 0 }
}

/// What brings its load back where nothing of the instance was changed yet.
pub fn back_untouched(it: &DesiredInstance) -> Lane {
    let mut steps = Vec::new();
    end(it, &mut steps);
    Lane { host: it.instance.host.clone(), steps, settled: 0 }
}

/// Adds what proves the instance and brings its load back, unless it is there.
fn end(it: &DesiredInstance, steps: &mut Vec<Step>) {
    for kind in [HookKind::Health, HookKind::Undrain] {
        if !steps.iter().any(|step| matches!(step.act, Act::Hook { hook, .. } if hook == kind)) {
            steps.extend(hook_steps(it, kind));
        }
    }
}

fn stop(it: &DesiredInstance, unit: &str) -> Step {
    Step {
        on: it.instance.host.clone(),
        component: it.instance.component.clone(),
        verb: Verb::Restart,
        kind: "service".to_owned(),
        name: unit.to_owned(),
        summary: "stops".to_owned(),
        lines: Vec::new(),
        because: None,
        act: Act::Stop { unit: unit.to_owned() },
        digest: String::new(),
    }
}
