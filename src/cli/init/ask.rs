//! Questions for what was not given, on a terminal only.

use super::super::Failure;
use super::Args;
use crate::stack::Stack;
use dialoguer::{Input, Select};
use std::io::IsTerminal as _;

/// Asks for what is missing; without a terminal it stays missing, and examples stand in its place.
pub(super) fn missing(args: &mut Args, stack: &Stack) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(());
    }
    let ended = |cause: dialoguer::Error| Failure::Refused(format!("nothing was written: {cause}"));
    if args.name.is_none() {
        args.name = Some(text("Name of the deployment", "my-im").map_err(ended)?);
    }
    if args.domain.is_none() {
        let question = "Domain, the part after @ of every account";
        args.domain = Some(text(question, "im.example.org").map_err(ended)?);
    }
    if !args.inputs.says_users() {
        let users = number("Accounts", 1000).map_err(ended)?;
        let online = number("Devices online at the same time", users.div_ceil(3)).map_err(ended)?;
        args.inputs.answer(users, online);
    }
    if args.template.is_none() && args.hosts.is_empty() {
        let names: Vec<&String> = stack.file.shapes.keys().collect();
        let items: Vec<String> =
            stack.file.shapes.iter().map(|(name, shape)| format!("{name}: {}", shape.about)).collect();
        let chosen = Select::new().with_prompt("Hosts").items(&items).default(0).interact().map_err(ended)?;
        args.template = names.get(chosen).map(|name| (*name).clone());
    }
    if args.user.is_none() {
        args.user = Some(text("User that logs in to the hosts", "root").map_err(ended)?);
    }
    Ok(())
}

fn text(question: &str, default: &str) -> Result<String, dialoguer::Error> {
    Input::new().with_prompt(question).default(default.to_owned()).interact_text()
}

fn number(question: &str, default: u64) -> Result<u64, dialoguer::Error> {
    Input::new().with_prompt(question).default(default).interact_text()
}
