//! Giving a part of a set away, over a connection on this host's loopback: a line of JSON for each file, then its bytes, and
//! at the end a line that says so. What does not fit its digest ends the connection before that line.

use super::error::io;
use super::job::{Job, JobPart, Tree};
use super::s3::Site;
use super::sign::Signer;
use super::store::Store;
use super::{BackupError, program};
use crate::record::{BackupFile, BackupPart};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Read as _, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

/// What is given away.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The set.
    pub set: String,
    /// The part.
    pub part: String,
    /// Also what came after the set, as far as it has arrived, for a moment after it.
    pub onward: bool,
}

/// How much was given.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Given {
    /// Files sent.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that are there already.
    pub there: u64,
}

/// A file to send: where it stands, and its digest where one is known.
struct Item {
    path: String,
    from: PathBuf,
    sha256: Option<String>,
}

/// Sends a part to a port of this host; the first line is the word that the other end knows us by.
pub async fn send(job: &Job, wanted: &Wanted, (door, word): (u16, &str)) -> Result<Given, BackupError> {
    let store = Store::open(&job.store)?;
    let keys = [Signer::read(&job.sign)?.public()];
    let kept = store.read(&wanted.set, &keys)?;
    let part = kept.set.parts.iter().find(|part| part.name == wanted.part);
    let part = part.ok_or_else(|| BackupError::Untrusted {
        set: wanted.set.clone(),
        cause: format!("it has no part `{}`", wanted.part),
    })?;
    let (items, there) = items(job, &store, part, wanted.onward).await?;
    let broken =
        |cause: std::io::Error| BackupError::Part { part: wanted.part.clone(), cause: cause.to_string() };
    let stream = TcpStream::connect(("127.0.0.1", door)).map_err(broken)?;
    let mut out = BufWriter::with_capacity(1 << 18, stream);
    writeln!(out, "{word}").map_err(broken)?;
    let mut given = Given { files: 0, bytes: 0, there };
    for item in items {
        given.bytes += one(&mut out, &item, &wanted.part)?;
        given.files += 1;
    }
    writeln!(out, "{}", json!({ "end": given.files })).and_then(|()| out.flush()).map_err(broken)?;
    Ok(given)
}

fn one(out: &mut impl Write, item: &Item, part: &str) -> Result<u64, BackupError> {
    let wrong =
        |cause: String| BackupError::Part { part: part.to_owned(), cause: format!("{}: {cause}", item.path) };
    let mut from = File::open(&item.from).map_err(io("open", &item.from))?;
    let size = from.metadata().map_err(io("look at", &item.from))?.len();
    let head = json!({ "path": item.path, "size": size, "sha256": item.sha256 });
    writeln!(out, "{head}").map_err(|cause| wrong(cause.to_string()))?;
    let (mut hash, mut left, mut chunk) = (Sha256::new(), size, vec![0; 1 << 18]);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        let read = from.read(&mut chunk[..most]).map_err(io("read", &item.from))?;
        if read == 0 {
            return Err(wrong("it ends before its end".to_owned()));
        }
        hash.update(&chunk[..read]);
        out.write_all(&chunk[..read]).map_err(|cause| wrong(cause.to_string()))?;
        left -= read as u64;
    }
    match &item.sha256 {
        Some(digest) if hex::encode(hash.finalize()) != *digest => {
            Err(wrong("its content is another one than was kept".to_owned()))
        }
        _ => Ok(size),
    }
}

/// What is to be sent, and how many files need not be.
async fn items(
    job: &Job,
    store: &Store,
    part: &BackupPart,
    onward: bool,
) -> Result<(Vec<Item>, u64), BackupError> {
    let files = store.files(&part.list)?;
    let all = files.len() as u64;
    let kept = |file: BackupFile| Item {
        from: store.blob(&file.sha256),
        path: file.path,
        sha256: Some(file.sha256),
    };
    for spec in &job.parts {
        match spec {
            JobPart::Bucket(bucket) if bucket.name == part.name => {
                // What cannot be asked has nothing.
                let there = match Site::all(bucket)?.first() {
                    Some(site) => site.list().await.unwrap_or_default(),
                    None => Vec::new(),
                };
                let there: BTreeMap<String, (u64, String)> =
                    there.into_iter().map(|it| (it.key, (it.size, it.tag))).collect();
                let missing = |file: &BackupFile| {
                    there.get(&file.path).is_none_or(|(size, tag)| *size != file.size || *tag != file.mark)
                };
                let items: Vec<Item> = files.into_iter().filter(missing).map(kept).collect();
                let there = all - items.len() as u64;
                return Ok((items, there));
            }
            JobPart::Tree(tree) if tree.name == part.name && onward => {
                let mut items: Vec<Item> = files.into_iter().map(kept).collect();
                later(tree, part, &mut items).await?;
                return Ok((items, 0));
            }
            _ => {}
        }
    }
    Ok((files.into_iter().map(kept).collect(), 0))
}

/// Adds what has arrived in the folder since: all that the set's own copy leads to now.
async fn later(tree: &Tree, part: &BackupPart, items: &mut Vec<Item>) -> Result<(), BackupError> {
    let label = part.figures.get("label").and_then(|label| label.as_str()).unwrap_or_default();
    let names =
        program::run(&tree.name, (&tree.list, label), None).await.map_err(|why| BackupError::Part {
            part: tree.name.clone(),
            cause: format!(
                "what came after this set is no longer kept, only its own moment can be reached ({why})"
            ),
        })?;
    let known: BTreeSet<String> = items.iter().map(|item| item.path.clone()).collect();
    for path in names.lines.into_iter().filter(|path| !known.contains(path)) {
        let from = tree.root.join(Path::new(&path));
        items.push(Item { path, from, sha256: None });
    }
    Ok(())
}
