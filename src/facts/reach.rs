//! Which places a host reaches over TCP: the script and the reader of its answer. Nothing is sent over the connections.

use crate::base::quote;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

const PROGRAM: &str = include_str!("reach.pl");

/// A connection may take so many seconds; a place behind a packet filter stays silent.
const SECONDS: u64 = 2;
/// So many are tried at once; the same number stands in the script.
const AT_ONCE: usize = 400;

/// The script that tries these places.
pub fn reach_script(places: &[SocketAddr]) -> String {
    let words: Vec<String> = places.iter().map(|place| quote(&place.to_string())).collect();
    format!("perl -e {} {SECONDS} {}\n", quote(PROGRAM), words.join(" "))
}

/// How long the script may take for so many places.
pub fn reach_within(places: usize) -> Duration {
    let rounds = u64::try_from(places.div_ceil(AT_ONCE)).unwrap_or(u64::MAX);
    Duration::from_secs((SECONDS + 2).saturating_mul(rounds) + 20)
}

/// The places that took a connection; none when the script did not come to its end.
pub fn parse_reach(answer: &str) -> Option<BTreeSet<SocketAddr>> {
    let ended = answer.lines().any(|line| line == "done");
    let open = answer.lines().filter_map(|line| line.strip_prefix("open ")?.parse().ok());
    ended.then(|| open.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_listens_is_open_and_another_is_not() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let open = listener.local_addr().expect("an address");
        let closed: SocketAddr = "127.0.0.1:1".parse().expect("an address");
        let script = reach_script(&[open, closed]);
        let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("sh");
        let reached = parse_reach(&String::from_utf8_lossy(&output.stdout)).expect("an end");
        assert_eq!(reached.into_iter().collect::<Vec<_>>(), [open]);
        assert_eq!(parse_reach("open 127.0.0.1:1\n"), None);
    }
}
