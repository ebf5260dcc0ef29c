//! What preflight wants to know of a host beyond the facts: its script and the reader of its answer. What could not be
//! found out is none.

use crate::base::quote;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// Key under which the look's answer holds what the script printed.
pub const DEEP_KEY: &str = "deep";

const PROGRAM: &str = include_str!("deep.pl");

/// Programs that imctl and the packages use on every host.
const COMMANDS: [&str; 13] = [
    "apt-get",
    "dpkg",
    "flock",
    "getent",
    "groupadd",
    "install",
    "perl",
    "sha256sum",
    "stat",
    "systemctl",
    "systemd-run",
    "timeout",
    "useradd",
];

/// The script: it looks for the programs that are needed, and at the room where these paths are or will be.
pub fn deep_script(paths: &[&str]) -> String {
    format!("perl -e {} {} {}\n", quote(PROGRAM), quote(&COMMANDS.join(" ")), quote(&paths.join(" ")))
}

/// What a host is like, beyond the facts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DeepFacts {
    /// Questions that were answered, for lists whose emptiness says something: `broken`, `held`, `locks`, `units`, `active`,
    /// `sshd`.
    pub answered: BTreeSet<String>,
    /// Bytes of a page of memory.
    pub page_size: Option<u64>,
    /// What the processor can do.
    pub cpu_flags: Vec<String>,
    /// Transparent huge pages: `always`, `madvise` or `never`.
    pub huge_pages: Option<String>,
    /// Most processes.
    pub pid_max: Option<u64>,
    /// Open files that a unit may have without asking.
    pub open_files: Option<u64>,
    /// How readily the kernel swaps.
    pub swappiness: Option<u64>,
    /// File systems: path -> kind and options.
    pub mounted: BTreeMap<String, (String, Vec<String>)>,
    /// Room at paths: path -> room.
    pub room: BTreeMap<String, Room>,
    /// Paths for data that hold something already.
    pub filled: Vec<String>,
    /// Open files that any process may have at most.
    pub nr_open: Option<u64>,
    /// Packages that dpkg finds broken.
    pub broken: Vec<String>,
    /// Packages held back.
    pub held: Vec<String>,
    /// Who holds dpkg's or apt's locks: process and its name.
    pub locked: Option<String>,
    /// What installs packages by itself.
    pub timers: Vec<String>,
    /// Why a reboot is wanted.
    pub reboot: Option<String>,
    /// Wanted programs that are not there.
    pub missing: Vec<String>,
    /// Units that failed.
    pub failed: Vec<String>,
    /// Others that filter packets.
    pub filters: Vec<String>,
    /// `SELinux`: whether it enforces.
    pub selinux: Option<bool>,
    /// `AppArmor`: whether it is on.
    pub apparmor: Option<bool>,
    /// What the host's own name leads to.
    pub own_address: Option<String>,
    /// Name servers.
    pub resolvers: Vec<String>,
    /// Milliseconds until a name that does not exist was found not to exist.
    pub lookup_ms: Option<u64>,
    /// What sshd's configuration says, by key.
    pub sshd: BTreeMap<String, String>,
    /// Kernel settings that files of the host give: setting -> file and value; the last one counts.
    pub sysctls: BTreeMap<String, (String, String)>,
}

/// Room where a path is or will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Room {
    /// Bytes free.
    pub free: u64,
    /// Inodes in all; 0 where the file system has no fixed number.
    pub inodes: u64,
    /// Inodes left.
    pub inodes_left: u64,
    /// Where the file system is mounted.
    pub mount: String,
}

impl DeepFacts {
    /// Whether a question was answered, so that an empty list means that there is nothing.
    pub fn knows(&self, question: &str) -> bool {
        self.answered.contains(question)
    }
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(str::to_owned).collect()
}

fn number<T: FromStr>(value: &str) -> Option<T> {
    value.split_whitespace().next()?.parse().ok()
}

/// Reads what the script printed. A line it cannot read leaves its fact unknown.
pub fn parse_deep(answer: &str) -> DeepFacts {
    let mut facts = DeepFacts::default();
    for line in answer.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        if !one(&mut facts, key, value) {
            several(&mut facts, key, value);
        }
    }
    facts
}

fn one(facts: &mut DeepFacts, key: &str, value: &str) -> bool {
    match key {
        "page-size" => facts.page_size = number(value),
        "huge-pages" => facts.huge_pages = Some(value.to_owned()),
        "pid-max" => facts.pid_max = number(value),
        "open-files" => facts.open_files = number(value),
        "nr-open" => facts.nr_open = number(value),
        "swappiness" => facts.swappiness = number(value),
        "dpkg-locked" => facts.locked = Some(value.to_owned()),
        "reboot-required" => facts.reboot = Some(value.to_owned()),
        "selinux" => facts.selinux = Some(value == "1"),
        "apparmor" => facts.apparmor = Some(value == "Y"),
        "own-address" => facts.own_address = Some(value.to_owned()),
        "lookup-ms" => facts.lookup_ms = number(value),
        _ => return false,
    }
    true
}

fn several(facts: &mut DeepFacts, key: &str, value: &str) {
    match key {
        "answered" => drop(facts.answered.insert(value.to_owned())),
        "cpu-flags" => facts.cpu_flags = words(value),
        "dpkg-broken" => facts.broken = words(value),
        "dpkg-held" => facts.held = words(value),
        "filled" => facts.filled.push(value.to_owned()),
        "timer" => facts.timers.push(value.to_owned()),
        "missing" => facts.missing.push(value.to_owned()),
        "unit-failed" => facts.failed.push(value.to_owned()),
        "filter" => facts.filters.push(value.to_owned()),
        "resolver" => facts.resolvers = words(value),
        "mounted" => {
            if let [kind, options, path] = value.splitn(3, ' ').collect::<Vec<_>>()[..] {
                let options = options.split(',').map(str::to_owned).collect();
                facts.mounted.insert(path.to_owned(), (kind.to_owned(), options));
            }
        }
        "room" => {
            if let [free, inodes, left, mount, path] = value.splitn(5, ' ').collect::<Vec<_>>()[..]
                && let Ok(free) = free.parse()
            {
                let inodes_left = left.parse().unwrap_or_default();
                let inodes = inodes.parse().unwrap_or_default();
                let room = Room { free, inodes, inodes_left, mount: mount.to_owned() };
                facts.room.insert(path.to_owned(), room);
            }
        }
        "sysctl" => {
            if let [name, file, value] = value.splitn(3, ' ').collect::<Vec<_>>()[..] {
                facts.sysctls.insert(name.to_owned(), (file.to_owned(), value.to_owned()));
            }
        }
        _ => {
            if let Some(key) = key.strip_prefix("sshd-") {
                facts.sshd.insert(key.to_owned(), value.to_owned());
            }
        }
    }
}
