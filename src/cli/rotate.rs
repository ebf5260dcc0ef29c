//! `imctl secret rotate`: new values for secrets that hosts use, in phases, while the service serves.

use super::change::Change;
use super::hold::ChangeArgs;
use super::renewal::Renewal;
use super::road::Road;
use super::survey::Aim;
use super::{Failure, Global, install};
use crate::base::Exit;
use crate::stack::Stack;

/// Arguments of `imctl secret rotate`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  imctl secret rotate -i acme.yml upload-slot    one, with the plan of all its phases\n  \
        imctl secret rotate -i acme.yml               every secret that can be changed\n\n\
        Old and new value live side by side until every host has the new one. A run that was cut off is ended by the same command."
)]
pub(super) struct Args {
    /// Names as `imctl secret list` shows them; none = all that can be changed
    names: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Plans all phases, asks, applies, proves, tells.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    if !global.on.is_empty() {
        let text = "a secret is changed on all hosts or on none: leave --on out, and name lost hosts with --lost HOST";
        return Err(Failure::Usage(text.to_owned()));
    }
    let mut road = Road::open(global)?.without(&args.change.lost)?;
    let names = chosen(&road.topology.stack, &args.names)?;
    super::secret::there_are_some(&road.state)?;
    road.renewal = Renewal::Secrets(names);
    let verb = [&["secret".to_owned(), "rotate".to_owned()], args.names.as_slice()].concat().join(" ");
    let change = Change {
        road: &road,
        global,
        asked: &args.change,
        aim: Aim::Inventory,
        verb: &verb,
        done: "rotated",
        skip: None,
    };
    let Some(applied) = change.apply(None).await? else { return Ok(Exit::Done) };
    install::prove_and_tell(&change, applied).await
}

/// The secrets that are meant, with those that change along.
fn chosen(stack: &Stack, asked: &[String]) -> Result<Vec<String>, Failure> {
    let rotations = &stack.file.rotations;
    let all: Vec<String> =
        rotations.iter().filter(|(_, it)| it.never.is_none()).map(|(name, _)| name.clone()).collect();
    let known = all.join(", ");
    let mut chosen = Vec::new();
    for name in if asked.is_empty() { &all } else { asked } {
        if !stack.file.secrets.contains_key(name) {
            return Err(Failure::Usage(format!(
                "no secret is called `{name}`; these can be changed: {known}"
            )));
        }
        let Some((main, rotation)) = stack.rotation(name) else {
            return Err(Failure::Refused(format!(
                "the stack does not say how `{name}` is changed while it is in use; these can be changed: {known}"
            )));
        };
        if let Some(why) = &rotation.never {
            return Err(Failure::Refused(format!("`{name}` cannot be changed: {why}")));
        }
        chosen.push(main.to_owned());
        chosen.extend(rotation.with.iter().cloned());
    }
    if chosen.is_empty() {
        return Err(Failure::Refused(
            "this stack has no secret that can be changed while it is in use".to_owned(),
        ));
    }
    chosen.sort();
    chosen.dedup();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn chosen_of(asked: &[&str]) -> Result<Vec<String>, String> {
        let name = crate::stack::names().into_iter().next().expect("a stack is laid into the program");
        let stack = crate::stack::load(name, Path::new(".")).expect("it is right");
        let asked: Vec<String> = asked.iter().map(|&name| name.to_owned()).collect();
        chosen(&stack, &asked).map_err(|failure| failure.to_string())
    }

    #[test]
    fn secrets_that_belong_together_are_changed_together() {
        assert_eq!(chosen_of(&["store-key-id"]).unwrap(), ["store-key", "store-key-id"]);
        assert_eq!(chosen_of(&["upload-slot"]).unwrap(), ["upload-slot"]);
    }

    #[test]
    fn what_cannot_be_changed_is_refused_with_the_reason_and_left_out_of_all() {
        assert!(chosen_of(&["store-node"]).unwrap_err().contains("is its identity"));
        assert!(chosen_of(&["nothing"]).unwrap_err().contains("cluster-cookie"));
        assert!(!chosen_of(&[]).unwrap().contains(&"store-node".to_owned()));
    }
}
