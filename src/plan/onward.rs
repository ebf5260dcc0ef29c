//! Plans that follow one another: what is left to do when hosts hold one desired state and shall hold the next. Pure.

use super::manifest::MANIFEST_KEY;
use super::standing::STANDING_KEY;
use super::story::join_key;
use super::{Plan, Scene, Stage, install};
use crate::base::HostName;
use crate::desired::{Desired, DesiredInstance};
use crate::record::{Answer, Observed};
use crate::resource::Resource;
use std::collections::BTreeMap;

/// What will be seen of hosts once they hold what is wanted, as far as a plan onward looks at it.
pub fn foreseen(desired: &Desired, observed: &BTreeMap<HostName, Observed>) -> BTreeMap<HostName, Observed> {
    let mut later = observed.clone();
    for it in &desired.instances {
        let Some(seen) = later.get_mut(&it.instance.host) else { continue };
        it.resources.iter().for_each(|resource| resource.foresee(seen));
        seen.scripts.insert(join_key(&it.instance.component), Answer::default());
    }
    for seen in later.values_mut() {
        // What was to be taken away or made good is, by then.
        seen.scripts.remove(MANIFEST_KEY);
        seen.scripts.remove(STANDING_KEY);
        seen.contents.clear();
    }
    later
}

/// What was foreseen, with the hosts' manifests as they were seen: whoever works on a host has to know which packages are imctl's own.
pub fn with_manifests(
    foreseen: &BTreeMap<HostName, Observed>,
    seen: &BTreeMap<HostName, Observed>,
) -> BTreeMap<HostName, Observed> {
    let mut whole = foreseen.clone();
    for (host, later) in &mut whole {
        if let Some(manifest) = seen.get(host).and_then(|it| it.scripts.get(MANIFEST_KEY)) {
            later.scripts.insert(MANIFEST_KEY.to_owned(), manifest.clone());
        }
    }
    whole
}

/// The plan from one desired state, which hosts hold by then, to the next.
pub fn onward(scene: Scene<'_>, before: &Desired) -> Plan {
    let desired = differing(before, scene.desired);
    install(Scene { desired: &desired, ..scene })
}

/// What differs, with the services that may have to read it.
fn differing(before: &Desired, after: &Desired) -> Desired {
    let instances = after.instances.iter().map(|it| {
        let old = before.instances.iter().find(|old| old.instance == it.instance);
        let known = |resource: &Resource| old.is_some_and(|old| old.resources.contains(resource));
        let keeps = |resource: &&Resource| matches!(resource, Resource::Service(_)) || !known(resource);
        let resources = it.resources.iter().filter(keeps).cloned().collect();
        DesiredInstance { resources, ..it.clone() }
    });
    Desired { instances: instances.collect(), ..Desired::default() }
}

impl Plan {
    /// Puts a plan that follows behind this one, so that both are read before either is done.
    pub fn append(&mut self, later: &Self) {
        self.stages.extend(later.stages.iter().cloned());
        self.notes.extend(
            later.notes.iter().filter(|note| !self.notes.contains(note)).cloned().collect::<Vec<_>>(),
        );
    }

    /// Says before the title of each stage what it is a part of.
    pub fn entitle(&mut self, part: &str) {
        let titled = |stage: &mut Stage| stage.title = format!("{part}: {}", stage.title);
        self.stages.iter_mut().for_each(titled);
    }
}
