//! The security scan on the terminal: what failed with what helps, what somebody answers for, areas with their scores, and what was
//! not tested; and as JSON from the same value.

use super::findings::{FindingsView, findings};
use super::style::{Style, Tone, counted, padded, wrapped};
use crate::base::{Exit, Finding, Language, Phrase, Verdict};
use crate::checks::{Chinese, in_language};
use crate::record::{AreaScore, Danger, ScanResult, Scanned};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::time::Duration;

/// What a scan has to show.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanShow {
    /// Everything that was found.
    pub result: ScanResult,
    /// Waivers that have ended although their rule still fails.
    pub ended: Vec<String>,
    /// Show what passed, too.
    pub all: bool,
    /// The language.
    pub language: Language,
}

impl ScanShow {
    /// Findings that end so and that nobody answers for.
    fn count(&self, verdict: Verdict) -> usize {
        let fits = |it: &&Scanned| it.finding.verdict == verdict && it.waived.is_none();
        self.result.findings.iter().filter(fits).count()
    }

    /// The exit code: a critical or high finding that nobody answers for; lesser ones count only when asked to.
    pub fn exit(&self, fail_on_warn: bool) -> Exit {
        match (self.count(Verdict::Failed), self.count(Verdict::Warning)) {
            (1.., _) => Exit::CheckFailed,
            (0, 1..) if fail_on_warn => Exit::Warnings,
            (0, _) => Exit::Done,
        }
    }

    /// The scan for programs: what is recorded of it, with counts.
    pub fn json(&self) -> Value {
        let mut value = json!(self.result);
        let waived = self.result.findings.iter().filter(|it| it.waived.is_some()).count();
        let more = json!({
            "command": "scan",
            "failed": self.count(Verdict::Failed),
            "warnings": self.count(Verdict::Warning),
            "passed": self.count(Verdict::Passed),
            "not-applicable": self.count(Verdict::NotApplicable),
            "waived": waived,
            "ended-waivers": self.ended,
        });
        if let (Value::Object(all), Value::Object(more)) = (&mut value, more) {
            all.extend(more);
        }
        value
    }

    /// The findings as a table shows them, the worst first, each with how bad it is.
    fn table(&self) -> FindingsView {
        let mut own: Vec<&Scanned> = self.result.findings.iter().filter(|it| it.waived.is_none()).collect();
        own.sort_by_key(|it| it.danger);
        let one = |it: &&Scanned| {
            let told = in_language(self.language, it);
            let colon = if self.language == Language::Zh { "：" } else { ": " };
            let what = format!("{}{colon}{}", danger(it.danger, self.language), told.what);
            let bad = matches!(told.verdict, Verdict::Failed | Verdict::Warning);
            Finding { what: if bad { what } else { told.what.clone() }, ..told }
        };
        FindingsView {
            command: "scan".to_owned(),
            findings: own.iter().map(one).collect(),
            hosts: self.result.hosts.len(),
            took: Duration::from_secs_f64(self.result.seconds.max(0.0)),
            all: self.all,
            language: self.language,
        }
    }
}

fn danger(danger: Danger, language: Language) -> &'static str {
    let words = match danger {
        Danger::Critical => ["critical", "严重"],
        Danger::High => ["high", "高危"],
        Danger::Medium => ["medium", "中危"],
        Danger::Low => ["low", "低危"],
    };
    words[usize::from(language == Language::Zh)]
}

/// The scan in one line, with the command that shows the whole of it.
pub fn scan_line(show: &ScanShow, again: &str) -> String {
    let bad = [Danger::Critical, Danger::High, Danger::Medium, Danger::Low].map(|danger| {
        let of_danger = |it: &&Scanned| {
            it.danger == danger
                && it.waived.is_none()
                && matches!(it.finding.verdict, Verdict::Failed | Verdict::Warning)
        };
        let ids: BTreeSet<&str> =
            show.result.findings.iter().filter(of_danger).map(|it| it.finding.id.as_str()).collect();
        ids.len()
    });
    let words: [(&str, &dyn std::fmt::Display); 6] = [
        ("critical", &bad[0]),
        ("high", &bad[1]),
        ("medium", &bad[2]),
        ("low", &bad[3]),
        ("grade", &show.result.grade),
        ("again", &again),
    ];
    show.language.say(Phrase::ScanLine, &words)
}

/// Writes everything.
pub fn scan(out: &mut impl Write, show: &ScanShow, style: Style) -> io::Result<()> {
    findings(out, &show.table(), style)?;
    let mut notes: Vec<(Tone, &str, String)> = Vec::new();
    for it in &show.result.findings {
        let Some(waived) = &it.waived else { continue };
        let on = it.finding.host.as_ref().map(|host| format!("@{host}")).unwrap_or_default();
        let words: [(&str, &dyn std::fmt::Display); 4] = [
            ("id", &format!("{}{on}", it.finding.id)),
            ("owner", &waived.owner),
            ("until", &waived.until),
            ("reason", &waived.reason),
        ];
        notes.push((Tone::Warn, "~", show.language.say(Phrase::WaivedFinding, &words)));
    }
    let chinese = Chinese::default();
    let said = |text: &str| if show.language == Language::Zh { chinese.said(text) } else { text.to_owned() };
    notes.extend(show.ended.iter().map(|ended| (Tone::Bad, "✗", said(ended))));
    for beyond in &show.result.untested {
        let what = said(beyond);
        notes.push((Tone::Quiet, "·", show.language.say(Phrase::NotTested, &[("what", &what)])));
    }
    for (tone, sign, text) in notes {
        for (at, line) in wrapped(&text, style.width.saturating_sub(3)).iter().enumerate() {
            let sign = if at == 0 { sign } else { " " };
            writeln!(out, "{}  {line}", style.paint(tone, sign))?;
        }
    }
    writeln!(out)?;
    write_areas(out, show, style)
}

fn write_areas(out: &mut impl Write, show: &ScanShow, style: Style) -> io::Result<()> {
    for area in &show.result.areas {
        let score = area.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
        let tone = match area.score {
            Some(95..) => Tone::Good,
            Some(70..) => Tone::Warn,
            Some(_) => Tone::Bad,
            None => Tone::Quiet,
        };
        let name = padded(area_name(&area.area, show.language), 12);
        writeln!(
            out,
            "   {name}{}  {}",
            style.paint(tone, &format!("{score:>4}")),
            rules(area, show.language)
        )?;
    }
    let score = show.result.score.map_or_else(|| "-".to_owned(), |score| score.to_string());
    let words: [(&str, &dyn std::fmt::Display); 2] = [("score", &score), ("grade", &show.result.grade)];
    writeln!(out, "{}", show.language.say(Phrase::ScanScore, &words))
}

/// Rules of an area in words: how many were judged, failed, left.
fn rules(area: &AreaScore, language: Language) -> String {
    let zh = language == Language::Zh;
    let failed: usize = area.failed.values().sum();
    let by: Vec<String> = area
        .failed
        .iter()
        .map(|(danger, count)| {
            if zh {
                format!("{} {count}", self::danger(*danger, language))
            } else {
                format!("{count} {}", self::danger(*danger, language))
            }
        })
        .collect();
    let mut parts = Vec::new();
    if area.judged > 0 {
        parts.push(if zh { format!("检查 {} 项", area.judged) } else { counted(area.judged, "rule") });
    }
    if failed > 0 {
        let by = by.join(if zh { "，" } else { ", " });
        parts.push(if zh {
            format!("未通过 {failed} 项（{by}）")
        } else {
            format!("{failed} failed ({by})")
        });
    }
    if area.open > 0 {
        parts.push(if zh {
            format!("未检查 {} 项", area.open)
        } else {
            format!("{} not judged", area.open)
        });
    }
    parts.join(if zh { "，" } else { ", " })
}

/// The name of an area in a language.
fn area_name(area: &str, language: Language) -> &str {
    let chinese = [
        ("network", "网络"),
        ("encryption", "加密"),
        ("accounts", "账号"),
        ("chat", "聊天"),
        ("files", "文件"),
        ("storage", "存储"),
        ("database", "数据库"),
        ("cluster", "集群"),
        ("balancer", "负载均衡"),
        ("hosts", "主机"),
        ("secrets", "密钥"),
        ("integrity", "完整性"),
        ("backup", "备份"),
    ];
    match language {
        Language::En => area,
        Language::Zh => chinese.iter().find(|(word, _)| *word == area).map_or(area, |(_, name)| name),
    }
}
