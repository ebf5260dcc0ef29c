//! Judging sets: signature, lists, and every byte of their content.

use super::error::io;
use super::store::Store;
use super::{BackupError, Job, JobPart, program};
use crate::record::BackupFile;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;

/// Something that is not as it was written down.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Fault {
    /// The sets that it spoils; the newest last.
    pub sets: Vec<String>,
    /// The part; none for the set's own document.
    pub part: Option<String>,
    /// The file.
    pub file: Option<String>,
    /// What is wrong.
    pub what: String,
}

/// Reads everything that sets hold, each content once. `keys` are those whose signatures count.
pub async fn verify(
    job: &Job,
    keys: &[String],
    chosen: Option<&str>,
) -> Result<(Vec<String>, Vec<Fault>), BackupError> {
    let store = Store::open(&job.store)?;
    let _hold = store.hold("a verification")?;
    let mut sets = store.sets()?;
    if let Some(chosen) = chosen {
        if !sets.iter().any(|it| it == chosen) {
            return Err(BackupError::NoSet(chosen.to_owned()));
        }
        sets.retain(|it| it == chosen);
    }
    let (contents, mut faults) = named(&store, keys, &sets);
    for (file, part, sets) in contents.into_values() {
        if let Some(what) = wrong(&store, &file) {
            let sets = sets.into_iter().collect();
            faults.push(Fault { sets, part: Some(part), file: Some(file.path), what });
        }
    }
    faults.extend(products(job).await);
    Ok((sets, faults))
}

/// Content by its digest, with the first file and part that name it and the sets that hold it.
type Contents = BTreeMap<String, (BackupFile, String, BTreeSet<String>)>;

/// All content that sets name, and what is wrong with what names it.
fn named(store: &Store, keys: &[String], sets: &[String]) -> (Contents, Vec<Fault>) {
    let (mut contents, mut faults) = (Contents::new(), Vec::new());
    for id in sets {
        let fault = |part, what| Fault { sets: vec![id.clone()], part, file: None, what };
        let kept = match store.read(id, keys) {
            Ok(kept) => kept,
            Err(why) => {
                faults.push(fault(None, why.to_string()));
                continue;
            }
        };
        for part in &kept.set.parts {
            match store.files(&part.list) {
                Ok(files) => {
                    for file in files {
                        let known = contents.entry(file.sha256.clone());
                        let known = known.or_insert_with(|| (file, part.name.clone(), BTreeSet::new()));
                        known.2.insert(id.clone());
                    }
                }
                Err(why) => faults.push(fault(Some(part.name.clone()), format!("its list of files: {why}"))),
            }
        }
    }
    (contents, faults)
}

/// What the products' own programs say of what is not in a set yet.
async fn products(job: &Job) -> Vec<Fault> {
    let mut faults = Vec::new();
    for part in &job.parts {
        let JobPart::Tree(part) = part else { continue };
        if part.verify.is_empty() {
            continue;
        }
        let what = match program::run(&part.name, (&part.verify, ""), None).await {
            Ok(said) if said.object.get("ok") == Some(&Value::Bool(true)) => continue,
            Ok(said) => said.object.get("error").map_or("it is not well".to_owned(), ToString::to_string),
            Err(why) => why.to_string(),
        };
        faults.push(Fault { sets: vec![], part: Some(part.name.clone()), file: None, what });
    }
    faults
}

/// What is wrong with a content, if anything.
fn wrong(store: &Store, file: &BackupFile) -> Option<String> {
    let path = store.blob(&file.sha256);
    let digest = || -> Result<(String, u64), BackupError> {
        let mut from = File::open(&path).map_err(io("read", &path))?;
        let (mut hash, mut size, mut chunk) = (Sha256::new(), 0, vec![0; 1 << 18]);
        loop {
            let read = from.read(&mut chunk).map_err(io("read", &path))?;
            if read == 0 {
                return Ok((hex::encode(hash.finalize()), size));
            }
            hash.update(&chunk[..read]);
            size += read as u64;
        }
    };
    if !path.exists() {
        return Some("its content is missing".to_owned());
    }
    match digest() {
        Ok((_, size)) if size != file.size => {
            Some(format!("it has {size} bytes, and {} were kept", file.size))
        }
        Ok((digest, _)) if digest != file.sha256 => {
            Some("its content is another one than was kept".to_owned())
        }
        Ok(_) => None,
        Err(why) => Some(why.to_string()),
    }
}
