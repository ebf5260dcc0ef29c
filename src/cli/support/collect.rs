//! What a host is asked for, in one exec: its facts, units, logs, and the files that imctl put there and that hold no secret.

use crate::base::{HostName, quote};
use crate::cli::road::Road;
use crate::exec::{self, Fleet};
use crate::facts;
use crate::plan::{MANIFEST_KEY, Manifest, manifest_script};
use crate::record::Observed;
use crate::resource::{Probe, Resource};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Lines of a unit's log at most, and bytes of any section.
const LINES: u32 = 3000;
const BYTES: u32 = 600_000;

/// Named texts of a host.
pub(super) type Sections = Vec<(String, String)>;

/// Asks all hosts at once. The manifest tells which files are ours: the host reads their names out of it itself.
pub(super) async fn from_hosts(
    road: &Road,
    fleet: &Fleet,
    since: u64,
) -> Vec<(HostName, Result<Sections, String>)> {
    let name = &road.inventory().name;
    let first: BTreeMap<HostName, Vec<Probe>> =
        fleet.iter().map(|(host, _)| (host.clone(), manifest(name))).collect();
    let mut answers = Vec::new();
    let mut second = BTreeMap::new();
    for (host, seen) in exec::look(fleet, &first).await {
        match seen {
            Ok(seen) => drop(second.insert(host, probes(&seen, since))),
            Err(why) => answers.push((host, Err(why.to_string()))),
        }
    }
    for (host, seen) in exec::look(fleet, &second).await {
        let sections = seen.map_err(|why| why.to_string()).map(|seen| {
            seen.scripts.into_iter().map(|(key, answer)| (format!("{key}.txt"), answer.out)).collect()
        });
        answers.push((host, sections));
    }
    answers
}

fn manifest(deployment: &str) -> Vec<Probe> {
    vec![Probe::Script { key: MANIFEST_KEY.to_owned(), script: manifest_script(deployment) }]
}

fn probes(seen: &Observed, since: u64) -> Vec<Probe> {
    let manifest = Manifest::seen(seen);
    let mut units = BTreeSet::new();
    let mut files = BTreeSet::new();
    for kept in &manifest.resources {
        match &kept.resource {
            Resource::Service(it) => drop(units.insert(quote(&it.unit))),
            Resource::File(it) if !it.secret => drop(files.insert(quote(&it.path))),
            Resource::Sysctl(it) => drop(files.insert(quote(&it.file))),
            Resource::Firewall(it) => drop(files.insert(quote(&it.path))),
            _ => {}
        }
    }
    let units: Vec<String> = units.into_iter().collect();
    let files: Vec<String> = files.into_iter().collect();
    let mut logs = String::new();
    for unit in &units {
        let _ = writeln!(
            logs,
            "echo '== '{unit}\njournalctl -q --no-pager -o short-iso -u {unit} --since \"-{since}s\" -n {LINES} 2>&1 | tail -c {BYTES}"
        );
    }
    let state = format!(
        "systemctl --no-pager --failed 2>&1; systemctl show --no-pager -p Id,LoadState,ActiveState,SubState,NRestarts,ActiveEnterTimestamp,MemoryCurrent {}",
        units.join(" ")
    );
    let files = format!(
        "for it in {}; do echo \"== $it\"; head -c 65536 -- \"$it\" 2>&1; echo; done",
        files.join(" ")
    );
    let versions =
        "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n'; uname -a; cat /etc/os-release";
    let resources =
        "uptime; free -m; df -h; df -i; ip -br address 2>/dev/null; dmesg 2>/dev/null | tail -n 200";
    let script =
        |key: &str, script: &str| Probe::Script { key: key.to_owned(), script: format!("{script}\n") };
    vec![
        script("facts", &facts::script()),
        script("units", &state),
        script("logs", &logs),
        script("files", &files),
        script("versions", versions),
        script("resources", resources),
    ]
}
