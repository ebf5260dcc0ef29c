//! Rules over what walks along the TLS endpoints found.

use super::{Outcome, Said, few};
use crate::base::HostName;
use crate::record::{CertificateSeen, SuiteSeen, TlsVersion, Walk};

/// A certificate must be good for more days than this.
const DAYS_LEFT: i64 = 21;
const DAY: i64 = 86_400;
/// Primes below this are too small.
const PRIME_BITS: u32 = 2048;

/// An endpoint in words: `5223` or `443 files.im.example`.
pub fn endpoint_name(port: u16, name: &str, domain: &str) -> String {
    if name == domain { port.to_string() } else { format!("{port} {name}") }
}

/// Judges the walks along one host's endpoints, each with its name; `now` in seconds since 1970.
pub fn encryption(host: &HostName, walks: &[(String, Walk)], now: i64) -> Vec<Said> {
    let mut said = Vec::new();
    let mut rule = |id: &str, outcome: Outcome| said.push(Said::of(id, host, outcome));
    let broken: Vec<String> = walks
        .iter()
        .filter_map(|(place, walk)| Some(format!("{place}: {}", walk.broken.as_ref()?)))
        .collect();
    if !broken.is_empty() {
        for id in IDS {
            rule(id, Outcome::Unknown(few(&broken)));
        }
        return said;
    }
    let wrong = |judge: &dyn Fn(&Walk) -> Option<String>| -> Vec<String> {
        walks.iter().filter_map(|(place, walk)| Some(format!("{place}: {}", judge(walk)?))).collect()
    };
    let all = |what: &str| format!("{what} on {} endpoints", walks.len());
    rule("CRYPT-01", Outcome::none_of(&wrong(&old_versions), all(&versions(walks))));
    rule("CRYPT-02", Outcome::none_of(&wrong(&|walk| suites(walk, |it| !modern(it))), all(&counted(walks))));
    rule("CRYPT-03", Outcome::none_of(&wrong(&|walk| suites(walk, broken_suite)), all("none")));
    let no_13 =
        |walk: &Walk| (!walk.versions.contains_key(&TlsVersion::Tls13)).then(|| "not offered".to_owned());
    rule("CRYPT-04", Outcome::none_of(&wrong(&no_13), all("offered")));
    let client_order = |walk: &Walk| (walk.own_order == Some(false)).then(|| "the client".to_owned());
    rule("CRYPT-05", Outcome::none_of(&wrong(&client_order), all("the server")));
    let compressed = |walk: &Walk| walk.compression.then(|| "compresses".to_owned());
    rule("CRYPT-06", Outcome::none_of(&wrong(&compressed), all("refused")));
    let insecure =
        |walk: &Walk| (walk.secure_renegotiation == Some(false)).then(|| "the old form".to_owned());
    rule("CRYPT-07", Outcome::none_of(&wrong(&insecure), all("the secure form")));
    rule("CRYPT-08", Outcome::none_of(&wrong(&weak_groups), all("no weak one")));
    for (id, judge) in CERTIFICATE_RULES {
        let judged = wrong(&|walk| match &walk.certificate {
            Some(certificate) => judge(certificate, now),
            None => Some("the certificate cannot be read".to_owned()),
        });
        rule(id, Outcome::none_of(&judged, certificates(walks, now)));
    }
    let heartbeat = |walk: &Walk| walk.heartbeat.then(|| "agreed on".to_owned());
    rule("CRYPT-14", Outcome::none_of(&wrong(&heartbeat), all("refused")));
    said
}

const IDS: [&str; 12] = [
    "CRYPT-01", "CRYPT-02", "CRYPT-03", "CRYPT-04", "CRYPT-05", "CRYPT-06", "CRYPT-07", "CRYPT-08",
    "CRYPT-09", "CRYPT-10", "CRYPT-11", "CRYPT-14",
];

type CertificateRule = (&'static str, fn(&CertificateSeen, i64) -> Option<String>);

const CERTIFICATE_RULES: [CertificateRule; 3] = [
    ("CRYPT-09", |it, _| it.untrusted.clone()),
    ("CRYPT-10", |it, now| {
        let left = (it.not_after - now) / DAY;
        (left <= DAYS_LEFT).then(|| format!("{left} days"))
    }),
    ("CRYPT-11", |it, _| {
        (!(it.strong_key && it.strong_signature)).then(|| format!("{}, {}", it.key, it.signature))
    }),
];

fn certificates(walks: &[(String, Walk)], now: i64) -> String {
    let seen = walks.iter().filter_map(|(_, walk)| walk.certificate.as_ref());
    let mut words: Vec<String> =
        seen.map(|it| format!("{}, {}, {} days", it.key, it.signature, (it.not_after - now) / DAY)).collect();
    words.sort();
    words.dedup();
    few(&words)
}

fn old_versions(walk: &Walk) -> Option<String> {
    let old: Vec<String> =
        walk.versions.keys().filter(|it| **it < TlsVersion::Tls12).map(|it| it.name().to_owned()).collect();
    (!old.is_empty()).then(|| old.join(", "))
}

fn versions(walks: &[(String, Walk)]) -> String {
    let offered = |version: &&TlsVersion| walks.iter().any(|(_, walk)| walk.versions.contains_key(version));
    let names: Vec<&str> = TlsVersion::ALL.iter().filter(offered).map(|it| it.name()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn counted(walks: &[(String, Walk)]) -> String {
    let mut codes: Vec<u16> =
        walks.iter().flat_map(|(_, walk)| walk.versions.values().flatten()).map(|it| it.code).collect();
    codes.sort_unstable();
    codes.dedup();
    format!("{} suites, all modern,", codes.len())
}

fn suites(walk: &Walk, bad: fn(&SuiteSeen) -> bool) -> Option<String> {
    let mut names: Vec<String> =
        walk.versions.values().flatten().filter(|it| bad(it)).map(|it| it.name.clone()).collect();
    names.sort();
    names.dedup();
    (!names.is_empty()).then(|| few(&names))
}

/// Authenticated encryption with a fresh key exchange; the suites of TLS 1.3 are all of that kind.
fn modern(suite: &SuiteSeen) -> bool {
    let aead = ["GCM", "CCM", "CHACHA20"].iter().any(|word| suite.name.contains(word));
    let fresh = suite.code >> 8 == 0x13 || suite.name.contains("DHE_");
    aead && fresh && !suite.name.contains("anon")
}

fn broken_suite(suite: &SuiteSeen) -> bool {
    ["NULL", "anon", "EXPORT", "RC4", "RC2", "DES", "MD5", "IDEA"]
        .iter()
        .any(|word| suite.name.contains(word))
}

/// Curves below 256 bits, and primes below 2048.
fn weak_groups(walk: &Walk) -> Option<String> {
    let mut weak: Vec<String> = walk
        .groups
        .iter()
        .filter(|group| {
            !(matches!(group, 9..=14 | 22..=41) || (0x100..=0x1ff).contains(*group) || **group > 0x200)
        })
        .map(|group| format!("curve {group}"))
        .collect();
    weak.extend(
        walk.prime_bits.filter(|bits| *bits < PRIME_BITS).map(|bits| format!("a prime of {bits} bits")),
    );
    (!weak.is_empty()).then(|| weak.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(code: u16, name: &str) -> SuiteSeen {
        SuiteSeen { code, name: name.to_owned() }
    }

    fn good() -> Walk {
        Walk {
            versions: [
                (TlsVersion::Tls12, vec![suite(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")]),
                (TlsVersion::Tls13, vec![suite(0x1301, "TLS_AES_128_GCM_SHA256")]),
            ]
            .into(),
            groups: vec![29, 23],
            own_order: Some(true),
            secure_renegotiation: Some(true),
            certificate: Some(CertificateSeen {
                names: vec!["im.example".to_owned()],
                not_after: 100 * DAY,
                key: "P-256".to_owned(),
                strong_key: true,
                signature: "ecdsa-with-SHA256".to_owned(),
                strong_signature: true,
                untrusted: None,
            }),
            ..Walk::default()
        }
    }

    fn fired(walk: Walk) -> Vec<String> {
        let host = HostName::new("app1").unwrap();
        let said = encryption(&host, &[("5223".to_owned(), walk)], 0);
        assert_eq!(said.len(), IDS.len());
        said.into_iter().filter(|it| matches!(it.outcome, Outcome::Bad(_))).map(|it| it.id).collect()
    }

    #[test]
    fn a_modern_endpoint_passes_and_each_fault_fires_its_own_rule() {
        assert!(fired(good()).is_empty());
        let certificate = |change: fn(&mut CertificateSeen)| {
            let mut walk = good();
            change(walk.certificate.as_mut().unwrap());
            walk
        };
        let with = |version, suites: Vec<SuiteSeen>| {
            let mut walk = good();
            walk.versions.insert(version, suites);
            walk
        };
        let old = with(TlsVersion::Tls10, vec![suite(0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA")]);
        assert_eq!(fired(old), ["CRYPT-01", "CRYPT-02"]);
        let rsa = with(TlsVersion::Tls12, vec![suite(0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256")]);
        assert_eq!(fired(rsa), ["CRYPT-02"]);
        let rc4 = with(TlsVersion::Tls12, vec![suite(0x0005, "TLS_RSA_WITH_RC4_128_SHA")]);
        assert_eq!(fired(rc4), ["CRYPT-02", "CRYPT-03"]);
        assert_eq!(fired(Walk { own_order: Some(false), ..good() }), ["CRYPT-05"]);
        assert_eq!(fired(Walk { compression: true, ..good() }), ["CRYPT-06"]);
        assert_eq!(fired(Walk { secure_renegotiation: Some(false), ..good() }), ["CRYPT-07"]);
        assert_eq!(fired(Walk { groups: vec![29, 21], ..good() }), ["CRYPT-08"]);
        assert_eq!(fired(Walk { prime_bits: Some(1024), ..good() }), ["CRYPT-08"]);
        assert_eq!(fired(certificate(|it| it.untrusted = Some("self-signed".to_owned()))), ["CRYPT-09"]);
        assert_eq!(fired(certificate(|it| it.not_after = 21 * DAY)), ["CRYPT-10"]);
        assert_eq!(fired(certificate(|it| it.strong_key = false)), ["CRYPT-11"]);
        assert_eq!(fired(Walk { heartbeat: true, ..good() }), ["CRYPT-14"]);
    }

    #[test]
    fn a_walk_that_broke_off_is_never_a_pass() {
        let host = HostName::new("app1").unwrap();
        let walk = Walk { broken: Some("no answer".to_owned()), ..good() };
        let said = encryption(&host, &[("5223".to_owned(), walk)], 0);
        assert!(said.iter().all(|it| matches!(it.outcome, Outcome::Unknown(_))));
    }
}
