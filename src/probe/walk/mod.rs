//! A walk along everything that a TLS server would agree to: it offers all suites, takes away the one chosen, and offers the rest,
//! version by version; then the groups. Each step is a connection of its own that ends after the server's first words.

mod certificate;
mod hello;

use crate::record::{SuiteSeen, TlsVersion, Walk};
use crate::xmpp::Door;
pub(super) use certificate::onlooking;
use hello::{Chosen, Heard, Offer};
use rand::Rng as _;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// One answer may take so long.
const WITHIN: Duration = Duration::from_secs(5);
/// No server tells more before it waits for us.
const MOST: usize = 1 << 17;
/// All groups that were ever named, the usual ones first; ring's own, then Brainpool, primes, and hybrids.
const GROUPS: [u16; 42] = [
    29, 23, 24, 25, 30, 4588, 4587, 25497, 26, 27, 28, 31, 32, 33, 256, 257, 258, 259, 260, 22, 41, 21, 20,
    19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
];

/// Where TLS begins on an endpoint.
#[derive(Clone)]
pub enum Begin {
    /// With the first byte.
    AtOnce,
    /// After the chat protocol's STARTTLS.
    AfterStarttls,
}

/// An endpoint.
#[derive(Clone)]
pub struct Endpoint {
    /// Where.
    pub address: SocketAddr,
    /// The name that is asked for.
    pub name: String,
    /// When TLS begins.
    pub begin: Begin,
    /// Roots that are trusted.
    pub roots: Arc<rustls::RootCertStore>,
}

/// Name of a suite, from the table beside this file.
fn suite_name(code: u16) -> String {
    SUITES.get(&code).map_or_else(|| format!("0x{code:04x}"), |name| (*name).to_owned())
}

static SUITES: LazyLock<BTreeMap<u16, &'static str>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let (code, name) = line.split_once(' ')?;
        Some((u16::from_str_radix(code, 16).ok()?, name))
    };
    include_str!("suites.txt").lines().filter_map(line).collect()
});

/// Walks along an endpoint.
pub async fn walk(endpoint: &Endpoint) -> Walk {
    let mut walk = Walk::default();
    match steps(endpoint, &mut walk).await {
        Ok(()) => walk.certificate = certificate::shown(endpoint).await,
        Err(why) => walk.broken = Some(why),
    }
    walk
}

async fn steps(endpoint: &Endpoint, walk: &mut Walk) -> Result<(), String> {
    let (new, old): (Vec<u16>, Vec<u16>) = SUITES.keys().partition(|code| *code >> 8 == 0x13);
    for version in TlsVersion::ALL {
        let suites = if version == TlsVersion::Tls13 { &new } else { &old };
        let chosen = suites_of(endpoint, version, suites).await?;
        let Some(first) = chosen.first() else { continue };
        if version != TlsVersion::Ssl2 && version != TlsVersion::Tls13 {
            walk.compression |= first.compression;
            walk.heartbeat |= first.heartbeat;
            walk.secure_renegotiation =
                Some(walk.secure_renegotiation.unwrap_or(true) && first.renegotiation);
        }
        for bits in chosen.iter().filter_map(|it| it.prime_bits) {
            walk.prime_bits = Some(walk.prime_bits.map_or(bits, |least| least.min(bits)));
        }
        let seen = chosen.iter().map(|it| SuiteSeen { code: it.suite, name: suite_name(it.suite) });
        walk.versions.insert(version, seen.collect());
    }
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let Some(suites) = walk.versions.get(&version) else { continue };
        let codes: Vec<u16> = suites.iter().map(|it| it.code).collect();
        for group in groups_of(endpoint, version, &codes).await? {
            if !walk.groups.contains(&group) {
                walk.groups.push(group);
            }
        }
    }
    if let Some([first, .., last]) = walk.versions.get(&TlsVersion::Tls12).map(Vec::as_slice) {
        walk.own_order = Some(own_order(endpoint, first.code, last.code).await?);
    }
    Ok(())
}

/// What the server chooses, again and again, until it refuses what is left.
async fn suites_of(endpoint: &Endpoint, version: TlsVersion, suites: &[u16]) -> Result<Vec<Chosen>, String> {
    let mut left = suites.to_vec();
    let mut chosen: Vec<Chosen> = Vec::new();
    while !left.is_empty() {
        let extras = chosen.is_empty();
        let offer = Offer { version, suites: &left, groups: &GROUPS, name: &endpoint.name, extras };
        let Some(one) = ask(endpoint, &offer).await? else { break };
        let known = left.contains(&one.suite);
        left.retain(|code| *code != one.suite);
        if one.version != hello::wire(version) {
            break;
        }
        chosen.push(one);
        if version == TlsVersion::Ssl2 || !known {
            break;
        }
    }
    Ok(chosen)
}

async fn groups_of(endpoint: &Endpoint, version: TlsVersion, suites: &[u16]) -> Result<Vec<u16>, String> {
    let curves: Vec<u16> = suites
        .iter()
        .copied()
        .filter(|code| version == TlsVersion::Tls13 || suite_name(*code).contains("ECDHE"))
        .collect();
    let (mut left, mut chosen) = (GROUPS.to_vec(), Vec::new());
    while !curves.is_empty() && !left.is_empty() {
        let offer = Offer { version, suites: &curves, groups: &left, name: &endpoint.name, extras: false };
        let Some(group) = ask(endpoint, &offer).await?.and_then(|it| it.group) else { break };
        if !left.contains(&group) {
            break;
        }
        left.retain(|it| *it != group);
        chosen.push(group);
    }
    Ok(chosen)
}

/// Whether the server takes the same suite in whatever order they are offered.
async fn own_order(endpoint: &Endpoint, one: u16, other: u16) -> Result<bool, String> {
    let mut chosen = Vec::new();
    for suites in [[one, other], [other, one]] {
        let offer = Offer {
            version: TlsVersion::Tls12,
            suites: &suites,
            groups: &GROUPS,
            name: &endpoint.name,
            extras: false,
        };
        chosen.push(ask(endpoint, &offer).await?.map(|it| it.suite));
    }
    Ok(chosen[0] == chosen[1])
}

/// One offer; none when it is refused.
async fn ask(endpoint: &Endpoint, offer: &Offer<'_>) -> Result<Option<Chosen>, String> {
    let until = Instant::now() + WITHIN;
    let mut socket = begun(endpoint, until).await?;
    let sent = socket.write_all(&hello::hello(offer, rand::rng().random())).await;
    let mut bytes = Vec::new();
    let mut open = sent.is_ok();
    while open && bytes.len() < MOST {
        let mut piece = [0u8; 4096];
        match timeout_at(until, socket.read(&mut piece)).await {
            Ok(Ok(0) | Err(_)) => open = false,
            Ok(Ok(count)) => bytes.extend(&piece[..count]),
            // A server that says nothing to a hello it does not understand refuses it, too.
            Err(_) if bytes.is_empty() => return Ok(None),
            Err(_) => return Err("the server stopped in the middle of its answer".to_owned()),
        }
        match hello::read(offer, &bytes) {
            Heard::Chosen(chosen) => return Ok(Some(chosen)),
            Heard::Refused => return Ok(None),
            Heard::More => {}
        }
    }
    Ok(None)
}

/// A connection on which TLS is to begin.
async fn begun(endpoint: &Endpoint, until: Instant) -> Result<TcpStream, String> {
    let connecting = timeout_at(until, TcpStream::connect(endpoint.address)).await;
    let mut socket = connecting
        .map_err(|_| format!("no connection within {} s", WITHIN.as_secs()))?
        .map_err(|cause| cause.to_string())?;
    socket.set_nodelay(true).map_err(|cause| cause.to_string())?;
    if let Begin::AfterStarttls = endpoint.begin {
        starttls(&mut socket, &endpoint.name, until).await?;
    }
    Ok(socket)
}

async fn starttls(socket: &mut TcpStream, domain: &str, until: Instant) -> Result<(), String> {
    let header = format!(
        "<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    );
    for (words, awaited) in [
        (header.as_str(), "</stream:features>"),
        ("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed"),
    ] {
        socket.write_all(words.as_bytes()).await.map_err(|cause| cause.to_string())?;
        let mut text = Vec::new();
        while !String::from_utf8_lossy(&text).contains(awaited) || !text.ends_with(b">") {
            let mut piece = [0u8; 2048];
            let read = timeout_at(until, socket.read(&mut piece)).await;
            let count =
                read.map_err(|_| "no STARTTLS in time".to_owned())?.map_err(|cause| cause.to_string())?;
            if count == 0 || text.len() > MOST {
                return Err("the server ended the stream before STARTTLS".to_owned());
            }
            text.extend(&piece[..count]);
        }
    }
    Ok(())
}

impl Endpoint {
    /// The endpoint of a door of the chat service.
    pub fn of_door(door: &Door, roots: &Arc<rustls::RootCertStore>) -> Self {
        let begin = if door.direct_tls { Begin::AtOnce } else { Begin::AfterStarttls };
        Self { address: door.address, name: door.domain.clone(), begin, roots: Arc::clone(roots) }
    }
}
