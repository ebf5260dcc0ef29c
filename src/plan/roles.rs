//! Whether hosts may come and go: what the stack says about how many hosts a role has, before anything is looked at.

use crate::base::{HostName, Role};
use crate::inventory::Inventory;
use crate::stack::{RoleSpec, StackFile};

/// Why the hosts of `before` may not become those of `after`, a sentence each; empty when they may.
pub fn refusals(stack: &StackFile, before: &Inventory, after: &Inventory) -> Vec<String> {
    let roles = stack.roles.iter();
    roles
        .filter_map(|(role, spec)| refusal((role, spec), (count(before, role), count(after, role))))
        .collect()
}

fn count(inventory: &Inventory, role: &Role) -> usize {
    inventory.hosts.iter().filter(|host| host.roles.contains(role)).count()
}

fn refusal((role, spec): (&Role, &RoleSpec), (before, after): (usize, usize)) -> Option<String> {
    if before == after {
        return None;
    }
    let once = spec.once.iter().find(|(reached, _)| (after + 1..=before).contains(reached));
    if spec.max == Some(spec.min) {
        return Some(format!(
            "the role `{role}` is on {} and cannot come, go or move this way: its data has to be moved by a backup and a restore",
            counted(spec.min)
        ));
    }
    if after < spec.min {
        return Some(format!(
            "{} would be left for the role `{role}`, which needs {}",
            counted(after),
            spec.min
        ));
    }
    if let Some(reason) = spec.not.get(&after) {
        return Some(format!("{} with the role `{role}`: {reason}", counted(after)));
    }
    if let Some(max) = spec.max.filter(|max| after > *max) {
        return Some(format!("{} with the role `{role}`: at most {max} possible", counted(after)));
    }
    once.map(|(_, reason)| format!("{} with the role `{role}`: {reason}", counted(after)))
}

fn counted(hosts: usize) -> String {
    match hosts {
        0 => "no host".to_owned(),
        1 => "1 host".to_owned(),
        more => format!("{more} hosts"),
    }
}

/// Those of the hosts that keep data of users.
pub fn keeps_data(stack: &StackFile, inventory: &Inventory, hosts: &[HostName]) -> Vec<HostName> {
    let keeps = |role: &Role| stack.roles.get(role).is_some_and(|spec| spec.data);
    let of = inventory.hosts.iter().filter(|host| hosts.contains(&host.name));
    of.filter(|host| host.roles.iter().any(keeps)).map(|host| host.name.clone()).collect()
}
