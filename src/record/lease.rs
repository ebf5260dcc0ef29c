//! Who may change a host: a lease that ends by itself, as it stands on the host.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who holds a lease, and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Holder {
    /// `user@machine`.
    pub owner: String,
    /// The command, such as `install`.
    pub operation: String,
    /// Why, in the operator's words.
    pub reason: Option<String>,
    /// When it was taken, by the holder's clock.
    pub started: Timestamp,
}

/// A lease as it was seen on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseSeen {
    /// Names the operator's folder and the run.
    pub token: String,
    /// Seconds until it ends unless it is renewed; 0 or less when it has ended.
    pub ends_in: i64,
    /// The holder; none when the record cannot be read.
    pub holder: Option<Holder>,
}

impl LeaseSeen {
    /// Reads `TOKEN ENDS-IN HOLDER`, the holder as JSON.
    pub fn read(line: &str) -> Option<Self> {
        let mut words = line.splitn(3, ' ');
        let token = words.next().filter(|token| !token.is_empty())?.to_owned();
        let ends_in = words.next()?.parse().ok()?;
        let holder = words.next().and_then(|text| serde_json::from_str(text).ok());
        Some(Self { token, ends_in, holder })
    }

    /// Whether it holds and is another folder's than this one.
    pub fn keeps_out(&self, folder: &str) -> bool {
        self.ends_in > 0 && self.folder() != folder
    }

    /// The operator's folder that it was taken from.
    pub fn folder(&self) -> &str {
        self.token.split('.').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_read_and_an_own_or_ended_one_keeps_nobody_out() {
        let line = r#"ab12.77 21 {"owner":"li@ops2","operation":"install","reason":null,"started":"2026-01-02T03:04:05Z"}"#;
        let seen = LeaseSeen::read(line).unwrap();
        assert_eq!((seen.folder(), seen.ends_in), ("ab12", 21));
        assert_eq!(seen.holder.as_ref().unwrap().owner, "li@ops2");
        assert!(seen.keeps_out("cd34") && !seen.keeps_out("ab12"));
        assert!(!LeaseSeen { ends_in: 0, ..seen }.keeps_out("cd34"));
    }

    #[test]
    fn a_damaged_record_still_keeps_others_out() {
        let seen = LeaseSeen::read("ab12.77 5 {oops").unwrap();
        assert!(seen.holder.is_none() && seen.keeps_out("cd34"));
        assert_eq!(LeaseSeen::read("ab12.77 soon {}"), None);
        assert_eq!(LeaseSeen::read(""), None);
    }
}
