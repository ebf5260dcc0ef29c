//! Objects of a bucket into the store. What was listed once and is not there any more is no fault: the set needs what links
//! point to, and what was deleted meanwhile was deleted on purpose.

use super::BackupError;
use super::error::io;
use super::job::Bucket;
use super::s3::{Object, Site, chain};
use super::store::Store;
use super::tree::{Before, Taken, room};
use crate::record::BackupFile;
use futures_util::stream::{self, StreamExt as _};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::time::Duration;

/// Objects fetched at the same time.
const AT_ONCE: usize = 8;
/// Times that an object is tried, each at the next endpoint.
const TRIES: usize = 3;

/// Takes what is new in a bucket into the store.
pub(super) async fn take(store: &Store, part: &Bucket, before: &Before) -> Result<Taken, BackupError> {
    let wrong = |cause: String| BackupError::Part { part: part.name.clone(), cause };
    let sites = Site::all(part)?;
    let objects = listed(&sites).await.map_err(wrong)?;
    let mut taken = Taken::default();
    let mut wanted = Vec::new();
    let mut need = 0;
    for object in objects {
        match before.get(&object.key) {
            Some(file)
                if file.size == object.size
                    && file.mark == object.tag
                    && store.has(&file.sha256, file.size) =>
            {
                taken.files.insert(object.key, file.clone());
            }
            _ => {
                need += object.size;
                wanted.push(object);
            }
        }
    }
    room(store, &part.name, need)?;
    let jobs = wanted.into_iter().map(|object| fetch(store, &sites, (part, object)));
    let mut fetched = stream::iter(jobs).buffer_unordered(AT_ONCE);
    while let Some(one) = fetched.next().await {
        let Some((file, new)) = one? else { continue };
        if new {
            taken.new_files += 1;
            taken.new_bytes += file.size;
        }
        taken.files.insert(file.path.clone(), file);
    }
    Ok(taken)
}

/// The first endpoint that answers lists.
async fn listed(sites: &[Site]) -> Result<Vec<Object>, String> {
    let mut why = "no endpoint is named".to_owned();
    for site in sites {
        match site.list().await {
            Ok(objects) => return Ok(objects),
            Err(cause) => why = cause,
        }
    }
    Err(format!("no endpoint lists the bucket: {why}"))
}

async fn fetch(
    store: &Store,
    sites: &[Site],
    (part, object): (&Bucket, Object),
) -> Result<Option<(BackupFile, bool)>, BackupError> {
    let wrong = |cause: String| BackupError::Part {
        part: part.name.clone(),
        cause: format!("`{}`: {cause}", object.key),
    };
    let mut why = String::new();
    for (at, site) in sites.iter().cycle().take(TRIES.max(sites.len())).enumerate() {
        if at > 0 {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        match once(store, site, &object).await {
            Ok(file) => return Ok(file),
            Err(Broken::Here(error)) => return Err(error),
            Err(Broken::There(cause)) => why = cause,
        }
    }
    Err(wrong(why))
}

/// Whose fault it is: a fault here is not tried again.
enum Broken {
    Here(BackupError),
    There(String),
}

async fn once(store: &Store, site: &Site, object: &Object) -> Result<Option<(BackupFile, bool)>, Broken> {
    let Some(mut answer) = site.get(&object.key).await.map_err(Broken::There)? else { return Ok(None) };
    let (mut file, draft) = store.draft().map_err(Broken::Here)?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    while let Some(chunk) = answer.chunk().await.map_err(|cause| Broken::There(chain(&cause)))? {
        hash.update(&chunk);
        bytes += chunk.len() as u64;
        file.write_all(&chunk).map_err(|cause| Broken::Here(io("write", &draft)(cause)))?;
    }
    if bytes != object.size {
        return Err(Broken::There(format!("{bytes} bytes came of {}", object.size)));
    }
    let sha256 = hex::encode(hash.finalize());
    let new = store.place(&draft, &sha256, bytes).map_err(Broken::Here)?;
    let file = BackupFile { path: object.key.clone(), size: bytes, sha256, mark: object.tag.clone() };
    Ok(Some((file, new)))
}
