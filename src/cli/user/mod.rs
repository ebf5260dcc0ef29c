//! `imctl user`: accounts one by one or by the list. Passwords are made here, shown once on a terminal or written to
//! a file that its owner alone can read; hosts get derived keys only.

mod change;
mod credential;
mod csv;
mod handover;
mod keeper;
mod name;
mod provision;

pub(in crate::cli) use credential::{Credential, derived};
pub(in crate::cli) use keeper::Keeper;
pub(in crate::cli) use name::{LOAD_PREFIX, PROOF_PREFIX, fresh_password, suffix};
pub(in crate::cli) use provision::Act;
pub(in crate::cli) use provision::UserError;

use super::road::Road;
use super::{Failure, Global, OutputFormat, connect, stdout};
use crate::base::Exit;
use crate::report::{Live, Shape, Style};
use jiff::Timestamp;
use provision::Account;
use serde_json::json;
use std::path::PathBuf;

/// The history names so many accounts of one command, and counts the others.
const MOST_NAMES: usize = 20;

/// Arguments of `imctl user`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Makes an account with a fresh password
    Add {
        /// Account name, without the domain
        name: String,
        /// Name shown to others
        #[arg(long, value_name = "TEXT", default_value = "")]
        display_name: String,
        /// Write the password to this new file (0600) instead of showing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Makes the accounts of a list: name[,password][,display name] a line; existing ones stay as they are
    Import {
        /// The list, UTF-8
        #[arg(value_name = "FILE.csv")]
        list: PathBuf,
        /// Write the passwords made to this new file (0600)
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Makes the first administrator's account and hands it over
    Admin {
        /// Write the password to this new file (0600) instead of showing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Gives an account a fresh password
    Reset {
        /// Account name
        name: String,
        /// Write the password to this new file (0600) instead of showing it
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Keeps accounts from logging in, and ends their sessions; nothing of theirs is lost
    Disable {
        /// Account names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Lets disabled accounts in again, with their old passwords
    Enable {
        /// Account names
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Removes accounts with their contacts and history
    Remove {
        /// Account names
        #[arg(required = true)]
        names: Vec<String>,
        /// The deployment's name: without it nothing is removed
        #[arg(long, value_name = "DEPLOYMENT")]
        confirm: Option<String>,
    },
    /// Lists the accounts
    List,
}

/// Runs the command.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let mut road = Road::without_bundle(global)?;
    change::before_contact(&args.what, &road)?;
    let needed = keeper::hosts(&road)?;
    road.hosts.retain(|host| needed.contains(host));
    let spoken = args.what.spoken();
    let live = Live::new(Shape::Silent, Style::stderr(global.no_color));
    let fleet = connect::fleet(&road, global, &live.sink()).await?;
    let done = with_keeper(args.what, &road, global, &fleet).await;
    fleet.close().await;
    let outcome = match &done {
        Ok(()) => Some("done"),
        // Nothing was changed.
        Err(Failure::Usage(_) | Failure::Refused(_)) => None,
        Err(_) => Some("stopped"),
    };
    if let (Some(what), Some(outcome)) = (spoken, outcome) {
        road.state.remember(&what, outcome, Timestamp::now())?;
    }
    done.map(|()| Exit::Done)
}

impl What {
    /// The command as the history names it; none when it changes nothing.
    fn spoken(&self) -> Option<String> {
        let named = |verb: &str, names: &[String]| {
            let more = names.len().saturating_sub(MOST_NAMES);
            let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
            format!("user {verb} {}{rest}", names[..names.len() - more].join(" "))
        };
        match self {
            Self::Add { name, .. } => Some(format!("user add {name}")),
            Self::Import { list, .. } => Some(format!("user import {}", list.display())),
            Self::Admin { .. } => Some("user admin".to_owned()),
            Self::Reset { name, .. } => Some(format!("user reset {name}")),
            Self::Disable { names } => Some(named("disable", names)),
            Self::Enable { names } => Some(named("enable", names)),
            Self::Remove { names, .. } => Some(named("remove", names)),
            Self::List => None,
        }
    }
}

async fn with_keeper(
    what: What,
    road: &Road,
    global: &Global,
    fleet: &crate::exec::Fleet,
) -> Result<(), Failure> {
    let none = || {
        Failure::Usage(format!("the stack `{}` does not say how accounts are kept", road.inventory().stack))
    };
    let keeper = Keeper::of(road, fleet)?.ok_or_else(none)?;
    if let Some(elsewhere) = keeper.elsewhere() {
        return Err(Failure::Usage(format!("accounts are kept elsewhere: {elsewhere}")));
    }
    let shop = change::Desk { keeper: &keeper, road, json: global.shape() == OutputFormat::Json };
    match what {
        What::Add { name, display_name, out } => shop.add(&name, display_name, out.as_deref()).await,
        What::Import { list, out } => shop.import(&list, out.as_deref()).await,
        What::Admin { out } => shop.add(keeper.admin(), "Administrator".to_owned(), out.as_deref()).await,
        What::Reset { name, out } => shop.reset(&name, out.as_deref()).await,
        What::Disable { names } => shop.act(Act::Disable, &names).await,
        What::Enable { names } => shop.act(Act::Enable, &names).await,
        What::Remove { names, .. } => shop.act(Act::Remove, &names).await,
        What::List => {
            let accounts = keeper.provision()?.list().await?;
            show(&accounts, keeper.domain(), global.shape());
            Ok(())
        }
    }
}

fn show(accounts: &[Account], domain: &str, output: OutputFormat) {
    let accounts: Vec<&Account> = accounts
        .iter()
        .filter(|one| !one.name.starts_with(PROOF_PREFIX) && !one.name.starts_with(LOAD_PREFIX))
        .collect();
    if output == OutputFormat::Json {
        let one = |account: &&Account| {
            json!({ "name": account.name, "active": account.active, "created": account.created,
                    "display-name": account.display_name })
        };
        let users: Vec<_> = accounts.iter().map(one).collect();
        stdout::line(&json!({ "format": 1, "domain": domain, "users": users }).to_string());
        return;
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["account", "state", "since", "shown as"]);
    for account in &accounts {
        let state = if account.active { "active" } else { "disabled" };
        table.add_row([account.name.as_str(), state, &account.created, &account.display_name]);
    }
    if !accounts.is_empty() {
        stdout::line(&table.to_string());
    }
    stdout::line(&format!("{} at {domain}.", crate::report::counted(accounts.len(), "account")));
}
