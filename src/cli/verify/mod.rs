//! `imctl verify`: proves the service from outside as a client would, then asks the hosts what only the product can
//! tell. Changes nothing but two test accounts, which it takes away again.

mod inside;
mod outside;

use super::ask::Terminal;
use super::road::Road;
use super::{Failure, Global, OutputFormat, connect, stdout};
use crate::base::{Exit, Finding};
use crate::exec::Fleet;
use crate::report::{self, FindingsView, Live, Shape, Style};
use crate::stack::ChecksFile;
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
    let road = Road::open(global)?;
    let live = Live::new(Shape::Silent, Style::stderr(global.no_color));
    let terminal = Terminal { live: Some(live.clone()) };
    let fleet = connect::fleet(&road, global, &terminal, &live.sink()).await?;
    let view = prove(&road, global, &fleet).await;
    fleet.close().await;
    let view = FindingsView { all: args.all, ..view? };
    match global.output {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::findings(out, &view, style));
        }
    }
    Ok(view.exit(args.fail_on.is_some()))
}

/// Everything that can be proved about the service, over open connections. Never ends early for a failed proof.
pub(super) async fn prove(road: &Road, global: &Global, fleet: &Fleet) -> Result<FindingsView, Failure> {
    let begun = Instant::now();
    let stack = &road.topology.stack;
    let mut findings: Vec<Finding> = Vec::new();
    if let Some(file) = &stack.file.checks {
        let checks: ChecksFile = stack.data(file)?;
        if let Some(service) = &checks.service {
            findings.extend(outside::prove(road, global, fleet, service).await?);
        }
        findings.extend(inside::ask(road, fleet, &checks.checks).await);
    }
    Ok(FindingsView {
        command: "verify".to_owned(),
        findings,
        hosts: road.hosts.len(),
        took: begun.elapsed(),
        all: false,
    })
}
