//! What dpkg and apt say, and who holds the ports.

use super::{HostSeen, Judged, PreflightRule, Site, hm, no, unknown, yes};

pub(super) const RULES: &[PreflightRule] = &[
    PreflightRule {
        id: "PKG-01",
        what: "broken packages",
        needed: "none",
        because: "apt refuses to install anything before they are whole",
        fix: "dpkg --configure -a and apt-get -f install on HOST",
        judge: broken,
    },
    PreflightRule {
        id: "PKG-02",
        what: "packages held back",
        needed: "none",
        because: "a held package keeps others from being installed",
        fix: "apt-mark showhold, then apt-mark unhold NAME on HOST",
        judge: held,
    },
    PreflightRule {
        id: "PKG-03",
        what: "locks of dpkg and apt",
        needed: "free",
        because: "somebody else is installing packages at this moment; imctl waits two minutes for it",
        fix: "wait until it is done; ps -p PID on HOST tells who it is",
        judge: locked,
    },
    PreflightRule {
        id: "PKG-04",
        what: "packages of the stack that imctl did not install",
        needed: "none",
        because: "their data and configuration would be taken over, and restarts would hit whoever uses them",
        fix: "move what they serve to another host and remove them, or choose a fresh host",
        judge: foreign,
    },
    PreflightRule {
        id: "DEPLOY-01",
        what: "what imctl installed",
        needed: "stands on the host, for an upgrade or an acceptance",
        because: "only what stands there can be upgraded or proved",
        fix: "imctl install puts it there; is this the right inventory?",
        judge: deployed,
    },
    PreflightRule {
        id: "PKG-06",
        what: "data of an earlier installation",
        needed: "none where the service keeps its data",
        because: "a database that finds the files of another does not start, or starts with them",
        fix: "look what it is; move it away on HOST, or choose a fresh host",
        judge: leftovers,
    },
    PreflightRule {
        id: "PKG-05",
        what: "upgrades that come by themselves",
        needed: "none at any hour",
        because: "a service that is upgraded at night restarts at night, on all hosts at once",
        fix: "systemctl disable --now unattended-upgrades.service apt-daily-upgrade.timer on HOST; upgrades come with the bundle",
        judge: timers,
    },
    PreflightRule {
        id: "PORT-01",
        what: "ports of the service",
        needed: "free, or ours already",
        because: "a server that cannot open its port does not start",
        fix: "ss -tulpn on HOST tells who listens; stop it or give it another port",
        judge: ports,
    },
];

fn broken(seen: &HostSeen, _: &Site) -> Judged {
    if !seen.deep.knows("broken") {
        return unknown("what dpkg finds wrong");
    }
    if seen.deep.broken.is_empty() { yes("none") } else { no(seen.deep.broken.join(", ")) }
}

fn held(seen: &HostSeen, _: &Site) -> Judged {
    if !seen.deep.knows("held") {
        return unknown("what is held back");
    }
    if seen.deep.held.is_empty() { yes("none") } else { hm(seen.deep.held.join(", ")) }
}

fn locked(seen: &HostSeen, _: &Site) -> Judged {
    match &seen.deep.locked {
        None if !seen.deep.knows("locks") => unknown("who holds them"),
        None => yes("free"),
        Some(who) => hm(format!("held by process {who}")),
    }
}

fn foreign(seen: &HostSeen, _: &Site) -> Judged {
    if seen.foreign.is_empty() { yes("none") } else { no(seen.foreign.join(", ")) }
}

fn leftovers(seen: &HostSeen, _: &Site) -> Judged {
    match &seen.deep.filled {
        _ if seen.ours => yes("ours"),
        filled if filled.is_empty() => yes("none"),
        filled => no(filled.join(", ")),
    }
}

fn deployed(seen: &HostSeen, _: &Site) -> Judged {
    match (seen.ours, seen.awaited) {
        (true, _) => yes("stands"),
        (false, true) => no("nothing"),
        (false, false) => yes("not yet"),
    }
}

fn timers(seen: &HostSeen, _: &Site) -> Judged {
    if !seen.deep.knows("active") {
        return unknown("which units are active");
    }
    if seen.deep.timers.is_empty() { yes("none") } else { hm(seen.deep.timers.join(", ")) }
}

fn ports(seen: &HostSeen, _: &Site) -> Judged {
    if seen.ours {
        return yes("ours");
    }
    let Some(listeners) = &seen.facts.listeners else { return unknown("who listens") };
    let taken: Vec<String> = seen
        .ports
        .iter()
        .filter_map(|(transport, port, component)| {
            let held = listeners.iter().find(|it| it.transport == *transport && it.port == *port)?;
            let who = held.process.as_deref().unwrap_or("somebody");
            Some(format!("{port} of {component} by {who}"))
        })
        .collect();
    if taken.is_empty() { yes(format!("{} free", seen.ports.len())) } else { no(taken.join(", ")) }
}
