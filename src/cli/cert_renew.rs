//! `imctl cert renew`: leaf certificates by the private CA are issued anew, and hosts read them without a restart.

use super::change::Change;
use super::hold::ChangeArgs;
use super::renewal::{Certificates, Renewal};
use super::road::Road;
use super::survey::Aim;
use super::{Failure, Global, install};
use crate::base::Exit;
use crate::inventory::Tls;

/// Arguments of `imctl cert renew`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  imctl cert renew -i acme.yml                     all of them\n  \
        imctl cert renew -i acme.yml node --on app1      one, of one host\n  \
        imctl cert renew -i acme.yml --due 90            those that end within 90 days")]
pub(super) struct RenewArgs {
    /// Names as `imctl cert status` shows them; none = all
    names: Vec<String>,
    /// Only those that end within so many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(0..=3650))]
    due: Option<i64>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Plans, asks, applies, proves, tells.
pub(super) async fn run(args: RenewArgs, global: &Global) -> Result<Exit, Failure> {
    let mut road = Road::open(global)?.without(&args.change.lost)?;
    known(&road, &args.names)?;
    super::secret::there_are_some(&road.state)?;
    road.renewal = Renewal::Certificates(Certificates { names: args.names.clone(), within_days: args.due });
    let due = args.due.map(|days| format!("--due {days}"));
    let words = ["cert".to_owned(), "renew".to_owned()].into_iter().chain(args.names).chain(due);
    let verb = words.collect::<Vec<_>>().join(" ");
    let change = Change {
        road: &road,
        global,
        asked: &args.change,
        aim: Aim::Inventory,
        verb: &verb,
        done: "renewed",
        skip: None,
    };
    let Some(applied) = change.apply(None).await? else { return Ok(Exit::Done) };
    install::prove_and_tell(&change, applied).await
}

/// Refuses names that the stack does not know, and those that an own certificate stands in the place of.
fn known(road: &Road, names: &[String]) -> Result<(), Failure> {
    let all = &road.topology.stack.file.certificates;
    for name in names {
        let Some(spec) = all.get(name) else {
            let known: Vec<&str> = all.keys().map(String::as_str).collect();
            return Err(Failure::Usage(format!(
                "no certificate is called `{name}`; there are {}",
                known.join(", ")
            )));
        };
        if spec.public && matches!(road.inventory().tls, Tls::Own { .. }) {
            return Err(Failure::Refused(format!(
                "your own certificate stands in the place of `{name}`; bring a new one with  imctl cert import CERT KEY CHAIN -i {}",
                road.typed()
            )));
        }
    }
    Ok(())
}
