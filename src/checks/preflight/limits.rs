//! Numbers that rules compare with. A stack may give others.

use super::Site;

/// The number of one rule.
pub struct Limit {
    /// The rule.
    pub id: &'static str,
    /// Its number, unless the stack gives another.
    pub value: f64,
}

const fn limit(id: &'static str, value: f64) -> Limit {
    Limit { id, value }
}

/// Every number that a stack may change. A rule's texts hold it as `LIMIT`.
pub const LIMITS: &[Limit] = &[
    limit("DISK-02", 2.0),
    limit("DISK-06", 256.0),
    limit("DISK-07", 100.0),
    limit("DNS-01", 1000.0),
    limit("LIMIT-01", 32_768.0),
    limit("LIMIT-03", 1_048_576.0),
    limit("MEM-02", 25.0),
    limit("MESH-02", 10.0),
    limit("MESH-03", 1.0),
    limit("SSH-02", 1000.0),
    limit("SSH-03", 4.0),
    limit("TIME-01", 0.5),
];

impl Site {
    /// The number of a rule.
    pub(super) fn limit(&self, id: &str) -> f64 {
        let own = || LIMITS.iter().find(|limit| limit.id == id).map_or(0.0, |limit| limit.value);
        self.limits.get(id).copied().unwrap_or_else(own)
    }

    /// A text with the number of a rule in it.
    pub(super) fn with_limit(&self, id: &str, text: &str) -> String {
        text.replace("LIMIT", &self.limit(id).to_string())
    }
}

/// Ids that a stack gives numbers for although no rule has one.
pub fn unknown_limits<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
    ids.filter(|id| !LIMITS.iter().any(|limit| limit.id == id.as_str())).collect()
}
