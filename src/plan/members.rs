//! Who of a component counts when one of it is disturbed: those that stand already, not those that this plan puts there.

use super::Scene;
use super::story::join_key;
use crate::base::Component;
use crate::desired::DesiredInstance;
use crate::record::Observed;
use crate::resource::{Resource, ServiceState};
use crate::topology::Instance;

/// The members of a component on the hosts that are planned for.
pub(super) fn members(scene: Scene<'_>, component: &Component) -> Vec<Instance> {
    let instances = scene.desired.instances.iter().filter(|it| it.instance.component == *component);
    let members = instances.filter(|it| {
        let seen = scene.observed.get(&it.instance.host);
        seen.is_some_and(|seen| !scene.topology.lost.contains(&it.instance.host) && is_member(it, seen))
    });
    members.map(|it| it.instance.clone()).collect()
}

/// Whether its units are there to be run, and it has joined where joining is wanted.
fn is_member(it: &DesiredInstance, seen: &Observed) -> bool {
    let is_there = |unit: &str| seen.units.get(unit).is_some_and(|state| state.load == "loaded");
    let has_joined = || {
        let answer = seen.scripts.get(&join_key(&it.instance.component));
        it.hooks.join.is_empty() || answer.is_some_and(|answer| answer.status == 0)
    };
    let mut running = it.resources.iter().filter_map(|resource| match resource {
        Resource::Service(service) if service.state == ServiceState::Running => Some(&service.unit),
        _ => None,
    });
    running.all(|unit| is_there(unit)) && has_joined()
}
