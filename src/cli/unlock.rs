//! What commands need before they can work: the inventory, the state folder beside it, and what opens the secrets.

use super::{Failure, Global};
use crate::base::Secret;
use crate::inventory::{self, Inventory};
use crate::state::{Ask, Question, State, Unlocker};
use console::Term;
use std::sync::Arc;

/// The inventory that `-i` names, without a look at the files it names.
pub(super) fn inventory_alone(global: &Global) -> Result<Inventory, Failure> {
    let path = global.inventory.as_deref().ok_or_else(no_inventory)?;
    Ok(inventory::load_alone(path)?)
}

fn no_inventory() -> Failure {
    Failure::Usage("which inventory? Name it with -i FILE, or IMCTL_INVENTORY=FILE".to_owned())
}

/// The state folder of an inventory's deployment; makes it when it is not there.
pub(super) fn state_of(inventory: &Inventory) -> Result<State, Failure> {
    let state = State::open(&inventory.path, &inventory.name)?;
    state.intact()?;
    Ok(state)
}

/// What opens the secrets of an inventory's deployment: what the inventory names, the environment, the usual SSH
/// keys, or a question.
pub(super) fn unlocker(inventory: &Inventory) -> Unlocker {
    let secrets = &inventory.secrets;
    Unlocker::new(secrets.ssh_key.clone(), secrets.passphrase_file.clone(), asking())
}

/// Asks at the terminal, when there is one at both ends.
fn asking() -> Ask {
    Arc::new(|question: &Question| ask(question).map(Secret::new))
}

fn ask(question: &Question) -> Option<String> {
    if !console::user_attended() || !Term::stderr().is_term() {
        return None;
    }
    let password = match question {
        Question::NewPassphrase { deployment } => dialoguer::Password::new()
            .with_prompt(format!("New passphrase for the secrets of {deployment} (12 characters or more)"))
            .with_confirmation("Once more", "They differ; once more from the start"),
        Question::Passphrase { deployment } => {
            dialoguer::Password::new().with_prompt(format!("Passphrase for the secrets of {deployment}"))
        }
        Question::KeyPassphrase { path } => {
            dialoguer::Password::new().with_prompt(format!("Passphrase of {}", path.display()))
        }
    };
    // Ctrl-C and a closed terminal are "nobody answers".
    password.interact_on(&Term::stderr()).ok()
}
