//! Processors, memory, disks: against what this inventory's roles need.

use super::{HostSeen, Judged, PreflightRule, Site, hm, no, real, unknown, yes};

pub(super) const RULES: &[PreflightRule] = &[
    PreflightRule {
        id: "CPU-01",
        what: "processors",
        needed: "what its roles need at the peak",
        because: "logins and messages wait when all of them are busy",
        fix: "give HOST more vCPU, or spread its roles over more hosts: imctl size",
        judge: cpus,
    },
    PreflightRule {
        id: "CPU-02",
        what: "AES in hardware",
        needed: "the processor has it",
        because: "every byte is encrypted; without it TLS costs several times as much",
        fix: "let the hypervisor pass the host's processor on (cpu mode host-passthrough)",
        judge: aes,
    },
    PreflightRule {
        id: "MEM-01",
        what: "memory",
        needed: "what its roles need at the peak",
        because: "the kernel ends the service when memory runs out",
        fix: "give HOST more memory, or spread its roles over more hosts: imctl size",
        judge: memory,
    },
    PreflightRule {
        id: "MEM-02",
        what: "memory that others use",
        needed: "at most LIMIT % before an installation",
        because: "what else runs here takes from the service",
        fix: "stop what else runs on HOST, or choose another host",
        judge: used,
    },
    PreflightRule {
        id: "MEM-03",
        what: "transparent huge pages",
        needed: "not `always` where answers may not pause",
        because: "the kernel's tidying stops the database for moments",
        fix: "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled, and the boot parameter transparent_hugepage=madvise",
        judge: huge_pages,
    },
    PreflightRule {
        id: "MEM-04",
        what: "page size",
        needed: "4096 bytes",
        because: "programs of the bundle are built for it",
        fix: "boot a kernel with pages of 4 KiB",
        judge: pages,
    },
    PreflightRule {
        id: "DISK-01",
        what: "room for the data",
        needed: "what is kept until its time is over",
        because: "a full disk stops every message",
        fix: "give the path a larger disk, shorten the retention in `targets`, or add hosts: imctl size",
        judge: room,
    },
    PreflightRule {
        id: "DISK-02",
        what: "room for packages",
        needed: "twice the bundle, LIMIT GiB at least",
        because: "packages are unpacked beside what is there",
        fix: "make room on HOST: apt-get clean; journalctl --vacuum-size=200M",
        judge: package_room,
    },
    PreflightRule {
        id: "DISK-03",
        what: "inodes",
        needed: "a tenth free, 100,000 at least",
        because: "a disk without inodes is full with room left",
        fix: "look for folders with very many files: du --inodes -x / | sort -n | tail",
        judge: inodes,
    },
    PreflightRule {
        id: "DISK-04",
        what: "file systems that cannot be written",
        needed: "none where imctl writes",
        because: "a file system that turned read-only usually means a dying disk",
        fix: "look into dmesg, then mount it with rw",
        judge: read_only,
    },
    PreflightRule {
        id: "DISK-05",
        what: "kind of file system for the data",
        needed: "a local one: ext4, xfs, btrfs or zfs",
        because: "what is said to be written must be on a disk of this host",
        fix: "mount a local disk there before the installation",
        judge: kind,
    },
    PreflightRule {
        id: "DISK-06",
        what: "folder for temporary files",
        needed: "room of LIMIT MiB, and programs may run",
        because: "packages put programs there while they install",
        fix: "make room in /tmp and mount it without noexec",
        judge: temporary,
    },
];

const GIB: f64 = 1_073_741_824.0;

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", real(bytes) / GIB)
}

fn cpus(seen: &HostSeen, _: &Site) -> Judged {
    let needed = format!(">= {:.1}", seen.needs.cpu);
    match seen.facts.cpus {
        None => unknown("their number"),
        Some(cpus) if f64::from(cpus) < seen.needs.cpu => Judged::Bad(cpus.to_string(), Some(needed)),
        Some(cpus) => yes(cpus.to_string()),
    }
}

fn aes(seen: &HostSeen, _: &Site) -> Judged {
    match seen.deep.cpu_flags.iter().any(|flag| flag == "aes") {
        _ if seen.deep.cpu_flags.is_empty() => unknown("what the processor can"),
        true => yes("yes"),
        false => hm("no"),
    }
}

fn memory(seen: &HostSeen, _: &Site) -> Judged {
    let Some(mib) = seen.facts.memory_mib else { return unknown("its size") };
    // The kernel keeps some of what was bought.
    let enough = real(mib) >= seen.needs.memory_mib * 0.95;
    let said = format!("{:.1} GiB", real(mib) / 1024.0);
    if enough {
        yes(said)
    } else {
        Judged::Bad(said, Some(format!(">= {:.1} GiB", seen.needs.memory_mib / 1024.0)))
    }
}

fn used(seen: &HostSeen, site: &Site) -> Judged {
    if seen.ours {
        return yes("the service itself");
    }
    let (Some(all), Some(free)) = (seen.facts.memory_mib, seen.facts.available_mib) else {
        return unknown("what is free");
    };
    let used = all.saturating_sub(free);
    let said = format!("{used} of {all} MiB");
    if real(used) * 100.0 > real(all) * site.limit("MEM-02") { hm(said) } else { yes(said) }
}

fn huge_pages(seen: &HostSeen, _: &Site) -> Judged {
    match seen.deep.huge_pages.as_deref() {
        Some("always") if seen.no_pauses => hm("always"),
        Some(mode) => yes(mode),
        None => yes("the kernel has none"),
    }
}

fn pages(seen: &HostSeen, _: &Site) -> Judged {
    match seen.deep.page_size {
        Some(4096) => yes("4096 bytes"),
        Some(other) => no(format!("{other} bytes")),
        None => unknown("the size"),
    }
}

fn room(seen: &HostSeen, _: &Site) -> Judged {
    if seen.ours {
        return yes("in use by the service");
    }
    let mut all = Vec::new();
    for (path, needed) in &seen.data {
        let Some(room) = seen.deep.room.get(path) else { return unknown("the room") };
        if real(room.free) < needed * GIB {
            let said = format!("{} free for {path}", gib(room.free));
            return Judged::Bad(said, Some(format!(">= {:.0} GiB", needed.ceil())));
        }
        all.push(format!("{} for {path}", gib(room.free)));
    }
    if all.is_empty() { yes("nothing large is kept here") } else { yes(all.join(", ")) }
}

fn package_room(seen: &HostSeen, site: &Site) -> Judged {
    let needed = real(site.bundle.unwrap_or_default() * 2).max(site.limit("DISK-02") * GIB);
    let places =
        ["/var/cache/apt", "/etc"].iter().filter_map(|path| Some((path, seen.deep.room.get(*path)?)));
    let Some((path, room)) = places.min_by_key(|(_, room)| room.free) else { return unknown("the room") };
    let said =
        format!("{} on {}", gib(room.free), if room.mount.is_empty() { path } else { room.mount.as_str() });
    if real(room.free) < needed {
        Judged::Bad(said, Some(format!(">= {:.1} GiB", needed / GIB)))
    } else {
        yes(said)
    }
}

fn inodes(seen: &HostSeen, _: &Site) -> Judged {
    let counted = seen.deep.room.iter().filter(|(_, room)| room.inodes > 0 && room.mount != "/run");
    for (path, room) in counted {
        if room.inodes_left < (room.inodes / 10).min(100_000) {
            return no(format!("{} of {} left for {path}", room.inodes_left, room.inodes));
        }
    }
    yes("enough")
}

fn read_only(seen: &HostSeen, _: &Site) -> Judged {
    let wrong = seen.deep.mounted.iter().find(|(path, (_, options))| {
        options.iter().any(|option| option == "ro") && !path.starts_with("/boot")
    });
    match wrong {
        Some((path, (kind, _))) => no(format!("{path} ({kind})")),
        None if seen.deep.mounted.is_empty() => unknown("the file systems"),
        None => yes("none"),
    }
}

const LOCAL: [&str; 6] = ["ext4", "ext3", "xfs", "btrfs", "zfs", "overlay"];

fn kind(seen: &HostSeen, _: &Site) -> Judged {
    let mut kinds = Vec::new();
    for (path, _) in &seen.data {
        let Some(room) = seen.deep.room.get(path) else { continue };
        let Some((kind, _)) = seen.deep.mounted.get(&room.mount) else { continue };
        if !LOCAL.contains(&kind.as_str()) {
            return no(format!("{path} on {kind}"));
        }
        kinds.push(kind.as_str());
    }
    kinds.dedup();
    if kinds.is_empty() { yes("nothing large is kept here") } else { yes(kinds.join(", ")) }
}

fn temporary(seen: &HostSeen, site: &Site) -> Judged {
    let Some(room) = seen.deep.room.get("/tmp") else { return unknown("/tmp") };
    let barred = seen
        .deep
        .mounted
        .get(&room.mount)
        .is_some_and(|(_, options)| options.iter().any(|it| it == "noexec"));
    match (barred, real(room.free >> 20) < site.limit("DISK-06")) {
        (true, _) => no("/tmp is mounted with noexec"),
        (_, true) => no(format!("{} MiB free in /tmp", room.free >> 20)),
        _ => yes(format!("{} free", gib(room.free))),
    }
}
