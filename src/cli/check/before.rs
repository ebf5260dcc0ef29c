//! The check that an installation begins with.

use super::super::road::Road;
use super::super::{Failure, Global, verify};
use super::{Scene, Skipped, Wants, over};
use crate::base::{Exit, Sink};
use crate::exec::Fleet;
use crate::report::{self, FindingsView};
use std::time::Instant;

/// What comes of it: everything that was judged.
pub(in super::super) struct Checked(FindingsView);

impl Checked {
    /// Judges the hosts over open connections.
    pub(in super::super) async fn over(
        road: &Road,
        fleet: &Fleet,
        skip: &[String],
        sink: &Sink,
    ) -> Result<Self, Failure> {
        let skipped = Skipped::read(skip)?;
        let begun = Instant::now();
        sink.phase(format!("checking {}", report::counted(road.hosts.len(), "host")));
        let mut findings = over(road, fleet, &Wants::read(road)?, Scene::Install).await?;
        skipped.leave_out(&mut findings);
        Ok(Self(FindingsView {
            command: "check".to_owned(),
            findings,
            hosts: road.hosts.len(),
            took: begun.elapsed(),
            all: false,
        }))
    }

    /// Shows what failed and ends the command with it; nothing when nothing failed.
    pub(in super::super) fn or_end(self, road: &Road, global: &Global) -> Result<(), Failure> {
        if self.0.exit(false) == Exit::Done {
            return Ok(());
        }
        verify::told(&self.0, global, false);
        Err(Failure::Unfit { inventory: road.typed() })
    }
}
