//! Taking: the first host alone, which decides between two who begin at once; then the others together. On a conflict
//! all is given back and tried once more one host after the other, so that of two operators one always gets through.

use super::keep::Lease;
use super::{WITHIN, script};
use crate::base::HostName;
use crate::exec::Fleet;
use crate::record::{Holder, LeaseSeen};
use crate::transport::{Exec, LinkError};
use futures_util::future::join_all;
use std::time::Instant;

/// Who asks for a lease.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The deployment.
    pub deployment: String,
    /// The operator's folder, a dot, something of this run alone.
    pub token: String,
    /// Who, and what for.
    pub holder: Holder,
    /// On so many hosts it must hold for a step to begin.
    pub needed: usize,
}

/// Why a lease was not taken; it is then held nowhere.
#[derive(Debug)]
pub enum NotTaken {
    /// Others hold it here.
    Held(Vec<(HostName, LeaseSeen)>),
    /// A program of the holder before still runs here.
    Running(HostName),
    /// The host cannot be asked.
    Link(HostName, LinkError),
    /// The host did not answer as it should.
    Answer(HostName, String),
}

/// Takes the lease on every host of the fleet, or on none.
pub async fn take(claim: &Claim, fleet: &Fleet) -> Result<Lease, NotTaken> {
    let hosts: Vec<&HostName> = fleet.iter().map(|(host, _)| host).collect();
    match together(claim, fleet, &hosts).await {
        Err(NotTaken::Held(_)) => {}
        Ok(begun) => return Ok(Lease::keep(claim, fleet, begun)),
        Err(other) => return Err(other),
    }
    match in_order(claim, fleet, &hosts).await {
        Ok(begun) => Ok(Lease::keep(claim, fleet, begun)),
        Err(refusal) => Err(refusal),
    }
}

async fn together(claim: &Claim, fleet: &Fleet, hosts: &[&HostName]) -> Result<Instant, NotTaken> {
    let begun = Instant::now();
    let Some((first, rest)) = hosts.split_first() else { return Ok(begun) };
    one(claim, fleet, first).await?;
    let answers = join_all(rest.iter().map(|host| one(claim, fleet, host))).await;
    settle(claim, fleet, hosts, answers).await.map(|()| begun)
}

async fn in_order(claim: &Claim, fleet: &Fleet, hosts: &[&HostName]) -> Result<Instant, NotTaken> {
    let begun = Instant::now();
    for (at, host) in hosts.iter().enumerate() {
        let answer = one(claim, fleet, host).await;
        settle(claim, fleet, &hosts[..at], vec![answer]).await?;
    }
    Ok(begun)
}

/// Gives back what was taken when any answer is a refusal, and tells all refusals of one kind.
async fn settle(
    claim: &Claim,
    fleet: &Fleet,
    taken: &[&HostName],
    answers: Vec<Result<(), NotTaken>>,
) -> Result<(), NotTaken> {
    let mut held = Vec::new();
    let mut other = None;
    for answer in answers {
        match answer {
            Ok(()) => {}
            Err(NotTaken::Held(here)) => held.extend(here),
            Err(refusal) => other = Some(refusal),
        }
    }
    if held.is_empty() && other.is_none() {
        return Ok(());
    }
    give_back(claim, fleet, taken).await;
    Err(if held.is_empty() { other.unwrap_or(NotTaken::Held(held)) } else { NotTaken::Held(held) })
}

/// Gives the lease back; a host that cannot be asked lets it end by itself.
pub(super) async fn give_back(claim: &Claim, fleet: &Fleet, hosts: &[&HostName]) {
    let back = |host: &&HostName| {
        let link = fleet.link(host).cloned();
        let script = script::give_back(&claim.deployment, &claim.token);
        async move {
            if let Some(link) = link {
                let _ = link.exec(Exec::new(script, WITHIN)).await;
            }
        }
    };
    join_all(hosts.iter().map(back)).await;
}

async fn one(claim: &Claim, fleet: &Fleet, host: &HostName) -> Result<(), NotTaken> {
    let Some(link) = fleet.link(host) else {
        return Err(NotTaken::Answer(host.clone(), "there is no connection".to_owned()));
    };
    let words = serde_json::to_string(&claim.holder).expect("a holder is plain data");
    let exec = Exec::new(script::take(&claim.deployment, &claim.token), WITHIN)
        .input(format!("{words}\n").into_bytes());
    let output = link.exec(exec).await.map_err(|cause| NotTaken::Link(host.clone(), cause))?;
    let said = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    match said.split_once(' ').unwrap_or((&said, "")) {
        ("taken", _) => Ok(()),
        ("held", rest) => match LeaseSeen::read(rest) {
            Some(seen) => Err(NotTaken::Held(vec![(host.clone(), seen)])),
            None => Err(NotTaken::Answer(host.clone(), said)),
        },
        ("running" | "busy", _) => Err(NotTaken::Running(host.clone())),
        _ => Err(NotTaken::Answer(host.clone(), output.text())),
    }
}
