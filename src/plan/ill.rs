//! Instances that are not well although everything on their hosts is as it should be: which of them are restarted.

use crate::base::Component;
use crate::topology::{Instance, Topology};
use std::collections::{BTreeMap, BTreeSet};

/// Of the instances that are not well, those that a restart is to mend, with the reason. Where all of a component are ill, the
/// first stays: a cluster that fell apart comes together around it. What only needs something ill is left alone: it gets well with it.
pub fn to_restart(topology: &Topology, ill: &BTreeMap<Instance, String>) -> BTreeMap<Instance, String> {
    let components: BTreeSet<&Component> = ill.keys().map(|it| &it.component).collect();
    let needs_ill = |component: &Component| {
        let mut open = vec![component];
        let mut seen = BTreeSet::new();
        while let Some(next) = open.pop() {
            let needs = topology.stack.component(next).map(|spec| spec.needs.as_slice()).unwrap_or_default();
            for need in needs.iter().filter(|need| seen.insert(*need)) {
                if components.contains(need) {
                    return true;
                }
                open.push(need);
            }
        }
        false
    };
    let mut chosen = BTreeMap::new();
    for component in components.iter().filter(|it| !needs_ill(it)) {
        let mut all = topology.present(component);
        let stays = topology.present(component).next();
        let apart = topology.present(component).count() > 1 && all.all(|it| ill.contains_key(it));
        for (instance, why) in ill.iter().filter(|(it, _)| it.component == **component) {
            if !(apart && stays == Some(instance)) {
                chosen.insert(instance.clone(), why.clone());
            }
        }
    }
    chosen
}
