//! Rules over how a host is guarded: updates, accounts, files, logs, units, kernel, and keys lying open.

use super::{Outcome, Said, login};
use crate::base::{HostName, newer_package};
use crate::facts::GuardFacts;
use std::collections::BTreeMap;

const NO_BUNDLE: &str = "no bundle is at hand: name it with --bundle";
/// Days that a bundle may be old.
const BUNDLE_DAYS: i64 = 30;
/// Days that logs must be kept.
const LOG_DAYS: u64 = 180;
/// What systemd's own judgement of a unit may come to.
const EXPOSURE: f64 = 4.0;
const OLD_PROGRAMS: [&str; 24] = [
    "telnetd",
    "telnetd-ssl",
    "inetutils-telnetd",
    "rsh-server",
    "rsh-redone-server",
    "rsh-client",
    "ftpd",
    "tftpd",
    "tftpd-hpa",
    "atftpd",
    "nis",
    "ypserv",
    "talkd",
    "talk",
    "avahi-daemon",
    "cups",
    "cups-daemon",
    "xserver-xorg-core",
    "xinetd",
    "openbsd-inetd",
    "inetutils-inetd",
    "rpcbind",
    "snmpd",
    "telnet",
];
const SHIPPERS: [&str; 6] = [
    "systemd-journal-upload.service",
    "syslog-ng.service",
    "fluent-bit.service",
    "filebeat.service",
    "vector.service",
    "promtail.service",
];

/// What is known of a host, and what is wanted of it.
#[derive(Debug, Clone, Default)]
pub struct Guarded {
    /// What the host said.
    pub facts: GuardFacts,
    /// What the inventory says that it cannot do.
    pub limits: Vec<String>,
    /// The account that imctl logs in with.
    pub login: Option<String>,
    /// Units of the stack.
    pub units: Vec<String>,
    /// Packages of the bundle's security suites, with their versions; none without a bundle.
    pub updates: Option<BTreeMap<String, String>>,
    /// Days since the bundle was built; none without a bundle.
    pub bundle_days: Option<i64>,
    /// Whether the clock is kept right; none when nobody can say.
    pub clock: Option<bool>,
}

type HostRule = (&'static str, fn(&Guarded) -> Outcome);

const RULES: [HostRule; 36] = [
    ("EXPO-09", redirects),
    ("EXPO-10", forged_sources),
    ("EXPO-11", |it| sysctl(it, &[("net/ipv4/tcp_syncookies", &["1", "2"])])),
    ("EXPO-12", |it| {
        sysctl(it, &[("net/ipv4/ip_forward", &["0"]), ("net/ipv6/conf/all/forwarding", &["0"])])
    }),
    ("EXPO-13", clock),
    ("HOST-01", updates),
    ("HOST-02", bundle),
    ("HOST-03", login::root_passwords),
    ("HOST-04", login::empty_passwords),
    ("HOST-05", login::passwords),
    ("HOST-06", login::tries),
    ("HOST-07", login::algorithms),
    ("HOST-08", login::who),
    ("HOST-09", login::idle),
    ("HOST-10", login::sudo),
    ("HOST-11", login::sudo_log),
    ("HOST-12", |it| none(it, "accounts", "root-like", "root alone")),
    ("HOST-13", |it| none(it, "passwords", "empty-password", "none")),
    ("HOST-14", |it| none(it, "passwords", "weak-hash", "yescrypt or SHA-512")),
    ("HOST-15", |it| none(it, "accounts", "service-shell", "none")),
    ("HOST-16", |it| none(it, "setuid", "setuid", "only those of packages")),
    ("HOST-17", |it| none(it, "writable", "writable", "none")),
    ("HOST-18", |it| none(it, "sources", "unsigned", "none")),
    ("HOST-19", old_programs),
    ("HOST-20", |it| none(it, "accounts", "key-file", "only their owners")),
    ("HOST-21", |it| pam(it, "faillock")),
    ("HOST-22", |it| pam(it, "pwquality")),
    ("HOST-23", audit),
    ("HOST-24", kept_logs),
    ("HOST-25", shipped_logs),
    ("HOST-26", exposure),
    ("HOST-27", access_control),
    ("HOST-28", kernel),
    ("HOST-29", tmp),
    ("HOST-30", disks),
    ("SECRET-06", |it| none(it, "keys", "open-key", "none")),
];

/// Judges one host.
pub fn guarded(host: &HostName, seen: &Guarded) -> Vec<Said> {
    let mut said: Vec<Said> = RULES.iter().map(|(id, judge)| Said::of(id, host, judge(seen))).collect();
    said.push(Said::of("DRIFT-02", host, none(seen, "changed", "changed", "as packaged")));
    said
}

pub(super) fn unknown(what: &str) -> Outcome {
    Outcome::Unknown(format!("{what} could not be found out"))
}

pub(super) fn asked(seen: &Guarded, question: &str, judge: impl FnOnce() -> Outcome) -> Outcome {
    if seen.facts.knows(question) { judge() } else { unknown(question) }
}

fn none(seen: &Guarded, question: &str, key: &str, good: &str) -> Outcome {
    asked(seen, question, || Outcome::none_of(seen.facts.all(key), good))
}

fn limited(seen: &Guarded, limit: &str, why: &str) -> Option<Outcome> {
    seen.limits.iter().any(|it| it == limit).then(|| Outcome::Open(why.to_owned()))
}

/// Kernel settings with the values that are good; one that the kernel does not have is none.
fn sysctl(seen: &Guarded, wanted: &[(&str, &[&str])]) -> Outcome {
    let mut wrong = Vec::new();
    let mut known = 0;
    for (name, good) in wanted {
        let Some(value) = seen.facts.of("sysctl", name) else { continue };
        known += 1;
        if !good.contains(&value) {
            wrong.push(format!("{} = {value}", name.replace('/', ".")));
        }
    }
    if known == 0 { unknown("the kernel's settings") } else { Outcome::none_of(&wrong, "as wanted") }
}

/// The kernel settings of all interfaces of that name that are not good.
fn of_interfaces(seen: &Guarded, names: &[&str], good: impl Fn(&str, &str) -> bool) -> Outcome {
    let all: Vec<(&str, &str)> =
        seen.facts.pairs("sysctl").filter(|(name, _)| name.contains("/conf/")).collect();
    if all.is_empty() {
        return unknown("the kernel's settings");
    }
    let wrong: Vec<String> = all
        .iter()
        .filter(|(name, value)| names.iter().any(|it| name.ends_with(it)) && !good(name, value))
        .map(|(name, value)| format!("{} = {value}", name.replace('/', ".")))
        .collect();
    Outcome::none_of(&wrong, "as wanted")
}

/// For IPv4 redirects are refused when `all` refuses them, whatever an interface says; source routes likewise.
fn redirects(seen: &Guarded) -> Outcome {
    let names =
        ["all/accept_redirects", "all/send_redirects", "all/accept_source_route", "default/accept_redirects"];
    of_interfaces(seen, &names, |name, value| value == "0" || name.starts_with("net/ipv6/conf/default"))
}

/// The stricter of `all` and the interface counts.
fn forged_sources(seen: &Guarded) -> Outcome {
    let all = seen.facts.of("sysctl", "net/ipv4/conf/all/rp_filter").unwrap_or("0").to_owned();
    of_interfaces(seen, &["rp_filter"], |name, value| value != "0" || all != "0" || name.contains("/lo/"))
}

fn clock(seen: &Guarded) -> Outcome {
    let why = "`limits` says that this host cannot set its clock: the machine below keeps it";
    limited(seen, "clock", why).unwrap_or_else(|| match seen.clock {
        Some(true) => Outcome::Good("synchronised".to_owned()),
        Some(false) => Outcome::Bad("not synchronised".to_owned()),
        None => unknown("whether the clock is synchronised"),
    })
}

fn updates(seen: &Guarded) -> Outcome {
    let facts = &seen.facts;
    if !facts.knows("packages") {
        return unknown("what is installed");
    }
    if seen.updates.is_none() && !facts.knows("pending") {
        return Outcome::Open(NO_BUNDLE.to_owned());
    }
    let mut late: Vec<String> =
        facts.pairs("pending").map(|(name, version)| format!("{name} {version}")).collect();
    let none = BTreeMap::new();
    let newer = seen.updates.as_ref().unwrap_or(&none);
    for line in facts.all("package") {
        let mut words = line.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        let wanted = newer.get(name).filter(|wanted| newer_package(wanted, version));
        late.extend(wanted.map(|wanted| format!("{name} {wanted}")));
    }
    late.sort();
    late.dedup();
    Outcome::none_of(&late, "none known")
}

fn bundle(seen: &Guarded) -> Outcome {
    match seen.bundle_days {
        Some(days) => Outcome::judged(days <= BUNDLE_DAYS, format!("{days} days")),
        None => Outcome::Open(NO_BUNDLE.to_owned()),
    }
}

fn old_programs(seen: &Guarded) -> Outcome {
    let name = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
    let old = seen.facts.all("package").iter().map(name).filter(|name| OLD_PROGRAMS.contains(&name.as_str()));
    asked(seen, "packages", || Outcome::none_of(&old.collect::<Vec<_>>(), "none"))
}

fn pam(seen: &Guarded, module: &str) -> Outcome {
    let there = seen.facts.all("pam").iter().any(|it| it == module);
    asked(seen, "pam", || {
        Outcome::judged(there, if there { format!("pam_{module}") } else { "none".to_owned() })
    })
}

fn active(seen: &Guarded, unit: &str) -> bool {
    seen.facts.all("active").iter().any(|it| it == unit)
}

fn audit(seen: &Guarded) -> Outcome {
    let rules = seen.facts.last("audit-rules").and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
    let runs = active(seen, "auditd.service");
    let said = if runs { format!("auditd with {rules} rules") } else { "no auditd".to_owned() };
    asked(seen, "watch", || Outcome::judged(runs && rules > 0, said))
}

fn kept_logs(seen: &Guarded) -> Outcome {
    let set = |key: &str| seen.facts.of("journal", key).unwrap_or_default().to_owned();
    let (storage, kept) = (set("Storage"), set("MaxRetentionSec"));
    let there = seen.facts.last("journal-kept").is_some();
    let lasting = storage == "persistent" || (storage != "volatile" && storage != "none" && there);
    let days = days(&kept);
    let said = format!(
        "{}, {}",
        if lasting { "persistent" } else { "lost with a reboot" },
        days.map_or_else(|| "as long as there is room".to_owned(), |days| format!("{days} days"))
    );
    asked(seen, "journal", || Outcome::judged(lasting && days.is_some_and(|days| days >= LOG_DAYS), said))
}

/// Days of a span as systemd writes it: `180day`, `6month`, `15552000`.
fn days(span: &str) -> Option<u64> {
    let digits: String = span.chars().take_while(char::is_ascii_digit).collect();
    let number: u64 = digits.parse().ok()?;
    let seconds = match span[digits.len()..].trim() {
        "" | "s" | "sec" => 1,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 7 * 86_400,
        "M" | "month" | "months" => 2_629_800,
        "y" | "year" | "years" => 31_557_600,
        _ => return None,
    };
    Some(number * seconds / 86_400)
}

fn shipped_logs(seen: &Guarded) -> Outcome {
    let shipper = SHIPPERS.iter().find(|unit| active(seen, unit)).map(|unit| (*unit).to_owned());
    let rsyslog = || {
        let remote = seen.facts.last("remote-log").filter(|_| active(seen, "rsyslog.service"));
        remote.map(|file| format!("rsyslog ({file})"))
    };
    asked(seen, "watch", || match shipper.or_else(rsyslog) {
        Some(who) => Outcome::Good(who),
        None => Outcome::Bad("they stay on the host".to_owned()),
    })
}

fn exposure(seen: &Guarded) -> Outcome {
    let of_unit = |unit: &String| {
        let number = seen.facts.of("exposure", unit)?.parse::<f64>().ok()?;
        (number > EXPOSURE).then(|| format!("{unit} {number}"))
    };
    if let Some(open) = limited(seen, "sandbox", "`limits` says that units cannot be confined here") {
        return open;
    }
    let services: Vec<&String> = seen.units.iter().filter(|unit| unit.ends_with(".service")).collect();
    if !services.iter().any(|unit| seen.facts.of("exposure", unit).is_some()) {
        return unknown("what units may do");
    }
    let wrong: Vec<String> = services.iter().filter_map(|unit| of_unit(unit)).collect();
    Outcome::none_of(&wrong, format!("{} units, none above {EXPOSURE:.1}", services.len()))
}

fn access_control(seen: &Guarded) -> Outcome {
    if let Some(open) = limited(seen, "apparmor", "`limits` says that the host has none") {
        return open;
    }
    let apparmor = seen.facts.last("apparmor") == Some("Y");
    let selinux = seen.facts.last("selinux") == Some("1");
    Outcome::judged(
        apparmor || selinux,
        match (apparmor, selinux) {
            (true, _) => "AppArmor",
            (_, true) => "SELinux",
            _ => "none",
        },
    )
}

fn kernel(seen: &Guarded) -> Outcome {
    let why = "`limits` says that this host shares its kernel: the machine below sets it";
    limited(seen, "sysctl", why).unwrap_or_else(|| {
        sysctl(
            seen,
            &[
                ("kernel/randomize_va_space", &["2"]),
                ("kernel/kptr_restrict", &["1", "2"]),
                ("kernel/dmesg_restrict", &["1"]),
                ("fs/protected_hardlinks", &["1"]),
                ("fs/protected_symlinks", &["1"]),
                ("fs/suid_dumpable", &["0"]),
            ],
        )
    })
}

fn tmp(seen: &Guarded) -> Outcome {
    let Some(options) = seen.facts.last("tmp") else {
        return Outcome::Bad("part of another file system".to_owned());
    };
    let has = |word: &str| options.split(',').any(|option| option == word);
    Outcome::judged(has("nodev") && has("nosuid"), options.to_owned())
}

fn disks(seen: &Guarded) -> Outcome {
    let under: Vec<(&str, &str)> = seen.facts.pairs("under").collect();
    if under.is_empty() {
        return Outcome::Open("no data stands on this host".to_owned());
    }
    if under.iter().all(|(_, kinds)| *kinds == "unknown") {
        return Outcome::Open("the machine below holds the disk".to_owned());
    }
    let plain = under.iter().filter(|(_, kinds)| !kinds.split(',').any(|kind| kind == "crypt"));
    let plain: Vec<String> = plain.map(|(folder, _)| (*folder).to_owned()).collect();
    Outcome::none_of(&plain, "encrypted")
}

#[cfg(test)]
#[path = "hosts_tests.rs"]
mod tests;
