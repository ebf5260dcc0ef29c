//! Each rendering as text, at the widths that terminals have.

use super::*;
use crate::base::{Finding, HostName, Language, Verdict};
use crate::record::{Execution, HostResult, StepResult};
use insta::assert_snapshot;
use std::time::Duration;

fn host(name: &str) -> HostName {
    HostName::new(name).unwrap()
}

fn step(mark: Mark, kind: &str, name: &str, summary: &str) -> StepView {
    StepView { mark, kind: kind.into(), name: name.into(), summary: summary.into(), lines: vec![] }
}

fn base_steps() -> Vec<StepView> {
    let mut changed = step(Mark::Update, "file", "/etc/chrony/chrony.conf", "2 lines");
    changed.lines = ["-pool 2.pool.example iburst", "+server 10.20.0.1 iburst"].map(str::to_owned).into();
    vec![
        step(Mark::Create, "package", "chrony", "4.3-2+deb12u3"),
        changed,
        step(Mark::Restart, "service", "chrony", "restarts because /etc/chrony/chrony.conf changes"),
    ]
}

fn sample_plan() -> PlanView {
    let on = |name: &str, steps, right| HostView { host: host(name), steps, right };
    let stage = |number, title: &str, batches: &[&[&str]], hosts| StageView {
        number,
        of: 5,
        title: title.into(),
        batches: batches.iter().map(|batch| batch.iter().map(|name| host(name)).collect()).collect(),
        hosts,
    };
    let database = vec![
        step(Mark::Create, "package", "database-15", "15.20-0+deb12u1"),
        step(
            Mark::Create,
            "file",
            "/etc/database/15/main/conf.d/50-imctl.conf",
            "shared buffers 2 GiB: 25 % of RAM, from targets",
        ),
        step(Mark::Create, "secret", "role server", "value not shown"),
        step(Mark::Later, "schema", "server", "known after: database is up"),
    ];
    let app = |second: &str| {
        vec![
            step(Mark::Hook, "join", "cluster of app1", second),
            step(Mark::Hook, "health", "every node lists 2 of 2 members", "within 60 s"),
        ]
    };
    PlanView {
        name: "acme-im".into(),
        about: ["server 24.12", "4 hosts seen in 0.6 s", "bundle acme-2026-11 signed by ops@acme"]
            .map(str::to_owned)
            .into(),
        hosts: 4,
        stages: vec![
            stage(
                1,
                "base",
                &[&["app1", "app2", "数据库1", "file1"]],
                vec![
                    on("app1", base_steps(), 11),
                    on("app2", base_steps(), 11),
                    on("数据库1", base_steps()[..1].to_vec(), 13),
                    on("file1", vec![], 14),
                ],
            ),
            stage(3, "database", &[&["数据库1"]], vec![on("数据库1", database, 0)]),
            stage(
                4,
                "app, one host at a time",
                &[&["app1"], &["app2"]],
                vec![on("app1", app("first of the cluster"), 0), on("app2", app("after app1 is healthy"), 0)],
            ),
        ],
        notes: vec!["Nobody is online: no interruption.".into()],
    }
}

fn sample_findings() -> FindingsView {
    let finding = |id: &str, verdict, on: &str, [what, seen, needed, because, fix]: [&str; 5]| Finding {
        id: id.into(),
        verdict,
        host: (!on.is_empty()).then(|| host(on)),
        what: what.into(),
        seen: seen.into(),
        needed: needed.into(),
        because: because.into(),
        fix: fix.into(),
    };
    let time = ["clock", "+1.8 s off app1", "<= 0.5 s", "history order, certificates", ""];
    let disk = [
        "fsync p99 of /var/lib/database",
        "34 ms",
        "<= 10 ms",
        "1,500 online: every message waits for it",
        "put /var/lib/database on an SSD",
    ];
    FindingsView {
        command: "check".into(),
        findings: vec![
            finding("TIME-01", Verdict::Warning, "app2", time),
            finding("NET-01", Verdict::Passed, "app1", ["10.20.0.12 answers", "0.3 ms", "<= 20 ms", "", ""]),
            finding(
                "CLU-02",
                Verdict::NotApplicable,
                "",
                ["messages across nodes", "", "", "one app node", ""],
            ),
            finding("DISK-03", Verdict::Failed, "数据库1", disk),
        ],
        hosts: 4,
        took: Duration::from_millis(3_100),
        all: false,
        language: Language::En,
    }
}

fn sample_run(failed: bool) -> InstallView {
    let plan = sample_plan();
    let mut execution = Execution { took: Duration::from_secs(72), ..Execution::default() };
    for (name, view) in plan.steps() {
        let of: &mut HostResult = execution.hosts.entry(name.clone()).or_default();
        let line = format!("{} {} {}", view.mark.sign(), view.kind, view.name);
        of.steps.push((line, StepResult::Done, Duration::from_millis(8_100)));
    }
    if failed {
        let steps = &mut execution.hosts.get_mut(&host("app2")).unwrap().steps;
        let why = "Reading package lists...\nE: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812\n";
        steps[0].1 = StepResult::Failed(why.into());
        steps[1..].iter_mut().for_each(|step| step.1 = StepResult::NotReached);
        execution.hosts.get_mut(&host("app1")).unwrap().steps[4].1 = StepResult::NotReached;
    }
    let next = |command: &str, about: &str| Next { command: command.into(), about: about.into() };
    InstallView {
        name: "acme-im".into(),
        done: "installed".into(),
        totals: plan.totals(),
        execution,
        proved: (!failed).then(|| FindingsView {
            findings: sample_findings().findings[1..3].to_vec(),
            ..sample_findings()
        }),
        folder: ".imctl/acme-im/runs/2026-11-22T12-03-41".into(),
        again: "imctl install -i acme.yml".into(),
        back: None,
        next: vec![
            next("imctl user add -i acme.yml alice", "the first account"),
            next("imctl client-sheet -i acme.yml", "what to type into which client"),
            next("imctl status -i acme.yml", "how it is"),
        ],
    }
}

/// What a writer was given, as text.
fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_plan_reads_like_an_order() {
    for width in [110, 80, 60] {
        let drawn = text(|out| plan(out, &sample_plan(), "0.6 s", Style::plain(width)));
        assert_snapshot!(format!("plan_{width}"), drawn);
    }
}

#[test]
fn a_plan_for_programs_holds_the_same() {
    insta::assert_json_snapshot!(sample_plan().json());
}

#[test]
fn nothing_to_do_is_one_line() {
    let view = PlanView { name: "acme-im".into(), hosts: 4, ..PlanView::default() };
    let drawn = text(|out| plan(out, &view, "0.6 s", Style::plain(80)));
    assert_eq!(drawn, "acme-im: 4 hosts as planned, 0 changes (0.6 s)\n");
}

#[test]
fn colours_change_no_column() {
    let plain = text(|out| plan(out, &sample_plan(), "0.6 s", Style::plain(110)));
    let painted = text(|out| plan(out, &sample_plan(), "0.6 s", Style { colour: true, width: 110 }));
    assert_ne!(painted, plain);
    assert_eq!(console::strip_ansi_codes(&painted), plain);
}

#[test]
fn findings_are_judged_and_the_worst_comes_first() {
    for width in [110, 80, 60] {
        let drawn = text(|out| findings(out, &sample_findings(), Style::plain(width)));
        assert!(drawn.lines().all(|line| console::measure_text_width(line) <= width), "{drawn}");
        assert_snapshot!(format!("findings_{width}"), drawn);
    }
    insta::assert_json_snapshot!("findings_json", sample_findings().json());
}

#[test]
fn the_exit_code_follows_from_the_findings() {
    let mut view = sample_findings();
    assert_eq!(view.exit(false).code(), 3);
    view.findings.pop();
    assert_eq!((view.exit(false).code(), view.exit(true).code()), (0, 4));
}

#[test]
fn an_install_ends_with_what_was_proved_and_what_comes_next() {
    assert_snapshot!(text(|out| install(out, &sample_run(false), Style::plain(110))));
}

#[test]
fn a_host_that_stopped_says_why_and_how_to_go_on() {
    let run = sample_run(true);
    assert_eq!(run.exit().code(), 5);
    for width in [110, 60] {
        assert_snapshot!(format!("stopped_{width}"), text(|out| install(out, &run, Style::plain(width))));
    }
    insta::assert_json_snapshot!("stopped_json", run.json());
}

#[test]
fn an_error_says_what_why_and_what_now() {
    let view = ErrorView {
        number: format!("IM{}", 3105),
        message: "db1 shows another host key than the one recorded".into(),
        facts: [
            ("recorded", "SHA256:3JkQ... on 2026-11-22 by ops@laptop"),
            ("now", "SHA256:x9Lw..."),
            ("why", "the machine was rebuilt, or somebody stands in between. imctl did not log in."),
        ]
        .map(|(label, fact)| (label.to_owned(), fact.to_owned()))
        .into(),
        help: vec!["ask who rebuilt db1; then  imctl trust forget db1  and run again".into()],
    };
    for width in [110, 60] {
        assert_snapshot!(format!("error_{width}"), text(|out| error(out, &view, Style::plain(width))));
    }
}

#[test]
fn a_chain_of_causes_is_told_once() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot read `a.yml`")]
    struct Outer(#[source] std::io::Error);
    let cause = std::io::Error::other("permission denied");
    let view = ErrorView::new("IM1001", &Outer(cause), vec![]);
    assert_eq!(view.message, "cannot read `a.yml`: permission denied");
}

#[test]
fn the_page_stands_alone_and_shows_no_markup_of_others() {
    let mut run = sample_run(true);
    let steps = &mut run.execution.hosts.get_mut(&host("app2")).unwrap().steps;
    steps[0].1 = StepResult::Failed("<script>alert(1)</script>".into());
    let drawn = page(&sample_plan(), &run, "ops@laptop", jiff::Timestamp::UNIX_EPOCH);
    assert!(drawn.contains("&lt;script&gt;") && !drawn.contains("<script"), "{drawn}");
    assert!(!drawn.contains("http"), "nothing comes from outside");
    for part in ["step 1 of 5", "chrony.conf", "数据库1: 5 of 5 steps", "not reached"] {
        assert!(drawn.contains(part), "{part} is missing in {drawn}");
    }
}

#[test]
fn in_a_pipe_each_step_is_a_line() {
    use crate::base::Event;
    let line = |event: &Event| live::plain_line(event, "12:03:41", Style::plain(110));
    let done = Event::StepDone {
        host: host("app2"),
        step: "+ package server 24.12".into(),
        took: Duration::from_millis(8_100),
    };
    assert_eq!(line(&done).unwrap(), "12:03:41 app2 + package server 24.12 (8.1 s)");
    let failed = Event::StepFailed {
        host: host("app2"),
        step: "^ service x restarts".into(),
        error: "one\ntwo\n".into(),
    };
    assert_eq!(line(&failed).unwrap(), "12:03:41 app2 ^ service x restarts failed: one\n    two");
    assert_eq!(line(&Event::Connected { host: host("app2") }), None);
}
