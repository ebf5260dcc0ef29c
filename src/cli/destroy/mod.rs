//! `imctl destroy`: takes away exactly what imctl put on the hosts, says so first, and tells at the end what stays and why.

mod stays;

use super::change::Change;
use super::hold::ChangeArgs;
use super::road::Road;
use super::survey::{Aim, survey};
use super::view::survey_view;
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::{Exit, HostName, Sink, quote};
use crate::desired::Leaving;
use crate::report::{self, Style, spoken};
use stays::Stays;
use std::collections::BTreeMap;

/// Arguments of `imctl destroy`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  imctl destroy -i acme.yml                                       show what would go, and change nothing
  imctl destroy -i acme.yml --confirm acme-im                     take the service away with its data
  imctl destroy -i acme.yml --confirm acme-im --keep-data         leave accounts, history and files where they are
  imctl destroy -i acme.yml --confirm acme-im --on app2           take it away from one host; the others serve on")]
pub(super) struct Args {
    /// Leave the data (accounts, history, files) on the hosts
    #[arg(long)]
    keep_data: bool,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Plans the removal, and does it when it is confirmed by name.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let asked = args.change;
    let mut road = Road::without_bundle(global)?.without(&asked.lost)?;
    road.going = if args.keep_data { Leaving::WithoutData } else { Leaving::Whole };
    left_alone(&road)?;
    if asked.confirm.as_ref() != Some(&road.inventory().name) {
        return Err(shown(&road, global).await?);
    }
    let global = Global { yes: true, ..global.clone() };
    let (verb, done) = ("destroy", "removed");
    let change =
        Change { road: &road, global: &global, asked: &asked, aim: Aim::Nothing, verb, done, skip: None };
    let Some(applied) = change.apply(None).await? else { return Ok(Exit::Done) };
    let observed = applied.survey.observed.clone();
    let view = change.finish(applied, None)?;
    let stays = stays::look(&road, &global, &observed).await?;
    match global.shape() {
        OutputFormat::Json => {
            let mut json = view.json();
            json["stays"] = stays.json();
            stdout::line(&json.to_string());
        }
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::install(out, &view, style));
            stdout::answer(&told(&road, &stays));
        }
    }
    Ok(view.exit())
}

/// Shows what would go, and refuses.
async fn shown(road: &Road, global: &Global) -> Result<Failure, Failure> {
    let survey = survey(road, global, &Sink::none(), Aim::Nothing).await?;
    survey.fleet.close().await;
    let view = survey_view(road, &survey, global.verbose > 0);
    match global.shape() {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::plan(out, &view, &spoken(survey.took), style));
        }
    }
    let name = &road.inventory().name;
    let data = match road.going {
        Leaving::Whole => "with all its data; --keep-data leaves those",
        Leaving::WithoutData => "and leaves its data",
    };
    Ok(Failure::Refused(format!(
        "nothing was changed: destroying `{name}` takes its service away {data}. Say so with --confirm {name}"
    )))
}

/// Refuses to take the last host of a component away while others stay that need it.
fn left_alone(road: &Road) -> Result<(), Failure> {
    if road.present().iter().all(|host| road.hosts.contains(host)) {
        return Ok(());
    }
    let mut bare: BTreeMap<&HostName, Vec<String>> = BTreeMap::new();
    for spec in &road.topology.stack.file.components {
        let of: Vec<&HostName> = road
            .topology
            .instances
            .iter()
            .filter(|it| it.component == spec.name && !road.lost.contains(&it.host))
            .map(|it| &it.host)
            .collect();
        if let Some(first) = of.first().filter(|_| of.iter().all(|host| road.hosts.contains(host))) {
            bare.entry(first).or_default().push(format!("`{}`", spec.name));
        }
    }
    let Some((host, components)) = bare.into_iter().next() else { return Ok(()) };
    Err(Failure::Refused(format!(
        "`{host}` is the last host of {}, and the other hosts need that: put another host into the inventory and install \
         there first, or leave --on out and destroy all of `{}`",
        components.join(", "),
        road.inventory().name
    )))
}

/// What stays, for people.
fn told(road: &Road, stays: &Stays) -> String {
    let mut text = String::from("\nWhat stays:\n");
    for (host, lines) in &stays.0 {
        for line in lines {
            text.extend([format!("  {host}  {}: {}\n", line.what, line.why)]);
        }
    }
    let folder = road.state.folder().display().to_string();
    text.extend([format!(
        "  here  {folder}: secrets, history, run logs; for an installation anew the same secrets hold\n"
    )]);
    if road.hosts.len() < road.present().len() {
        text.extend([format!(
            "The inventory still names {}: the next imctl install -i {} would put it back. Take it out of {} first.\n",
            road.hosts.iter().map(|host| format!("`{host}`")).collect::<Vec<_>>().join(", "),
            road.typed(),
            quote(&road.inventory().path.display().to_string())
        )]);
    } else {
        text.extend([format!("To put it back:  imctl install -i {}\n", road.typed())]);
    }
    text
}
