//! From inventory and stack to a topology.

use super::{Instance, Place, Topology, order};
use crate::base::Component;
use crate::inventory::Inventory;
use crate::stack::{Stack, StackError};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use thiserror::Error;

/// Why no topology comes of an inventory and a stack.
#[derive(Debug, Error)]
pub enum TopologyError {
    /// The stack cannot serve.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// Components need each other in a circle.
    #[error("components need each other in a circle: {}", names(.0))]
    Circle(Vec<Component>),
    /// Roles have too few or too many hosts, or are unknown.
    #[error("{}", .0.join("; "))]
    Roles(Vec<String>),
}

fn names(components: &[Component]) -> String {
    components.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Lays the stack's components on the inventory's hosts.
pub fn build(inventory: &Inventory, stack: &Stack) -> Result<Topology, TopologyError> {
    let (version, _) = stack.version(inventory.version.as_deref())?;
    let mistakes = role_mistakes(inventory, stack);
    if !mistakes.is_empty() {
        return Err(TopologyError::Roles(mistakes));
    }
    let levels = order::levels(&stack.file.components).map_err(TopologyError::Circle)?;
    let deployment = label(&inventory.name, "d");
    let hosts = inventory.hosts.iter().enumerate().map(|(index, host)| Place {
        name: host.name.clone(),
        address: host.address.clone(),
        fqdn: format!("{}.{deployment}.imctl.internal", label(host.name.as_str(), "h")),
        index,
    });
    let instances = stack.file.components.iter().flat_map(|component| {
        let everywhere = component.role.as_str() == "all";
        let carriers =
            inventory.hosts.iter().filter(move |it| everywhere || it.roles.contains(&component.role));
        carriers.enumerate().map(|(index, host)| Instance {
            component: component.name.clone(),
            host: host.name.clone(),
            index,
        })
    });
    Ok(Topology {
        hosts: hosts.collect(),
        instances: instances.collect(),
        version: version.to_owned(),
        inventory: inventory.clone(),
        stack: stack.clone(),
        levels,
        lost: BTreeSet::new(),
        leaving: BTreeSet::new(),
    })
}

fn role_mistakes(inventory: &Inventory, stack: &Stack) -> Vec<String> {
    let mut found = Vec::new();
    for (role, spec) in &stack.file.roles {
        let count = inventory.hosts.iter().filter(|host| host.roles.contains(role)).count();
        if count < spec.min {
            found.push(format!("role `{role}` is on {count} hosts and needs at least {}", spec.min));
        }
        if let Some(max) = spec.max.filter(|max| count > *max) {
            found.push(format!("role `{role}` is on {count} hosts and may be on at most {max}"));
        }
        if let Some(reason) = spec.not.get(&count) {
            found.push(format!("role `{role}` cannot be on {count} hosts: {reason}"));
        }
        for host in inventory.hosts.iter().filter(|host| host.roles.contains(role)) {
            for (other, reason) in spec.apart.iter().filter(|(other, _)| host.roles.contains(*other)) {
                found.push(format!(
                    "host `{}` cannot have both roles `{role}` and `{other}`: {reason}",
                    host.name
                ));
            }
        }
    }
    for host in &inventory.hosts {
        for role in host.roles.iter().filter(|role| !stack.file.roles.contains_key(*role)) {
            found.push(format!("host `{}` has the role `{role}`, which the stack does not know", host.name));
        }
    }
    found
}

/// A DNS label of a name: lower case when it is plain ASCII, a short digest behind a letter otherwise.
fn label(name: &str, letter: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.chars().all(plain) && !name.ends_with('-') {
        return name.to_ascii_lowercase();
    }
    format!("{letter}{}", &hex::encode(Sha256::digest(name))[..10])
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_name_in_any_script_has_a_label_for_dns() {
        assert_eq!(label("App1", "h"), "app1");
        assert_eq!(label("数据库1", "h").len(), 11);
        assert_ne!(label("数据库1", "h"), label("数据库2", "h"));
        assert!(label("a_b", "h").starts_with('h'));
    }
}
