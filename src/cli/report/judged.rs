//! Findings, load tests and reasons as the report shows them, in its language.

use super::super::road::Road;
use super::super::{Failure, spoken};
use super::gather::Gathered;
use crate::base::{Finding, Language};
use crate::checks::{Chinese, Reason, Source, in_language, judge_load};
use crate::record::{Judged, LoadResult};
use crate::report::{JudgedView, LoadRow, ReasonView, Untested, counts, rows, untested as open};
use crate::state::Kept;
use jiff::civil::Date;

/// How things are told.
pub(super) struct Told<'a> {
    pub(super) road: &'a Road,
    pub(super) language: Language,
    /// The day of the report.
    pub(super) today: Date,
}

impl Told<'_> {
    fn findings(&self, findings: &[Finding]) -> Result<Vec<Finding>, Failure> {
        spoken::findings(self.road, findings, self.language)
    }
}

/// A reason with the short name of its run.
pub(super) fn reason(reason: &Reason) -> ReasonView {
    let run = match reason.source {
        None => String::new(),
        Some(Source::Release) => "R1".to_owned(),
        Some(Source::Check) => "C1".to_owned(),
        Some(Source::Verify) => "V1".to_owned(),
        Some(Source::Scan) => "S1".to_owned(),
        Some(Source::Load(at)) => format!("L{}", at + 1),
    };
    let grave = crate::checks::CONDITIONS.contains(&(reason.condition, true));
    ReasonView { condition: reason.condition.to_owned(), grave, what: reason.what.clone(), run }
}

/// The findings of a run.
pub(super) fn part(
    told: &Told<'_>,
    run: &str,
    kept: Option<&Kept<Judged>>,
) -> Result<Option<JudgedView>, Failure> {
    let Some(kept) = kept else { return Ok(None) };
    let findings = told.findings(&kept.value.findings)?;
    Ok(Some(JudgedView {
        run: run.to_owned(),
        hosts: kept.value.hosts.clone(),
        counts: counts(&findings),
        rows: rows(&findings),
    }))
}

/// Load tests with what they mean.
pub(super) fn loads(language: Language, gathered: &Gathered) -> Vec<LoadRow> {
    let chinese = Chinese::default();
    let say = |text: String| if language == Language::Zh { chinese.said(&text) } else { text };
    let one = |(at, kept): (usize, &Kept<LoadResult>)| {
        let judged = judge_load(&kept.value);
        LoadRow {
            run: format!("L{}", at + 1),
            result: kept.value.clone(),
            invalid: judged.invalid.map(say),
            missed: judged.missed.into_iter().map(say).collect(),
            bottleneck: judged.bottleneck.map(say),
        }
    };
    gathered.loads.iter().enumerate().map(one).collect()
}

/// What was not tested: checks that do not apply, what a scan says of itself, and whole sections.
pub(super) fn untested(told: &Told<'_>, gathered: &Gathered) -> Result<Vec<Untested>, Failure> {
    let mut all = Vec::new();
    let section = |name: &str, why: &str| Untested {
        what: vec![name.to_owned()],
        why: why.to_owned(),
        ..Untested::default()
    };
    let judged = [
        ("C1", &gathered.check, "section-check", "check-missing"),
        ("V1", &gathered.verify, "section-verify", "verify-missing"),
    ];
    for (run, kept, name, why) in judged {
        match kept {
            Some(kept) => all.extend(open(&told.findings(&kept.value.findings)?, run)),
            None => all.push(section(name, why)),
        }
    }
    if gathered.loads.is_empty() {
        all.push(section("section-load", "load-missing"));
    }
    let Some(kept) = &gathered.scan else {
        all.push(section("section-scan", "scan-missing"));
        return Ok(all);
    };
    let findings: Vec<Finding> =
        kept.value.findings.iter().map(|it| in_language(told.language, it)).collect();
    all.extend(open(&findings, "S1"));
    let chinese = Chinese::default();
    all.extend(kept.value.untested.iter().map(|text| {
        let why = if told.language == Language::Zh { chinese.said(text) } else { text.clone() };
        Untested { run: "S1".to_owned(), ..section("scan-says", &why) }
    }));
    Ok(all)
}
