//! Order by need, the same every time, naming the circle when there is one.

use crate::base::Component;
use crate::stack::ComponentSpec;
use std::collections::BTreeSet;

/// Lays components into levels; `Err` names the components of a circle.
pub(super) fn levels(components: &[ComponentSpec]) -> Result<Vec<Vec<Component>>, Vec<Component>> {
    let mut placed: BTreeSet<&Component> = BTreeSet::new();
    let mut levels = Vec::new();
    while placed.len() < components.len() {
        let level: Vec<&ComponentSpec> = components
            .iter()
            .filter(|it| !placed.contains(&it.name) && it.needs.iter().all(|need| placed.contains(need)))
            .collect();
        if level.is_empty() {
            let circle = components.iter().map(|it| &it.name).filter(|name| !placed.contains(name));
            return Err(circle.cloned().collect());
        }
        placed.extend(level.iter().map(|it| &it.name));
        levels.push(level.into_iter().map(|it| it.name.clone()).collect());
    }
    Ok(levels)
}
