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
        let mut shown: Vec<&Finding> =
            self.findings.iter().filter(|it| self.all || it.verdict != Verdict::Passed).collect();
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
    let shown = view.shown();
    let roomy = style.width >= ROOMY;
    if !shown.is_empty() {
        let rows: Vec<Vec<String>> =
            std::iter::once(head(roomy)).chain(shown.iter().map(|finding| row(finding, roomy))).collect();
        let indent = begins(&rows, 3);
        for (at, lines) in table(&rows, 3, style.width).iter().enumerate() {
            let finding = at.checked_sub(1).and_then(|at| shown.get(at).copied());
            write_row(out, lines, finding, style)?;
            if let Some(finding) = finding {
                write_below(out, finding, (indent, roomy), style)?;
            }
        }
    }
    write_counts(out, view, style)
}

fn head(roomy: bool) -> Vec<String> {
    let words: &[&str] = if roomy {
        &["", "id", "host", "what", "seen", "needed", "because"]
    } else {
        &["", "id", "host", "what", "seen", "needed"]
    };
    words.iter().map(|&word| word.to_owned()).collect()
}

fn row(finding: &Finding, roomy: bool) -> Vec<String> {
    let mut cells = vec![
        sign(finding.verdict).to_owned(),
        finding.id.clone(),
        finding.host.as_ref().map_or("", HostName::as_str).to_owned(),
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
    finding: &Finding,
    place: (usize, bool),
    style: Style,
) -> io::Result<()> {
    let (indent, roomy) = place;
    let mut below = Vec::new();
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
