//! Reads what was recorded and chooses what counts: the newest run of each kind that is of all hosts, or else the newest.
//! A damaged newest file is an error, so that an older, better result never stands in its place in silence.

use super::super::Failure;
use super::super::road::Road;
use crate::checks::{Evidence, Overall, Reason, judge_acceptance};
use crate::record::{Judged, LoadResult, Machine, ScanResult};
use crate::report::{PassedOver, RunRow, SizingRow};
use crate::state::{Kept, Release, ResultKind, State, StateError};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// What was recorded of a deployment.
pub(super) struct Gathered {
    pub(super) check: Option<Kept<Judged>>,
    pub(super) verify: Option<Kept<Judged>>,
    pub(super) scan: Option<Kept<ScanResult>>,
    /// One a scenario, the newest first.
    pub(super) loads: Vec<Kept<LoadResult>>,
    pub(super) release: Option<Kept<Release>>,
    /// When the last change of a host ended, and whether it stopped.
    changed: (Option<Timestamp>, bool),
    pub(super) passed_over: Vec<PassedOver>,
}

impl Gathered {
    /// Reads everything.
    pub(super) fn read(road: &Road) -> Result<Self, Failure> {
        let hosts: Vec<String> = road.inventory().hosts.iter().map(|host| host.name.to_string()).collect();
        let missing = |judged: &[String]| hosts.iter().any(|host| !judged.contains(host));
        let of_hosts = |judged: &Judged| missing(&judged.hosts).then(|| judged.hosts.join(", "));
        let of_scan = |it: &ScanResult| {
            let words = it.hosts.iter().chain(&it.only).cloned().collect::<Vec<_>>().join(", ");
            (missing(&it.hosts) || !it.whole).then_some(words)
        };
        let mut over = Vec::new();
        let state = &road.state;
        let check = choose(state, ResultKind::Check, of_hosts, &mut over)?;
        let verify = choose(state, ResultKind::Verify, of_hosts, &mut over)?;
        let scan = choose(state, ResultKind::Scan, of_scan, &mut over)?;
        let loads = loads(state, &mut over)?;
        let release = release(state)?;
        let changed = changed(state, release.as_ref().map(|kept| &kept.value))?;
        Ok(Self { check, verify, scan, loads, release, changed, passed_over: over })
    }

    /// Whether nothing at all was recorded.
    pub(super) fn nothing(&self) -> bool {
        let judged = self.check.is_some() || self.verify.is_some() || self.scan.is_some();
        !judged && self.loads.is_empty() && self.release.is_none()
    }

    /// What the machines are.
    pub(super) fn machines(&self) -> &[Machine] {
        self.check.as_ref().map_or(&[], |kept| &kept.value.machines)
    }

    /// What comes of it.
    pub(super) fn judge(&self, road: &Road, sizing: &[SizingRow], now: Timestamp) -> (Overall, Vec<Reason>) {
        let hosts = road.inventory().hosts.iter().map(|host| host.name.to_string());
        let small = sizing.iter().filter(|row| row.found.is_some() && !row.enough);
        let mut too_small: Vec<String> = small.map(|row| row.host.clone()).collect();
        too_small.dedup();
        let from = self.release.as_ref().map(|kept| kept.value.inventory.as_str()).unwrap_or_default();
        judge_acceptance(&Evidence {
            hosts: hosts.collect(),
            installed: self.changed.0,
            stopped: self.changed.1,
            inventory_changed: !from.is_empty() && from != road.inventory_digest,
            too_small,
            check: self.check.as_ref().map(|kept| &kept.value),
            verify: self.verify.as_ref().map(|kept| &kept.value),
            scan: self.scan.as_ref().map(|kept| &kept.value),
            loads: self.loads.iter().map(|kept| &kept.value).collect(),
            today: day(now),
        })
    }

    /// The runs that figures come from, each with its short name.
    pub(super) fn runs(&self) -> Vec<RunRow> {
        let mut rows = Vec::new();
        if let Some(kept) = &self.release {
            let it = &kept.value;
            let from = [&it.time.to_string(), &it.who, &it.imctl].map(String::clone);
            rows.push(row("R1", "install", from, (Some(it.hosts.len()), &kept.file, &kept.sha256)));
        }
        for (name, kept) in [("C1", &self.check), ("V1", &self.verify)] {
            let Some(kept) = kept else { continue };
            let it = &kept.value;
            let from = [&it.time, &it.who, &it.imctl].map(String::clone);
            rows.push(row(name, &it.command, from, (Some(it.hosts.len()), &kept.file, &kept.sha256)));
        }
        for (at, kept) in self.loads.iter().enumerate() {
            let it = &kept.value;
            let from = [&it.time, &it.who, &it.imctl].map(String::clone);
            let command = format!("load {}", it.scenario);
            rows.push(row(&format!("L{}", at + 1), &command, from, (None, &kept.file, &kept.sha256)));
        }
        if let Some(kept) = &self.scan {
            let it = &kept.value;
            let from = [&it.time, &it.who, &it.imctl].map(String::clone);
            rows.push(row("S1", "scan", from, (Some(it.hosts.len()), &kept.file, &kept.sha256)));
        }
        rows
    }
}

fn row(
    run: &str,
    command: &str,
    [time, who, imctl]: [String; 3],
    (hosts, file, sha256): (Option<usize>, &str, &str),
) -> RunRow {
    let [run, command, file, sha256] = [run, command, file, sha256].map(str::to_owned);
    RunRow { run, command, time, who, imctl, hosts, file, sha256 }
}

/// The day of a time, in UTC.
pub(super) fn day(time: Timestamp) -> Date {
    time.to_zoned(TimeZone::UTC).date()
}

/// The newest result that is of everything, else the newest; `partial` tells what a result that is not was of.
fn choose<T: DeserializeOwned>(
    state: &State,
    kind: ResultKind,
    partial: impl Fn(&T) -> Option<String>,
    over: &mut Vec<PassedOver>,
) -> Result<Option<Kept<T>>, StateError> {
    let mut newest: Option<Kept<T>> = None;
    let mut passed = Vec::new();
    for (at, kept) in state.results::<T>(kind)?.enumerate() {
        let kept = match kept {
            Ok(kept) => kept,
            Err(cause) if at == 0 => return Err(cause),
            Err(cause) => {
                passed.push(damaged(&cause));
                continue;
            }
        };
        let Some(why) = partial(&kept.value) else {
            over.extend(passed);
            return Ok(Some(kept));
        };
        passed.push(PassedOver { file: kept.file.clone(), kind: "partial".to_owned(), why });
        newest = newest.or(Some(kept));
    }
    // None is of everything: the newest counts, and the report says what it is of.
    let own = newest.as_ref().map(|kept| kept.file.clone());
    over.extend(passed.into_iter().filter(|it| it.kind == "damaged" && own.is_some()));
    Ok(newest)
}

fn damaged(cause: &StateError) -> PassedOver {
    let (file, why) = match cause {
        StateError::Damaged { path, cause } => (path.display().to_string(), cause.clone()),
        other => (String::new(), other.to_string()),
    };
    PassedOver { file, kind: "damaged".to_owned(), why }
}

/// The newest load test of each scenario.
fn loads(state: &State, over: &mut Vec<PassedOver>) -> Result<Vec<Kept<LoadResult>>, StateError> {
    let mut all: Vec<Kept<LoadResult>> = Vec::new();
    for (at, kept) in state.results::<LoadResult>(ResultKind::Load)?.enumerate() {
        match kept {
            Err(cause) if at == 0 => return Err(cause),
            Err(cause) => over.push(damaged(&cause)),
            Ok(kept) if all.iter().any(|it| it.value.scenario == kept.value.scenario) => {}
            Ok(kept) => all.push(kept),
        }
    }
    Ok(all)
}

/// The last release with its file.
fn release(state: &State) -> Result<Option<Kept<Release>>, StateError> {
    let Some(value) = state.releases()?.pop() else { return Ok(None) };
    let file = format!("releases/{}.json", value.time.strftime("%Y-%m-%dT%H-%M-%S"));
    let text = state.read(&file)?.unwrap_or_default();
    Ok(Some(Kept { file, sha256: hex::encode(Sha256::digest(&text)), value }))
}

/// When the last change of the hosts ended, and whether it stopped; nothing stands after a `destroy`.
fn changed(state: &State, release: Option<&Release>) -> Result<(Option<Timestamp>, bool), StateError> {
    let installed = release.map(|it| it.changed.unwrap_or(it.time));
    let history = state.history()?;
    let last = history.iter().rev().find(|entry| entry.changes_hosts());
    let Some(last) = last.filter(|last| release.is_none_or(|it| last.time > it.time)) else {
        return Ok((installed, false));
    };
    let gone = last.what.starts_with("destroy") && last.outcome == "done";
    let installed = if gone { None } else { installed.map(|_| last.time) };
    Ok((installed, last.outcome != "done" && release.is_some()))
}

#[cfg(test)]
mod tests;
