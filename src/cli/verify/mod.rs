//! `imctl verify`: proves the service from outside as a client would, then asks the hosts what only the product can
//! tell. Changes nothing but two test accounts, which it takes away again.

mod inside;
pub(super) mod outside;

pub(super) use inside::{Words, ask};

use super::road::Road;
use super::{Failure, Global, OutputFormat, connect, keep, spoken, stdout};
use crate::base::{Exit, Finding, Language};
use crate::exec::Fleet;
use crate::report::{self, FindingsView, Live, Shape, Style};
use crate::stack::ChecksFile;
use jiff::Timestamp;
use std::time::Instant;

/// Arguments of `imctl verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Show what passed, too
    #[arg(long)]
    all: bool,
    /// Exit with 4 when there are only warnings
    #[arg(long, value_name = "LEVEL", value_parser = ["warn"])]
    fail_on: Option<String>,
}

/// Proves, shows, judges.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::without_bundle(global)?;
    let view = FindingsView { all: args.all, ..over_new_connections(&road, global).await? };
    told(&road, &view, global, args.fail_on.is_some())
}

/// Prints findings; the exit code they mean.
pub(super) fn told(
    road: &Road,
    view: &FindingsView,
    global: &Global,
    fail_on_warn: bool,
) -> Result<Exit, Failure> {
    match global.shape() {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            let language = Language::of(&global.lang);
            let findings = spoken::findings(road, &view.findings, language)?;
            let view = FindingsView { findings, language, ..view.clone() };
            stdout::write(|out| report::findings(out, &view, style));
        }
    }
    Ok(view.exit(fail_on_warn))
}

/// The proof at the end of a change that succeeded; none when only some hosts were meant.
pub(super) async fn after_change(road: &Road, global: &Global) -> Result<Option<FindingsView>, Failure> {
    if !global.on.is_empty() || road.topology.stack.file.checks.is_none() {
        return Ok(None);
    }
    over_new_connections(road, global).await.map(Some)
}

async fn over_new_connections(road: &Road, global: &Global) -> Result<FindingsView, Failure> {
    let live = Live::new(Shape::Silent, Style::stderr(global.no_color));
    let fleet = connect::fleet(road, global, &live.sink()).await?;
    let view = prove(road, global, &fleet).await;
    fleet.close().await;
    view
}

/// Everything that can be proved about the service, over open connections. Never ends early for a failed proof.
async fn prove(road: &Road, global: &Global, fleet: &Fleet) -> Result<FindingsView, Failure> {
    let (begun, time) = (Instant::now(), Timestamp::now());
    let stack = &road.topology.stack;
    let mut findings: Vec<Finding> = Vec::new();
    if let Some(file) = &stack.file.checks {
        let checks: ChecksFile = stack.data(file)?;
        if let Some(service) = &checks.service {
            findings.extend(outside::prove(road, global, fleet, service).await?);
        }
        findings.extend(ask(road, fleet, &checks.checks).await);
    }
    let view = FindingsView {
        command: "verify".to_owned(),
        findings,
        hosts: road.hosts.len(),
        took: begun.elapsed(),
        all: false,
        language: Language::En,
    };
    keep::judged(road, &view, (time, &road.hosts), Vec::new())?;
    Ok(view)
}
