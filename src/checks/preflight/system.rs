//! Limits, security modules, packet filters, settings that somebody else made.

use super::{HostSeen, Judged, PreflightRule, Site, hm, no, real, unknown, yes};

pub(super) const RULES: &[PreflightRule] = &[
    PreflightRule {
        id: "LIMIT-01",
        what: "processes",
        needed: "room for LIMIT",
        because: "a runtime with many threads and the database's processes share this number",
        fix: "echo 'kernel.pid_max = 4194304' >/etc/sysctl.d/50-pid-max.conf and sysctl --system on HOST",
        judge: processes,
    },
    PreflightRule {
        id: "LIMIT-02",
        what: "mask of new files",
        needed: "022, 027 or 077 for others",
        because: "files that everybody may write invite everybody",
        fix: "set UMASK in /etc/login.defs and in /etc/profile on HOST",
        judge: mask,
    },
    PreflightRule {
        id: "LIMIT-03",
        what: "open files of a process",
        needed: ">= LIMIT (fs.nr_open)",
        because: "no unit can have more, whatever it asks for; every session and connection is one",
        fix: "echo 'fs.nr_open = 1048576' >/etc/sysctl.d/50-nr-open.conf and sysctl --system on HOST",
        judge: open_files,
    },
    PreflightRule {
        id: "SWAP-01",
        what: "swap",
        needed: "less than the memory, used little",
        because: "a service that is swapped out answers in seconds",
        fix: "sysctl vm.swappiness=10 on HOST, or swapoff -a where memory is plenty",
        judge: swap,
    },
    PreflightRule {
        id: "SEC-01",
        what: "SELinux",
        needed: "off or permissive",
        because: "the stack brings no policy for it; on Debian AppArmor is usual",
        fix: "set SELINUX=permissive in /etc/selinux/config on HOST and reboot",
        judge: selinux,
    },
    PreflightRule {
        id: "SEC-02",
        what: "other packet filters",
        needed: "none that is active",
        because: "two who write rules undo each other, after the next reboot at the latest",
        fix: "systemctl disable --now UNIT on HOST, and put its openings into `ssh-from` and the port sheet: imctl ports",
        judge: filters,
    },
    PreflightRule {
        id: "CONFLICT-01",
        what: "kernel settings that files of the host give otherwise",
        needed: "equal, or none",
        because: "after a reboot the last file wins, which may not be ours",
        fix: "take the line out of the file that is named, or decide which value is right: imctl plan shows ours",
        judge: settings,
    },
];

fn processes(seen: &HostSeen, site: &Site) -> Judged {
    match seen.deep.pid_max {
        Some(most) if real(most) < site.limit("LIMIT-01") => no(most.to_string()),
        Some(most) => yes(most.to_string()),
        None => unknown("the limit"),
    }
}

fn open_files(seen: &HostSeen, site: &Site) -> Judged {
    match seen.deep.nr_open {
        Some(most) if real(most) < site.limit("LIMIT-03") => hm(most.to_string()),
        Some(most) => yes(most.to_string()),
        None => unknown("the limit"),
    }
}

fn mask(seen: &HostSeen, _: &Site) -> Judged {
    let Some(mask) = seen.umask.as_deref() else { return unknown("the mask") };
    match u32::from_str_radix(mask, 8) {
        Ok(bits) if bits & 0o002 != 0 => yes(mask),
        _ => hm(mask),
    }
}

fn swap(seen: &HostSeen, _: &Site) -> Judged {
    let (Some(swap), Some(memory)) = (seen.facts.swap_mib, seen.facts.memory_mib) else {
        return unknown("swap");
    };
    let eager = seen.deep.swappiness.is_some_and(|it| it > 60);
    match swap {
        0 => yes("none"),
        _ if eager => hm(format!("{swap} MiB, swappiness {}", seen.deep.swappiness.unwrap_or_default())),
        _ if swap > memory => hm(format!("{swap} MiB, memory is {memory} MiB")),
        _ => yes(format!("{swap} MiB")),
    }
}

fn selinux(seen: &HostSeen, _: &Site) -> Judged {
    match seen.deep.selinux {
        Some(true) => no("enforcing"),
        Some(false) => yes("permissive"),
        None => yes("off"),
    }
}

fn filters(seen: &HostSeen, _: &Site) -> Judged {
    if !seen.deep.knows("active") {
        return unknown("which units are active");
    }
    if seen.deep.filters.is_empty() { yes("none") } else { no(seen.deep.filters.join(", ")) }
}

fn settings(seen: &HostSeen, _: &Site) -> Judged {
    let mut other = Vec::new();
    for (name, value, file) in &seen.settings {
        if let Some((theirs, given)) = seen.deep.sysctls.get(name)
            && theirs != file
            && given != value
            && !theirs.starts_with("/usr/lib/")
        {
            other.push(format!("{name} = {given} in {theirs}, ours is {value}"));
        }
    }
    if other.is_empty() { yes("none") } else { hm(other.join("; ")) }
}
