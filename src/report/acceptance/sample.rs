//! A report with a bit of everything in it, in a language.

use super::*;
use crate::base::{Finding, HostName, Verdict};
use crate::checks::Overall;
use crate::record::{Danger, HostLoad, LoadResult, Logins, Messages, Times, Waived};
use crate::state::{Release, ReleasedBundle};

fn finding(id: &str, verdict: Verdict, [what, seen, needed]: [&str; 3]) -> Finding {
    Finding {
        id: id.into(),
        verdict,
        host: HostName::new("app1").ok(),
        what: what.into(),
        seen: seen.into(),
        needed: needed.into(),
        because: "everybody waits for it".into(),
        fix: if verdict == Verdict::Passed { String::new() } else { "imctl install".into() },
    }
}

fn judged(run: &str) -> JudgedView {
    let all = [
        finding(
            "DISK-01",
            Verdict::Failed,
            ["room for the data", "<img src=http://x.example/a>", ">= 342 GiB"],
        ),
        finding("TIME-01", Verdict::Warning, ["clock", "+1.8 s", "<= 0.5 s"]),
        finding("OS-01", Verdict::Passed, ["operating system", "debian-12-amd64", "one that fits"]),
        finding("TALK-02", Verdict::NotApplicable, ["two nodes", "-", "both ways"]),
    ];
    JudgedView { run: run.into(), hosts: vec!["app1".into()], counts: counts(&all), rows: rows(&all) }
}

fn load() -> LoadRow {
    let times = Times { count: 50, mean: 27.4, p50: 16.7, p95: 102.0, p99: 106.0, max: 148.0 };
    let failed = [("refused".to_owned(), 2)].into();
    let result = LoadResult {
        format: 1,
        time: "2026-11-22T13:00:00.5Z".into(),
        scenario: "chat".into(),
        logins: Logins { planned: 52, rate: 5.1, times, failed, ..Logins::default() },
        messages: Messages { planned: 12_300, sent: 12_300, lost: 1, times, ..Messages::default() },
        hosts: [("app1".to_owned(), HostLoad { cpu: (28.0, 91.0), ..HostLoad::default() })].into(),
        ..LoadResult::default()
    };
    let missed = vec!["1 messages that the server took did not arrive".to_owned()];
    LoadRow { run: "L1".into(), result, invalid: None, missed, bottleneck: Some("disk of app1".into()) }
}

fn scan() -> ScanView {
    let waived = Waived { reason: "old client".into(), owner: "Li Ming".into(), until: "2026-11-01".into() };
    let row = |id: &str, verdict, waived: Option<Waived>| ScannedRow {
        hosts: vec!["app1".into()],
        finding: finding(id, verdict, ["ports open to anybody", "8080", "443"]),
        danger: Danger::High,
        area: "network".into(),
        cis: "3.5".into(),
        mlps: "8.1.3.1 a)".into(),
        ended: waived.is_some(),
        waived,
    };
    let rules = [("failed".to_owned(), vec!["NET-11".to_owned()])].into();
    ScanView {
        run: "S1".into(),
        hosts: vec!["app1".into()],
        score: Some(72),
        grade: "C".into(),
        whole: false,
        areas: vec![
            AreaRow { area: "network".into(), score: Some(72), judged: (2, 0), failed: [0, 1, 0, 0] },
            AreaRow { area: "other".into(), score: None, judged: (0, 3), failed: [0; 4] },
        ],
        rows: vec![row("NET-11", Verdict::Failed, Some(waived)), row("NET-12", Verdict::Passed, None)],
        clauses: vec![ClauseRow { clause: "8.1.3.1 a)".into(), rules }],
    }
}

fn release() -> Release {
    let software = [("server".to_owned(), "24.12".to_owned()), ("store".to_owned(), "2.5".to_owned())];
    let time = "2026-11-22T12:00:00Z".parse().unwrap();
    Release {
        format: 1,
        stack: "tiny".into(),
        version: "24.12".into(),
        time,
        who: "ops@laptop".into(),
        plan: "abc".into(),
        changed: Some(time),
        imctl: "0.1.0".into(),
        hosts: vec!["app1".into()],
        inventory: "def".into(),
        kept: None,
        bundle: Some(ReleasedBundle {
            name: "acme-2026-11".into(),
            created: "2026-11-20T08:00:00Z".into(),
            signer: "3768D935DBEB51EB".into(),
            digest: "9973".into(),
            files: 369,
            software: software.into(),
        }),
    }
}

/// Nothing was recorded but a name.
pub(super) fn bare(language: &str) -> AcceptanceView {
    AcceptanceView {
        language: language.into(),
        deployment: "acme-im".into(),
        domain: "im.acme.example".into(),
        stack: "tiny".into(),
        made: ("2026-11-23T08:00:00Z".into(), "ops@laptop".into()),
        imctl: "0.1.0".into(),
        inventory: ("acme.yml".into(), "37ad".into()),
        overall: Overall::Accepted,
        reasons: vec![],
        hosts: vec![HostRow { name: "app1".into(), address: "192.0.2.11".into(), ..HostRow::default() }],
        topology: TopologyView::default(),
        targets: vec![],
        sizing: vec![],
        release: None,
        check: None,
        verify: None,
        loads: vec![],
        scan: None,
        untested: vec![],
        runs: vec![],
        passed_over: vec![],
    }
}

fn run(run: &str, who: &str) -> RunRow {
    RunRow {
        run: run.into(),
        command: "check".into(),
        time: "2026-11-22T12:03:41.5Z".into(),
        who: who.into(),
        file: "results/check/y.json".into(),
        sha256: "aa".into(),
        ..RunRow::default()
    }
}

fn open(rules: &[&str], what: &str, why: &str) -> Untested {
    Untested {
        rules: rules.iter().map(|&it| it.to_owned()).collect(),
        what: vec![what.into()],
        why: why.into(),
        ..Untested::default()
    }
}

/// A bit of everything.
pub(super) fn whole(language: &str) -> AcceptanceView {
    let reason = |condition: &str, grave, what: &str, run: &str| ReasonView {
        condition: condition.into(),
        grave,
        what: what.into(),
        run: run.into(),
    };
    let size = |resource: &str, found, enough| SizingRow {
        host: "app1".into(),
        resource: resource.into(),
        place: if resource == "disk" { "/srv".into() } else { String::new() },
        needed: 1342.0,
        found,
        enough,
    };
    let group = Group { roles: vec!["app".into()], hosts: vec!["app1".into()] };
    let link = Link { from: None, to: 0, ports: vec!["443".into()] };
    let over = PassedOver { file: "results/check/x.json".into(), kind: "damaged".into(), why: "cut".into() };
    AcceptanceView {
        overall: Overall::NotAccepted,
        reasons: vec![reason("check-failed", true, "1", "C1"), reason("older", false, "", "V1")],
        topology: TopologyView { groups: vec![group], links: vec![link], everywhere: vec!["123/udp".into()] },
        targets: vec![("users".into(), 5000.0, true), ("online".into(), 1750.0, false)],
        sizing: vec![
            size("cpu", Some(2000.0), true),
            size("disk", Some(252.0), false),
            size("network", None, false),
        ],
        release: Some(("R1".into(), release())),
        check: Some(judged("C1")),
        verify: Some(judged("V1")),
        loads: vec![load()],
        scan: Some(scan()),
        untested: vec![
            open(&["TALK-02"], "two nodes", "one app node"),
            open(&[], "section-load", "load-missing"),
        ],
        runs: vec![run("C1", "ops@laptop"), run("V1", "")],
        passed_over: vec![over],
        ..bare(language)
    }
}
