//! A deployment that has everything is accepted; each thing that is not as it should be has its own reason.

use super::*;
use crate::base::{Finding, HostName};
use crate::record::Waived;

fn finding(verdict: Verdict, because: &str) -> Finding {
    Finding {
        id: "DISK-01".into(),
        verdict,
        host: HostName::new("app1").ok(),
        what: "room".into(),
        seen: "-".into(),
        needed: "some".into(),
        because: because.into(),
        fix: String::new(),
    }
}

fn judged(findings: Vec<Finding>) -> Judged {
    let time = "2026-11-22T12:00:00Z".into();
    Judged { format: 1, time, hosts: vec!["app1".into()], findings, ..Judged::default() }
}

fn load() -> LoadResult {
    LoadResult { time: "2026-11-22T12:00:00Z".into(), scenario: "chat".into(), ..LoadResult::default() }
}

fn scanned(danger: Danger, verdict: Verdict, until: Option<&str>) -> Scanned {
    let waived =
        until.map(|until| Waived { reason: "old client".into(), owner: "Li".into(), until: until.into() });
    let words = crate::record::Words::default();
    let [area, cis, mlps] = ["network", "", ""].map(str::to_owned);
    Scanned { finding: finding(verdict, "x"), danger, area, cis, mlps, zh: words, waived }
}

fn scan(findings: Vec<Scanned>) -> ScanResult {
    let time = "2026-11-22T12:00:00Z".into();
    ScanResult { time, hosts: vec!["app1".into()], findings, ..ScanResult::default() }
}

/// Everything there and well.
fn all<'a>(judged: &'a Judged, load: &'a LoadResult, scan: &'a ScanResult) -> Evidence<'a> {
    Evidence {
        hosts: vec!["app1".into()],
        installed: Some("2026-11-22T11:00:00Z".parse().unwrap()),
        check: Some(judged),
        verify: Some(judged),
        scan: Some(scan),
        loads: vec![load],
        today: "2026-11-23".parse().unwrap(),
        ..Evidence::default()
    }
}

fn said(evidence: &Evidence<'_>) -> (Overall, Vec<String>) {
    let (overall, reasons) = judge_acceptance(evidence);
    let known = |reason: &Reason| CONDITIONS.iter().any(|(name, _)| *name == reason.condition);
    assert!(reasons.iter().all(known));
    let told = |it: Reason| format!("{} {}", it.condition, it.what).trim().to_owned();
    (overall, reasons.into_iter().map(told).collect())
}

#[test]
fn what_is_whole_and_well_is_accepted_and_nothing_at_all_is_not() {
    let (judged, load, scan) = (judged(vec![finding(Verdict::Passed, "x")]), load(), scan(vec![]));
    assert_eq!(said(&all(&judged, &load, &scan)), (Overall::Accepted, vec![]));
    let (overall, reasons) = said(&Evidence::default());
    assert_eq!(overall, Overall::NotAccepted);
    assert_eq!(reasons, ["not-installed", "verify-missing", "check-missing", "load-missing", "scan-missing"]);
}

#[test]
fn a_failure_refuses_and_a_warning_or_what_was_left_out_is_a_remark() {
    let (good, load, scan) = (judged(vec![]), load(), scan(vec![]));
    let failed = judged(vec![finding(Verdict::Failed, "x"), finding(Verdict::Warning, "x")]);
    let one = Evidence { verify: Some(&failed), ..all(&good, &load, &scan) };
    let wanted = vec!["verify-failed 1".to_owned(), "verify-warned 1".to_owned()];
    assert_eq!(said(&one), (Overall::NotAccepted, wanted));
    let left = judged(vec![finding(Verdict::NotApplicable, "left out: until May")]);
    let one = Evidence { check: Some(&left), ..all(&good, &load, &scan) };
    assert_eq!(said(&one), (Overall::Remarks, vec!["left-out DISK-01".to_owned()]));
    let apart = judged(vec![finding(Verdict::NotApplicable, "one app node")]);
    let one = Evidence { check: Some(&apart), ..all(&good, &load, &scan) };
    assert_eq!(said(&one).0, Overall::Accepted);
}

#[test]
fn a_proof_from_before_the_last_change_or_without_a_host_is_a_remark() {
    let (good, load, scan) = (judged(vec![]), load(), scan(vec![]));
    let mut one = all(&good, &load, &scan);
    one.installed = Some("2026-11-22T12:00:01Z".parse().unwrap());
    assert_eq!(said(&one), (Overall::Remarks, vec!["older".to_owned(); 3]));
    let mut one = all(&good, &load, &scan);
    one.hosts.push("app2".into());
    assert_eq!(said(&one), (Overall::Remarks, vec!["not-judged app2".to_owned(); 3]));
}

#[test]
fn a_waiver_counts_until_its_day_and_grave_findings_refuse() {
    let (good, load) = (judged(vec![]), load());
    let with = |findings| {
        let scan = scan(findings);
        said(&all(&good, &load, &scan))
    };
    let high = |until| scanned(Danger::High, Verdict::Failed, until);
    assert_eq!(with(vec![high(None)]), (Overall::NotAccepted, vec!["scan-grave 1".to_owned()]));
    assert_eq!(with(vec![high(Some("2026-11-23"))]), (Overall::Remarks, vec!["waived 1".to_owned()]));
    assert_eq!(with(vec![high(Some("2026-11-22"))]).0, Overall::NotAccepted);
    let low = scanned(Danger::Low, Verdict::Failed, None);
    assert_eq!(with(vec![low]), (Overall::Remarks, vec!["scan-minor 1".to_owned()]));
}

#[test]
fn a_load_test_that_missed_a_goal_refuses_and_one_that_was_cut_says_nothing() {
    let (good, mut load, scan) = (judged(vec![]), load(), scan(vec![]));
    load.messages.lost = 1;
    assert_eq!(said(&all(&good, &load, &scan)), (Overall::NotAccepted, vec!["load-missed chat".to_owned()]));
    load.cut = true;
    assert_eq!(said(&all(&good, &load, &scan)), (Overall::Remarks, vec!["load-void chat".to_owned()]));
}
