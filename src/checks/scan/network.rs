//! Rules over ports: what answers from outside, from the other hosts, what listens, and what the packet filter says.

use super::{Outcome, Said, few};
use crate::base::HostName;
use crate::facts::{GuardFacts, Listener, Transport};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of one host's network.
#[derive(Debug, Clone)]
pub struct NetworkSeen {
    /// The host.
    pub host: HostName,
    /// TCP ports that answer from outside, or why nobody can say.
    pub outside: Result<BTreeSet<u16>, String>,
    /// Those that are meant to.
    pub public: BTreeSet<u16>,
    /// TCP ports that each other host reaches; none when it could not try.
    pub reached: BTreeMap<HostName, Option<BTreeSet<u16>>>,
    /// Those that each of them may reach.
    pub allowed: BTreeMap<HostName, BTreeSet<u16>>,
    /// Sockets that listen; none when they could not be read.
    pub listeners: Option<Vec<Listener>>,
    /// Ports of the stack and SSH.
    pub declared: BTreeSet<(Transport, u16)>,
    /// Of them, those that only the host itself may use.
    pub inner: BTreeSet<u16>,
    /// The inventory says that it has no packet filter.
    pub unfiltered: bool,
}

/// Judges one host.
pub fn network(seen: &NetworkSeen, guard: &GuardFacts) -> Vec<Said> {
    let mut said = vec![
        Said::of("EXPO-01", &seen.host, outside(seen)),
        Said::of("EXPO-02", &seen.host, between(seen)),
        Said::of("EXPO-03", &seen.host, behind(seen)),
        Said::of("EXPO-04", &seen.host, udp(seen)),
    ];
    said.extend(filter(seen, guard));
    said
}

fn surplus(seen: &NetworkSeen) -> BTreeSet<u16> {
    seen.outside.as_ref().map(|open| open.difference(&seen.public).copied().collect()).unwrap_or_default()
}

fn named(seen: &NetworkSeen, port: u16) -> String {
    let listeners = seen.listeners.iter().flatten();
    let process = listeners
        .filter(|it| it.transport == Transport::Tcp && it.port == port)
        .find_map(|it| it.process.clone());
    process.map_or_else(|| port.to_string(), |process| format!("{port} ({process})"))
}

fn outside(seen: &NetworkSeen) -> Outcome {
    match &seen.outside {
        Err(why) => Outcome::Unknown(why.clone()),
        Ok(open) => {
            let wrong: Vec<String> = surplus(seen).into_iter().map(|port| named(seen, port)).collect();
            let list = open.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
            Outcome::none_of(&wrong, format!("{list} of 65,535"))
        }
    }
}

fn between(seen: &NetworkSeen) -> Outcome {
    let mut wrong = Vec::new();
    let mut silent = Vec::new();
    for (from, reached) in &seen.reached {
        let Some(reached) = reached else {
            silent.push(from.to_string());
            continue;
        };
        let none = BTreeSet::new();
        let allowed = seen.allowed.get(from).unwrap_or(&none);
        // What answers from outside is told there.
        let surplus = surplus(seen);
        let over = reached.iter().filter(|port| !allowed.contains(port) && !surplus.contains(port));
        wrong.extend(over.map(|port| format!("{} from {from}", named(seen, *port))));
    }
    match (wrong.is_empty(), silent.is_empty(), seen.reached.is_empty()) {
        (true, true, true) => Outcome::Open("there is no other host".to_owned()),
        (true, false, _) => Outcome::Unknown(format!("not tried from {}", few(&silent))),
        _ => Outcome::none_of(&wrong, format!("as planned from {} hosts", seen.reached.len())),
    }
}

fn spoken(it: &Listener) -> String {
    let process = it.process.as_deref().unwrap_or("a program");
    let place = if it.address.is_ipv6() { format!("[{}]", it.address) } else { it.address.to_string() };
    format!("{process} on {place}:{}", it.port)
}

/// Programs that listen where others could reach them but for the packet filter.
fn behind(seen: &NetworkSeen) -> Outcome {
    let Some(listeners) = &seen.listeners else {
        return Outcome::Unknown("who listens could not be read".to_owned());
    };
    let surplus = surplus(seen);
    let strange = |it: &&Listener| {
        let known = seen.declared.contains(&(Transport::Tcp, it.port)) && !seen.inner.contains(&it.port);
        it.transport == Transport::Tcp && !it.address.is_loopback() && !known && !surplus.contains(&it.port)
    };
    let mut wrong: Vec<String> = listeners.iter().filter(strange).map(spoken).collect();
    wrong.dedup();
    Outcome::none_of(&wrong, "only those of the stack and SSH")
}

/// DHCP clients listen without being services.
const DHCP: [u16; 2] = [68, 546];

fn udp(seen: &NetworkSeen) -> Outcome {
    let Some(listeners) = &seen.listeners else {
        return Outcome::Unknown("who listens could not be read".to_owned());
    };
    let strange = |it: &&Listener| {
        it.transport == Transport::Udp
            && !it.address.is_loopback()
            && !DHCP.contains(&it.port)
            && !seen.declared.contains(&(Transport::Udp, it.port))
    };
    let mut wrong: Vec<String> = listeners.iter().filter(strange).map(spoken).collect();
    wrong.dedup();
    Outcome::none_of(&wrong, "only those of the stack")
}

/// Rules over the packet filter as it stands in the kernel.
fn filter(seen: &NetworkSeen, guard: &GuardFacts) -> Vec<Said> {
    let ids = ["EXPO-05", "EXPO-06", "EXPO-07", "EXPO-08"];
    let all = |outcome: &Outcome| ids.iter().map(|id| Said::of(id, &seen.host, outcome.clone())).collect();
    if seen.unfiltered {
        return all(&Outcome::Open(
            "`limits` says that this host has no packet filter of its own".to_owned(),
        ));
    }
    let Some(rules) = guard.ruleset().filter(|_| guard.knows("nft")) else {
        return all(&Outcome::Unknown("the packet filter could not be read".to_owned()));
    };
    let input = dropping(&rules, "input", &["inet", "ip"]);
    let everything = input.iter().any(|chain| accepts(&rules, chain, &[]));
    let v6 = dropping(&rules, "input", &["inet", "ip6"]);
    let all_v6 = v6.iter().any(|chain| accepts(&rules, chain, &["ipv6"]));
    let enabled = guard.last("nft-enabled").unwrap_or("unknown").to_owned();
    let outcomes = [
        match (input.is_empty(), everything) {
            (true, _) => Outcome::Bad("accepted".to_owned()),
            (false, true) => Outcome::Bad("a rule lets everything in".to_owned()),
            _ => Outcome::Good("dropped".to_owned()),
        },
        Outcome::judged(
            !dropping(&rules, "forward", &["inet", "ip"]).is_empty(),
            if dropping(&rules, "forward", &["inet", "ip"]).is_empty() { "accepted" } else { "dropped" },
        ),
        match (v6.is_empty() && !input.is_empty(), all_v6) {
            (true, _) => Outcome::Bad("IPv6 has no filter".to_owned()),
            (false, true) => Outcome::Bad("a rule lets all of IPv6 in".to_owned()),
            _ => Outcome::Good("the same".to_owned()),
        },
        Outcome::judged(enabled == "enabled", enabled),
    ];
    ids.iter().zip(outcomes).map(|(id, outcome)| Said::of(id, &seen.host, outcome)).collect()
}

/// A chain, by family, table and name.
type Chain = (String, String, String);

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Chains at that hook whose default is to drop.
fn dropping(rules: &[Value], hook: &str, families: &[&str]) -> Vec<Chain> {
    let fits = |chain: &&Value| {
        chain["hook"] == hook
            && chain["policy"] == "drop"
            && families.iter().any(|family| chain["family"] == *family)
    };
    let chains = rules.iter().filter_map(|item| item.get("chain"));
    chains.filter(fits).map(|it| (text(it, "family"), text(it, "table"), text(it, "name"))).collect()
}

/// Whether a rule of the chain accepts everything, or everything of that protocol family.
fn accepts(rules: &[Value], chain: &Chain, family: &[&str]) -> bool {
    let of_chain = |rule: &&Value| (text(rule, "family"), text(rule, "table"), text(rule, "chain")) == *chain;
    rules.iter().filter_map(|item| item.get("rule")).filter(of_chain).any(|rule| {
        let Some(words) = rule["expr"].as_array() else { return false };
        let accepts = words.iter().any(|word| word.get("accept").is_some());
        let conditions: Vec<&Value> = words
            .iter()
            .filter(|word| !["accept", "counter", "log"].iter().any(|free| word.get(free).is_some()))
            .collect();
        let blanket = match (conditions.as_slice(), family) {
            ([], []) => true,
            ([one], [wanted]) => {
                one["match"]["left"]["meta"]["key"] == "nfproto" && one["match"]["right"] == **wanted
            }
            _ => false,
        };
        accepts && blanket
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::parse_guard;

    fn listener(transport: Transport, address: &str, port: u16) -> Listener {
        Listener { transport, port, address: address.parse().unwrap(), process: Some("prog".to_owned()) }
    }

    fn host(name: &str) -> HostName {
        HostName::new(name).unwrap()
    }

    fn good() -> NetworkSeen {
        NetworkSeen {
            host: host("db1"),
            outside: Ok([22].into()),
            public: [22].into(),
            reached: [(host("app1"), Some([22, 5432].into()))].into(),
            allowed: [(host("app1"), [22, 5432].into())].into(),
            listeners: Some(vec![
                listener(Transport::Tcp, "0.0.0.0", 22),
                listener(Transport::Tcp, "10.0.0.2", 5432),
                listener(Transport::Tcp, "127.0.0.1", 3903),
                listener(Transport::Udp, "0.0.0.0", 123),
            ]),
            declared: [
                (Transport::Tcp, 22),
                (Transport::Tcp, 5432),
                (Transport::Tcp, 3903),
                (Transport::Udp, 123),
            ]
            .into(),
            inner: [3903].into(),
            unfiltered: false,
        }
    }

    const FILTER: &str = r#"nft {"nftables":[{"chain":{"family":"inet","table":"imctl","name":"input","hook":"input","policy":"drop"}},{"chain":{"family":"inet","table":"imctl","name":"forward","hook":"forward","policy":"drop"}},{"rule":{"family":"inet","table":"imctl","chain":"input","expr":[{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":22}},{"accept":null}]}}]}"#;

    fn fired(seen: &NetworkSeen, guard: &str) -> Vec<String> {
        let guard = parse_guard(&format!("answered nft\nnft-enabled enabled\n{guard}\n"));
        let bad = |it: &Said| matches!(it.outcome, Outcome::Bad(_));
        network(seen, &guard).into_iter().filter(bad).map(|it| it.id).collect()
    }

    #[test]
    fn each_surplus_port_is_told_once_by_the_worst_way_to_it() {
        assert!(fired(&good(), FILTER).is_empty());
        let mut seen = good();
        seen.listeners.as_mut().unwrap().push(listener(Transport::Tcp, "0.0.0.0", 8081));
        assert_eq!(fired(&seen, FILTER), ["EXPO-03"]);
        seen.outside = Ok([22, 8081].into());
        seen.reached.insert(host("app1"), Some([22, 5432, 8081].into()));
        assert_eq!(fired(&seen, FILTER), ["EXPO-01"]);
        let mut seen = good();
        seen.reached.insert(host("file1"), Some([22, 5432].into()));
        seen.allowed.insert(host("file1"), [22].into());
        assert_eq!(fired(&seen, FILTER), ["EXPO-02"]);
        let mut seen = good();
        seen.listeners.as_mut().unwrap().push(listener(Transport::Tcp, "0.0.0.0", 3903));
        assert_eq!(fired(&seen, FILTER), ["EXPO-03"]);
        seen.listeners.as_mut().unwrap().pop();
        seen.listeners.as_mut().unwrap().push(listener(Transport::Udp, "0.0.0.0", 5353));
        assert_eq!(fired(&seen, FILTER), ["EXPO-04"]);
    }

    #[test]
    fn the_filter_is_judged_by_what_the_kernel_holds() {
        assert_eq!(
            fired(&good(), &FILTER.replacen("\"policy\":\"drop\"", "\"policy\":\"accept\"", 1)),
            ["EXPO-05"]
        );
        assert_eq!(
            fired(
                &good(),
                &FILTER
                    .replace(r#""hook":"forward","policy":"drop""#, r#""hook":"forward","policy":"accept""#)
            ),
            ["EXPO-06"]
        );
        let rule = |expr: &str| {
            let rule = format!(
                r#"{{"rule":{{"family":"inet","table":"imctl","chain":"input","expr":[{expr}{{"accept":null}}]}}}}"#
            );
            FILTER.replacen("{\"rule\"", &format!("{rule},{{\"rule\""), 1)
        };
        assert_eq!(fired(&good(), &rule("")), ["EXPO-05"]);
        let v6 = r#"{"match":{"op":"==","left":{"meta":{"key":"nfproto"}},"right":"ipv6"}},"#;
        assert_eq!(fired(&good(), &rule(v6)), ["EXPO-07"]);
        let guard = parse_guard(&format!("answered nft\nnft-enabled disabled\n{FILTER}\n"));
        let bad: Vec<_> =
            network(&good(), &guard).into_iter().filter(|it| matches!(it.outcome, Outcome::Bad(_))).collect();
        assert_eq!(bad[0].id, "EXPO-08");
    }

    #[test]
    fn what_nobody_could_see_is_unknown() {
        let seen = NetworkSeen { outside: Err("no way".to_owned()), listeners: None, ..good() };
        let said = network(&seen, &GuardFacts::default());
        let unknown = said.iter().filter(|it| matches!(it.outcome, Outcome::Unknown(_))).count();
        assert_eq!(unknown, 7);
    }
}
