//! `imctl size`: which machines a service needs, before any is bought; nobody is contacted.

use super::road::{inventory_path, stack_of};
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::Exit;
use crate::inventory;
use crate::report::{self, SizeView, Style};
use crate::sizing::{self, Asked};
use crate::stack::{self, SizingFile, Stack};
use std::path::Path;

/// Arguments of `imctl size`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl size --users 5000 --online 1500
  imctl size -i acme.yml                  from its targets; words given here win
  imctl size --users 50000 --ha no --output json

Every number of the answer says where it comes from. What is assumed is marked so.")]
pub(super) struct Args {
    #[command(flatten)]
    inputs: Inputs,
    /// Whether a failure of one host may not be felt [default: yes, or as the inventory's hosts are]
    #[arg(long, value_name = "yes|no", value_parser = ["yes", "no"], hide_possible_values = true)]
    ha: Option<String>,
    /// Stack to size when no inventory is named [default: the one laid into the program]
    #[arg(long, value_name = "STACK")]
    stack: Option<String>,
}

/// How big the service is to be.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Inputs {
    /// Accounts
    #[arg(long, value_name = "N")]
    users: Option<u64>,
    /// Devices online at the same time
    #[arg(long, value_name = "N")]
    online: Option<u64>,
    /// Messages that a user sends a day
    #[arg(long, value_name = "N")]
    messages_per_user_day: Option<u64>,
    /// Bytes of a message's text
    #[arg(long, value_name = "N")]
    message_bytes: Option<u64>,
    /// Days that message history is kept
    #[arg(long, value_name = "DAYS")]
    retention: Option<u64>,
    /// MB of files that a user sends a day
    #[arg(long, value_name = "N")]
    files_mb_user_day: Option<u64>,
    /// Days that files are kept
    #[arg(long, value_name = "DAYS")]
    file_retention: Option<u64>,
    /// A public service: a tenth of its users are online at once, not a third
    #[arg(long)]
    consumer: bool,
}

/// Works it out and shows it.
pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let (stack, file, mut asked) = begin(args, global)?;
    args.inputs.give(&mut asked)?;
    if let Some(ha) = &args.ha {
        asked.ha = ha == "yes";
    }
    let worked = sizing::machines(&file, &asked).map_err(|cause| cause.of_stack(&stack.file.name))?;
    let view = SizeView { stack: stack.file.name.clone(), ha: asked.ha, worked, file };
    match global.shape() {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::size(out, &view, style));
        }
    }
    Ok(Exit::Done)
}

/// The stack with its formulas, and what the inventory already says.
fn begin(args: &Args, global: &Global) -> Result<(Stack, SizingFile, Asked), Failure> {
    let formulas = |stack: &Stack| {
        let file = stack.file.sizing.as_deref();
        let none = || Failure::Usage(format!("the stack `{}` has no formulas for its size", stack.file.name));
        Ok::<_, Failure>(stack.data(file.ok_or_else(none)?)?)
    };
    if global.inventory.is_none() {
        let own = stack::names().into_iter().next().unwrap_or_default();
        let stack = stack::load(args.stack.as_deref().unwrap_or(own), Path::new("."))?;
        let file = formulas(&stack)?;
        return Ok((stack, file, Asked { ha: true, ..Asked::default() }));
    }
    let inventory = inventory::load(&inventory_path(global)?)?;
    let stack = stack_of(&inventory)?;
    let file = formulas(&stack)?;
    let asked = Asked::of_inventory(&inventory, &file);
    Ok((stack, file, asked))
}

impl Inputs {
    /// What was typed wins; what cannot be meant is refused.
    pub(super) fn give(&self, asked: &mut Asked) -> Result<(), Failure> {
        let typed = [
            self.users,
            self.online,
            self.messages_per_user_day,
            self.message_bytes,
            self.retention,
            self.files_mb_user_day,
            self.file_retention,
        ];
        for (name, value) in sizing::INPUTS.into_iter().zip(typed) {
            #[expect(clippy::cast_precision_loss, reason = "amounts beyond 2^52 are refused")]
            if let Some(value) = value {
                asked.given.insert(name, value as f64);
            }
        }
        asked.consumer |= self.consumer;
        refuse_nonsense(asked)
    }

    /// Takes a number that was asked for.
    pub(super) fn answer(&mut self, users: u64, online: u64) {
        (self.users, self.online) = (Some(users), Some(online));
    }

    /// Whether the number of accounts was given.
    pub(super) fn says_users(&self) -> bool {
        self.users.is_some()
    }
}

/// A billion of anything, and more people online than a few devices each, is a slip of the hand.
fn refuse_nonsense(asked: &Asked) -> Result<(), Failure> {
    let name = |name: &str| name.replace('_', "-");
    if let Some((input, value)) = asked.given.iter().find(|(_, value)| **value > 1e9) {
        return Err(Failure::Usage(format!(
            "--{}: {value} is beyond anything that was ever built",
            name(input)
        )));
    }
    let users = asked.given.get("users").copied().unwrap_or(f64::MAX);
    if users < 1.0 {
        return Err(Failure::Usage("--users: a service for nobody needs no machine".to_owned()));
    }
    let online = asked.given.get("online").copied().unwrap_or_default();
    if online > users * 10.0 {
        return Err(Failure::Usage(format!(
            "{online} online are more than ten devices for each of {users} users"
        )));
    }
    Ok(())
}
