//! What the acceptance report shows, as one value: the page is drawn from it and the data beside the page is it.

use crate::base::{Finding, Verdict};
use crate::checks::Overall;
use crate::record::{Danger, LoadResult, Waived};
use crate::state::Release;
use serde::Serialize;
use std::collections::BTreeMap;

/// The report. Every text is in its language; what was seen stays as it was recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AcceptanceView {
    /// `en` or `zh`.
    pub language: String,
    /// Name of the deployment.
    pub deployment: String,
    /// Domain of the service.
    pub domain: String,
    /// The stack.
    pub stack: String,
    /// When the report was made, and by whom.
    pub made: (String, String),
    /// Version of imctl that made it.
    pub imctl: String,
    /// The inventory: file and SHA-256.
    pub inventory: (String, String),
    /// What comes of it.
    pub overall: Overall,
    /// Why.
    pub reasons: Vec<ReasonView>,
    /// Hosts in the order of the inventory.
    pub hosts: Vec<HostRow>,
    /// Who reaches whom.
    pub topology: TopologyView,
    /// What the service is meant for: name of the target, value, whether it was given.
    pub targets: Vec<(String, f64, bool)>,
    /// What hosts need and have.
    pub sizing: Vec<SizingRow>,
    /// What was installed, with its run.
    pub release: Option<(String, Release)>,
    /// The judgement of the hosts.
    pub check: Option<JudgedView>,
    /// The proof of the service.
    pub verify: Option<JudgedView>,
    /// Load tests, one a scenario.
    pub loads: Vec<LoadRow>,
    /// The security scan.
    pub scan: Option<ScanView>,
    /// What was not tested.
    pub untested: Vec<Untested>,
    /// The runs that the figures come from.
    pub runs: Vec<RunRow>,
    /// Results that do not count, and why.
    pub passed_over: Vec<PassedOver>,
}

/// A reason for the overall result.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ReasonView {
    /// The condition.
    pub condition: String,
    /// It keeps the deployment from being accepted.
    pub grave: bool,
    /// How many, or which.
    pub what: String,
    /// The run it was seen in; empty when that is missing.
    pub run: String,
}

/// A host.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostRow {
    /// Name.
    pub name: String,
    /// Address.
    pub address: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Components.
    pub components: Vec<String>,
    /// System as it was seen.
    pub system: Option<String>,
    /// Kernel as it was seen.
    pub kernel: Option<String>,
    /// Kind of machine as it was seen.
    pub machine: Option<String>,
    /// What the inventory says that it cannot do.
    pub limits: Vec<String>,
}

/// Groups of hosts with the same roles, and the ports between them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TopologyView {
    /// Roles and hosts of each group.
    pub groups: Vec<Group>,
    /// Who opens connections to whom.
    pub links: Vec<Link>,
    /// Ports that every host opens to every other.
    pub everywhere: Vec<String>,
}

/// Hosts with the same roles.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Group {
    /// Their roles.
    pub roles: Vec<String>,
    /// Their names.
    pub hosts: Vec<String>,
}

/// Ports of one group that another opens connections to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Link {
    /// Number of the group that opens; none = clients.
    pub from: Option<usize>,
    /// Number of the group that listens.
    pub to: usize,
    /// Such as `5222` or `123/udp`.
    pub ports: Vec<String>,
}

/// A resource of a host.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SizingRow {
    /// The host.
    pub host: String,
    /// `cpu`, `memory`, `disk` or `network`.
    pub resource: String,
    /// Where, for a disk.
    pub place: String,
    /// What its roles need.
    pub needed: f64,
    /// What was found; none when it could not be found out, or nobody looked.
    pub found: Option<f64>,
    /// Whether that is enough; not said of what was not found.
    pub enough: bool,
}

/// Findings of a run, those that say the same of several hosts in one row.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct JudgedView {
    /// The run.
    pub run: String,
    /// Hosts that it judged.
    pub hosts: Vec<String>,
    /// How many findings: failed, warnings, passed, not applicable.
    pub counts: [usize; 4],
    /// What failed, then warnings, then what passed.
    pub rows: Vec<FindingRow>,
}

/// What is said of one host, or the same of several.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FindingRow {
    /// Hosts; empty for the service as a whole.
    pub hosts: Vec<String>,
    /// The finding.
    pub finding: Finding,
}

/// A load test.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoadRow {
    /// The run.
    pub run: String,
    /// What was measured.
    pub result: LoadResult,
    /// It says nothing: why.
    pub invalid: Option<String>,
    /// Goals that were missed.
    pub missed: Vec<String>,
    /// What is used up first.
    pub bottleneck: Option<String>,
}

/// The security scan.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScanView {
    /// The run.
    pub run: String,
    /// Hosts that it looked at.
    pub hosts: Vec<String>,
    /// 0 to 100.
    pub score: Option<u32>,
    /// `A` to `F`.
    pub grade: String,
    /// Whether everything was asked on all hosts.
    pub whole: bool,
    /// Areas: name, score, judged, not judged, failed by how bad.
    pub areas: Vec<AreaRow>,
    /// What failed, the worst first, then what passed.
    pub rows: Vec<ScannedRow>,
    /// Clauses of MLPS level 3 with what stands for each.
    pub clauses: Vec<ClauseRow>,
}

/// An area of the scan.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AreaRow {
    /// Its name.
    pub area: String,
    /// 0 to 100; none when nothing was judged.
    pub score: Option<u32>,
    /// Rules that were judged, and that were not.
    pub judged: (usize, usize),
    /// Rules that failed: critical, high, medium, low.
    pub failed: [usize; 4],
}

/// A finding of the scan.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScannedRow {
    /// Hosts; empty for the service as a whole.
    pub hosts: Vec<String>,
    /// The finding.
    pub finding: Finding,
    /// How bad it is.
    pub danger: Danger,
    /// Its area.
    pub area: String,
    /// Clauses of the CIS benchmark.
    pub cis: String,
    /// Clauses of MLPS level 3.
    pub mlps: String,
    /// Who answers for it.
    pub waived: Option<Waived>,
    /// The last day of the waiver is over.
    pub ended: bool,
}

/// A clause of MLPS level 3.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClauseRow {
    /// The clause.
    pub clause: String,
    /// Rules by how they ended: `failed`, `waived`, `passed`, `not-applicable`.
    pub rules: BTreeMap<String, Vec<String>>,
}

/// Something that was not tested.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Untested {
    /// The rules, such as `DISK-07`; empty for a whole section.
    pub rules: Vec<String>,
    /// What they judge.
    pub what: Vec<String>,
    /// Hosts; empty for the service as a whole.
    pub hosts: Vec<String>,
    /// Why.
    pub why: String,
    /// The run that says so; empty when there is none.
    pub run: String,
}

/// A run that figures come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunRow {
    /// Its short name, such as `L1`.
    pub run: String,
    /// The command.
    pub command: String,
    /// When it began, in UTC.
    pub time: String,
    /// Who asked; empty when that was not recorded.
    pub who: String,
    /// Version of imctl; empty when that was not recorded.
    pub imctl: String,
    /// How many hosts; none when it does not say.
    pub hosts: Option<usize>,
    /// The file within the operator's folder.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
}

/// A result that does not count.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PassedOver {
    /// The file within the operator's folder.
    pub file: String,
    /// `damaged` or `partial`.
    pub kind: String,
    /// What is wrong with it, or the hosts that it judged.
    pub why: String,
}

/// Findings in rows, without those that do not apply: failures first, then warnings, then what passed.
pub fn rows(findings: &[Finding]) -> Vec<FindingRow> {
    let mut rows: Vec<FindingRow> = Vec::new();
    for finding in findings.iter().filter(|it| it.verdict != Verdict::NotApplicable) {
        let host = finding.host.as_ref().map(ToString::to_string);
        let bare = Finding { host: None, ..finding.clone() };
        match rows.iter_mut().find(|row| row.finding == bare && !row.hosts.is_empty()) {
            Some(row) if host.is_some() => row.hosts.extend(host),
            _ => rows.push(FindingRow { hosts: host.into_iter().collect(), finding: bare }),
        }
    }
    rows.sort_by_key(|row| row.finding.verdict);
    rows
}

/// How many failed, warned, passed, do not apply.
pub fn counts(findings: &[Finding]) -> [usize; 4] {
    let all = [Verdict::Failed, Verdict::Warning, Verdict::Passed, Verdict::NotApplicable];
    all.map(|verdict| findings.iter().filter(|it| it.verdict == verdict).count())
}

/// What was not judged, those of one reason together.
pub fn untested(findings: &[Finding], run: &str) -> Vec<Untested> {
    let mut all: Vec<Untested> = Vec::new();
    for finding in findings.iter().filter(|it| it.verdict == Verdict::NotApplicable) {
        let at = all.iter().position(|it| it.why == finding.because).unwrap_or_else(|| {
            let why = finding.because.clone();
            all.push(Untested { why, run: run.to_owned(), ..Untested::default() });
            all.len() - 1
        });
        if !all[at].rules.contains(&finding.id) {
            all[at].rules.push(finding.id.clone());
            all[at].what.push(finding.what.clone());
        }
        let host = finding.host.as_ref().map(ToString::to_string);
        let fresh = host.filter(|host| !all[at].hosts.contains(host));
        all[at].hosts.extend(fresh);
    }
    all
}
