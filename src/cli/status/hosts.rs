//! The hosts themselves: load, memory, disks, certificates, and what differs from the inventory.

use super::Scene;
use super::look::Look;
use crate::base::{HostName, Verdict};
use crate::cli::hold::holder_words;
use crate::cli::{Failure, cert, drift};
use crate::facts::HostFacts;
use crate::plan::Standing;
use crate::report::{Difference, HostStatus, Problem};
use crate::state::Published;
use jiff::Timestamp;

/// A file system fuller than this is worth a look, in percent.
const FULL: u64 = 85;
/// Fuller than this it is broken soon.
const BRIM: u64 = 95;

/// Every host of the command.
pub(super) fn hosts(
    scene: &Scene<'_>,
    seen: &Look,
    problems: &mut Vec<Problem>,
) -> Result<Vec<HostStatus>, Failure> {
    let published = cert::in_use(scene.road.inventory(), &scene.road.state)?;
    certificates(scene, &published, problems);
    let mut all = Vec::new();
    for host in &scene.road.hosts {
        let status = match seen.silent.get(host) {
            Some((why, help)) => {
                problems.push(problem(true, host, format!("unreachable: {why}"), gone(scene, host, help)));
                HostStatus { host: host.to_string(), unreachable: Some(why.clone()), ..HostStatus::default() }
            }
            None => reached(scene, seen, host, problems)?,
        };
        let own = published.iter().filter(|it| it.host == host.as_str());
        let ends = own.map(days).min();
        all.push(HostStatus { certificate_days: ends, ..status });
    }
    Ok(all)
}

/// What helps where a host does not answer; when nothing else is known, how the others go on without it.
fn gone(scene: &Scene<'_>, host: &HostName, help: &str) -> String {
    if !help.is_empty() {
        return help.to_owned();
    }
    let (typed, name) = (scene.road.typed(), &scene.road.inventory().name);
    format!("is it on? When it is gone for good:  imctl install -i {typed} --lost {host} --confirm {name}")
}

fn problem(broken: bool, host: &HostName, says: String, help: String) -> Problem {
    Problem { broken, place: host.to_string(), says, help }
}

fn days(it: &Published) -> i64 {
    (it.until.as_second() - Timestamp::now().as_second()).div_euclid(86_400)
}

/// Certificates that end soon; all hosts of a name are one problem.
fn certificates(scene: &Scene<'_>, published: &[Published], problems: &mut Vec<Problem>) {
    let again = format!("imctl install -i {}", scene.road.typed());
    for it in published {
        let finding = cert::judge(it, &again, Timestamp::now());
        let place = if it.host.is_empty() { "certificates".to_owned() } else { it.host.clone() };
        let broken = match finding.verdict {
            Verdict::Failed => true,
            Verdict::Warning => false,
            Verdict::Passed | Verdict::NotApplicable => continue,
        };
        problems.push(Problem {
            broken,
            place,
            says: format!("{}: {}", finding.what, finding.seen),
            help: finding.fix,
        });
    }
}

fn reached(
    scene: &Scene<'_>,
    seen: &Look,
    host: &HostName,
    problems: &mut Vec<Problem>,
) -> Result<HostStatus, Failure> {
    let facts = seen.facts.get(host).cloned().unwrap_or_default();
    let disk = fullest(&facts);
    if let Some((path, used)) = disk.as_ref().filter(|(_, used)| *used > FULL) {
        let says = format!("{path} is {used} % full");
        let help = format!("ssh {host} du -xh --max-depth=2 {path} | sort -h | tail");
        problems.push(problem(*used > BRIM, host, says, help));
    }
    if !seen.stands(host) {
        let help = format!("imctl install -i {}", scene.road.typed());
        problems.push(problem(true, host, "the service is not installed here".to_owned(), help));
    }
    let status = HostStatus {
        host: host.to_string(),
        load: facts.load.zip(facts.cpus).map(|(load, cpus)| load / f64::from(cpus.max(1))),
        memory: facts
            .memory_mib
            .zip(facts.available_mib)
            .map(|(all, free)| percent(all.saturating_sub(free), all)),
        disk,
        uptime: facts.uptime_s,
        ..HostStatus::default()
    };
    if seen.stands(host) { differing(scene, seen, status, (host, problems)) } else { Ok(status) }
}

/// What differs from the inventory, and who may have changed it.
fn differing(
    scene: &Scene<'_>,
    seen: &Look,
    mut status: HostStatus,
    (host, problems): (&HostName, &mut Vec<Problem>),
) -> Result<HostStatus, Failure> {
    let (Ok(plan), Some(observed)) = (&seen.plan, seen.observed.get(host)) else { return Ok(status) };
    let all: Vec<Difference> = drift::differing(plan, host)
        .map(|step| Difference { what: step.line(), lines: step.lines.clone() })
        .collect();
    let by_hand = drift::by_hand(scene.road, plan, host, observed)?;
    let plan_command = format!("imctl plan -i {} shows it", scene.road.typed());
    if let Some(first) = by_hand.first() {
        let more = by_hand.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let login = drift::last_login(seen.logins.get(host).map(String::as_str).unwrap_or_default());
        let says = format!("changed by hand: {first}{more}; {login}");
        status.login = login;
        problems.push(problem(false, host, says, plan_command));
    } else if !all.is_empty() {
        let count = crate::report::counted(all.len(), "thing");
        problems.push(problem(false, host, format!("{count} not as the inventory says"), plan_command));
    }
    status.by_hand = by_hand.len();
    status.differs = Some(all);
    Ok(status)
}

/// The file system that is fullest.
fn fullest(facts: &HostFacts) -> Option<(String, u64)> {
    let data = |path: &str| !["/boot", "/run", "/proc", "/sys", "/dev"].iter().any(|it| path.starts_with(it));
    let used = facts.mounts.iter().filter(|mount| mount.size > 0 && data(&mount.path));
    used.map(|mount| (mount.path.clone(), percent(mount.size - mount.free.min(mount.size), mount.size)))
        .max_by_key(|(_, used)| *used)
}

fn percent(part: u64, of: u64) -> u64 {
    part.saturating_mul(100).checked_div(of).unwrap_or(0)
}

/// What is good to know: who changes the hosts, why it is not told what differs.
pub(super) fn notes(scene: &Scene<'_>, seen: &Look) -> Vec<String> {
    let name = &scene.road.inventory().name;
    let held =
        seen.observed.values().find_map(|it| Standing::seen(it).lease.filter(|lease| lease.ends_in > 0));
    let mut notes: Vec<String> = held.map(|lease| holder_words(name, &lease)).into_iter().collect();
    if let Err(why) = &seen.plan {
        notes.push(format!("what differs from the inventory is not known: {why}"));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Mount;

    #[test]
    fn the_fullest_file_system_is_told() {
        let mount = |path: &str, size, free| Mount {
            path: path.to_owned(),
            kind: "ext4".to_owned(),
            size,
            free,
            free_inodes: None,
        };
        let facts = HostFacts {
            mounts: vec![
                mount("/", 100, 90),
                mount("/var/lib", 200, 20),
                mount("/boot", 10, 0),
                mount("/run/x", 10, 0),
                mount("/x", 0, 0),
            ],
            ..HostFacts::default()
        };
        assert_eq!(fullest(&facts), Some(("/var/lib".to_owned(), 90)));
        assert_eq!(fullest(&HostFacts::default()), None);
    }
}
