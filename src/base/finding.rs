//! The outcome of one check, the same shape for preflight, verify, scan and status.

use super::{HostName, Language};
use serde::{Deserialize, Serialize};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The check failed: exit code 3.
    Failed,
    /// Worth a look, no failure.
    Warning,
    /// As it should be.
    Passed,
    /// Cannot be judged here; `because` says why. Never a pass.
    NotApplicable,
}

/// One judged fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Finding {
    /// Area and number, such as `TLS-02`.
    pub id: String,
    /// How it ended.
    pub verdict: Verdict,
    /// The host it concerns; none for the service as a whole.
    pub host: Option<HostName>,
    /// What was judged.
    pub what: String,
    /// What was seen.
    pub seen: String,
    /// What was wanted.
    pub needed: String,
    /// Why it matters, or why it does not apply.
    pub because: String,
    /// The command or change that helps; empty when nothing needs help.
    pub fix: String,
}

impl Finding {
    /// The same of no host in particular, with what helps on any host; for rows that say the same of several.
    #[must_use]
    pub fn anywhere(&self) -> Self {
        let fix = match &self.host {
            Some(host) => renamed(&self.fix, host.as_str(), ANY),
            None => self.fix.clone(),
        };
        Self { host: None, fix, ..self.clone() }
    }

    /// What helps, for the host that a row is of, or for each of several.
    pub fn fix_on(&self, hosts: &[&str], language: Language) -> String {
        let each = if language == Language::Zh { "上述各主机" } else { "each of them" };
        let name = if let [one] = hosts { one } else { each };
        renamed(&self.fix, ANY, name)
    }
}

/// Stands for a host's name.
const ANY: &str = "\u{1}";

/// A text with a name, where it stands alone, exchanged.
fn renamed(text: &str, name: &str, new: &str) -> String {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
    let (mut done, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        let inside = before.chars().next_back().or(done.chars().next_back().filter(|_| before.is_empty()));
        // A name at the end of a sentence has a full stop behind it.
        let mut behind = after.chars();
        let joined = match (behind.next(), behind.next()) {
            (Some('.'), Some(next)) => part(next),
            (Some(next), _) => part(next) && next != '.',
            _ => false,
        };
        done.push_str(before);
        done.push_str(if inside.is_some_and(part) || joined { name } else { new });
        rest = after;
    }
    done + rest
}
