//! `imctl destroy`: takes away exactly what imctl put on the hosts, and says so first.

use super::install::Change;
use super::road::Road;
use super::survey::Aim;
use super::{Failure, Global};
use crate::base::Exit;

/// Arguments of `imctl destroy`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The deployment's name, typed as a confirmation: data is lost
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

/// Plans the removal, and does it when it is confirmed by name.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::open(global)?;
    let name = road.inventory().name.clone();
    if args.confirm.as_ref() != Some(&name) {
        return Err(Failure::Refused(format!(
            "destroying `{name}` takes its service away; say so with --confirm {name}"
        )));
    }
    let global = Global { yes: true, ..global.clone() };
    let change = Change { road: &road, global: &global, aim: Aim::Nothing, verb: "destroy", done: "removed" };
    match change.apply(None).await? {
        Some(applied) => change.tell(applied, None),
        None => Ok(Exit::Done),
    }
}
