//! What a plan was made from. Two plans of equal basis and equal steps are the same plan.

use super::Plan;
use crate::base::HostName;
use crate::record::Observed;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Digests of everything a plan was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Basis {
    /// Of the inventory file.
    pub inventory: String,
    /// Of the stack's folder.
    pub stack: String,
    /// Version of imctl.
    pub imctl: String,
    /// Of the bundle's manifest; none when no bundle was at hand.
    pub bundle: Option<String>,
    /// Of what was seen, by host.
    pub hosts: BTreeMap<HostName, String>,
}

impl Basis {
    /// Digests what was seen on a host: identities and states, not process times or fetched contents.
    pub fn of_host(seen: &Observed) -> String {
        let mut seen = seen.clone();
        seen.contents.clear();
        seen.scripts.remove("facts");
        for unit in seen.units.values_mut() {
            unit.since = 0;
        }
        for answer in seen.scripts.values_mut() {
            answer.out.clear();
        }
        digest(&seen)
    }

    /// Tells in words what differs between the basis of a saved plan and the present one; none when nothing does.
    pub fn differs(&self, now: &Self) -> Option<String> {
        if self.inventory != now.inventory {
            return Some("the inventory changed".to_owned());
        }
        if self.stack != now.stack {
            return Some("the stack's files changed".to_owned());
        }
        if self.imctl != now.imctl {
            return Some(format!("it was made by imctl {} and this is {}", self.imctl, now.imctl));
        }
        if self.bundle != now.bundle {
            return Some("the bundle is another one".to_owned());
        }
        let changed = self.hosts.iter().find(|(host, seen)| now.hosts.get(*host) != Some(seen));
        if let Some((host, _)) = changed {
            return Some(format!("`{host}` is not as it was"));
        }
        (self.hosts.len() != now.hosts.len()).then(|| "it covers other hosts".to_owned())
    }
}

impl Plan {
    /// Why this saved plan may not be applied when `now` is the plan of the present moment; none when it may.
    pub fn stale(&self, now: &Self) -> Option<String> {
        let basis = self.basis.differs(&now.basis);
        basis.or_else(|| {
            (self.stages != now.stages).then(|| "what would be done now is not what it says".to_owned())
        })
    }
}

/// Lower-case hex SHA-256 of a value's JSON.
pub(super) fn digest(value: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(value).expect("plain data without maps of odd keys is always JSON");
    hex::encode(Sha256::digest(bytes))
}
