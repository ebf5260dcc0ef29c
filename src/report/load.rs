//! The result of a load test, as tables and as JSON.

use super::style::{Style, Tone};
use crate::base::{Bytes, Exit};
use crate::checks::Judgement;
use crate::record::{LoadResult, Times};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// What `imctl load` has to show.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadView {
    /// The deployment.
    pub deployment: String,
    /// The run.
    pub result: LoadResult,
    /// What it means.
    pub judged: Judgement,
    /// The run of the same scenario before it.
    pub before: Option<LoadResult>,
    /// Where it is kept.
    pub file: String,
}

impl LoadView {
    /// The exit code: a missed goal is a failure, a run that says nothing a warning.
    pub fn exit(&self) -> Exit {
        match (&self.judged.invalid, self.judged.missed.is_empty()) {
            (Some(_), _) => Exit::Warnings,
            (None, false) => Exit::CheckFailed,
            (None, true) => Exit::Done,
        }
    }

    /// The result for programs.
    pub fn json(&self) -> Value {
        json!({
            "format": 1, "deployment": self.deployment, "result": self.result, "invalid": self.judged.invalid,
            "missed": self.judged.missed, "bottleneck": self.judged.bottleneck, "before": self.before,
            "file": self.file,
        })
    }
}

fn ms(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.1} s", value / 1000.0),
        value if value >= 100.0 => format!("{value:.0} ms"),
        value => format!("{value:.1} ms"),
    }
}

fn row(cells: &[&str]) -> String {
    let widths = [12, 9, 10, 10, 10, 10, 10];
    let cell = |(cell, width): (&&str, usize)| {
        console::pad_str(cell, width, console::Alignment::Right, None).into_owned()
    };
    let mut line = console::pad_str(cells[0], widths[0], console::Alignment::Left, None).into_owned();
    line.extend(cells[1..].iter().zip(widths[1..].iter().copied()).map(cell));
    line
}

fn times(name: &str, times: &Times) -> String {
    let cells = [times.mean, times.p50, times.p95, times.p99, times.max].map(ms);
    let count = times.count.to_string();
    row(&[name, &count, &cells[0], &cells[1], &cells[2], &cells[3], &cells[4]])
}

/// Writes the result.
pub fn load(out: &mut impl Write, view: &LoadView, style: Style) -> io::Result<()> {
    let result = &view.result;
    let (logins, messages) = (&result.logins, &result.messages);
    writeln!(
        out,
        "Load test of {} ({}): {} sessions, {} logins/s, {} messages/s",
        view.deployment,
        result.scenario,
        logins.planned,
        logins.rate,
        (messages.rate * 10.0).round() / 10.0
    )?;
    writeln!(out, "{}", style.paint(Tone::Quiet, &row(&["", "count", "mean", "p50", "p95", "p99", "max"])))?;
    writeln!(out, "{}", times("logins", &logins.times))?;
    reasons(out, &logins.failed, "failed", style)?;
    reasons(out, &logins.broken, "broke later", style)?;
    rows(out, result, style)?;
    counts(out, result)?;
    hosts(out, result, style)?;
    calibrated(out, result, style)?;
    if let Some(before) = &view.before {
        earlier(out, before)?;
    }
    verdict(out, view, style)
}

fn reasons(
    out: &mut impl Write,
    reasons: &BTreeMap<String, u64>,
    what: &str,
    style: Style,
) -> io::Result<()> {
    for (reason, count) in reasons {
        writeln!(out, "  {} {count} {what}: {reason}", style.paint(Tone::Bad, "✗"))?;
    }
    Ok(())
}

/// Times of everything that was done.
fn rows(out: &mut impl Write, result: &LoadResult, style: Style) -> io::Result<()> {
    let none = BTreeMap::new();
    let all = [
        ("deliveries", &result.messages.times, &none),
        ("to groups", &result.groups, &none),
        ("history", &result.history.times, &result.history.failed),
        ("files", &result.uploads.times, &result.uploads.failed),
        ("  put", &result.put, &none),
        ("  fetched", &result.get, &none),
        ("gaps", &result.gaps.times, &result.gaps.failed),
    ];
    for (name, of, failed) in all {
        if of.count > 0 {
            writeln!(out, "{}", times(name, of))?;
        }
        reasons(out, failed, "failed", style)?;
    }
    Ok(())
}

fn counts(out: &mut impl Write, result: &LoadResult) -> io::Result<()> {
    let (messages, generator) = (&result.messages, &result.generator);
    if messages.planned > 0 {
        writeln!(
            out,
            "messages    {} sent, {} taken by the server, {} arrived; {} lost, {} unknown, {} given back, {} twice, {} out of order",
            messages.sent,
            messages.acknowledged,
            messages.delivered,
            messages.lost,
            messages.unknown,
            messages.returned,
            messages.duplicated,
            messages.out_of_order
        )?;
    }
    if messages.expected > messages.sent {
        writeln!(out, "copies      {} of {} arrived", messages.arrived, messages.expected)?;
    }
    if result.history_pages > 0 {
        writeln!(
            out,
            "history     {} pages read, {} messages found only there",
            result.history_pages, messages.found
        )?;
    }
    if let Some(unkept) = messages.unkept {
        writeln!(
            out,
            "archive     {unkept} messages missing in the history of their sender or their reader; all were read"
        )?;
    }
    if result.left_bytes > 0 {
        let left = Bytes(result.left_bytes);
        writeln!(out, "files       {left} stay until the retention of files removes them")?;
    }
    if let Some(outage) = &result.outage {
        writeln!(out, "node        {} was away for {}", outage.host, ms(outage.away_ms))?;
    }
    writeln!(
        out,
        "generator   {:.2} ms of processor a login, {:.3} ms a message, {:.1} KiB a session, {} late (99 of 100), first login after {}",
        generator.login_cpu_ms,
        generator.message_cpu_ms,
        generator.session_kib,
        ms(generator.late_p99_ms),
        ms(result.logins.first_ms)
    )
}

/// Constants beside what was measured; nothing is changed by it.
fn calibrated(out: &mut impl Write, result: &LoadResult, style: Style) -> io::Result<()> {
    if result.calibrated.is_empty() {
        return Ok(());
    }
    let head = format!("{:<18}{:>10}{:>10}{:>8}", "constant", "predicted", "measured", "ratio");
    writeln!(out, "{}", style.paint(Tone::Quiet, &head))?;
    for it in &result.calibrated {
        let ratio = if it.predicted > 0.0 { it.measured / it.predicted } else { 0.0 };
        let (name, unit) = (&it.constant, &it.unit);
        writeln!(out, "{name:<18}{:>10.2}{:>10.2}{ratio:>8.2}  {unit}", it.predicted, it.measured)?;
    }
    Ok(())
}

fn earlier(out: &mut impl Write, before: &LoadResult) -> io::Result<()> {
    let times = [
        ("login", &before.logins.times),
        ("delivery", &before.messages.times),
        ("group", &before.groups),
        ("history", &before.history.times),
        ("file", &before.uploads.times),
        ("gap", &before.gaps.times),
    ];
    let words: Vec<String> = times
        .iter()
        .filter(|(_, times)| times.count > 0)
        .map(|(name, times)| format!("{name} p99 {}", ms(times.p99)))
        .collect();
    writeln!(out, "before      {}: {} sessions, {}", before.time, before.logins.planned, words.join(", "))
}

fn hosts(out: &mut impl Write, result: &LoadResult, style: Style) -> io::Result<()> {
    if result.hosts.is_empty() && result.unseen.is_empty() {
        return Ok(());
    }
    let head = row(&["host", "cpu", "cpu peak", "memory", "disk", "Mbit/s"]);
    writeln!(out, "{}", style.paint(Tone::Quiet, &head))?;
    for (host, load) in &result.hosts {
        let percent = |number: f64| format!("{number:.0} %");
        let cells = [load.cpu.0, load.cpu.1, load.memory, load.disk].map(percent);
        let network = format!("{:.1}", load.network_mbit);
        writeln!(out, "{}", row(&[host, &cells[0], &cells[1], &cells[2], &cells[3], &network]))?;
        for (name, sample) in &load.samples {
            // What is never much, or always nothing, stands in the kept result.
            if sample.high.is_some_and(|high| sample.most > high) {
                let line = format!(
                    "{name}: {:.1} {} on average, {:.1} at most",
                    sample.mean, sample.unit, sample.most
                );
                writeln!(out, "  {} {line}", style.paint(Tone::Warn, "!"))?;
            }
        }
    }
    for (host, why) in &result.unseen {
        writeln!(out, "{host}: {}", style.paint(Tone::Warn, &format!("could not be watched: {why}")))?;
    }
    Ok(())
}

fn verdict(out: &mut impl Write, view: &LoadView, style: Style) -> io::Result<()> {
    for missed in &view.judged.missed {
        writeln!(out, "{}  {missed}", style.paint(Tone::Bad, "✗"))?;
    }
    match (&view.judged.invalid, view.judged.missed.is_empty()) {
        (Some(why), _) => writeln!(
            out,
            "{}  This run says nothing about the service: {why}.",
            style.paint(Tone::Warn, "!")
        )?,
        (None, true) => writeln!(out, "{}  All goals are met.", style.paint(Tone::Good, "✓"))?,
        (None, false) => {}
    }
    if let Some(bottleneck) = &view.judged.bottleneck {
        writeln!(out, "Used up first: {bottleneck}.")?;
    }
    writeln!(out, "{}", style.paint(Tone::Quiet, &format!("kept in {}", view.file)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Calibrated, HostLoad, HostSample, Outage};

    #[test]
    fn what_was_done_is_shown_and_what_could_not_be_seen_is_said() {
        let mut result = LoadResult { scenario: "mixed".to_owned(), ..LoadResult::default() };
        result.groups = Times { count: 40, p99: 12.0, ..Times::default() };
        result.history.failed.insert("no answer".to_owned(), 2);
        result.messages.expected = 40;
        result.messages.arrived = 39;
        result.left_bytes = 3 << 20;
        result.outage = Some(Outage { host: "app2".to_owned(), away_ms: 8000.0, problem: None });
        result.unseen.insert("db1".to_owned(), "the connection broke".to_owned());
        let sample = |most| HostSample {
            unit: "queries".to_owned(),
            mean: 1.0,
            most,
            high: Some(4.0),
            ..Default::default()
        };
        let samples = [("waiting".to_owned(), sample(9.0)), ("slow".to_owned(), sample(2.0))].into();
        result.hosts.insert("app1".to_owned(), HostLoad { samples, ..HostLoad::default() });
        result.calibrated = vec![Calibrated {
            constant: "login_cpu".to_owned(),
            unit: "ms".to_owned(),
            predicted: 4.0,
            measured: 2.0,
        }];
        let view = LoadView {
            deployment: "acme".to_owned(),
            judged: Judgement::default(),
            result,
            before: None,
            file: "f".to_owned(),
        };
        let mut out = Vec::new();
        load(&mut out, &view, Style::plain(110)).unwrap();
        let text = String::from_utf8(out).unwrap();
        for wanted in [
            "Load test of acme (mixed)",
            "to groups          40",
            "✗ 2 failed: no answer",
            "copies      39 of 40 arrived",
            "3.0 MiB stay",
            "app2 was away for 8000 ms",
            "! waiting: 1.0 queries on average, 9.0 at most",
            "db1: could not be watched: the connection broke",
            "login_cpu               4.00      2.00    0.50  ms",
        ] {
            assert!(text.contains(wanted), "`{wanted}` in:\n{text}");
        }
        assert!(!text.contains("slow") && !text.contains("deliveries"), "{text}");
    }
}
