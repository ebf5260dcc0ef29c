//! The security scan as the report shows it: findings by how bad they are, areas, and clauses of MLPS level 3.

use super::judged::Told;
use crate::base::Verdict;
use crate::checks::{in_language, is_waived};
use crate::record::{AreaScore, Danger, ScanResult};
use crate::report::{AreaRow, ClauseRow, ScanView, ScannedRow};
use std::collections::BTreeMap;

/// How rules of a clause end, the worst first.
const ENDS: [&str; 4] = ["failed", "waived", "passed", "not-applicable"];

/// The scan of a run.
pub(super) fn view(told: &Told<'_>, run: &str, scan: &ScanResult) -> ScanView {
    ScanView {
        run: run.to_owned(),
        hosts: scan.hosts.clone(),
        score: scan.score,
        grade: scan.grade.clone(),
        whole: scan.whole,
        areas: scan.areas.iter().map(area).collect(),
        rows: rows(told, scan),
        clauses: clauses(told, scan),
    }
}

fn area(it: &AreaScore) -> AreaRow {
    let dangers = [Danger::Critical, Danger::High, Danger::Medium, Danger::Low];
    AreaRow {
        area: it.area.clone(),
        score: it.score,
        judged: (it.judged, it.open),
        failed: dangers.map(|danger| it.failed.get(&danger).copied().unwrap_or_default()),
    }
}

/// Those that say the same of several hosts in one row: what failed first, the worst first.
fn rows(told: &Told<'_>, scan: &ScanResult) -> Vec<ScannedRow> {
    let mut rows: Vec<ScannedRow> = Vec::new();
    for it in scan.findings.iter().filter(|it| it.finding.verdict != Verdict::NotApplicable) {
        let host = it.finding.host.as_ref().map(ToString::to_string);
        let bare = in_language(told.language, it).anywhere();
        let same = |row: &&mut ScannedRow| row.finding == bare && row.waived == it.waived;
        match rows.iter_mut().find(same) {
            Some(row) if host.is_some() => row.hosts.extend(host),
            _ => rows.push(ScannedRow {
                hosts: host.into_iter().collect(),
                finding: bare,
                danger: it.danger,
                area: it.area.clone(),
                cis: it.cis.clone(),
                mlps: it.mlps.clone(),
                waived: it.waived.clone(),
                ended: it.waived.is_some() && !is_waived(it, told.today),
            }),
        }
    }
    for row in &mut rows {
        let hosts: Vec<&str> = row.hosts.iter().map(String::as_str).collect();
        row.finding.fix = row.finding.fix_on(&hosts, told.language);
    }
    rows.sort_by_key(|row| (row.finding.verdict == Verdict::Passed, row.danger));
    rows
}

/// Each clause with its rules; a rule counts by how it ended where it was worst.
fn clauses(told: &Told<'_>, scan: &ScanResult) -> Vec<ClauseRow> {
    let mut worst: BTreeMap<(Vec<u32>, String), BTreeMap<String, usize>> = BTreeMap::new();
    for it in &scan.findings {
        let end = match it.finding.verdict {
            Verdict::Failed | Verdict::Warning if is_waived(it, told.today) => 1,
            Verdict::Failed | Verdict::Warning => 0,
            Verdict::Passed => 2,
            Verdict::NotApplicable => 3,
        };
        let parts = it.mlps.split([',', ';', '，', '；', '、']).map(str::trim);
        for clause in parts.filter(|clause| !clause.is_empty()) {
            let rules = worst.entry((numbers(clause), clause.to_owned())).or_default();
            let known = rules.entry(it.finding.id.clone()).or_insert(end);
            *known = end.min(*known);
        }
    }
    let row = |((_, clause), ends): ((Vec<u32>, String), BTreeMap<String, usize>)| {
        let mut rules: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (id, end) in ends {
            rules.entry(ENDS[end].to_owned()).or_default().push(id);
        }
        ClauseRow { clause, rules }
    };
    worst.into_iter().map(row).collect()
}

/// The numbers of a clause, so that 8.1.10 stands after 8.1.2.
fn numbers(clause: &str) -> Vec<u32> {
    clause.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}
