//! `imctl backup prune`: which sets go is shown first; the newest good one never does.

use super::host::Gone;
use super::{Depot, view};
use crate::base::Exit;
use crate::cli::{Failure, Global, ask};
use crate::report::{Live, Shape, Style, counted};
use crate::state::About;
use jiff::Timestamp;
use std::time::Duration;

/// Removing much takes a while.
const WITHIN: Duration = Duration::from_hours(2);

/// Arguments of `imctl backup prune`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The newest so many stay, at least one
    #[arg(long = "keep-last", value_name = "N", default_value_t = 7)]
    last: usize,
    /// The newest of each of the last so many days stays
    #[arg(long = "keep-days", value_name = "N", default_value_t = 14)]
    days: usize,
    /// The newest of each of the last so many weeks stays
    #[arg(long = "keep-weeks", value_name = "N", default_value_t = 8)]
    weeks: usize,
    /// The newest of each of the last so many 30 days stays
    #[arg(long = "keep-months", value_name = "N", default_value_t = 12)]
    months: usize,
}

/// Shows, asks, removes.
pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let depot = Depot::open(global).await?;
    let done = pruned(&depot, args, global).await;
    depot.fleet.close().await;
    done
}

async fn pruned(depot: &Depot, args: &Args, global: &Global) -> Result<Exit, Failure> {
    let numbers = [args.last, args.days, args.weeks, args.months];
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let mut words: Vec<&str> = std::iter::once("prune").chain(numbers.iter().map(String::as_str)).collect();
    let would: Gone = depot.ask(&words, WITHIN).await?;
    if would.sets.is_empty() && would.bytes == 0 {
        view::pruned(&would, true, global);
        return Ok(Exit::Done);
    }
    if !global.yes {
        view::pruned(&would, false, global);
        let live = Live::new(Shape::Silent, Style::stderr(global.no_color));
        let question = format!("Take {} away for good?", counted(would.sets.len(), "set"));
        if !ask::yes(&question, &live) {
            let text = "nothing was removed: `imctl backup prune` needs a yes at the terminal, or -y";
            return Err(Failure::Refused(text.to_owned()));
        }
    }
    words.push("--really");
    let gone: Gone = depot.ask(&words, WITHIN).await?;
    let outcome = format!("done: {} removed", counted(gone.sets.len(), "set"));
    depot.road.state.record(("backup prune", &outcome), About::default(), Timestamp::now())?;
    view::pruned(&gone, true, global);
    Ok(Exit::Done)
}
