//! Whether two looks saw the same of what a resource looks at, and whether what was taken away is gone.

use crate::record::{Observed, PathKind};
use crate::resource::{Probe, Resource};

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

/// Whether a resource that was taken away stands there still. Packages that others need, folders that are not empty and
/// the system's own static units stay where they are.
pub(super) fn is_still_there(resource: &Resource, seen: &Observed) -> bool {
    let has_file = |path: &str| seen.paths.get(path).is_some_and(|it| it.kind != PathKind::Directory);
    match resource {
        Resource::File(it) => has_file(&it.path),
        Resource::Artifact(it) => has_file(&it.path),
        Resource::Service(it) => {
            seen.units.get(&it.unit).is_some_and(|unit| unit.active == "active" && unit.file != "static")
        }
        _ => false,
    }
}
