//! What a TLS server offers, as a walk over versions, cipher suites and groups found it. Types only.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TlsVersion {
    /// SSL 2, in a hello of its own form.
    #[serde(rename = "SSLv2")]
    Ssl2,
    /// SSL 3.
    #[serde(rename = "SSLv3")]
    Ssl3,
    /// TLS 1.0.
    #[serde(rename = "TLSv1.0")]
    Tls10,
    /// TLS 1.1.
    #[serde(rename = "TLSv1.1")]
    Tls11,
    /// TLS 1.2.
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

impl TlsVersion {
    /// All, the oldest first.
    pub const ALL: [Self; 6] = [Self::Ssl2, Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// As it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ssl2 => "SSL 2",
            Self::Ssl3 => "SSL 3",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        }
    }
}

/// A cipher suite that a server agreed to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SuiteSeen {
    /// Its number in the IANA registry.
    pub code: u16,
    /// Its name there, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; `0x1234` when it is not known.
    pub name: String,
}

/// A server's certificate, as it was shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CertificateSeen {
    /// DNS names it is for.
    pub names: Vec<String>,
    /// End of validity, seconds since 1970.
    pub not_after: i64,
    /// Kind of key with its bits, such as `RSA 2048`, `P-256`.
    pub key: String,
    /// Whether the key is strong enough.
    pub strong_key: bool,
    /// Signature algorithm, such as `ecdsa-with-SHA256`.
    pub signature: String,
    /// Whether the signature is strong enough.
    pub strong_signature: bool,
    /// Why it is not to be trusted; none = it leads to the trusted root and carries the name that was asked for.
    pub untrusted: Option<String>,
}

/// What a walk over one endpoint found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Walk {
    /// Versions with the suites that the server agreed to, in the order in which it chose them.
    pub versions: BTreeMap<TlsVersion, Vec<SuiteSeen>>,
    /// Groups of TLS 1.2 and 1.3 that it agreed to, by their number.
    pub groups: Vec<u16>,
    /// Bits of the prime it showed for DHE; none when it uses none.
    pub prime_bits: Option<u32>,
    /// The server insists on its own order of suites; none when there was no choice.
    pub own_order: Option<bool>,
    /// It compresses.
    pub compression: bool,
    /// It answers the secure form of renegotiation; none where no version before 1.3 is offered.
    pub secure_renegotiation: Option<bool>,
    /// It agrees on heartbeats.
    pub heartbeat: bool,
    /// The certificate.
    pub certificate: Option<CertificateSeen>,
    /// Why the walk did not come to its end.
    pub broken: Option<String>,
}
