//! Settings that follow from the size of the service.

use super::asked::Asked;
use super::formula::FormulaError;
use super::machines::{terms, up};
use crate::base::Component;
use crate::inventory::{Inventory, Targets};
use crate::stack::{SizingFile, Stack, StackError};
use serde_json::Value;

/// A setting with the value that follows from the size.
#[derive(Debug, Clone, PartialEq)]
pub struct Derived {
    /// The component.
    pub component: Component,
    /// Its setting.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Why.
    pub because: String,
}

/// Whether a role's hosts outnumber one: then a failure is meant not to be felt.
fn ha(inventory: &Inventory, file: &SizingFile) -> bool {
    let spare = file.roles.iter().filter(|role| role.spare);
    spare
        .into_iter()
        .any(|role| inventory.hosts.iter().filter(|host| host.roles.contains(&role.role)).count() > 1)
}

impl Asked {
    /// What an inventory asks for: its `targets`, and spare hosts where it has them.
    pub fn of_inventory(inventory: &Inventory, file: &SizingFile) -> Self {
        Self::of(inventory.targets.as_ref().unwrap_or(&Targets::default()), ha(inventory, file))
    }
}

/// The settings that follow from an inventory's `targets`; none without them, or when the stack has no formulas.
pub fn derived(inventory: &Inventory, stack: &Stack) -> Result<Vec<Derived>, StackError> {
    let (Some(file), Some(_)) = (&stack.file.sizing, &inventory.targets) else { return Ok(Vec::new()) };
    let file: SizingFile = stack.data(file)?;
    settings(inventory, stack, &file).map_err(|cause| cause.of_stack(&stack.file.name))
}

fn settings(inventory: &Inventory, stack: &Stack, file: &SizingFile) -> Result<Vec<Derived>, FormulaError> {
    let (mut formulas, _, _) = terms(file, &Asked::of_inventory(inventory, file))?;
    for role in stack.file.roles.keys() {
        let hosts = inventory.hosts.iter().filter(|host| host.roles.contains(role)).count();
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        formulas.know(&format!("hosts_{}", role.as_str().replace('-', "_")), f64::from(hosts));
    }
    let mut all = Vec::new();
    for setting in &file.settings {
        let place = format!("setting {}.{}", setting.component, setting.key);
        let number = formulas.number(&place, &setting.value)?;
        let (component, key) = (setting.component.clone(), setting.key.clone());
        all.push(Derived {
            component,
            key,
            value: Value::from(up(number)),
            because: setting.because.clone(),
        });
    }
    Ok(all)
}

/// Puts the settings that follow from the size in the place of the stack's defaults, so that what the inventory says still
/// wins. Says in a sentence each what came from where, when it is not the stack's default.
pub fn settle(stack: &mut Stack, inventory: &Inventory) -> Result<Vec<String>, StackError> {
    let mut said = Vec::new();
    for it in derived(inventory, stack)? {
        let own = inventory.settings.get(&it.component).and_then(|settings| settings.get(&it.key));
        let mut components = stack.file.components.iter_mut();
        let spec = components
            .find(|component| component.name == it.component)
            .and_then(|component| component.settings.get_mut(&it.key));
        let Some(spec) = spec.filter(|spec| spec.default != it.value) else { continue };
        spec.default = it.value.clone();
        let name = format!("{}.{}", it.component, it.key);
        said.push(match own {
            None => format!("{name} is {}, from the targets: {}.", it.value, it.because),
            Some(own) => format!("{name} is {own}, from the inventory; the targets ask for {}.", it.value),
        });
    }
    Ok(said)
}
