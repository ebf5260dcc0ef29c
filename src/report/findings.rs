//! Findings as a table: failures first, then warnings, then a line with the rest; and as JSON from the same value.

use super::style::{Style, Tone, counted, spoken, wide, wrapped};
use super::table::{begins, table};
use crate::base::{Exit, Finding, HostName, Verdict};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Duration;

/// Narrower than this the reason stands below its row.
const ROOMY: usize = 96;

/// What a command that judges has to show.
#[derive(Debug, Clone, PartialEq)]
pub struct FindingsView {
    /// The command, such as `check`.
    pub command: String,
    /// All findings in the order of the checks.
    pub findings: Vec<Finding>,
    /// Hosts judged.
    pub hosts: usize,
    /// Wall time.
    pub took: Duration,
    /// Show what passed, too.
    pub all: bool,
}

impl FindingsView {
    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    /// The exit code: a failure wins; warnings count only when asked to.
    pub fn exit(&self, fail_on_warn: bool) -> Exit {
        match (self.count(Verdict::Failed), self.count(Verdict::Warning)) {
            (1.., _) => Exit::CheckFailed,
            (0, 1..) if fail_on_warn => Exit::Warnings,
            (0, _) => Exit::Done,
        }
    }

    /// The findings for programs.
    pub fn json(&self) -> Value {
        json!({
            "format": 1,
            "command": self.command,
            "findings": self.findings,
            "failed": self.count(Verdict::Failed),
            "warnings": self.count(Verdict::Warning),
            "passed": self.count(Verdict::Passed),
            "not-applicable": self.count(Verdict::NotApplicable),
            "hosts": self.hosts,
            "seconds": (self.took.as_secs_f64() * 10.0).round() / 10.0,
        })
    }

    /// Findings in the order a person wants them, without what only counts.
    fn shown(&self) -> Vec<&Finding> {
        let tells = |verdict| matches!(verdict, Verdict::Failed | Verdict::Warning);
        let mut shown: Vec<&Finding> =
            self.findings.iter().filter(|it| self.all || tells(it.verdict)).collect();
        let rank = |verdict: Verdict| match verdict {
            Verdict::Failed => 0,
            Verdict::Warning => 1,
            Verdict::NotApplicable => 2,
            Verdict::Passed => 3,
        };
        shown.sort_by_key(|finding| rank(finding.verdict));
        shown
    }
}

/// Writes findings as a table with a count line.
pub fn findings(out: &mut impl Write, view: &FindingsView, style: Style) -> io::Result<()> {
    let shown = folded(view.shown());
    let roomy = style.width >= ROOMY;
    if !shown.is_empty() {
        let rows: Vec<Vec<String>> =
            std::iter::once(head(roomy)).chain(shown.iter().map(|it| row(it, roomy))).collect();
        let indent = begins(&rows, 3);
        for (at, lines) in table(&rows, 3, style.width).iter().enumerate() {
            let finding = at.checked_sub(1).and_then(|at| shown.get(at));
            write_row(out, lines, finding.map(|it| it.finding), style)?;
            if let Some(finding) = finding {
                write_below(out, finding, (indent, roomy), style)?;
            }
        }
    }
    if !view.all {
        write_left(out, view, style)?;
    }
    write_counts(out, view, style)
}

/// What was not judged, a reason each.
fn write_left(out: &mut impl Write, view: &FindingsView, style: Style) -> io::Result<()> {
    let mut reasons: Vec<(&str, Vec<&str>, Vec<&str>)> = Vec::new();
    for finding in view.findings.iter().filter(|it| it.verdict == Verdict::NotApplicable) {
        let at = reasons.iter().position(|(because, ..)| *because == finding.because);
        let at = at.unwrap_or_else(|| {
            reasons.push((&finding.because, Vec::new(), Vec::new()));
            reasons.len() - 1
        });
        let (_, ids, hosts) = &mut reasons[at];
        for (list, word) in
            [(ids, Some(finding.id.as_str())), (hosts, finding.host.as_ref().map(HostName::as_str))]
        {
            list.extend(word.filter(|word| !list.contains(word)));
        }
    }
    for (because, ids, hosts) in reasons {
        let on = if hosts.is_empty() { String::new() } else { format!(" on {}", hosts.join(", ")) };
        let text = format!("not judged: {}{on}: {because}", ids.join(", "));
        for (at, line) in wrapped(&text, style.width.saturating_sub(3)).iter().enumerate() {
            let sign = if at == 0 { "·" } else { " " };
            writeln!(out, "{}  {line}", style.paint(Tone::Quiet, sign))?;
        }
    }
    Ok(())
}

fn head(roomy: bool) -> Vec<String> {
    let words: &[&str] = if roomy {
        &["", "id", "host", "what", "seen", "needed", "because"]
    } else {
        &["", "id", "host", "what", "seen", "needed"]
    };
    words.iter().map(|&word| word.to_owned()).collect()
}

/// Names of hosts wider than this stand below their row.
const NAMES: usize = 14;

/// What is said of one host, or the same of several.
struct Folded<'a> {
    finding: &'a Finding,
    hosts: Vec<&'a str>,
}

impl Folded<'_> {
    fn names(&self) -> String {
        self.hosts.join(", ")
    }

    /// Whether the names of all hosts have no room in the row.
    fn many(&self) -> bool {
        self.hosts.len() > 1 && wide(&self.names()) > NAMES
    }
}

/// Findings that say the same of several hosts, in one row.
fn folded(findings: Vec<&Finding>) -> Vec<Folded<'_>> {
    let words = |it: &Finding| {
        let said = [&it.id, &it.what, &it.seen, &it.needed, &it.because, &it.fix];
        (it.verdict, said.map(String::clone))
    };
    let mut rows: Vec<Folded<'_>> = Vec::new();
    for finding in findings {
        let host = finding.host.as_ref().map(HostName::as_str);
        match rows.iter_mut().find(|row| words(row.finding) == words(finding)) {
            Some(row) if host.is_some() => row.hosts.extend(host),
            _ => rows.push(Folded { finding, hosts: host.into_iter().collect() }),
        }
    }
    rows
}

fn row(folded: &Folded<'_>, roomy: bool) -> Vec<String> {
    let finding = folded.finding;
    let hosts = if folded.many() { counted(folded.hosts.len(), "host") } else { folded.names() };
    let mut cells = vec![
        sign(finding.verdict).to_owned(),
        finding.id.clone(),
        hosts,
        finding.what.clone(),
        finding.seen.clone(),
        finding.needed.clone(),
    ];
    if roomy {
        cells.push(finding.because.clone());
    }
    cells
}

fn write_row(out: &mut impl Write, lines: &[String], of: Option<&Finding>, style: Style) -> io::Result<()> {
    for line in lines {
        match of {
            None => writeln!(out, "{}", style.paint(Tone::Quiet, line))?,
            Some(finding) => {
                let sign = sign(finding.verdict);
                match line.strip_prefix(sign) {
                    Some(rest) => writeln!(out, "{}{rest}", style.paint(tone(finding.verdict), sign))?,
                    None => writeln!(out, "{line}")?,
                }
            }
        }
    }
    Ok(())
}

/// The reason where there was no room beside the row, and what helps.
fn write_below(
    out: &mut impl Write,
    folded: &Folded<'_>,
    place: (usize, bool),
    style: Style,
) -> io::Result<()> {
    let (indent, roomy) = place;
    let finding = folded.finding;
    let names = folded.names();
    let mut below = Vec::new();
    if folded.many() {
        below.push(("hosts", names.as_str()));
    }
    if !roomy && !finding.because.is_empty() {
        below.push(("because", finding.because.as_str()));
    }
    if finding.verdict != Verdict::Passed && !finding.fix.is_empty() {
        below.push(("fix", finding.fix.as_str()));
    }
    for (label, text) in below {
        let start = indent + 2 + if roomy { wide(label) } else { "because".len() };
        for (at, line) in wrapped(text, style.width.saturating_sub(start)).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let gap = " ".repeat(start - indent - wide(label));
            writeln!(out, "{}{}{gap}{line}", " ".repeat(indent), style.paint(Tone::Quiet, label))?;
        }
    }
    Ok(())
}

fn write_counts(out: &mut impl Write, view: &FindingsView, style: Style) -> io::Result<()> {
    let (failed, warnings) = (view.count(Verdict::Failed), view.count(Verdict::Warning));
    let passed = view.count(Verdict::Passed);
    let good = if passed == 0 { " " } else { "✓" };
    let hosts = if view.hosts == 0 { String::new() } else { format!(" on {}", counted(view.hosts, "host")) };
    let line = format!("{} passed{hosts} in {}", counted(passed, "check"), spoken(view.took));
    let all = format!("all: imctl {} --all", view.command);
    let gap = style.width.min(100).saturating_sub(3 + wide(&line) + wide(&all));
    write!(out, "{}  {line}", style.paint(Tone::Good, good))?;
    match (view.all || passed == 0, gap) {
        (true, _) | (false, 0..2) => writeln!(out)?,
        (false, gap) => writeln!(out, "{}{}", " ".repeat(gap), style.paint(Tone::Quiet, &all))?,
    }
    let not = view.count(Verdict::NotApplicable);
    let mut parts = Vec::new();
    if failed > 0 {
        parts.push(style.paint(Tone::Bad, &counted(failed, "failure")));
    }
    if warnings > 0 {
        parts.push(style.paint(Tone::Warn, &counted(warnings, "warning")));
    }
    if not > 0 {
        parts.push(format!("{not} not applicable"));
    }
    if parts.is_empty() {
        return Ok(());
    }
    let first =
        view.shown().first().filter(|it| it.verdict != Verdict::NotApplicable).map(|it| it.id.clone());
    let counts = format!("{}.", parts.join(", "));
    let Some(id) = first else { return writeln!(out, "{counts}") };
    let more = format!("Details and fixes:  imctl explain {id}");
    let gap = if wide(&counts) + 1 + wide(&more) <= style.width { " " } else { "\n" };
    writeln!(out, "{counts}{gap}{more}")
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Failed => "✗",
        Verdict::Warning => "!",
        Verdict::Passed => "✓",
        Verdict::NotApplicable => "·",
    }
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Failed => Tone::Bad,
        Verdict::Warning => Tone::Warn,
        Verdict::Passed => Tone::Good,
        Verdict::NotApplicable => Tone::Quiet,
    }
}
