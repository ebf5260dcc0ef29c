//! `imctl destroy`: takes away exactly what imctl put on the hosts, and says so first.

use super::change::Change;
use super::hold::ChangeArgs;
use super::road::Road;
use super::survey::Aim;
use super::{Failure, Global};
use crate::base::Exit;

/// Arguments of `imctl destroy`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    change: ChangeArgs,
}

/// Plans the removal, and does it when it is confirmed by name.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let asked = args.change;
    let road = Road::open(global)?.without(&asked.lost)?;
    let name = road.inventory().name.clone();
    if asked.confirm.as_ref() != Some(&name) {
        return Err(Failure::Refused(format!(
            "destroying `{name}` takes its service away; say so with --confirm {name}"
        )));
    }
    let global = Global { yes: true, ..global.clone() };
    let (verb, done) = ("destroy", "removed");
    let change =
        Change { road: &road, global: &global, asked: &asked, aim: Aim::Nothing, verb, done, skip: None };
    match change.apply(None).await? {
        Some(applied) => change.tell(applied, None),
        None => Ok(Exit::Done),
    }
}
