//! `imctl backup list` and `show`: what the store says, believed as far as signatures go.

use super::host::{Sets, Told};
use super::{Depot, view};
use crate::backup::fits;
use crate::base::Exit;
use crate::cli::{Failure, Global};
use crate::record::BackupSet;
use std::time::Duration;

/// The host reads a document a set.
const WITHIN: Duration = Duration::from_mins(2);

/// A set, or why it is not to be used.
pub(in crate::cli) type Seen = (String, Result<BackupSet, String>);

/// Asks for all sets; the newest last.
pub(in crate::cli) async fn all(depot: &Depot) -> Result<(Vec<Seen>, Sets), Failure> {
    let sets: Sets = depot.ask(&["sets"], WITHIN).await?;
    let seen = sets.all.iter().map(|told| (told.id.clone(), believed(told, &depot.keys))).collect();
    Ok((seen, sets))
}

/// A document that one of our own keys signed; what the host says of it is not enough.
fn believed(told: &Told, keys: &[String]) -> Result<BackupSet, String> {
    let (Some(document), Some(signature)) = (&told.document, &told.signature) else {
        return Err(told.wrong.clone().unwrap_or_else(|| "it has no document".to_owned()));
    };
    if !keys.iter().any(|key| fits(key, document.as_bytes(), signature)) {
        return Err("no key of this deployment signed it".to_owned());
    }
    let set: BackupSet = serde_json::from_str(document).map_err(|cause| cause.to_string())?;
    if set.id == told.id { Ok(set) } else { Err(format!("its document is of `{}`", set.id)) }
}

/// The name meant by a word: `last` is the newest that is to be used.
pub(in crate::cli) fn meant(depot: &Depot, seen: &[Seen], word: &str) -> Result<String, Failure> {
    let good = || seen.iter().rev().find(|(_, set)| set.is_ok()).map(|(id, _)| id.clone());
    let found =
        if word == "last" { good() } else { seen.iter().find(|(id, _)| id == word).map(|it| it.0.clone()) };
    found.ok_or_else(|| Failure::NoSet { set: word.to_owned(), inventory: depot.road.typed() })
}

/// Runs `imctl backup list`.
pub(super) async fn list(global: &Global) -> Result<Exit, Failure> {
    let depot = Depot::open(global).await?;
    let answer = all(&depot).await;
    depot.fleet.close().await;
    let (seen, sets) = answer?;
    view::list(&depot, &seen, &sets, global);
    Ok(if seen.iter().all(|(_, set)| set.is_ok()) { Exit::Done } else { Exit::CheckFailed })
}

/// Runs `imctl backup show`.
pub(super) async fn show(word: &str, global: &Global) -> Result<Exit, Failure> {
    let depot = Depot::open(global).await?;
    let answer = all(&depot).await;
    depot.fleet.close().await;
    let (seen, _) = answer?;
    let id = meant(&depot, &seen, word)?;
    let set = seen.into_iter().find(|(name, _)| *name == id).map(|(_, set)| set);
    match set {
        Some(Ok(set)) => {
            view::set(&set, global);
            Ok(Exit::Done)
        }
        Some(Err(why)) => Err(depot.failed(&format!("set `{id}` is not to be used: {why}"))),
        None => Err(Failure::NoSet { set: id, inventory: depot.road.typed() }),
    }
}
