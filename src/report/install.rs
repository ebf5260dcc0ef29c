//! The end of a run that changed hosts: what was done and proved, or what stopped where and how to go on.

use super::error::write_facts;
use super::style::{Style, Tone, counted, spoken, wrapped};
use super::{FindingsView, Totals};
use crate::base::{Exit, Finding, HostName, Verdict};
use crate::record::{Execution, StepResult};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{self, Write};

/// A command one may need next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    /// The command.
    pub command: String,
    /// What it is for.
    pub about: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything done.
    Done,
    /// Some host stopped.
    Stopped,
    /// The operator stopped it.
    Interrupted,
}

/// A run that changed hosts, ready to be read.
#[derive(Debug, Clone)]
pub struct InstallView {
    /// The deployment.
    pub name: String,
    /// What was done, as a verb: `installed`, `upgraded`.
    pub done: String,
    /// What the plan came to.
    pub totals: Totals,
    /// What the run did.
    pub execution: Execution,
    /// What was proved afterwards; none when it did not come to that.
    pub proved: Option<FindingsView>,
    /// The run's folder, as the operator would type it.
    pub folder: String,
    /// The command that does what is left.
    pub again: String,
    /// The command that goes back to what was before, where there is one.
    pub back: Option<String>,
    /// What one needs next.
    pub next: Vec<Next>,
}

impl InstallView {
    /// How it ended.
    pub fn outcome(&self) -> Outcome {
        match (self.execution.interrupted, self.execution.succeeded()) {
            (true, _) => Outcome::Interrupted,
            (false, true) => Outcome::Done,
            (false, false) => Outcome::Stopped,
        }
    }

    /// The exit code: a host that stopped, else what the proofs say.
    pub fn exit(&self) -> Exit {
        match self.outcome() {
            Outcome::Interrupted => Exit::Interrupted,
            Outcome::Stopped if self.execution.put_back.values().any(|whole| !whole) => Exit::Broken,
            Outcome::Stopped if !self.execution.put_back.is_empty() => Exit::RolledBack,
            Outcome::Stopped => Exit::HostFailed,
            Outcome::Done => self.proved.as_ref().map_or(Exit::Done, |proved| proved.exit(false)),
        }
    }

    /// Hosts that stopped: name, number of the step, steps altogether, step, reason.
    fn stopped(&self) -> Vec<(&HostName, usize, usize, &str, &str)> {
        let hosts = self.execution.hosts.iter();
        let stopped = hosts.filter_map(|(name, host)| {
            let (at, step, why) = host.failure()?;
            Some((name, at, host.steps.len(), step, why))
        });
        stopped.collect()
    }

    /// Hosts all of whose steps are done, and hosts that were not finished though nothing failed on them.
    fn others(&self) -> (Vec<&str>, Vec<&str>) {
        let open = |result: &StepResult| *result != StepResult::Done;
        let (mut done, mut left) = (vec![], vec![]);
        for (name, host) in self.execution.hosts.iter().filter(|(_, host)| host.failure().is_none()) {
            let unfinished = host.steps.iter().any(|(_, result, _)| open(result));
            if unfinished { left.push(name.as_str()) } else { done.push(name.as_str()) }
        }
        (done, left)
    }

    /// The run for programs.
    pub fn json(&self) -> Value {
        let (done, left) = self.others();
        let stopped = self.stopped();
        let stopped = stopped.iter().map(|(host, at, of, step, why)| {
            json!({ "host": host, "step": at, "of": of, "what": step, "why": why })
        });
        json!({
            "format": 1,
            "name": self.name,
            "exit": self.exit().code(),
            "totals": self.totals,
            "seconds": (self.execution.took.as_secs_f64() * 10.0).round() / 10.0,
            "done": done,
            "not-finished": left,
            "stopped": stopped.collect::<Vec<_>>(),
            "put-back": self.execution.put_back,
            "interrupted": self.execution.interrupted,
            "proved": self.proved.as_ref().map(FindingsView::json),
            "folder": self.folder,
            "again": (self.outcome() != Outcome::Done).then_some(&self.again),
        })
    }
}

/// Writes the end of a run.
pub fn install(out: &mut impl Write, view: &InstallView, style: Style) -> io::Result<()> {
    match view.outcome() {
        Outcome::Done => write_done(out, view, style),
        Outcome::Stopped | Outcome::Interrupted => write_stopped(out, view, style),
    }
}

fn write_done(out: &mut impl Write, view: &InstallView, style: Style) -> io::Result<()> {
    let took = spoken(view.execution.took);
    let what = format!("{} is {}", view.name, view.done);
    let line = format!(": {} in {took}.", amounts(&view.totals));
    writeln!(out, "{}{line}", style.paint(Tone::Strong, &what))?;
    let mut facts = Vec::new();
    if let Some(proved) = &view.proved {
        facts.push(("proved".to_owned(), proof(proved)));
        let failed = proved.findings.iter().filter(|it| it.verdict == Verdict::Failed);
        facts.extend(failed.map(|it| ("failed".to_owned(), failing(it))));
    }
    facts.push(("report".to_owned(), format!("{}/report.html", view.folder)));
    facts.push(("log".to_owned(), format!("{}/events.jsonl", view.folder)));
    write_facts(out, &facts, style)?;
    write_next(out, &view.next, style)
}

fn write_next(out: &mut impl Write, next: &[Next], style: Style) -> io::Result<()> {
    if next.is_empty() {
        return Ok(());
    }
    writeln!(out, "Next:")?;
    let rows: Vec<Vec<String>> = next.iter().map(|it| vec![it.command.clone(), it.about.clone()]).collect();
    for lines in super::table::table(&rows, 1, style.width.saturating_sub(2)) {
        for line in lines {
            writeln!(out, "  {line}")?;
        }
    }
    Ok(())
}

/// `73 created, 4 changed, 6 restarts on 4 hosts`; parts that are 0 are left out.
fn amounts(totals: &Totals) -> String {
    let mut parts = Vec::new();
    for (count, word) in [(totals.create, "created"), (totals.change, "changed"), (totals.remove, "removed")]
    {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    for (count, noun) in [(totals.restarts, "restart"), (totals.reloads, "reload"), (totals.hooks, "hook")] {
        if count > 0 {
            parts.push(counted(count, noun));
        }
    }
    if parts.is_empty() {
        return "0 changes".into();
    }
    format!("{} on {}", parts.join(", "), counted(totals.hosts, "host"))
}

/// A check that failed after the change, in one line.
fn failing(finding: &Finding) -> String {
    let Finding { id, host, what, seen, needed, fix, .. } = finding;
    let host = host.as_ref().map(|host| format!(" {host}")).unwrap_or_default();
    format!("{id}{host}: {what}: seen {seen}, needed {needed}; {fix}")
}

fn proof(view: &FindingsView) -> String {
    let count = |verdict| view.findings.iter().filter(|it| it.verdict == verdict).count();
    let mut text = format!("{} passed", counted(count(Verdict::Passed), "check"));
    for (verdict, word) in [
        (Verdict::Failed, "failed"),
        (Verdict::Warning, "with a warning"),
        (Verdict::NotApplicable, "not applicable"),
    ] {
        if count(verdict) > 0 {
            let _ = write!(text, ", {} {word}", count(verdict));
        }
    }
    format!("{text} ({})", spoken(view.took))
}

fn write_stopped(out: &mut impl Write, view: &InstallView, style: Style) -> io::Result<()> {
    let stopped = view.stopped();
    let head = if view.execution.interrupted { "Interrupted" } else { "Failed" };
    let mut sentences: Vec<String> = stopped
        .iter()
        .map(|(host, at, of, step, _)| format!("{host} stopped at step {at} of {of} ({}).", plain_step(step)))
        .collect();
    sentences.push(rest(view));
    let text = format!("{head}: {}", sentences.join(" "));
    for (at, line) in wrapped(&text, style.width).iter().enumerate() {
        match line.strip_prefix(head).filter(|_| at == 0) {
            Some(rest) => writeln!(out, "{}{rest}", style.paint(Tone::Bad, head))?,
            None => writeln!(out, "  {line}")?,
        }
    }
    let mut facts = Vec::new();
    for (host, _, _, _, why) in &stopped {
        let label = if stopped.len() == 1 { "it said".to_owned() } else { format!("{host} said") };
        for (at, line) in last_lines(why, 6).into_iter().enumerate() {
            facts.push((if at == 0 { label.clone() } else { String::new() }, line.to_owned()));
        }
    }
    for (host, whole) in &view.execution.put_back {
        let text = if *whole {
            format!("{host} is as it was before, and serves")
        } else {
            format!("{host} could not be put back as it was; the others serve without it")
        };
        facts.push(("put back".to_owned(), text));
    }
    facts.push(("go on".to_owned(), format!("{}        (does only what is left)", view.again)));
    if let Some(back) = &view.back {
        facts.push(("or go back".to_owned(), back.clone()));
    }
    match stopped.as_slice() {
        [(host, ..)] => facts.push(("full log".to_owned(), format!("{}/{host}.log", view.folder))),
        _ => facts.push(("full log".to_owned(), format!("{}/", view.folder))),
    }
    write_facts(out, &facts, style)
}

/// Who is done and what was never begun.
fn rest(view: &InstallView) -> String {
    let (done, left) = view.others();
    let be = |names: &[&str]| if names.len() == 1 { "is" } else { "are" };
    let mut text = String::new();
    if !done.is_empty() {
        text = format!("{} {} done; ", done.join(", "), be(&done));
    }
    match left.as_slice() {
        [] => text.push_str("nothing else was started."),
        left => {
            let _ = write!(text, "{} {} not finished.", left.join(", "), be(left));
        }
    }
    text
}

/// A step without its sign.
fn plain_step(step: &str) -> String {
    let mut words = step.split_whitespace().peekable();
    words.next_if(|word| matches!(*word, "+" | "~" | "-" | "^" | "!" | "?"));
    words.collect::<Vec<_>>().join(" ")
}

/// The last lines that say something: where programs put their reason.
fn last_lines(text: &str, most: usize) -> Vec<&str> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(most)..].to_vec()
}
