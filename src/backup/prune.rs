//! Taking old sets away, and the content that none of those that stay holds. Each set is whole in itself, so none depends
//! on another.

use super::BackupError;
use super::error::io;
use super::store::Store;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fs;

/// Which sets stay: whoever fits one line of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// The newest so many, at least one.
    pub last: usize,
    /// The newest of each of so many days back.
    pub days: usize,
    /// The newest of each of so many weeks back.
    pub weeks: usize,
    /// The newest of each of so many months back.
    pub months: usize,
}

/// Sets that went, sets that stay, and bytes that are free again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pruned {
    /// Names of those that went, or would.
    pub gone: Vec<String>,
    /// Names of those that stay.
    pub stay: Vec<String>,
    /// Bytes of content that nobody needs any more.
    pub bytes: u64,
}

/// Takes sets away. A set that cannot be read is never counted among those that stay, nor taken away: it is named by
/// `verify`, and its content stays as long as it stands.
pub fn prune(
    folder: &std::path::Path,
    keys: &[String],
    (keep, really): (Keep, bool),
) -> Result<Pruned, BackupError> {
    let store = Store::open(folder)?;
    let _hold = store.hold("a prune")?;
    let mut good = Vec::new();
    let mut whole = true;
    for id in store.sets()? {
        match store.read(&id, keys) {
            Ok(kept) => good.push((id, kept.set.ended)),
            Err(_) => whole = false,
        }
    }
    let stay = staying(&good, keep, Timestamp::now());
    let gone: Vec<String> = good.iter().map(|(id, _)| id.clone()).filter(|id| !stay.contains(id)).collect();
    if really {
        for id in &gone {
            store.drop_set(id)?;
        }
    }
    // What a set needs that cannot be read is not known: nothing is swept then.
    let bytes = if whole { sweep(&store, (keys, &gone), really)? } else { 0 };
    Ok(Pruned {
        gone,
        stay: good.into_iter().map(|(id, _)| id).filter(|id| stay.contains(id)).collect(),
        bytes,
    })
}

/// Names of those that stay.
fn staying(good: &[(String, Timestamp)], keep: Keep, now: Timestamp) -> BTreeSet<String> {
    let mut stay: BTreeSet<String> =
        good.iter().rev().take(keep.last.max(1)).map(|(id, _)| id.clone()).collect();
    let zoned = now.in_tz("UTC").expect("UTC is known");
    let newest = |from: Timestamp, to: Timestamp| {
        good.iter().rev().find(|(_, ended)| *ended > from && *ended <= to).map(|(id, _)| id.clone())
    };
    let mut add = |count: usize, span: fn(i64) -> jiff::Span| {
        for back in 0..i64::try_from(count).unwrap_or(0) {
            let (from, to) = (zoned.checked_sub(span(back + 1)), zoned.checked_sub(span(back)));
            if let (Ok(from), Ok(to)) = (from, to) {
                stay.extend(newest(from.timestamp(), to.timestamp()));
            }
        }
    };
    add(keep.days, jiff::ToSpan::days);
    add(keep.weeks, jiff::ToSpan::weeks);
    add(keep.months, jiff::ToSpan::months);
    stay
}

/// Removes content that no set holds; its bytes.
fn sweep(store: &Store, (keys, gone): (&[String], &[String]), really: bool) -> Result<u64, BackupError> {
    let mut needed = BTreeSet::new();
    for id in store.sets()?.iter().filter(|id| !gone.contains(id)) {
        for part in store.read(id, keys)?.set.parts {
            needed.extend(store.files(&part.list)?.into_iter().map(|file| file.sha256));
            needed.insert(part.list);
        }
    }
    let blobs = store.folder().join("blobs");
    let mut bytes = 0;
    for shelf in fs::read_dir(&blobs).map_err(io("read", &blobs))? {
        let shelf = shelf.map_err(io("read", &blobs))?.path();
        for blob in fs::read_dir(&shelf).map_err(io("read", &shelf))? {
            let blob = blob.map_err(io("read", &shelf))?;
            if needed.contains(&*blob.file_name().to_string_lossy()) {
                continue;
            }
            bytes += blob.metadata().map_err(io("look at", &shelf))?.len();
            if really {
                fs::remove_file(blob.path()).map_err(io("remove", &shelf))?;
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    #[test]
    fn the_last_good_one_always_stays() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let at = |days: i64, hour: i64| now - (days * 24 - hour).hours();
        let good: Vec<(String, Timestamp)> = [(400, 0), (40, 0), (9, 0), (2, 0), (1, 0), (1, 6), (0, -1)]
            .iter()
            .map(|(days, hour)| (format!("{days}-{hour}"), at(*days, *hour)))
            .collect();
        let keep = |last, days, weeks, months| {
            let stay = staying(&good, Keep { last, days, weeks, months }, now);
            good.iter()
                .map(|(id, _)| id.as_str())
                .filter(|id| stay.contains(*id))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(keep(0, 0, 0, 0), "0--1");
        assert_eq!(keep(2, 0, 0, 0), "1-6 0--1");
        assert_eq!(keep(1, 2, 0, 0), "1-0 0--1");
        assert_eq!(keep(1, 0, 2, 2), "40-0 9-0 0--1");
    }
}
