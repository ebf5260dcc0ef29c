//! Findings as a table: failures first, then warnings, then a line with the rest; and as JSON from the same value.

use super::style::{Style, Tone, counted, spoken, wide, wrapped};
use super::table::{begins, table};
use crate::base::{Exit, Finding, HostName, Language, Phrase, Verdict};
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
    /// The language of what stands around the findings.
    pub language: Language,
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
        let rows: Vec<Vec<String>> = std::iter::once(head(roomy, view.language))
            .chain(shown.iter().map(|it| row(it, roomy, view.language)))
            .collect();
        let indent = begins(&rows, 3);
        for (at, lines) in table(&rows, 3, style.width).iter().enumerate() {
            let finding = at.checked_sub(1).and_then(|at| shown.get(at));
            write_row(out, lines, finding.map(|it| it.finding), style)?;
            if let Some(finding) = finding {
                write_below(out, finding, (indent, roomy, view.language), style)?;
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
        let (ids, hosts) = (ids.join(", "), hosts.join(", "));
        let phrase = if hosts.is_empty() { Phrase::NotJudged } else { Phrase::NotJudgedOn };
        let text = view.language.say(phrase, &[("ids", &ids), ("hosts", &hosts), ("because", &because)]);
        for (at, line) in wrapped(&text, style.width.saturating_sub(3)).iter().enumerate() {
            let sign = if at == 0 { "·" } else { " " };
            writeln!(out, "{}  {line}", style.paint(Tone::Quiet, sign))?;
        }
    }
    Ok(())
}

fn head(roomy: bool, language: Language) -> Vec<String> {
    let line = language.say(Phrase::FindingsHead, &[]);
    let words = line.split('|').map(str::to_owned);
    words.take(if roomy { 7 } else { 6 }).collect()
}

/// Names of hosts wider than this stand below their row.
const NAMES: usize = 14;

/// What is said of one host, or the same of several.
struct Folded<'a> {
    finding: &'a Finding,
    anywhere: Finding,
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
    let mut rows: Vec<Folded<'_>> = Vec::new();
    for finding in findings {
        let host = finding.host.as_ref().map(HostName::as_str);
        let anywhere = finding.anywhere();
        match rows.iter_mut().find(|row| row.anywhere == anywhere) {
            Some(row) if host.is_some() => row.hosts.extend(host),
            _ => rows.push(Folded { finding, anywhere, hosts: host.into_iter().collect() }),
        }
    }
    rows
}

fn row(folded: &Folded<'_>, roomy: bool, language: Language) -> Vec<String> {
    let finding = folded.finding;
    let many = || match language {
        Language::En => counted(folded.hosts.len(), "host"),
        Language::Zh => format!("{} 台主机", folded.hosts.len()),
    };
    let hosts = if folded.many() { many() } else { folded.names() };
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
    place: (usize, bool, Language),
    style: Style,
) -> io::Result<()> {
    let (indent, roomy, language) = place;
    let labels = language.say(Phrase::FindingsBelow, &[]);
    let labels: Vec<&str> = labels.split('|').collect();
    let finding = folded.finding;
    let (names, fix) = (folded.names(), folded.anywhere.fix_on(&folded.hosts, language));
    let mut below = Vec::new();
    if folded.many() {
        below.push((labels[0], names.as_str()));
    }
    if !roomy && !finding.because.is_empty() {
        below.push((labels[1], finding.because.as_str()));
    }
    if finding.verdict != Verdict::Passed && !finding.fix.is_empty() {
        below.push((labels[2], fix.as_str()));
    }
    for (label, text) in below {
        let start = indent + 2 + if roomy { wide(label) } else { wide(labels[1]) };
        for (at, line) in wrapped(text, style.width.saturating_sub(start)).iter().enumerate() {
            let label = if at == 0 { label } else { "" };
            let gap = " ".repeat(start - indent - wide(label));
            writeln!(out, "{}{}{gap}{line}", " ".repeat(indent), style.paint(Tone::Quiet, label))?;
        }
    }
    Ok(())
}

fn write_counts(out: &mut impl Write, view: &FindingsView, style: Style) -> io::Result<()> {
    let passed = view.count(Verdict::Passed);
    let good = if passed == 0 { " " } else { "✓" };
    let line = passed_line(view, passed);
    let all = view.language.say(Phrase::AllFindings, &[("command", &view.command)]);
    let gap = style.width.min(100).saturating_sub(3 + wide(&line) + wide(&all));
    write!(out, "{}  {line}", style.paint(Tone::Good, good))?;
    match (view.all || passed == 0, gap) {
        (true, _) | (false, 0..2) => writeln!(out)?,
        (false, gap) => writeln!(out, "{}{}", " ".repeat(gap), style.paint(Tone::Quiet, &all))?,
    }
    let parts = parts(view, style);
    if parts.is_empty() {
        return Ok(());
    }
    let first =
        view.shown().first().filter(|it| it.verdict != Verdict::NotApplicable).map(|it| it.id.clone());
    let counts = match view.language {
        Language::En => format!("{}.", parts.join(", ")),
        Language::Zh => format!("{}。", parts.join("，")),
    };
    let Some(id) = first else { return writeln!(out, "{counts}") };
    let more = view.language.say(Phrase::MoreAboutFinding, &[("id", &id)]);
    let gap = if wide(&counts) + 1 + wide(&more) <= style.width { " " } else { "\n" };
    writeln!(out, "{counts}{gap}{more}")
}

/// How many passed, where, and how long it took.
fn passed_line(view: &FindingsView, passed: usize) -> String {
    let took = spoken(view.took);
    match (view.language, view.hosts) {
        (Language::En, 0) => format!("{} passed in {took}", counted(passed, "check")),
        (Language::En, hosts) => {
            format!("{} passed on {} in {took}", counted(passed, "check"), counted(hosts, "host"))
        }
        (Language::Zh, 0) => format!("{passed} 项检查通过，用时 {took}"),
        (Language::Zh, hosts) => format!("{hosts} 台主机上 {passed} 项检查通过，用时 {took}"),
    }
}

/// The counts that are not good news.
fn parts(view: &FindingsView, style: Style) -> Vec<String> {
    let all = [
        (Verdict::Failed, Tone::Bad, "failure", "项未通过"),
        (Verdict::Warning, Tone::Warn, "warning", "项警告"),
        (Verdict::NotApplicable, Tone::Strong, "not applicable", "项不适用"),
    ];
    let told = |(verdict, tone, english, chinese)| {
        let count = view.count(verdict);
        let text = match (view.language, verdict) {
            (Language::Zh, _) => format!("{count} {chinese}"),
            (Language::En, Verdict::NotApplicable) => format!("{count} {english}"),
            (Language::En, _) => counted(count, english),
        };
        let painted = if verdict == Verdict::NotApplicable { text } else { style.paint(tone, &text) };
        (count > 0).then_some(painted)
    };
    all.into_iter().filter_map(told).collect()
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
