//! What is inside `secrets.age`, as types. Only `vault` reads and writes them.

use super::turn::Phase;
use crate::base::{HostName, Secret};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// A secret inside the encrypted file; the one place where a secret is serialised.
#[derive(Debug, Clone)]
pub(super) struct Hidden(pub(super) Secret<String>);

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        String::deserialize(input).map(|text| Self(Secret::new(text)))
    }
}

/// Everything inside `secrets.age`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Contents {
    /// Version of this shape.
    pub(super) format: u32,
    /// By name.
    pub(super) secrets: BTreeMap<String, Kept>,
    /// The private CA, once something asked for it.
    pub(super) authority: Option<KeptAuthority>,
    /// By name and host.
    pub(super) certificates: BTreeMap<String, BTreeMap<HostName, KeptCertificate>>,
    /// Secrets that are being changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) turn: Option<KeptTurn>,
    /// Certificates that were issued anew and are not agreed yet, by name and host.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) renewed: BTreeMap<String, BTreeMap<HostName, KeptCertificate>>,
}

/// Secrets that are being changed: how far it has come, and the value of each that is not the one in use.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct KeptTurn {
    pub(super) phase: Phase,
    /// Until the new value is in use the new ones, afterwards the old ones.
    pub(super) others: BTreeMap<String, KeptOther>,
}

/// The other value of a secret that is being changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct KeptOther {
    pub(super) value: Hidden,
    pub(super) made: Timestamp,
}

/// A kept secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Kept {
    /// One text.
    Text {
        /// The secret.
        value: Hidden,
        /// When it was made.
        made: Timestamp,
    },
    /// A key pair for each host.
    KeyPairs(BTreeMap<HostName, KeptPair>),
}

/// A kept key pair.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct KeptPair {
    pub(super) public: String,
    pub(super) private: Hidden,
    pub(super) made: Timestamp,
}

/// The kept private CA.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct KeptAuthority {
    pub(super) certificate: String,
    pub(super) key: Hidden,
}

/// A kept leaf certificate with what it was asked for with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct KeptCertificate {
    pub(super) common_name: String,
    pub(super) names: Vec<String>,
    pub(super) certificate: String,
    pub(super) key: Hidden,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}
