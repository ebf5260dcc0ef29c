//! The system itself: release, kernel, systemd, names, identity.

use super::{HostSeen, Judged, PreflightRule, Site, hm, no, unknown, yes};

pub(super) const RULES: &[PreflightRule] = &[
    PreflightRule {
        id: "OS-01",
        what: "operating system",
        needed: "one that the stack runs on",
        because: "packages are built for it",
        fix: "install a system that the stack names; imctl refuses to install on others",
        judge: platform,
    },
    PreflightRule {
        id: "OS-02",
        what: "systemd runs the host",
        needed: "process 1 is systemd, 247 or later",
        because: "services are its units",
        fix: "boot HOST with systemd; a plain container is no host",
        judge: systemd,
    },
    PreflightRule {
        id: "OS-06",
        what: "kind of machine",
        needed: "hardware or a virtual machine, or a container that says what it cannot do",
        because: "a container cannot set its clock or the kernel, and steps that do would fail",
        fix: "say it in the inventory: limits: [clock, sysctl, nofile, apparmor] at the host",
        judge: machine,
    },
    PreflightRule {
        id: "OS-03",
        what: "failed units",
        needed: "none",
        because: "something on the host is broken already",
        fix: "systemctl --failed on HOST, then systemctl status UNIT; systemctl reset-failed when it is of no concern",
        judge: failed,
    },
    PreflightRule {
        id: "OS-04",
        what: "reboot",
        needed: "none outstanding",
        because: "a kernel or library that is not in use yet changes with the next power cut",
        fix: "reboot HOST before the installation",
        judge: reboot,
    },
    PreflightRule {
        id: "OS-05",
        what: "needed programs",
        needed: "all there",
        because: "imctl and the packages use them",
        fix: "apt-get install the package that holds them",
        judge: programs,
    },
    PreflightRule {
        id: "NAME-01",
        what: "the host's own name",
        needed: "leads to an address",
        because: "servers ask for their own name when they start, and wait",
        fix: "put a line with its address and name into /etc/hosts on HOST",
        judge: own_name,
    },
    PreflightRule {
        id: "NAME-02",
        what: "address of the inventory",
        needed: "one of the host's own",
        because: "the other hosts are told this address; behind address translation they may not reach it",
        fix: "put the address that the other hosts reach into the inventory",
        judge: address,
    },
    PreflightRule {
        id: "LOCALE-01",
        what: "language of the system",
        needed: "UTF-8, or none",
        because: "names with letters beyond ASCII become unreadable in its tools",
        fix: "update-locale LANG=C.UTF-8 on HOST",
        judge: locale,
    },
];

fn platform(seen: &HostSeen, site: &Site) -> Judged {
    let said = |part: &Option<String>| part.clone().unwrap_or_else(|| "unknown".to_owned());
    let facts = &seen.facts;
    let platform = format!("{}-{}-{}", said(&facts.os_id), said(&facts.os_version), said(&facts.arch));
    let fits = site.platforms.contains(&platform);
    if fits { yes(platform) } else { Judged::Bad(platform, Some(site.platforms.join(", "))) }
}

fn systemd(seen: &HostSeen, _: &Site) -> Judged {
    match (seen.facts.init.as_deref(), seen.facts.systemd) {
        (Some("systemd"), Some(version)) if version >= 247 => yes(format!("systemd {version}")),
        (Some("systemd"), Some(version)) => no(format!("systemd {version}")),
        (Some(init), _) => no(format!("process 1 is {init}")),
        (None, _) => unknown("process 1"),
    }
}

const CONTAINERS: [&str; 8] =
    ["container-other", "docker", "lxc", "lxc-libvirt", "openvz", "podman", "systemd-nspawn", "wsl"];

fn machine(seen: &HostSeen, _: &Site) -> Judged {
    match seen.facts.virtualization.as_deref() {
        None => unknown("the kind"),
        Some("none") => yes("hardware"),
        Some(kind) if CONTAINERS.contains(&kind) && seen.limits.is_empty() => hm(kind),
        Some(kind) => yes(kind),
    }
}

fn failed(seen: &HostSeen, _: &Site) -> Judged {
    if !seen.deep.knows("units") {
        return unknown("which units failed");
    }
    if seen.deep.failed.is_empty() { yes("none") } else { hm(seen.deep.failed.join(", ")) }
}

fn reboot(seen: &HostSeen, _: &Site) -> Judged {
    match &seen.deep.reboot {
        None => yes("none"),
        Some(why) => hm(why.clone()),
    }
}

fn programs(seen: &HostSeen, _: &Site) -> Judged {
    if seen.deep.missing.is_empty() {
        yes("all there")
    } else {
        no(format!("missing: {}", seen.deep.missing.join(", ")))
    }
}

fn own_name(seen: &HostSeen, _: &Site) -> Judged {
    let name = seen.facts.hostname.clone().unwrap_or_default();
    match &seen.deep.own_address {
        Some(address) => yes(format!("{name} is {address}")),
        // The stack writes the names of all hosts, its own among them.
        None => hm(format!("{name} leads nowhere")),
    }
}

fn address(seen: &HostSeen, _: &Site) -> Judged {
    let Ok(address) = seen.address.parse() else { return yes(seen.address.clone()) };
    if seen.facts.addresses.contains(&address) {
        return yes(seen.address.clone());
    }
    let own: Vec<String> = seen.facts.addresses.iter().map(ToString::to_string).collect();
    if own.is_empty() { unknown("its addresses") } else { hm(format!("the host has {}", own.join(", "))) }
}

fn locale(seen: &HostSeen, _: &Site) -> Judged {
    match seen.facts.locale.as_deref() {
        None => yes("none set"),
        Some(locale) if locale.to_ascii_lowercase().replace('-', "").ends_with("utf8") => yes(locale),
        Some(locale) if locale == "C" || locale == "POSIX" => yes(locale),
        Some(locale) => hm(locale),
    }
}
