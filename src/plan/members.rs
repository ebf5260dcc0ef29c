//! Who of a component counts when one of it is disturbed: those that stand already, not those that this plan puts there.

use super::Scene;
use crate::base::Component;
use crate::desired::DesiredInstance;
use crate::record::Observed;
use crate::resource::{Resource, Service, ServiceState};
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

/// Whether it stood there before: its units run, failed, or start at boot. Whether it has joined is not asked, because a
/// member that is down may not be able to tell.
pub(super) fn is_member(it: &DesiredInstance, seen: &Observed) -> bool {
    let stood = |service: &Service| {
        let Some(state) = seen.units.get(&service.unit) else { return false };
        let ran = matches!(state.active.as_str(), "active" | "reloading" | "activating" | "failed");
        state.load == "loaded" && (ran || state.file != "disabled" || !service.enabled)
    };
    let mut running = it.resources.iter().filter_map(|resource| match resource {
        Resource::Service(service) if service.state == ServiceState::Running => Some(service),
        _ => None,
    });
    running.all(stood)
}
