//! Reachability between hosts: a program that listens on each host's planned ports, calls the others' and measures the way
//! there. It leaves nothing behind: no file is written, and its processes end by themselves within seconds.

use super::Transport;
use crate::base::quote;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

const PROGRAM: &str = include_str!("mesh.pl");

/// The program ends by itself a little before this.
pub const MESH_WITHIN: Duration = Duration::from_secs(15);

/// A port that a host listens on while hosts call each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// TCP or UDP.
    pub transport: Transport,
    /// Port.
    pub port: u16,
    /// Numbers of the hosts that will call.
    pub callers: Vec<usize>,
}

/// A call of one host to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// TCP or UDP.
    pub transport: Transport,
    /// Port.
    pub port: u16,
    /// Number of the host that is called.
    pub peer: usize,
    /// Whether the way there is measured over this connection.
    pub measure: bool,
    /// Address that is called.
    pub address: String,
}

/// What came of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The connection stood: the number of the host that answered, when our own listener did.
    Open(Option<usize>),
    /// No answer of any kind.
    Silent,
    /// The host answers that nobody listens, or something between says so.
    Refused,
    /// It could not even be tried: why.
    Failed(String),
}

/// What the way between two hosts is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// Microseconds to the other host and back, at best.
    pub round_trip: u32,
    /// Segments that had to be sent again.
    pub again: u32,
    /// Segments sent.
    pub sent: u32,
    /// Whether packets of full size arrive.
    pub whole: bool,
}

/// A call with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// TCP or UDP.
    pub transport: Transport,
    /// Port.
    pub port: u16,
    /// Number of the host that was called.
    pub peer: usize,
    /// What came of it.
    pub answer: Answer,
    /// The way there, where it was measured.
    pub way: Option<Way>,
}

/// What one host said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeshSaid {
    /// Ports it listened on.
    pub bound: BTreeSet<(Transport, u16)>,
    /// Its calls.
    pub calls: Vec<Called>,
    /// Whether it came to its end.
    pub ended: bool,
}

fn word(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    }
}

/// The program of the host with this number. Only callers with the token are answered.
pub fn mesh_script(number: usize, token: &str, listening: &[Listening], calls: &[Call]) -> String {
    let (mut listen, mut call) = (String::new(), String::new());
    for it in listening {
        let callers: Vec<String> = it.callers.iter().map(ToString::to_string).collect();
        write!(listen, "{}/{}/{} ", word(it.transport), it.port, callers.join(","))
            .expect("a String takes all");
    }
    for it in calls {
        let measure = if it.measure { "measure" } else { "-" };
        write!(call, "{}/{}/{}/{measure}/{} ", word(it.transport), it.port, it.peer, it.address)
            .expect("a String takes all");
    }
    let words = [token, &listen, &call].map(quote);
    format!("perl -e {} {number} {}\n", quote(PROGRAM), words.join(" "))
}

/// Reads what it printed; a line that cannot be read counts for nothing.
pub fn parse_mesh(answer: &str) -> MeshSaid {
    let mut said = MeshSaid::default();
    for line in answer.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["end"] => said.ended = true,
            ["bound", kind, port] => said.bound.extend(socket(kind, port)),
            ["call", kind, port, peer, rest @ ..] => said.calls.extend(called((kind, port, peer), rest)),
            _ => {}
        }
    }
    said
}

fn socket(kind: &str, port: &str) -> Option<(Transport, u16)> {
    let transport = match kind {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        _ => return None,
    };
    Some((transport, port.parse().ok()?))
}

fn called((kind, port, peer): (&str, &str, &str), rest: &[&str]) -> Option<Called> {
    let (transport, port) = socket(kind, port)?;
    let (answer, way) = match rest {
        ["open", who, way @ ..] => (Answer::Open(who.parse().ok()), self::way(way)),
        ["open"] => (Answer::Open(None), None),
        ["silent"] => (Answer::Silent, None),
        ["refused"] => (Answer::Refused, None),
        ["failed", why @ ..] => (Answer::Failed(why.join(" ")), None),
        _ => return None,
    };
    Some(Called { transport, port, peer: peer.parse().ok()?, answer, way })
}

fn way(words: &[&str]) -> Option<Way> {
    let [round_trip, again, sent, whole] = words else { return None };
    Some(Way {
        round_trip: round_trip.parse().ok()?,
        again: again.parse().ok()?,
        sent: sent.parse().ok()?,
        whole: *whole == "yes",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_what_cannot_be_read_counts_for_nothing() {
        let said = parse_mesh(
            "bound tcp 5432\nheld tcp 22\ncall tcp 5432 2 open 2 310 1 207 yes\ncall udp 123 1 silent\n\
             call tcp 22 1 open\ncall tcp 80 1 failed No route to host\ncall tcp 80\ncall xtp 1 1 silent\nend\n",
        );
        assert!(said.ended && said.bound == [(Transport::Tcp, 5432)].into());
        let way = Way { round_trip: 310, again: 1, sent: 207, whole: true };
        let answers: Vec<_> = said.calls.iter().map(|it| (it.port, it.answer.clone(), it.way)).collect();
        let failed = Answer::Failed("No route to host".to_owned());
        assert_eq!(
            answers,
            [
                (5432, Answer::Open(Some(2)), Some(way)),
                (123, Answer::Silent, None),
                (22, Answer::Open(None), None),
                (80, failed, None)
            ]
        );
    }
}
