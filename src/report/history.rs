//! The history as an operator reads it: a line an operation, one operation whole, and what its proof found.

use super::PlanView;
use super::plan::plan;
use super::style::{Style, Tone, counted, spoken, wrapped};
use super::table::table;
use crate::base::{Language, Phrase};
use crate::record::{Execution, HostResult};
use crate::state::{About, BEGAN, Entry, Operation, StepCounts};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// The last operations of a deployment.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryView {
    /// The deployment.
    pub name: String,
    /// The operations to show, newest last.
    pub operations: Vec<Operation>,
    /// Operations there are.
    pub total: usize,
    /// The command that shows one.
    pub again: String,
    /// The language of what stands around them.
    pub language: Language,
}

/// One operation with all that is kept of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationView {
    /// The operation.
    pub operation: Operation,
    /// The plan that was applied; none when none is kept.
    pub plan: Option<PlanView>,
    /// How each step ended; none when no end is recorded.
    pub execution: Option<Execution>,
    /// Each host's log, line by line.
    pub logs: BTreeMap<String, Vec<String>>,
    /// What helps where no end is recorded.
    pub help: String,
    /// Show logs whole.
    pub all: bool,
    /// The language of what stands around it.
    pub language: Language,
}

impl HistoryView {
    /// The same for programs.
    pub fn json(&self) -> Value {
        let operations: Vec<Value> = self.operations.iter().map(machine).collect();
        json!({ "format": 1, "name": self.name, "total": self.total, "operations": operations })
    }
}

impl OperationView {
    /// The same for programs.
    pub fn json(&self) -> Value {
        let hosts: BTreeMap<&String, Value> =
            self.logs.iter().map(|(host, log)| (host, self.host(host, log))).collect();
        json!({ "format": 1, "operation": machine(&self.operation), "plan": self.plan, "hosts": hosts })
    }

    fn host(&self, host: &str, log: &[String]) -> Value {
        let result = self.result(host);
        let failure = result.and_then(HostResult::failure);
        json!({
            "steps": result.map(|result| result.steps.len()),
            "done": result.map(HostResult::done),
            "failure": failure.map(|(step, what, why)| json!({ "step": step, "what": what, "why": why })),
            "log": log,
        })
    }

    fn result(&self, host: &str) -> Option<&HostResult> {
        let hosts = &self.execution.as_ref()?.hosts;
        hosts.iter().find(|(name, _)| name.as_str() == host).map(|(_, result)| result)
    }
}

fn machine(operation: &Operation) -> Value {
    let (first, newest) = (&operation.first, operation.newest());
    let About { reason, ticket, run, release, hosts, .. } = &first.about;
    json!({
        "number": first.number,
        "ended-by": operation.last.as_ref().map(|last| last.number),
        "time": first.time,
        "ended": operation.last.as_ref().map(|last| last.time),
        "who": first.who,
        "what": first.what,
        "outcome": newest.outcome,
        "steps": newest.about.steps,
        "seconds": newest.about.took_ms.map(seconds),
        "reason": reason,
        "ticket": ticket,
        "release": release,
        "hosts": hosts,
        "run": run,
    })
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^52")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// Writes the last operations, newest last.
pub fn history(out: &mut impl Write, view: &HistoryView, style: Style) -> io::Result<()> {
    if view.operations.is_empty() {
        return writeln!(out, "{}", view.language.say(Phrase::NoHistory, &[("name", &view.name)]));
    }
    let head = view.language.say(Phrase::HistoryHead, &[]);
    let head = head.split('|').map(str::to_owned).collect();
    let row = |it: &Operation| {
        vec![
            it.first.number.to_string(),
            minute(it.first.time),
            it.first.who.clone(),
            it.first.what.clone(),
            outcome(it, view.language),
            took(it),
            why(&it.first),
        ]
    };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(view.operations.iter().map(row)).collect();
    for (at, lines) in table(&rows, 2, style.width).iter().enumerate() {
        let operation = at.checked_sub(1).and_then(|at| view.operations.get(at));
        for line in lines {
            match operation {
                None => writeln!(out, "{}", style.paint(Tone::Quiet, line))?,
                Some(it) if tone(it) == Tone::Good => writeln!(out, "{line}")?,
                Some(it) => writeln!(out, "{}", style.paint(tone(it), line))?,
            }
        }
    }
    let (shown, total) = (view.operations.len(), view.total);
    let words: [(&str, &dyn std::fmt::Display); 3] =
        [("shown", &shown), ("total", &total), ("again", &view.again)];
    writeln!(out, "{}", view.language.say(Phrase::HistoryCount, &words))
}

/// Writes one operation with its plan and what every host did.
pub fn operation(out: &mut impl Write, view: &OperationView, style: Style) -> io::Result<()> {
    let (it, language) = (&view.operation, view.language);
    let title = format!("{}  {}  {}", it.first.number, it.first.what, outcome(it, language));
    writeln!(out, "{}", style.paint(tone(it), &title))?;
    let labels = language.say(Phrase::OperationParts, &[]);
    let widest = labels.split('|').map(super::style::wide).max().unwrap_or(0);
    for (label, text) in labels.split('|').zip(parts(it)).filter(|(_, text)| !text.is_empty()) {
        let label = super::style::padded(label, widest);
        writeln!(out, "{}  {text}", style.paint(Tone::Quiet, &label))?;
    }
    if it.last.is_none() {
        writeln!(out, "{}  {}", style.paint(Tone::Warn, &language.say(Phrase::Help, &[])), view.help)?;
    }
    if let Some(shown) = &view.plan {
        writeln!(out)?;
        plan(out, shown, "", style)?;
    }
    for (host, log) in &view.logs {
        write_host(out, view, (host, log), style)?;
    }
    Ok(())
}

/// When, who, why, ticket, release, hosts, folder; in the order of their labels.
fn parts(it: &Operation) -> [String; 7] {
    let About { reason, ticket, run, release, hosts, .. } = it.first.about.clone();
    let end = match (&it.last, took(it)) {
        (Some(last), took) if last != &it.first => {
            format!(" – {} UTC ({took})", last.time.strftime("%F %T"))
        }
        _ => " UTC".to_owned(),
    };
    [
        format!("{}{end}", it.first.time.strftime("%F %T")),
        it.first.who.clone(),
        reason.unwrap_or_default(),
        ticket.unwrap_or_default(),
        release.unwrap_or_default(),
        hosts.join(", "),
        run.unwrap_or_default(),
    ]
}

fn write_host(
    out: &mut impl Write,
    view: &OperationView,
    (host, log): (&str, &[String]),
    style: Style,
) -> io::Result<()> {
    let (tone, result) = match view.result(host) {
        None => (Tone::Warn, "no end is recorded".to_owned()),
        Some(result) => {
            let (done, all) = (result.done(), result.steps.len());
            let tone = if done == all { Tone::Good } else { Tone::Bad };
            (tone, format!("{done} of {}", counted(all, "step")))
        }
    };
    writeln!(out, "\n{}  {}", style.paint(Tone::Strong, host), style.paint(tone, &result))?;
    for line in log.iter().enumerate().filter(|(at, line)| view.all || told(log, *at, line)).map(|it| it.1) {
        writeln!(out, "  {line}")?;
    }
    let failed = view.result(host).and_then(HostResult::failure);
    let logged =
        |why: &str| log.iter().any(|line| why.lines().next().is_some_and(|first| line.contains(first)));
    if let Some((_, what, why)) = failed.filter(|(_, _, why)| !logged(why)) {
        writeln!(out, "  {} {what}", style.paint(Tone::Bad, "FAILED"))?;
        for line in why.lines().flat_map(|line| wrapped(line, style.width.saturating_sub(4))) {
            writeln!(out, "    {line}")?;
        }
    }
    Ok(())
}

/// Whether a line of a log tells more than the line of the same step's end.
fn told(log: &[String], at: usize, line: &str) -> bool {
    const TIME: usize = "2026-11-22 12:03:41 ".len();
    let Some(step) = line.get(TIME..).and_then(|rest| rest.strip_prefix("begin  ")) else { return true };
    let ends = |later: &String| {
        later.get(TIME..).is_some_and(|rest| {
            rest.strip_prefix("done   ").is_some_and(|rest| rest.starts_with(step))
                || rest.strip_prefix("FAILED ").is_some_and(|rest| rest.starts_with(step))
        })
    };
    !log[at..].iter().any(ends)
}

fn minute(time: Timestamp) -> String {
    time.strftime("%F %H:%M").to_string()
}

fn took(it: &Operation) -> String {
    it.newest().about.took_ms.map(|took| spoken(Duration::from_millis(took))).unwrap_or_default()
}

fn why(entry: &Entry) -> String {
    let About { reason, ticket, .. } = &entry.about;
    match (ticket, reason) {
        (Some(ticket), Some(reason)) => format!("{ticket}: {reason}"),
        (one, other) => one.as_ref().or(other.as_ref()).cloned().unwrap_or_default(),
    }
}

/// How it ended, with its steps and hosts.
fn outcome(it: &Operation, language: Language) -> String {
    let newest = it.newest();
    if newest.outcome == BEGAN {
        return language.say(Phrase::NoEnd, &[]);
    }
    let Some(StepCounts { done, failed, not_reached }) = newest.about.steps else {
        return newest.outcome.clone();
    };
    let (outcome, hosts) = (&newest.outcome, newest.about.hosts.len());
    let whole = failed + not_reached == 0;
    match language {
        Language::En if whole => {
            format!("{outcome}: {} on {}", counted(done, "step"), counted(hosts, "host"))
        }
        Language::En => {
            let hosts = counted(hosts, "host");
            format!(
                "{outcome}: {} done, {failed} failed, {not_reached} not reached on {hosts}",
                counted(done, "step")
            )
        }
        Language::Zh if whole => format!("完成：{hosts} 台主机上 {done} 步"),
        Language::Zh => {
            format!("停止：{hosts} 台主机上完成 {done} 步，失败 {failed} 步，未执行 {not_reached} 步")
        }
    }
}

fn tone(it: &Operation) -> Tone {
    match it.newest().outcome.as_str() {
        BEGAN => Tone::Warn,
        "stopped" => Tone::Bad,
        _ => Tone::Good,
    }
}
