//! Whether hosts reach each other on the planned ports, and how good the ways between them are.

use super::{HostSeen, Judged, PreflightRule, Site, Trial};
use crate::base::HostName;
use crate::facts::{Answer, Transport, Way};

/// One call of a host to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Who called.
    pub from: HostName,
    /// Its address, for the line that would open the way.
    pub address: String,
    /// Who was called.
    pub to: HostName,
    /// TCP or UDP.
    pub transport: Transport,
    /// Port.
    pub port: u16,
    /// Whether something listened there for this test; if not, a service of the host's own does.
    pub ours: bool,
    /// What came of it, and who answered; none when the calling host could not say.
    pub answer: Option<Answer>,
    /// Another host than the one meant answered.
    pub other: Option<HostName>,
    /// The way there, where it was measured.
    pub way: Option<Way>,
}

pub(super) const RULES: &[PreflightRule] = &[
    PreflightRule {
        id: "MESH-01",
        what: "other hosts reach it on the planned ports",
        needed: "every planned pair",
        because: "the service is one only when its parts reach each other",
        fix: "open it in the firewall between them: imctl ports",
        judge: reached,
    },
    PreflightRule {
        id: "MESH-02",
        what: "time to it and back",
        needed: "<= LIMIT ms",
        because: "each message crosses the network several times before it is kept",
        fix: "put the hosts of a deployment into one site",
        judge: round_trip,
    },
    PreflightRule {
        id: "MESH-03",
        what: "packets that are lost on the way to it",
        needed: "<= LIMIT %",
        because: "every lost packet is a pause of a fifth of a second at least",
        fix: "look for a bad cable, a full link or a limit of the hypervisor: ip -s link on HOST",
        judge: lost,
    },
    PreflightRule {
        id: "MESH-04",
        what: "packets of full size arrive",
        needed: "from every host",
        because: "small messages pass and large ones hang",
        fix: "a tunnel on the way takes less than the hosts send, and says so to nobody: ip link set DEVICE mtu 1400 on the hosts, or let the firewall pass ICMP",
        judge: full_size,
    },
    PreflightRule {
        id: "MESH-05",
        what: "the host that answers at its address",
        needed: "is this one",
        because: "two hosts with one address take turns at losing connections",
        fix: "give each host an address of its own; ip neigh on the others tells who answers",
        judge: itself,
    },
];

/// The calls to this host, or why there are none to judge.
fn calls<'a>(seen: &HostSeen, site: &'a Site) -> Result<Vec<&'a Pair>, Judged> {
    match &site.mesh {
        Trial::Left(why) => Err(Judged::Open(why.clone())),
        Trial::Made(pairs) => {
            let pairs: Vec<&Pair> =
                pairs.iter().filter(|pair| Some(&pair.to) == seen.name.as_ref()).collect();
            if pairs.is_empty() {
                return Err(Judged::Good("no other host calls it".to_owned()));
            }
            Ok(pairs)
        }
    }
}

fn word(transport: Transport) -> &'static str {
    if transport == Transport::Udp { "udp" } else { "tcp" }
}

/// Why a pair is not reached, in words; none when it is, or nobody can say.
fn blocked(pair: &Pair) -> Option<String> {
    let why = match pair.answer.as_ref()? {
        Answer::Open(_) => return None,
        // A service of the host's own that refuses is that service's affair.
        Answer::Refused if !pair.ours => return None,
        Answer::Silent if !pair.ours && pair.transport == Transport::Udp => return None,
        Answer::Silent => "no answer",
        Answer::Refused => "refused",
        Answer::Failed(why) => why,
    };
    Some(format!("{} -> {}/{}: {why}", pair.from, pair.port, word(pair.transport)))
}

/// The line that would let a caller in.
fn opening(pair: &Pair) -> String {
    let family = if pair.address.contains(':') { "ip6" } else { "ip" };
    format!(
        "nft insert rule inet filter input {family} saddr {} {} dport {} accept",
        pair.address,
        word(pair.transport),
        pair.port
    )
}

fn reached(seen: &HostSeen, site: &Site) -> Judged {
    let calls = match calls(seen, site) {
        Ok(calls) => calls,
        Err(judged) => return judged,
    };
    let shut: Vec<(&Pair, String)> = calls.iter().filter_map(|pair| Some((*pair, blocked(pair)?))).collect();
    if let Some((first, _)) = shut.first() {
        let all: Vec<&str> = shut.iter().map(|(_, why)| why.as_str()).collect();
        return Judged::Barred(all.join("; "), opening(first));
    }
    let some = |fits: fn(&Pair) -> bool| {
        let mut hosts: Vec<&str> = calls.iter().filter(|it| fits(it)).map(|it| it.from.as_str()).collect();
        hosts.dedup();
        (!hosts.is_empty()).then(|| hosts.join(", "))
    };
    if let Some(mute) = some(|pair| pair.answer.is_none()) {
        return Judged::Doubtful(format!("it could not be tried from {mute}"), None);
    }
    // The listener of this test greets at once.
    if let Some(slow) = some(|pair| pair.ours && pair.answer == Some(Answer::Open(None))) {
        return Judged::Doubtful(format!("connected, and no word in two seconds, from {slow}"), None);
    }
    Judged::Good(format!("{} pairs", calls.len()))
}

/// Judges the measured ways to a host; the worst of them is shown.
fn ways(
    seen: &HostSeen,
    site: &Site,
    measure: impl Fn(&Way) -> f64,
    judge: impl Fn(f64, String) -> Judged,
) -> Judged {
    let calls = match calls(seen, site) {
        Ok(calls) => calls,
        Err(judged) => return judged,
    };
    let measured = calls.iter().filter_map(|pair| Some((&pair.from, measure(&pair.way?))));
    match measured.max_by(|(_, one), (_, other)| one.total_cmp(other)) {
        None => Judged::Open("no connection of this test to it could be measured".to_owned()),
        Some((from, worst)) => judge(worst, from.to_string()),
    }
}

fn round_trip(seen: &HostSeen, site: &Site) -> Judged {
    ways(
        seen,
        site,
        |way| f64::from(way.round_trip) / 1000.0,
        |ms, from| {
            let said = format!("{ms:.1} ms from {from}");
            if ms > site.limit("MESH-02") { Judged::Doubtful(said, None) } else { Judged::Good(said) }
        },
    )
}

/// Percent of the segments that had to be sent again; fewer than three may be chance, and those that never fit are not lost.
fn share_lost(way: &Way) -> f64 {
    if way.again < 3 || !way.whole { 0.0 } else { 100.0 * f64::from(way.again) / f64::from(way.sent.max(1)) }
}

fn lost(seen: &HostSeen, site: &Site) -> Judged {
    ways(seen, site, share_lost, |percent, from| {
        if percent > site.limit("MESH-03") {
            Judged::Bad(format!("{percent:.0} % from {from}"), None)
        } else {
            Judged::Good(format!("{percent:.0} %"))
        }
    })
}

fn full_size(seen: &HostSeen, site: &Site) -> Judged {
    ways(
        seen,
        site,
        |way| f64::from(u8::from(!way.whole)),
        |bad, from| {
            if bad > 0.0 {
                Judged::Bad(format!("not from {from}"), None)
            } else {
                Judged::Good("yes".to_owned())
            }
        },
    )
}

fn itself(seen: &HostSeen, site: &Site) -> Judged {
    let calls = match calls(seen, site) {
        Ok(calls) => calls,
        Err(judged) => return judged,
    };
    match calls.iter().find_map(|pair| Some((&pair.from, pair.other.as_ref()?))) {
        Some((from, other)) => Judged::Bad(format!("{other}, when {from} calls"), None),
        None => Judged::Good("yes".to_owned()),
    }
}
