//! What only shows when hosts are held against each other: clocks, names, identities, networks.

use super::{HostSeen, Judged, PreflightRule, Site, hm, no, real, unknown, yes};

pub(super) const RULES: &[PreflightRule] = &[
    PreflightRule {
        id: "TIME-01",
        what: "clock against the other hosts",
        needed: "<= LIMIT s apart",
        because: "history is ordered by it, certificates and tokens are judged by it",
        fix: "let HOST keep time: chrony comes with the installation; step it first with date -s where it is far off",
        judge: skew,
    },
    PreflightRule {
        id: "TIME-02",
        what: "time zone",
        needed: "the same everywhere",
        because: "logs of several hosts are read side by side",
        fix: "timedatectl set-timezone ZONE on HOST",
        judge: zone,
    },
    PreflightRule {
        id: "TIME-03",
        what: "clock kept by time servers",
        needed: "yes, once the service is installed",
        because: "a clock that nobody keeps drifts by seconds a week",
        fix: "look at chronyc sources on HOST; name the site's servers in settings.base.time-servers",
        judge: kept,
    },
    PreflightRule {
        id: "NAME-03",
        what: "host name",
        needed: "a name of its own",
        because: "logs and cluster members are told apart by it",
        fix: "hostnamectl set-hostname NAME on HOST",
        judge: name,
    },
    PreflightRule {
        id: "NAME-04",
        what: "machine-id",
        needed: "one of its own",
        because: "copies of one image share it: their journals and leases are mixed up",
        fix: "rm /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot HOST",
        judge: machine,
    },
    PreflightRule {
        id: "NET-01",
        what: "largest packet",
        needed: "the same everywhere",
        because: "large messages vanish where a packet does not fit",
        fix: "ip link set DEVICE mtu N on HOST, and in its network configuration",
        judge: packet,
    },
    PreflightRule {
        id: "NET-02",
        what: "speed of the network",
        needed: "what its roles need",
        because: "files and history share the line",
        fix: "look for a cable or a port that fell back to a lower speed: ethtool DEVICE on HOST",
        judge: speed,
    },
    PreflightRule {
        id: "DNS-01",
        what: "time until an unknown name is unknown",
        needed: "<= LIMIT ms",
        because: "each connection to a host that asks for a name waits as long",
        fix: "take name servers that do not answer out of /etc/resolv.conf on HOST",
        judge: resolver,
    },
];

fn skew(seen: &HostSeen, site: &Site) -> Judged {
    let mut all: Vec<f64> = site.hosts.iter().filter_map(|(_, it)| Some(it.clock?.0)).collect();
    all.sort_by(f64::total_cmp);
    let (Some((own, unsure)), Some(middle)) = (seen.clock, all.get(all.len() / 2)) else {
        return unknown("its clock");
    };
    let apart = own - middle;
    let said = format!("{apart:+.1} s");
    if apart.abs() > site.limit("TIME-01") + unsure { no(said) } else { yes(said) }
}

fn kept(seen: &HostSeen, _: &Site) -> Judged {
    match seen.facts.clock_synced {
        _ if seen.limits.iter().any(|limit| limit == "clock") => {
            Judged::Open("`limits` says that it cannot set its clock".to_owned())
        }
        Some(true) => yes("yes"),
        _ if !seen.ours => yes("not yet"),
        Some(false) => hm("no"),
        None => unknown("whether it is kept"),
    }
}

/// Whether a host says something that most others do not.
fn odd_one_out<T: PartialEq + ToString>(own: Option<T>, others: &[T], what: &str) -> Judged {
    let Some(own) = own else { return unknown(what) };
    let most = others.iter().max_by_key(|it| others.iter().filter(|other| other == it).count());
    match most {
        Some(most) if *most != own => Judged::Doubtful(own.to_string(), Some(most.to_string())),
        _ => yes(own.to_string()),
    }
}

fn zone(seen: &HostSeen, site: &Site) -> Judged {
    let own = |it: &HostSeen| Some(it.facts.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()));
    let plain = |zone: String| if zone == "Etc/UTC" { "UTC".to_owned() } else { zone };
    let all: Vec<String> = site.hosts.iter().filter_map(|(_, it)| own(it).map(plain)).collect();
    odd_one_out(own(seen).map(plain), &all, "the time zone")
}

fn shared<'a>(
    own: Option<&'a str>,
    site: &'a Site,
    of: impl Fn(&'a HostSeen) -> Option<&'a str>,
) -> Vec<String> {
    let same = site.hosts.iter().filter(|(_, it)| own.is_some() && of(it) == own);
    same.map(|(host, _)| host.to_string()).collect()
}

fn name(seen: &HostSeen, site: &Site) -> Judged {
    let own = seen.facts.hostname.as_deref();
    match (own, shared(own, site, |it| it.facts.hostname.as_deref())) {
        (None, _) => unknown("its name"),
        (Some(own), same) if same.len() > 1 => no(format!("{own} on {}", same.join(", "))),
        (Some(own), _) => yes(own),
    }
}

fn machine(seen: &HostSeen, site: &Site) -> Judged {
    let own = seen.facts.machine_id.as_deref();
    match (own, shared(own, site, |it| it.facts.machine_id.as_deref())) {
        (None, _) => no("none"),
        (Some(_), same) if same.len() > 1 => no(format!("the same on {}", same.join(", "))),
        (Some(own), _) => yes(format!("{}…", own.chars().take(8).collect::<String>())),
    }
}

fn packet(seen: &HostSeen, site: &Site) -> Judged {
    let least = |it: &HostSeen| it.facts.interfaces.iter().filter(|it| it.up).filter_map(|it| it.mtu).min();
    let all: Vec<u32> = site.hosts.iter().filter_map(|(_, it)| least(it)).collect();
    odd_one_out(least(seen), &all, "the size")
}

fn speed(seen: &HostSeen, _: &Site) -> Judged {
    let fastest = seen.facts.interfaces.iter().filter(|it| it.up).filter_map(|it| it.speed).max();
    match fastest {
        Some(mbit) if f64::from(mbit) < seen.needs.network_mbit => {
            Judged::Bad(format!("{mbit} Mbit/s"), Some(format!(">= {:.0} Mbit/s", seen.needs.network_mbit)))
        }
        Some(mbit) => yes(format!("{mbit} Mbit/s")),
        None => Judged::Open("the driver does not say".to_owned()),
    }
}

fn resolver(seen: &HostSeen, site: &Site) -> Judged {
    match seen.deep.lookup_ms {
        None => unknown("the time"),
        Some(ms) if real(ms) > site.limit("DNS-01") => {
            let list = seen.deep.resolvers.join(", ");
            if real(ms) > 4.0 * site.limit("DNS-01") {
                no(format!("{ms} ms with {list}"))
            } else {
                hm(format!("{ms} ms with {list}"))
            }
        }
        Some(ms) => yes(format!("{ms} ms")),
    }
}
