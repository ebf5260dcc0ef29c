//! Keeps what a judging command found, for the report. Nothing of it is secret.

use super::Failure;
use super::road::Road;
use crate::base::HostName;
use crate::record::{Judged, Machine};
use crate::report::FindingsView;
use crate::state::{ResultKind, operator};
use jiff::Timestamp;

/// Writes findings of `check` or `verify` beside those of earlier runs: when it began, and which hosts were judged.
pub(super) fn judged(
    road: &Road,
    view: &FindingsView,
    (time, hosts): (Timestamp, &[HostName]),
    machines: Vec<Machine>,
) -> Result<(), Failure> {
    let kind = if view.command == "verify" { ResultKind::Verify } else { ResultKind::Check };
    let result = Judged {
        format: 1,
        command: view.command.clone(),
        time: time.to_string(),
        seconds: (view.took.as_secs_f64() * 10.0).round() / 10.0,
        imctl: env!("CARGO_PKG_VERSION").to_owned(),
        who: operator(),
        hosts: hosts.iter().map(ToString::to_string).collect(),
        findings: view.findings.clone(),
        machines,
    };
    road.state.keep_result(kind, time, &result)?;
    Ok(())
}
