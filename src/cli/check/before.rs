//! The check that an installation begins with, on hosts that imctl did not touch yet. Where the deployment stands already,
//! nothing keeps an operator from mending it.

use super::super::road::Road;
use super::super::{Failure, Global, OutputFormat, keep, verify};
use super::{Found, Scene, Skipped, Wants, over};
use crate::base::{Exit, HostName, Language, Sink};
use crate::exec::Fleet;
use crate::plan::Manifest;
use crate::record::Observed;
use crate::report::{self, FindingsView};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Instant;

/// What comes of it: everything that was judged.
pub(in super::super) struct Checked(FindingsView);

impl Checked {
    /// Judges hosts on which nothing of the deployment stands, over open connections.
    pub(in super::super) async fn over(
        road: &Road,
        (fleet, observed): (&Fleet, &BTreeMap<HostName, Observed>),
        skip: &[String],
        sink: &Sink,
    ) -> Result<Self, Failure> {
        let skipped = Skipped::read(skip)?;
        let (begun, time) = (Instant::now(), Timestamp::now());
        let bare = |seen: &Observed| !Manifest::seen(seen).stands();
        let fresh: Vec<HostName> =
            observed.iter().filter(|(_, seen)| bare(seen)).map(|(host, _)| host.clone()).collect();
        let mut found = Found::default();
        if !fresh.is_empty() {
            sink.phase(format!("checking {}", report::counted(fresh.len(), "host")));
            found = over(road, fleet, &Wants::read(road)?, Scene::Install).await?;
            found.findings.retain(|it| it.host.as_ref().is_none_or(|host| fresh.contains(host)));
            found.machines.retain(|it| fresh.iter().any(|host| host.as_str() == it.host));
            skipped.leave_out(&mut found.findings);
        }
        let view = FindingsView {
            command: "check".to_owned(),
            findings: found.findings,
            hosts: fresh.len(),
            took: begun.elapsed(),
            all: false,
            language: Language::En,
        };
        if !fresh.is_empty() {
            keep::judged(road, &view, (time, &fresh), found.machines)?;
        }
        Ok(Self(view))
    }

    /// Shows what failed and ends the command with it; nothing when nothing failed.
    pub(in super::super) fn or_end(self, road: &Road, global: &Global) -> Result<(), Failure> {
        if self.0.exit(false) == Exit::Done {
            return Ok(());
        }
        // For programs one answer is one document: the error holds the findings.
        if global.shape() == OutputFormat::Human {
            verify::told(road, &self.0, global, false)?;
        }
        Err(Failure::Unfit { inventory: road.typed(), findings: Box::new(self.0.json()) })
    }
}
