//! `imctl replace`: another host takes the place of one, which leaves only when the new one is whole.

use super::hold::ChangeArgs;
use super::scale::{Standing, farewell, host_name, join, sure};
use super::{Failure, Global};
use crate::base::{Exit, HostName};
use crate::inventory::NewHost;

/// Arguments of `imctl replace`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  imctl replace app2 app4=10.0.0.14 -i acme.yml\n  \
        imctl replace file2 file4=10.0.0.24 -i acme.yml --confirm acme\n  \
        imctl replace app2 app4=10.0.0.14 --lost app2 -i acme.yml --confirm acme     app2 is dead")]
pub(super) struct Args {
    /// The host that leaves
    old: String,
    /// The host that takes its place, with the same roles
    #[arg(value_name = "NEW=ADDRESS")]
    new: String,
    /// SSH port of the new host, where it differs from the others'
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Leave a check of the new host out, with the reason, which is recorded; may be given several times
    #[arg(long, value_name = "ID=REASON")]
    skip: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Lets the new host join, then takes the old one out: two changes, each with its own plan.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let standing = Standing::open(global)?;
    let old = standing.named(std::slice::from_ref(&args.old))?;
    let lost = standing.named(&args.change.lost)?;
    if lost.iter().any(|host| !old.contains(host)) {
        return Err(Failure::Usage("--lost names another host than the one that is replaced".to_owned()));
    }
    let verb = format!("replace {} {}", args.old, args.new);
    if let Some(old) = old.first() {
        if lost.is_empty() {
            sure(&standing, std::slice::from_ref(old), &args.change)?;
        }
        let add = like(&standing, old, &args)?;
        let exit = Box::pin(join(global, &standing, (&add, &verb), (&args.change, &args.skip))).await?;
        // What a dead host fails is no reason to keep it.
        let goes_on = exit == Exit::Done || exit == Exit::CheckFailed && !lost.is_empty();
        if !goes_on {
            return Ok(exit);
        }
    }
    let standing = Standing::open(global)?;
    let hosts: Vec<HostName> = old.into_iter().filter(|host| !lost.contains(host)).collect();
    Box::pin(farewell(global, &standing, (&hosts, &lost), (&args.change, &verb))).await
}

/// The new host, with the roles of the old one; none when it stands in the inventory already.
fn like(standing: &Standing, old: &HostName, args: &Args) -> Result<Vec<NewHost>, Failure> {
    let Some((name, address)) = args.new.split_once('=') else {
        return Err(Failure::Usage(format!("`{}`: give the new host as NAME=ADDRESS", args.new)));
    };
    let known = standing.inventory.host(old);
    let own = known.filter(|host| !host.settings.is_empty() || !host.variables.is_empty());
    if own.is_some() && standing.inventory.host(&host_name(name)?).is_none() {
        return Err(Failure::Refused(format!(
            "`{old}` has settings of its own in `{}`: write `{name}` into it yourself, with those that it shall have, and run this again",
            standing.path().display()
        )));
    }
    let new = NewHost {
        name: host_name(name)?,
        address: address.to_owned(),
        roles: known.map(|host| host.roles.clone()).unwrap_or_default(),
        port: args.port,
        limits: known.map(|host| host.limits.clone()).unwrap_or_default(),
    };
    Ok(standing.new_host(new)?.into_iter().collect())
}
