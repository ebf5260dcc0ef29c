//! `imctl lock`: who holds the lease of a deployment on which host, and taking it from a holder that is gone.

use super::connect;
use super::hold::holder_words;
use super::reach::Unreached;
use super::remember::spread;
use super::road::Road;
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::{Exit, HostName, Sink};
use crate::exec::{self, Fleet};
use crate::plan::{STANDING_KEY, Standing, standing_script};
use crate::record::Observed;
use crate::resource::Probe;
use crate::state::About;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Arguments of `imctl lock`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Shows who holds the lock on which host, and since when
    Show,
    /// Takes the lock from its holder, who cannot begin another step; recorded
    Release {
        /// The deployment's name, typed as a confirmation
        #[arg(long, value_name = "NAME")]
        confirm: Option<String>,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// The ticket or change number it belongs to, for the record
        #[arg(long, value_name = "TEXT")]
        ticket: Option<String>,
    },
}

/// Runs `imctl lock`.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::without_bundle(global)?;
    match args.verb {
        Verb::Show => show(&road, global).await,
        Verb::Release { confirm, reason, ticket } => {
            let about = About { reason, ticket, ..About::default() };
            release(&road, global, (confirm, about)).await
        }
    }
}

/// Connects to whoever answers; an error when nobody does.
async fn reached(road: &Road, global: &Global) -> Result<(Fleet, Vec<Unreached>), Failure> {
    let (fleet, silent) = connect::some(road, global, &road.hosts, &Sink::none()).await?;
    if fleet.iter().next().is_none() {
        return Err(Failure::Unreached(silent));
    }
    Ok((fleet, silent))
}

async fn standing(road: &Road, fleet: &Fleet) -> BTreeMap<HostName, Result<Standing, String>> {
    let script = standing_script(&road.inventory().name);
    let question = Probe::Script { key: STANDING_KEY.to_owned(), script };
    let probes = fleet.iter().map(|(host, _)| (host.clone(), vec![question.clone()])).collect();
    let seen = exec::look(fleet, &probes).await;
    let open = |seen: Observed| Standing::seen(&seen);
    seen.into_iter().map(|(host, seen)| (host, seen.map(open).map_err(|cause| cause.to_string()))).collect()
}

async fn show(road: &Road, global: &Global) -> Result<Exit, Failure> {
    let (fleet, silent) = reached(road, global).await?;
    let seen = standing(road, &fleet).await;
    fleet.close().await;
    if global.shape() == OutputFormat::Json {
        let hosts: Vec<Value> = seen.iter().map(|(host, standing)| machine(host, standing)).collect();
        let silent: Vec<String> = silent.iter().map(|it| it.host.to_string()).collect();
        stdout::line(&json!({ "format": 1, "hosts": hosts, "unreached": silent }).to_string());
    } else {
        stdout::answer(&human(road, &seen));
        for it in &silent {
            stdout::note(&format!("{}: {}", it.host, it.cause));
        }
    }
    Ok(if silent.is_empty() { Exit::Done } else { Exit::Unreachable })
}

fn machine(host: &HostName, standing: &Result<Standing, String>) -> Value {
    let lease = standing.as_ref().ok().and_then(|it| it.lease.as_ref());
    json!({
        "host": host,
        "held": lease.is_some_and(|lease| lease.ends_in > 0),
        "holder": lease.and_then(|lease| lease.holder.as_ref()),
        "ends-in-seconds": lease.map(|lease| lease.ends_in),
        "installing-packages": standing.as_ref().is_ok_and(|it| it.packages),
        "error": standing.as_ref().err(),
    })
}

fn human(road: &Road, seen: &BTreeMap<HostName, Result<Standing, String>>) -> String {
    let name = &road.inventory().name;
    let column = seen.keys().map(|host| host.as_str().chars().count()).max().unwrap_or(0) + 2;
    let mut text = String::new();
    for (host, standing) in seen {
        let words = match standing {
            Err(cause) => cause.clone(),
            Ok(standing) => words(name, standing),
        };
        writeln!(text, "{:column$}{words}", host.as_str()).expect("a String takes all text");
    }
    text
}

fn words(name: &str, standing: &Standing) -> String {
    let lock = match &standing.lease {
        None => "free".to_owned(),
        Some(lease) if lease.ends_in > 0 => {
            format!(
                "{}; the lease ends in {} s unless it is renewed",
                holder_words(name, lease),
                lease.ends_in
            )
        }
        Some(lease) => match &lease.holder {
            Some(holder) => {
                format!(
                    "free: the lease of `{}` ({}) ended {} s ago",
                    holder.owner, holder.operation, -lease.ends_in
                )
            }
            None => "free: a lease ended".to_owned(),
        },
    };
    if standing.packages { format!("{lock}; packages are being installed") } else { lock }
}

async fn release(
    road: &Road,
    global: &Global,
    (confirm, about): (Option<String>, About),
) -> Result<Exit, Failure> {
    let name = &road.inventory().name;
    if confirm.as_ref() != Some(name) {
        return Err(Failure::Refused(format!(
            "two operators at once can break `{name}`: see who it is with `imctl lock show -i {}`, and when the holder is gone for good say so with --confirm {name}",
            road.typed()
        )));
    }
    let (fleet, silent) = reached(road, global).await?;
    let seen = standing(road, &fleet).await;
    let held: BTreeMap<&HostName, String> = seen
        .iter()
        .filter_map(|(host, standing)| {
            let lease = standing.as_ref().ok()?.lease.as_ref().filter(|lease| lease.ends_in > 0)?;
            Some((host, holder_words(name, lease)))
        })
        .collect();
    let done = exec::release(name, &fleet).await;
    let outcome = held
        .values()
        .next()
        .map_or_else(|| "nobody held it".to_owned(), |words| format!("taken from: {words}"));
    let recorded = road.state.record(("lock release", &outcome), about, Timestamp::now());
    if recorded.is_ok() {
        spread(&road.state, &fleet, &Sink::none()).await?;
    }
    fleet.close().await;
    let mut failed = None;
    for (host, result) in done {
        match (result, held.get(&host)) {
            (Err(cause), _) => failed = Some(Failure::Link(host, cause)),
            (Ok(()), Some(words)) => stdout::line(&format!("{host}: released; {words}")),
            (Ok(()), None) => stdout::line(&format!("{host}: it was free")),
        }
    }
    recorded?;
    for it in &silent {
        stdout::note(&format!("{}: {}; its lease ends by itself", it.host, it.cause));
    }
    match failed {
        Some(failure) => Err(failure),
        None => Ok(if silent.is_empty() { Exit::Done } else { Exit::Unreachable }),
    }
}
