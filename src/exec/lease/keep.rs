//! Keeping: a task a host renews the lease; before each step it is asked whether it still holds.

use super::script::{self, LASTS};
use super::take::{Claim, give_back};
use crate::base::HostName;
use crate::exec::Fleet;
use crate::plan::lease_folder;
use crate::transport::{Exec, Fence, Session};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Between two renewals.
const EVERY: Duration = Duration::from_secs(5);
/// A renewal that waits longer for a free channel goes over a connection of its own.
const PATIENCE: Duration = Duration::from_secs(4);
/// So long after the last renewal began no step begins: a little before the host would refuse it.
const HOLDS: Duration = Duration::from_secs(LASTS - 4);

/// A lease that is held on hosts, until it is given back, lost, or this is dropped.
pub struct Lease {
    claim: Claim,
    fleet: Fleet,
    kept: Arc<Mutex<Kept>>,
    tasks: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Kept {
    /// When the last renewal that succeeded began.
    since: BTreeMap<HostName, Instant>,
    lost: Option<String>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Lease {
    /// Begins to renew what was taken.
    pub(super) fn keep(claim: &Claim, fleet: &Fleet, begun: Instant) -> Self {
        let since = fleet.iter().map(|(host, _)| (host.clone(), begun)).collect();
        let kept = Arc::new(Mutex::new(Kept { since, lost: None }));
        let keeper = |(host, link): (&HostName, &Arc<dyn Session>)| {
            let script = script::renew(&claim.deployment, &claim.token);
            tokio::spawn(renew_for_ever(host.clone(), link.clone(), script, kept.clone()))
        };
        let tasks = fleet.iter().map(keeper).collect();
        Self { claim: claim.clone(), fleet: fleet.clone(), kept, tasks }
    }

    /// The connections, on which programs begin only while the lease holds.
    pub fn fenced(&self, fleet: &Fleet) -> Fleet {
        let folder = lease_folder(&self.claim.deployment);
        let mut fenced = Fleet::default();
        for (host, link) in fleet.iter() {
            let fence = Fence {
                record: format!("{folder}/record"),
                gate: format!("{folder}/gate"),
                token: self.claim.token.clone(),
            };
            fenced.insert(host.clone(), link.fenced(fence));
        }
        fenced
    }

    /// Whether a step may begin on a host; `Err` says why not.
    pub fn holds(&self, host: &HostName) -> Result<(), String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.allows(host, self.claim.needed, Instant::now())
    }

    /// Gives the lease back.
    pub async fn give_back(self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        let hosts: Vec<&HostName> = self.fleet.iter().map(|(host, _)| host).collect();
        give_back(&self.claim, &self.fleet, &hosts).await;
    }
}

impl Kept {
    fn allows(&self, host: &HostName, needed: usize, now: Instant) -> Result<(), String> {
        if let Some(why) = &self.lost {
            return Err(format!("{why}, so nothing further begins"));
        }
        let fresh = |since: &Instant| now.duration_since(*since) < HOLDS;
        match self.since.get(host) {
            Some(since) if !fresh(since) => {
                let age = now.duration_since(*since).as_secs();
                Err(format!(
                    "the lease on `{host}` could not be renewed for {age} s and may be another's by now"
                ))
            }
            None => Err(format!("there is no lease on `{host}`")),
            Some(_) if self.since.values().filter(|since| fresh(since)).count() < needed => {
                Err(format!("the lease holds on fewer than {needed} hosts, so another may work here too"))
            }
            Some(_) => Ok(()),
        }
    }
}

async fn renew_for_ever(host: HostName, link: Arc<dyn Session>, script: String, kept: Arc<Mutex<Kept>>) {
    let mut own: Option<Box<dyn Session>> = None;
    loop {
        sleep(EVERY).await;
        let begun = Instant::now();
        let exec = Exec::new(script.clone(), HOLDS);
        let answer = if let Some(own) = &own {
            own.exec(exec).await
        } else {
            let Ok(answer) = timeout(PATIENCE, link.exec(exec)).await else {
                // Every channel the host allows is in use, or the host is slow.
                own = link.again().await.ok();
                continue;
            };
            answer
        };
        // Who cannot be asked lets the lease end: the time since the last answer tells.
        let Ok(output) = answer else {
            own = None;
            continue;
        };
        let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        match said.split_once(' ').unwrap_or((&said, "")) {
            ("kept", _) => drop(kept.since.insert(host.clone(), begun)),
            ("ended", _) => kept.lost = Some(format!("the lease on `{host}` ended without being renewed")),
            ("lost", _) => kept.lost = Some(format!("the lease on `{host}` was released or taken over")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> HostName {
        HostName::new(name).unwrap()
    }

    #[test]
    fn a_step_begins_only_while_host_and_majority_are_fresh() {
        let now = Instant::now();
        let late = now + HOLDS;
        let kept = |since: &[(&str, Instant)]| Kept {
            since: since.iter().map(|(name, at)| (host(name), *at)).collect(),
            lost: None,
        };
        let all = kept(&[("a", late), ("b", late), ("c", now)]);
        assert_eq!(all.allows(&host("a"), 2, late), Ok(()));
        assert!(all.allows(&host("c"), 2, late).unwrap_err().contains("26 s"));
        assert!(all.allows(&host("a"), 3, late).unwrap_err().contains("fewer than 3"));
        assert!(all.allows(&host("d"), 1, late).is_err());
        let lost = Kept { lost: Some("gone".to_owned()), ..all };
        assert_eq!(lost.allows(&host("a"), 1, late).unwrap_err(), "gone, so nothing further begins");
    }
}
