//! The first messages of TLS as bytes: a client hello that offers exactly what is asked for, and what a server says to it. No key is
//! agreed on and nothing is decrypted.

use crate::record::TlsVersion;

/// What a hello offers.
#[derive(Debug, Clone)]
pub(super) struct Offer<'a> {
    pub(super) version: TlsVersion,
    pub(super) suites: &'a [u16],
    pub(super) groups: &'a [u16],
    /// Name of the server.
    pub(super) name: &'a str,
    /// Offer compression and heartbeats, too.
    pub(super) extras: bool,
}

/// What a server chose.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) version: u16,
    pub(super) suite: u16,
    pub(super) compression: bool,
    pub(super) renegotiation: bool,
    pub(super) heartbeat: bool,
    /// The group, where it could be seen.
    pub(super) group: Option<u16>,
    /// Bits of the prime for DHE.
    pub(super) prime_bits: Option<u32>,
}

/// What came of a hello, as far as the bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// The server agreed.
    Chosen(Chosen),
    /// It refused.
    Refused,
    /// More bytes are wanted.
    More,
}

/// The random value by which a retry request is known (RFC 8446, 4.1.3).
const RETRY: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];
const SCSV: u16 = 0x00ff;

pub(super) const fn wire(version: TlsVersion) -> u16 {
    match version {
        TlsVersion::Ssl2 => 0x0002,
        TlsVersion::Ssl3 => 0x0300,
        TlsVersion::Tls10 => 0x0301,
        TlsVersion::Tls11 => 0x0302,
        TlsVersion::Tls12 => 0x0303,
        TlsVersion::Tls13 => 0x0304,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "what is written here is far shorter than its length field"
)]
fn counted(width: usize, content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u32).to_be_bytes();
    [&length[4 - width..], content].concat()
}

fn numbers(list: &[u16]) -> Vec<u8> {
    list.iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// A hello in SSL 2's own form: seven suites of three bytes.
fn hello_v2() -> Vec<u8> {
    let suites = [0x01_0080_u32, 0x02_0080, 0x03_0080, 0x04_0080, 0x05_0080, 0x06_0040, 0x07_00c0];
    let mut body = vec![1, 0, 2, 0, 21, 0, 0, 0, 16];
    body.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()[1..].to_vec()));
    body.extend([0x5a; 16]);
    let mut record = counted(2, &body);
    record[0] |= 0x80;
    record
}

/// The bytes of a hello.
pub(super) fn hello(offer: &Offer<'_>, random: [u8; 32]) -> Vec<u8> {
    if offer.version == TlsVersion::Ssl2 {
        return hello_v2();
    }
    let modern = offer.version == TlsVersion::Tls13;
    let legacy = wire(offer.version).min(0x0303);
    let mut body = legacy.to_be_bytes().to_vec();
    body.extend(random);
    body.extend(counted(1, if modern { &random[..] } else { &[] }));
    let mut suites = offer.suites.to_vec();
    if !modern {
        suites.push(SCSV);
    }
    body.extend(counted(2, &numbers(&suites)));
    body.extend(counted(1, if offer.extras && !modern { &[1, 0] } else { &[0] }));
    if offer.version != TlsVersion::Ssl3 {
        body.extend(counted(2, &extensions(offer)));
    }
    let message = [&[1][..], &counted(3, &body)].concat();
    let record_version = legacy.min(0x0301).to_be_bytes();
    [&[22][..], &record_version, &counted(2, &message)].concat()
}

fn extensions(offer: &Offer<'_>) -> Vec<u8> {
    let mut all = Vec::new();
    let mut add = |kind: u16, content: Vec<u8>| {
        all.extend(kind.to_be_bytes());
        all.extend(counted(2, &content));
    };
    add(0, counted(2, &[&[0][..], &counted(2, offer.name.as_bytes())].concat()));
    add(10, counted(2, &numbers(offer.groups)));
    add(11, vec![3, 0, 1, 2]);
    // Everything that was ever used, the good ones first: nothing is to fail for want of a signature.
    let signatures = [
        0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401,
        0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0402, 0x0302, 0x0202,
    ];
    add(13, counted(2, &numbers(&signatures)));
    if offer.version == TlsVersion::Tls13 {
        add(43, counted(1, &numbers(&[0x0304])));
        // No key at all: the server says in a retry request which suite and group it would take.
        add(51, vec![0, 0]);
        add(45, vec![1, 1]);
    } else {
        if offer.extras {
            add(15, vec![1]);
        }
        add(23, Vec::new());
        add(35, Vec::new());
    }
    all
}

/// Reads as far as the bytes go.
pub(super) fn read(offer: &Offer<'_>, bytes: &[u8]) -> Heard {
    if offer.version == TlsVersion::Ssl2 {
        return read_v2(bytes);
    }
    let Some((messages, ended)) = handshake(bytes) else { return Heard::Refused };
    let mut chosen: Option<Chosen> = None;
    let mut rest = messages.as_slice();
    while let Some((kind, body, after)) = message(rest) {
        rest = after;
        match (kind, &mut chosen) {
            (2, none @ None) => match server_hello(body) {
                Some(hello) => *none = Some(hello),
                None => return Heard::Refused,
            },
            (12, Some(chosen)) => key_exchange(chosen, body),
            (14, _) => break,
            _ => {}
        }
        // In 1.3 all that follows is encrypted; before it the key exchange tells the group.
        if chosen.as_ref().is_some_and(|it| it.version == 0x0304) || kind == 12 {
            break;
        }
    }
    let complete = chosen.as_ref().is_some_and(|it| {
        it.version == 0x0304
            || it.group.is_some()
            || it.prime_bits.is_some()
            || ends(rest)
            || !fresh(it.suite)
    });
    match chosen {
        Some(chosen) if complete || ended => Heard::Chosen(chosen),
        None if ended => Heard::Refused,
        _ => Heard::More,
    }
}

fn ends(rest: &[u8]) -> bool {
    rest.first() == Some(&14)
}

/// Whether the server tells more of the key exchange before it has said all.
fn fresh(suite: u16) -> bool {
    super::suite_name(suite).contains("DHE_")
}

fn read_v2(bytes: &[u8]) -> Heard {
    match bytes {
        [high, _, kind, ..] if high & 0x80 != 0 => {
            if *kind == 4 {
                Heard::Chosen(Chosen { version: 2, ..Chosen::default() })
            } else {
                Heard::Refused
            }
        }
        [] | [_] | [_, _] => Heard::More,
        _ => Heard::Refused,
    }
}

/// The handshake messages of all whole records, and whether an alert ended them; none when this is no TLS.
fn handshake(bytes: &[u8]) -> Option<(Vec<u8>, bool)> {
    let (mut rest, mut messages) = (bytes, Vec::new());
    while let [kind, 3, _, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(content) = after.get(..length) else { break };
        match kind {
            22 => messages.extend(content),
            // After a retry request or hello of 1.3 comes what is not for us.
            _ => return Some((messages, true)),
        }
        rest = &after[length..];
    }
    let plausible = rest.is_empty() || matches!(rest[0], 20..=23);
    plausible.then_some((messages, false))
}

/// The first message: kind, body, rest; none when it is not whole.
fn message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let [kind, a, b, c, rest @ ..] = bytes else { return None };
    let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
    Some((*kind, rest.get(..length)?, &rest[length..]))
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn server_hello(body: &[u8]) -> Option<Chosen> {
    let id = usize::from(*body.get(34)?);
    let suite = number(body, 35 + id)?;
    let mut chosen = Chosen {
        version: number(body, 0)?,
        suite,
        compression: *body.get(37 + id)? != 0,
        ..Chosen::default()
    };
    let retry = body.get(2..10)? == RETRY;
    let mut at = 40 + id;
    while let (Some(kind), Some(length)) = (number(body, at), number(body, at + 2)) {
        let content = body.get(at + 4..at + 4 + usize::from(length))?;
        match kind {
            15 => chosen.heartbeat = true,
            43 => chosen.version = number(content, 0)?,
            51 if retry => chosen.group = number(content, 0),
            0xff01 => chosen.renegotiation = true,
            _ => {}
        }
        at += 4 + usize::from(length);
    }
    Some(chosen)
}

/// The group of an ECDHE exchange, or the bits of the prime of a DHE one.
fn key_exchange(chosen: &mut Chosen, body: &[u8]) {
    if super::suite_name(chosen.suite).contains("ECDH") {
        chosen.group = (body.first() == Some(&3)).then(|| number(body, 1)).flatten();
    } else if let Some(prime) = number(body, 0).and_then(|length| body.get(2..2 + usize::from(length))) {
        let leading = prime.iter().take_while(|byte| **byte == 0).count();
        let bits = prime.get(leading).map_or(0, |first| 8 - first.leading_zeros());
        chosen.prime_bits =
            u32::try_from((prime.len() - leading).saturating_sub(1) * 8).ok().map(|whole| whole + bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(version: TlsVersion) -> Offer<'static> {
        Offer { version, suites: &[0xc02b, 0x1301], groups: &[29, 23], name: "im.example", extras: true }
    }

    #[test]
    fn a_hello_has_the_lengths_it_names() {
        for version in TlsVersion::ALL {
            let bytes = hello(&offer(version), [7; 32]);
            let length = if version == TlsVersion::Ssl2 {
                usize::from(u16::from_be_bytes([bytes[0] & 0x7f, bytes[1]])) + 2
            } else {
                usize::from(u16::from_be_bytes([bytes[3], bytes[4]])) + 5
            };
            assert_eq!(bytes.len(), length, "{version:?}");
        }
    }

    #[test]
    fn an_alert_or_something_else_is_a_refusal_and_half_a_record_wants_more() {
        let offer = offer(TlsVersion::Tls12);
        assert_eq!(read(&offer, &[21, 3, 1, 0, 2, 2, 40]), Heard::Refused);
        assert_eq!(read(&offer, b"HTTP/1.1 400 Bad Request"), Heard::Refused);
        assert_eq!(read(&offer, &[22, 3, 3, 0, 90, 2, 0]), Heard::More);
        assert_eq!(read(&offer, &[]), Heard::More);
    }

    #[test]
    fn rustls_agrees_with_what_is_read_of_it() {
        let key = rcgen::generate_simple_self_signed(vec!["im.example".to_owned()]).unwrap();
        let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![key.cert.der().clone()], private)
            .unwrap();
        let config = std::sync::Arc::new(config);
        let answer = |version, suites: &'static [u16]| {
            let offer = Offer { suites, ..offer(version) };
            let mut server = rustls::ServerConnection::new(config.clone()).unwrap();
            server.read_tls(&mut hello(&offer, [7; 32]).as_slice()).unwrap();
            // A refusal is an error here and an alert on the wire.
            let _ = server.process_new_packets();
            let mut bytes = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut bytes).unwrap();
            }
            read(&offer, &bytes)
        };
        let Heard::Chosen(chosen) = answer(TlsVersion::Tls12, &[0xc02b, 0xc02c]) else { panic!("refused") };
        assert_eq!((chosen.version, chosen.group, chosen.renegotiation), (0x0303, Some(29), true));
        let Heard::Chosen(chosen) = answer(TlsVersion::Tls13, &[0x1301]) else { panic!("refused") };
        assert_eq!((chosen.version, chosen.suite, chosen.group), (0x0304, 0x1301, Some(29)));
        assert_eq!(answer(TlsVersion::Tls12, &[0x002f]), Heard::Refused);
        assert_eq!(answer(TlsVersion::Tls11, &[0xc009]), Heard::Refused);
    }
}
