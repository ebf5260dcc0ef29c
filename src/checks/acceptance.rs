//! Whether a deployment may be accepted, from what was recorded alone. Every condition has a name, and whoever prints the
//! answer prints the conditions too: nothing is decided in silence. Pure.

use super::judge_load;
use crate::base::Verdict;
use crate::record::{Danger, Judged, LoadResult, ScanResult, Scanned};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeSet;

/// What comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Overall {
    /// Nothing speaks against it.
    Accepted,
    /// It may be accepted by somebody who has read the remarks.
    Remarks,
    /// Something that was promised is not so, or is not proved.
    NotAccepted,
}

/// The conditions that keep a deployment from being accepted, then those that are a remark, by name.
pub const CONDITIONS: [(&str, bool); 20] = [
    ("not-installed", true),
    ("change-stopped", true),
    ("verify-missing", true),
    ("verify-failed", true),
    ("check-failed", true),
    ("load-missed", true),
    ("scan-grave", true),
    ("check-missing", false),
    ("load-missing", false),
    ("scan-missing", false),
    ("check-warned", false),
    ("verify-warned", false),
    ("scan-minor", false),
    ("waived", false),
    ("left-out", false),
    ("not-judged", false),
    ("older", false),
    ("load-void", false),
    ("too-small", false),
    ("inventory-changed", false),
];

/// Where a reason comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The record of the installation.
    Release,
    /// The judgement of the hosts.
    Check,
    /// The proof of the service.
    Verify,
    /// The security scan.
    Scan,
    /// A load test, by its number in the evidence.
    Load(usize),
}

/// Something that speaks against it, or is a remark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// A name of [`CONDITIONS`].
    pub condition: &'static str,
    /// How many, or which: what the sentence is filled in with.
    pub what: String,
    /// Where it was seen; none when it is missing.
    pub source: Option<Source>,
}

/// What was recorded of a deployment.
#[derive(Debug, Clone, Default)]
pub struct Evidence<'a> {
    /// Hosts of the inventory.
    pub hosts: Vec<String>,
    /// When the last change of a host ended; none when nothing was installed.
    pub installed: Option<Timestamp>,
    /// A change after it did not end well.
    pub stopped: bool,
    /// The inventory is another than the one installed from.
    pub inventory_changed: bool,
    /// Hosts with less than their roles need.
    pub too_small: Vec<String>,
    /// The judgement of the hosts.
    pub check: Option<&'a Judged>,
    /// The proof of the service.
    pub verify: Option<&'a Judged>,
    /// The security scan.
    pub scan: Option<&'a ScanResult>,
    /// Load tests, one a scenario.
    pub loads: Vec<&'a LoadResult>,
    /// The day on which it is judged.
    pub today: Date,
}

/// What a check that the operator left out says as its reason, before his own words.
pub const LEFT_OUT: &str = "left out: ";

/// Whether somebody still answers for a finding.
pub fn is_waived(finding: &Scanned, today: Date) -> bool {
    let until = finding.waived.as_ref().map(|waived| waived.until.parse::<Date>());
    // A day that cannot be read answers for nothing.
    matches!(until, Some(Ok(until)) if until >= today)
}

/// Judges a deployment: what comes of it, with every reason.
pub fn judge_acceptance(evidence: &Evidence<'_>) -> (Overall, Vec<Reason>) {
    let mut reasons = Reasons::default();
    of_release(evidence, &mut reasons);
    of_findings(evidence, &mut reasons);
    of_loads(evidence, &mut reasons);
    of_scan(evidence, &mut reasons);
    of_age(evidence, &mut reasons);
    let grave = |reason: &Reason| CONDITIONS.contains(&(reason.condition, true));
    let mut all = reasons.0;
    all.sort_by_key(|reason| !grave(reason));
    let overall = match (all.first().is_some_and(grave), all.is_empty()) {
        (true, _) => Overall::NotAccepted,
        (false, false) => Overall::Remarks,
        (false, true) => Overall::Accepted,
    };
    (overall, all)
}

#[derive(Default)]
struct Reasons(Vec<Reason>);

impl Reasons {
    fn add(&mut self, condition: &'static str, what: impl Into<String>, source: Option<Source>) {
        self.0.push(Reason { condition, what: what.into(), source });
    }

    /// The same when there are any.
    fn count(&mut self, condition: &'static str, count: usize, source: Source) {
        if count > 0 {
            self.add(condition, count.to_string(), Some(source));
        }
    }
}

fn of_release(evidence: &Evidence<'_>, reasons: &mut Reasons) {
    if evidence.installed.is_none() {
        reasons.add("not-installed", "", None);
    }
    if evidence.stopped {
        reasons.add("change-stopped", "", None);
    }
    if evidence.inventory_changed {
        reasons.add("inventory-changed", "", Some(Source::Release));
    }
    if !evidence.too_small.is_empty() {
        reasons.add("too-small", evidence.too_small.join(", "), Some(Source::Check));
    }
}

fn of_findings(evidence: &Evidence<'_>, reasons: &mut Reasons) {
    let both = [
        (evidence.check, Source::Check, ["check-missing", "check-failed", "check-warned"]),
        (evidence.verify, Source::Verify, ["verify-missing", "verify-failed", "verify-warned"]),
    ];
    for (judged, source, [missing, failed, warned]) in both {
        let Some(judged) = judged else {
            reasons.add(missing, "", None);
            continue;
        };
        let count = |verdict| judged.findings.iter().filter(|it| it.verdict == verdict).count();
        reasons.count(failed, count(Verdict::Failed), source);
        reasons.count(warned, count(Verdict::Warning), source);
        let left = judged.findings.iter().filter(|it| it.because.starts_with(LEFT_OUT));
        let left: BTreeSet<&str> =
            left.filter(|it| it.verdict == Verdict::NotApplicable).map(|it| it.id.as_str()).collect();
        if !left.is_empty() {
            let ids: Vec<&str> = left.into_iter().collect();
            reasons.add("left-out", ids.join(", "), Some(source));
        }
        unjudged(evidence, &judged.hosts, source, reasons);
    }
}

/// Hosts that a run did not judge.
fn unjudged(evidence: &Evidence<'_>, hosts: &[String], source: Source, reasons: &mut Reasons) {
    let open: Vec<&str> =
        evidence.hosts.iter().filter(|it| !hosts.contains(it)).map(String::as_str).collect();
    if !open.is_empty() {
        reasons.add("not-judged", open.join(", "), Some(source));
    }
}

fn of_loads(evidence: &Evidence<'_>, reasons: &mut Reasons) {
    if evidence.loads.is_empty() {
        reasons.add("load-missing", "", None);
    }
    for (at, load) in evidence.loads.iter().enumerate() {
        let judged = judge_load(load);
        if judged.invalid.is_some() {
            reasons.add("load-void", load.scenario.as_str(), Some(Source::Load(at)));
        } else if !judged.missed.is_empty() {
            reasons.add("load-missed", load.scenario.as_str(), Some(Source::Load(at)));
        }
    }
}

fn of_scan(evidence: &Evidence<'_>, reasons: &mut Reasons) {
    let Some(scan) = evidence.scan else { return reasons.add("scan-missing", "", None) };
    let bad = |it: &&Scanned| matches!(it.finding.verdict, Verdict::Failed | Verdict::Warning);
    let (waived, open): (Vec<_>, Vec<_>) =
        scan.findings.iter().filter(bad).partition(|it| is_waived(it, evidence.today));
    let grave = |it: &&&Scanned| it.danger <= Danger::High && it.finding.verdict == Verdict::Failed;
    let graves = open.iter().filter(grave).count();
    reasons.count("scan-grave", graves, Source::Scan);
    reasons.count("scan-minor", open.len() - graves, Source::Scan);
    reasons.count("waived", waived.len(), Source::Scan);
    unjudged(evidence, &scan.hosts, Source::Scan, reasons);
}

/// What was proved before the last change proves nothing of what stands now. The judgement of the hosts comes before an
/// installation by its nature.
fn of_age(evidence: &Evidence<'_>, reasons: &mut Reasons) {
    let Some(installed) = evidence.installed else { return };
    let mut all: Vec<(&str, Source)> = Vec::new();
    all.extend(evidence.verify.map(|it| (it.time.as_str(), Source::Verify)));
    all.extend(evidence.scan.map(|it| (it.time.as_str(), Source::Scan)));
    let loads = evidence.loads.iter().enumerate();
    all.extend(loads.map(|(at, it)| (it.time.as_str(), Source::Load(at))));
    for (time, source) in all {
        // A time that cannot be read is no proof of being newer.
        if time.parse::<Timestamp>().map_or(true, |time| time < installed) {
            reasons.add("older", "", Some(source));
        }
    }
}

#[cfg(test)]
mod tests;
