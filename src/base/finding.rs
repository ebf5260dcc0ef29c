//! The outcome of one check, the same shape for preflight, verify, scan and status.

use super::HostName;
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
