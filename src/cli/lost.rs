//! Hosts declared lost: left out of a change by a typed confirmation, recorded, kept out by the others' packet filters,
//! and brought up to date before they are let in again.

use super::hold::ChangeArgs;
use super::road::Road;
use super::{Failure, Global, connect};
use crate::base::{HostName, Sink};
use crate::state::{State, operator};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const FILE: &str = "lost.json";

/// A host declared lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Lost {
    /// The host.
    pub(super) host: HostName,
    /// When.
    pub(super) since: Timestamp,
    /// By whom.
    pub(super) who: String,
    /// Why.
    pub(super) reason: Option<String>,
}

/// Refuses hosts that are declared lost without a typed confirmation, and those that answer.
pub(super) async fn really_lost(road: &Road, global: &Global, asked: &ChangeArgs) -> Result<(), Failure> {
    if road.lost.is_empty() {
        return Ok(());
    }
    let name = &road.inventory().name;
    let hosts: Vec<String> = road.lost.iter().map(|host| format!("`{host}`")).collect();
    if asked.confirm.as_ref() != Some(name) {
        return Err(Failure::Refused(format!(
            "leaving out {} lets the others go on without it and keeps it out when it comes back; say so with --confirm {name}",
            hosts.join(", ")
        )));
    }
    let quick = Global { timeout: "5s".to_owned(), ..global.clone() };
    let (alive, _) = connect::some(road, &quick, &road.lost, &Sink::none()).await?;
    let answers: Vec<String> = alive.iter().map(|(host, _)| format!("`{host}`")).collect();
    alive.close().await;
    if answers.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!("{} answers, so it is not lost: leave --lost out", answers.join(", "))))
}

/// Hosts on record as lost.
pub(super) fn recorded(state: &State) -> Result<Vec<Lost>, Failure> {
    let Some(text) = state.read(FILE)? else { return Ok(Vec::new()) };
    serde_json::from_slice(&text).map_err(|cause| {
        crate::state::StateError::Damaged { path: state.path(FILE), cause: cause.to_string() }.into()
    })
}

/// What is known of lost hosts once this change is under way.
pub(super) fn now(road: &Road, reason: Option<&str>) -> Result<Vec<Lost>, Failure> {
    let mut list = recorded(&road.state)?;
    for host in &road.lost {
        if !list.iter().any(|it| it.host == *host) {
            let since = Timestamp::now();
            list.push(Lost { host: host.clone(), since, who: operator(), reason: reason.map(str::to_owned) });
        }
    }
    Ok(list)
}

/// Records them.
pub(super) fn record(state: &State, list: &[Lost]) -> Result<(), Failure> {
    let text = serde_json::to_vec_pretty(list).expect("hosts are plain data");
    Ok(state.write(FILE, &text)?)
}

/// After a change that went well: who took part is lost no more, and who is of the inventory no more neither.
pub(super) fn found(road: &Road) -> Result<(), Failure> {
    let list = recorded(&road.state)?;
    let stays = |it: &&Lost| !road.hosts.contains(&it.host) && road.inventory().host(&it.host).is_some();
    let left: Vec<Lost> = list.iter().filter(stays).cloned().collect();
    if left == list { Ok(()) } else { record(&road.state, &left) }
}

/// Sentences for the plan about hosts that were lost and take part again.
pub(super) fn back(road: &Road) -> Result<Vec<String>, Failure> {
    let list = recorded(&road.state)?;
    let here = list.iter().filter(|it| road.hosts.contains(&it.host));
    let sentence = |it: &Lost| {
        let since = it.since.strftime("%F %H:%M UTC");
        format!(
            "`{}` was declared lost on {since} by {}; this plan brings it up to date and lets it in again.",
            it.host, it.who
        )
    };
    Ok(here.map(sentence).collect())
}
