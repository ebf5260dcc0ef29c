//! `imctl upgrade`: brings the service to another version of its stack, host by host, while it serves.

use super::change::Change;
use super::hold::ChangeArgs;
use super::road::Road;
use super::survey::Aim;
use super::{Failure, Global, install};
use crate::base::Exit;
use crate::inventory::{self, Edit};
use crate::plan::{Pace, Share};
use std::path::PathBuf;

/// Arguments of `imctl upgrade`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  imctl plan -i acme.yml --to 24.12 -o up.plan && imctl upgrade -i acme.yml --to 24.12 --plan up.plan\n  \
        imctl upgrade -i acme.yml --to 24.12 --canary app2 --pause    one host first, then look\n  \
        imctl upgrade -i acme.yml --to 24.12                          the others, and what cannot be undone"
)]
pub(super) struct Args {
    #[command(flatten)]
    aim: AimArgs,
    /// Apply exactly this saved plan; refused when anything changed since
    #[arg(long, value_name = "FILE.plan")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Where an upgrade leads, and how it rolls.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct AimArgs {
    /// The stack's version to come to; without it the one that the stack takes by itself
    #[arg(long, value_name = "VERSION")]
    pub(super) to: Option<String>,
    /// This host changes first, alone
    #[arg(long, value_name = "HOST", requires = "to")]
    pub(super) canary: Option<String>,
    /// Hosts of a component that change together: a number, or a share such as 25%; one always stays
    #[arg(long, value_name = "N|P%", requires = "to")]
    pub(super) batch: Option<String>,
    /// End after the canary, and before what cannot be undone; the same command without it goes on
    #[arg(long, requires = "to")]
    pub(super) pause: bool,
}

impl AimArgs {
    /// The road to the version, with the change of the inventory that belongs to it.
    pub(super) fn road(&self, global: &Global) -> Result<Road, Failure> {
        let path = super::road::inventory_path(global)?;
        let stack = super::road::stack_of(&inventory::load(&path)?)?;
        let version = stack.version(self.to.as_deref())?.0.to_owned();
        let mut road = match Edit::set_version(&path, &version)? {
            Some(edit) => Road::after(global, edit)?,
            None => Road::open(global)?,
        };
        road.pace = self.pace(&road)?;
        road.finishes = !self.pause;
        Ok(road)
    }

    fn pace(&self, road: &Road) -> Result<Pace, Failure> {
        let canary = match &self.canary {
            Some(name) => {
                let one = inventory::select(road.inventory(), std::slice::from_ref(name))?;
                let [one] = one.as_slice() else {
                    return Err(Failure::Usage(format!("--canary {name}: name one host")));
                };
                Some(one.clone())
            }
            None => None,
        };
        let batch = self.batch.as_deref().map(share).transpose()?;
        Ok(Pace { canary, batch, pause: self.pause, ..Pace::default() })
    }
}

fn share(text: &str) -> Result<Share, Failure> {
    let wrong = || Failure::Usage(format!("--batch {text}: give a number such as 2, or a share such as 25%"));
    let (digits, percent) = text.strip_suffix('%').map_or((text, false), |digits| (digits, true));
    let number: usize = digits.trim().parse().map_err(|_| wrong())?;
    match (number, percent) {
        (0, _) | (101.., true) => Err(wrong()),
        (_, true) => Ok(Share::Percent(number)),
        (_, false) => Ok(Share::Count(number)),
    }
}

/// Plans, asks, rolls, proves, tells.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = args.aim.road(global)?.without(&args.change.lost)?;
    let saved = args.plan.as_deref().map(super::plan::load).transpose()?;
    let done = format!("on {} {}", road.topology.stack.file.name, road.topology.version);
    let again = format!("upgrade --to {}", road.topology.version);
    let change = Change {
        road: &road,
        global,
        asked: &args.change,
        aim: Aim::Inventory,
        verb: &again,
        done: &done,
        skip: None,
    };
    let Some(applied) = change.apply(saved).await? else { return Ok(Exit::Done) };
    install::prove_and_tell(&change, applied).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_or_so_many_of_a_hundred() {
        assert_eq!(share("2").unwrap(), Share::Count(2));
        assert_eq!(share("25%").unwrap(), Share::Percent(25));
        for wrong in ["0", "0%", "101%", "many", "", "-1"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
