//! One act on one host: what a kind's action means over a connection.

use super::depot::Depot;
use super::guard::guarded;
use crate::base::HostName;
use crate::resource::Action;
use crate::transport::{Exec, Session};
use std::time::Duration;

/// The last so many lines of a failed command's output reach the operator.
const LINES: usize = 25;

/// What makes systemd read its files.
pub(super) const READ_UNITS: &str = "systemctl daemon-reload\n";

/// How long systemd may take for it on a host that has much to do.
pub(super) const MINUTES: Duration = Duration::from_mins(2);

/// Where an act takes place.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) host: &'a HostName,
    pub(super) link: &'a dyn Session,
    pub(super) depot: &'a dyn Depot,
}

/// Acts; `Err` is what went wrong, still to be redacted.
pub(super) async fn act(site: Site<'_>, action: &Action) -> Result<(), String> {
    let link = site.link;
    match action {
        Action::Run { script, input, within } => {
            let exec = Exec { script: script.clone(), input: input.clone(), root: true, within: *within };
            let output = link.exec(exec).await.map_err(|cause| cause.to_string())?;
            if output.status == 0 { Ok(()) } else { Err(failure(output.status, &output.text())) }
        }
        Action::ReadUnits => {
            let output =
                link.exec(Exec::new(READ_UNITS, MINUTES)).await.map_err(|cause| cause.to_string())?;
            if output.status == 0 { Ok(()) } else { Err(failure(output.status, &output.text())) }
        }
        Action::Upload { path, content, mode, owner, group } => {
            let done = link.upload(path, content.expose(), mode, owner, group).await;
            done.map_err(|cause| format!("cannot write `{path}`: {cause}"))
        }
        Action::Packages { names, mask } => site.depot.packages(site.host, link, names, mask).await,
        Action::Artifact { name, path, mode } => {
            let content = site.depot.artifact(name)?;
            let done = link.upload(path, &content, mode, "root", "root").await;
            done.map_err(|cause| format!("cannot write `{path}`: {cause}"))
        }
        Action::Guarded { apply, restore, within } => guarded(link, apply, restore, *within).await,
    }
}

/// The end of an output with its status.
pub(super) fn failure(status: i32, text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LINES)..].join("\n");
    if tail.is_empty() { format!("it ended with status {status}") } else { tail }
}
