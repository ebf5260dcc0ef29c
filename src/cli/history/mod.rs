//! `imctl history`: who did what, when and why. Listing and showing open no secret and contact nobody; `verify` compares
//! with the hosts' copies.

mod show;
mod verify;

use super::unlock::{inventory_alone, state_of};
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::{Exit, Language, quote};
use crate::report::{self, HistoryView, Style};
use crate::state::operations;

/// Arguments of `imctl history`.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  imctl history -i acme.yml                  the last 20 operations, the newest last
  imctl history show 7 -i acme.yml           one of them: its plan and what every host did
  imctl history verify -i acme.yml           no line is changed, missing or cut off, here and on the hosts"
)]
pub(super) struct Args {
    /// Show so many operations; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Shows one operation: who, when and why, its plan, and what every host did
    Show {
        /// Its number
        #[arg(value_name = "NUMBER")]
        number: u64,
    },
    /// Finds a line that was changed, taken out or cut off, also by comparing with the hosts' copies
    Verify,
}

/// Runs `imctl history`.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    match args.verb {
        None => list(args.limit, global),
        Some(Verb::Show { number }) => show::run(number, global),
        Some(Verb::Verify) => verify::run(global).await,
    }
}

fn list(limit: usize, global: &Global) -> Result<Exit, Failure> {
    let inventory = inventory_alone(global)?;
    let state = state_of(&inventory)?;
    let mut operations = operations(state.history()?);
    let total = operations.len();
    if limit > 0 {
        operations.drain(..total.saturating_sub(limit));
    }
    let typed = quote(&inventory.path.display().to_string());
    let view = HistoryView {
        name: inventory.name.clone(),
        operations,
        total,
        again: format!("imctl history show NUMBER -i {typed}"),
        language: Language::of(&global.lang),
    };
    match global.shape() {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::history(out, &view, style));
        }
    }
    Ok(Exit::Done)
}
