//! Holds an inventory against what its stack offers: two rooms of one floor meet here.

use super::Failure;
use crate::base::Role;
use crate::inventory::{self, Inventory, Offer, RoleOffer};
use crate::report::{Style, Tone};
use crate::stack::{RoleSpec, StackFile};

/// Says what works but deserves a warning. Errors: every mistake, each in its place in the inventory.
#[expect(clippy::print_stderr, reason = "this room prints")]
pub(super) fn hold(inventory: &Inventory, stack: &StackFile) -> Result<(), Failure> {
    let style = Style::stderr(false);
    for warning in inventory::check_against(inventory, &offer(stack))? {
        eprintln!("{} {warning}", style.paint(Tone::Warn, "Warning:"));
    }
    Ok(())
}

/// The versions, roles and settings that inventories may use.
fn offer(stack: &StackFile) -> Offer {
    let role = |(name, spec): (&Role, &RoleSpec)| RoleOffer {
        name: name.clone(),
        min: spec.min,
        max: spec.max,
        not: spec.not.clone(),
        warn: spec.warn.clone(),
    };
    let settings = stack.components.iter().map(|component| {
        let defaults = component.settings.iter().map(|(key, setting)| (key.clone(), setting.default.clone()));
        (component.name.clone(), defaults.collect())
    });
    Offer {
        versions: stack.versions.keys().cloned().collect(),
        roles: stack.roles.iter().map(role).collect(),
        settings: settings.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack;
    use std::path::Path;

    #[test]
    fn the_examples_are_what_their_stack_offers() {
        for file in ["single", "three", "six"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("inventories/{file}.yml"));
            let inventory = inventory::load_alone(&path).expect("it loads");
            let stack = stack::load(&inventory.stack, path.parent().expect("a folder")).expect("it is there");
            let warnings = inventory::check_against(&inventory, &offer(&stack.file)).expect("it fits");
            assert_eq!(warnings.is_empty(), file == "six", "{file}: {warnings:?}");
        }
    }
}
