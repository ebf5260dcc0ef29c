//! One look at every host, its clock, and how fast its disks are.

use super::super::Failure;
use super::super::road::Road;
use super::{Scene, Wants};
use crate::base::HostName;
use crate::checks::Trial;
use crate::exec::{self, Fleet, LookFailure};
use crate::facts::{self, DiskSpeeds};
use crate::plan;
use crate::record::Observed;
use crate::resource::Probe;
use crate::transport::{Exec, LinkError, Session};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A question to the host's clock may take so long.
const TICK: Duration = Duration::from_secs(20);

/// What was seen of a host, with what its connection and its clock said.
pub(super) struct Looked {
    pub(super) observed: Observed,
    pub(super) clock: Clock,
}

/// How long a program that does nothing takes over a new shell and over an open one, and how far ahead the host's clock is.
pub(super) struct Clock {
    pub(super) login_ms: u64,
    pub(super) answer_ms: u64,
    pub(super) ahead: Option<(f64, f64)>,
    pub(super) umask: Option<String>,
}

type Looks = Vec<(HostName, Result<Looked, LookFailure>)>;

/// All hosts at once: the clock over a new and an open shell, then one look.
pub(super) async fn look(road: &Road, fleet: &Fleet, wants: &Wants) -> Result<Looks, Failure> {
    let identities = crate::desired::identities(&road.topology)?;
    let probes = |host: &HostName| {
        let mut probes = plan::probes(&road.topology, &identities, host);
        let data = wants.data(road, host);
        let data: Vec<&str> = data.iter().map(|(path, _)| path.as_str()).collect();
        let facts = (facts::KEY, facts::script_with_listeners());
        for (key, script) in [facts, (facts::DEEP_KEY, facts::deep_script(&data))] {
            probes.push(Probe::Script { key: key.to_owned(), script });
        }
        probes
    };
    let hosts: Vec<HostName> = fleet.iter().map(|(host, _)| host.clone()).collect();
    let clocks = join_all(fleet.iter().map(|(_, link)| clock(link.as_ref()))).await;
    let mut looked =
        exec::look(fleet, &hosts.iter().map(|host| (host.clone(), probes(host))).collect()).await;
    let one = |(host, clock): (HostName, Result<Clock, LinkError>)| {
        let observed = looked.remove(&host).unwrap_or(Err(LookFailure::NoLink));
        let looked = clock.map_err(LookFailure::Link);
        (host, looked.and_then(|clock| Ok(Looked { observed: observed?, clock })))
    };
    Ok(hosts.into_iter().zip(clocks).map(one).collect())
}

async fn clock(link: &dyn Session) -> Result<Clock, LinkError> {
    let mut times = [0; 2];
    let (mut ahead, mut umask) = (None, None);
    for time in &mut times {
        let (begun, before) = (Instant::now(), Timestamp::now());
        let output = link.exec(Exec::new("date +%s.%N\numask\n", TICK)).await?;
        let took = begun.elapsed();
        *time = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let middle = before.as_duration().as_secs_f64() + took.as_secs_f64() / 2.0;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = said.lines();
        let there = lines.next().and_then(|time| time.parse::<f64>().ok());
        ahead = there.map(|there| (there - middle, took.as_secs_f64() / 2.0));
        umask = lines.next().map(str::to_owned);
    }
    Ok(Clock { login_ms: times[0], answer_ms: times[1], ahead, umask })
}

/// How fast the disks under each host's data are, all hosts at once. A disk that serves users is left alone, unless the
/// whole service is to be proved.
pub(super) async fn disks(
    road: &Road,
    fleet: &Fleet,
    wants: &Wants,
    looks: &[(HostName, Looked)],
    scene: Scene,
) -> BTreeMap<HostName, Trial<DiskSpeeds>> {
    let one = |(host, looked): &(HostName, Looked)| {
        let (host, link) = (host.clone(), fleet.link(host).cloned());
        let data = wants.data(road, &host);
        let small = road.topology.host(&host).limits.iter().any(|limit| limit == "size");
        let serves = looked.ours() && scene != Scene::Acceptance;
        async move {
            let trial = match link {
                _ if data.is_empty() => Trial::Made(DiskSpeeds::new()),
                _ if small => Trial::Left("`limits` says that this host is small".to_owned()),
                _ if serves || scene == Scene::Upgrade => {
                    Trial::Left("the disk serves users; --scene acceptance tries it".to_owned())
                }
                None => Trial::Left("there is no connection to the host".to_owned()),
                Some(link) => Trial::Made(disk(link.as_ref(), &data).await),
            };
            (host, trial)
        }
    };
    join_all(looks.iter().map(one)).await.into_iter().collect()
}

async fn disk(link: &dyn Session, data: &[(String, f64)]) -> DiskSpeeds {
    let paths: Vec<&str> = data.iter().map(|(path, _)| path.as_str()).collect();
    let program = facts::disk_script(&paths);
    let (mut speeds, said) = match link.exec(Exec::new(program, facts::DISK_WITHIN)).await {
        Ok(output) => (facts::parse_disk(&String::from_utf8_lossy(&output.stdout)), output.text()),
        Err(cause) => (DiskSpeeds::new(), cause.to_string()),
    };
    for path in paths {
        speeds
            .entry(path.to_owned())
            .or_insert_with(|| Err(said.lines().last().unwrap_or("no answer").to_owned()));
    }
    speeds
}
