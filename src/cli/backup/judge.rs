//! `imctl backup verify`: the host reads every byte again; this machine judges the signatures itself.

use super::host::Judged;
use super::{Depot, sets, view};
use crate::backup::Fault;
use crate::base::Exit;
use crate::cli::{Failure, Global};
use std::time::Duration;

/// Terabytes take hours.
const WITHIN: Duration = Duration::from_hours(24);

/// Asks, judges, tells.
pub(super) async fn run(word: Option<&str>, global: &Global) -> Result<Exit, Failure> {
    let depot = Depot::open(global).await?;
    let judged = judged(&depot, word).await;
    depot.fleet.close().await;
    let judged = judged?;
    view::judged(&depot, &judged, global);
    Ok(if judged.faults.is_empty() { Exit::Done } else { Exit::CheckFailed })
}

async fn judged(depot: &Depot, word: Option<&str>) -> Result<Judged, Failure> {
    let (seen, _) = sets::all(depot).await?;
    let chosen = word.map(|word| sets::meant(depot, &seen, word)).transpose()?;
    let words: Vec<&str> = std::iter::once("verify").chain(chosen.as_deref()).collect();
    let mut judged: Judged = depot.ask(&words, WITHIN).await?;
    for (id, set) in seen.iter().filter(|(id, _)| judged.sets.contains(id)) {
        let named = judged.faults.iter().any(|fault| fault.part.is_none() && fault.sets.contains(id));
        if let (Err(why), false) = (set, named) {
            judged.faults.push(Fault { sets: vec![id.clone()], part: None, file: None, what: why.clone() });
        }
    }
    Ok(judged)
}
