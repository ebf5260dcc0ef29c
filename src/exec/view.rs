//! Whether two looks saw the same of what a resource looks at.

use crate::record::Observed;
use crate::resource::Probe;

/// Whether both looks agree on everything these probes see.
pub(super) fn same(probes: &[Probe], then: &Observed, now: &Observed) -> bool {
    probes.iter().all(|probe| match probe {
        Probe::Path(path) => then.paths.get(path) == now.paths.get(path),
        Probe::Packages => then.packages == now.packages && then.broken_packages == now.broken_packages,
        Probe::Unit(unit) => {
            let state = |seen: &Observed| {
                seen.units.get(unit).map(|it| (it.load.clone(), it.active.clone(), it.file.clone()))
            };
            state(then) == state(now)
        }
        Probe::User(user) => then.users.get(user) == now.users.get(user),
        Probe::Group(group) => then.groups.get(group) == now.groups.get(group),
        Probe::Sysctl(name) => then.sysctls.get(name) == now.sysctls.get(name),
        Probe::Script { key, .. } => {
            let status = |seen: &Observed| seen.scripts.get(key).map(|answer| answer.status);
            status(then) == status(now)
        }
    })
}
