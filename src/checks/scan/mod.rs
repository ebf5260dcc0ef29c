//! The security scan: rules over what was seen from outside, on the hosts and between them. Pure. Texts, danger and standards of
//! the rules that are code stand in `rules.yml`; what only a product can be asked comes from its stack, in the same form.

mod encryption;
mod hosts;
mod kept;
mod login;
mod network;
mod score;
mod verdict;
mod waiver;

use crate::base::{Finding, HostName, Verdict};
use crate::record::{Danger, Scanned, Words};
use serde::Deserialize;
use std::sync::LazyLock;

pub use encryption::{encryption, endpoint_name};
pub use hosts::{Guarded, guarded};
pub use kept::{KeptSeen, SecretFile, kept};
pub use network::{NetworkSeen, network};
pub use score::{areas, grade, total};
pub use verdict::{in_language, scanned};
pub use waiver::{WaiverMistake, Waivers};

/// Areas in the order in which they are shown.
pub const AREAS: [&str; 13] = [
    "network",
    "encryption",
    "accounts",
    "chat",
    "files",
    "storage",
    "database",
    "cluster",
    "balancer",
    "hosts",
    "secrets",
    "integrity",
    "backup",
];

/// What no program can judge.
pub const BEYOND: [&str; 4] = [
    "the rooms, power and locks of the machines (MLPS 8.1.1)",
    "people: who is told what, trained, and leaves (MLPS 8.1.6 to 8.1.9)",
    "floods of connections: a test would disturb users",
    "SM2, SM3 and SM4: this service speaks TLS with international algorithms only",
];

/// What is asked, and how bad it is when the answer is wrong.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ScanRule {
    /// Area and number.
    pub id: String,
    /// The area it counts in.
    pub area: String,
    /// How bad it is when it fails.
    pub danger: Danger,
    /// Sections of the CIS benchmark.
    pub cis: String,
    /// Clauses of MLPS level 3.
    pub mlps: String,
    /// Its texts.
    pub en: Words,
    /// The same in Chinese.
    pub zh: Words,
}

/// What comes of a rule at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// As it should be.
    Good(String),
    /// Not as it should be.
    Bad(String),
    /// It was asked and no answer came; never a pass.
    Unknown(String),
    /// It does not apply, or was left out: why.
    Open(String),
}

/// What comes of a rule, with the rule's id and the host it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The rule.
    pub id: String,
    /// The host; none for the service as a whole.
    pub host: Option<HostName>,
    /// What came of it.
    pub outcome: Outcome,
}

impl Said {
    /// About a host.
    pub fn of(id: &str, host: &HostName, outcome: Outcome) -> Self {
        Self { id: id.to_owned(), host: Some(host.clone()), outcome }
    }

    /// About the service as a whole.
    pub fn of_service(id: &str, outcome: Outcome) -> Self {
        Self { id: id.to_owned(), host: None, outcome }
    }
}

impl Outcome {
    /// Good when nothing is in the list of what is wrong.
    pub fn none_of(wrong: &[String], good: impl Into<String>) -> Self {
        if wrong.is_empty() { Self::Good(good.into()) } else { Self::Bad(few(wrong)) }
    }

    /// Good or bad by a condition, with what was seen.
    pub fn judged(good: bool, seen: impl Into<String>) -> Self {
        if good { Self::Good(seen.into()) } else { Self::Bad(seen.into()) }
    }
}

/// At most this many things are named.
const NAMED: usize = 6;

/// The first of a list, and how many more there are.
pub(super) fn few(list: &[String]) -> String {
    let named = list.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match list.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// All rules that are code, ordered as they are shown.
pub fn scan_rules() -> &'static [ScanRule] {
    static RULES: LazyLock<Vec<ScanRule>> = LazyLock::new(|| {
        serde_yaml::from_str(include_str!("rules.yml"))
            .expect("the file is part of the program; a test reads it")
    });
    &RULES
}

/// The rule of that id.
pub fn scan_rule(id: &str) -> Option<&'static ScanRule> {
    scan_rules().iter().find(|rule| rule.id == id)
}

/// What helps where no answer came: the rule's own help would mend what nobody knows to be broken.
const AGAIN: [&str; 2] = [
    "no answer came: imctl verify tells whether the service stands; then scan again",
    "没有得到回答：先用 imctl verify 确认服务正常，再重新扫描",
];

impl ScanRule {
    /// The finding of this rule.
    pub fn scanned(&self, host: Option<&HostName>, outcome: &Outcome) -> Scanned {
        let bad = if self.danger <= Danger::High { Verdict::Failed } else { Verdict::Warning };
        let (verdict, seen, because) = match outcome {
            Outcome::Good(seen) => (Verdict::Passed, seen.as_str(), self.en.because.as_str()),
            Outcome::Bad(seen) => (bad, seen.as_str(), self.en.because.as_str()),
            Outcome::Unknown(why) => (Verdict::Warning, why.as_str(), self.en.because.as_str()),
            Outcome::Open(why) => (Verdict::NotApplicable, "-", why.as_str()),
        };
        let helps = matches!(verdict, Verdict::Failed | Verdict::Warning);
        let place = |text: &str| text.replace("HOST", host.map_or("the host", HostName::as_str));
        let fix = |own: &str, again: &str| match outcome {
            _ if !helps => String::new(),
            Outcome::Unknown(_) => again.to_owned(),
            _ => place(own),
        };
        let zh = Words { fix: fix(&self.zh.fix, AGAIN[1]), ..self.zh.clone() };
        Scanned {
            finding: Finding {
                id: self.id.clone(),
                verdict,
                host: host.cloned(),
                what: self.en.what.clone(),
                seen: seen.to_owned(),
                needed: self.en.needed.clone(),
                because: because.to_owned(),
                fix: fix(&self.en.fix, AGAIN[0]),
            },
            danger: self.danger,
            area: self.area.clone(),
            cis: self.cis.clone(),
            mlps: self.mlps.clone(),
            zh,
            waived: None,
        }
    }
}

#[cfg(test)]
mod tests;
