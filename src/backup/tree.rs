//! Files below a folder of this host into the store.

use super::error::io;
use super::store::Store;
use super::{BackupError, job::Tree};
use crate::record::BackupFile;
use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// A part's files, and how many of them, with how many bytes, are new.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) files: BTreeMap<String, BackupFile>,
    pub(super) new_files: u64,
    pub(super) new_bytes: u64,
}

/// Files of the set before, by name.
pub(super) type Before = BTreeMap<String, BackupFile>;

/// All plain files below a folder, as names within it. A link is a mistake: nothing outside is meant.
pub(super) fn walk(part: &Tree) -> Result<Vec<String>, BackupError> {
    let mut names = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(within) = open.pop() {
        let folder = part.root.join(&within);
        for entry in fs::read_dir(&folder).map_err(io("read", &folder))? {
            let entry = entry.map_err(io("read", &folder))?;
            let kind = entry.file_type().map_err(io("look at", &folder))?;
            let name = within.join(entry.file_name());
            if kind.is_dir() {
                open.push(name);
            } else if kind.is_file() {
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    Ok(names)
}

/// Takes files into the store; those that did not change since the set before are known.
pub(super) fn take(
    store: &Store,
    part: &Tree,
    names: &[String],
    before: &Before,
) -> Result<Taken, BackupError> {
    let wrong = |cause: String| BackupError::Part { part: part.name.clone(), cause };
    let mut seen = Vec::new();
    let mut need = 0;
    for name in names {
        let path = inside(&part.root, name).ok_or_else(|| wrong(format!("`{name}` is no name of a file")))?;
        let state = fs::symlink_metadata(&path).map_err(io("look at", &path))?;
        if !state.is_file() {
            return Err(wrong(format!("`{}` is no plain file", path.display())));
        }
        if known(store, before, (name, &state)).is_none() {
            need += state.len();
        }
        seen.push((name, path, state));
    }
    room(store, &part.name, need)?;
    let mut taken = Taken::default();
    for (name, path, state) in seen {
        if let Some(file) = known(store, before, (name, &state)) {
            taken.files.insert(name.clone(), file.clone());
            continue;
        }
        let (sha256, size, new) = store.put(File::open(&path).map_err(io("open", &path))?, &path)?;
        if new {
            taken.new_files += 1;
            taken.new_bytes += size;
        }
        let file = BackupFile { path: name.clone(), size, sha256, mark: mark(&state) };
        taken.files.insert(name.clone(), file);
    }
    Ok(taken)
}

/// Refuses what would fill the disk: a tenth more than is needed, and 64 MiB, must be free.
pub(super) fn room(store: &Store, part: &str, bytes: u64) -> Result<(), BackupError> {
    let need = (bytes + bytes / 10).div_ceil(1 << 20) + 64;
    let free = store.free_mib()?;
    if free >= need {
        return Ok(());
    }
    let path = store.folder().to_owned();
    Err(BackupError::Room { part: part.to_owned(), need, free, path })
}

fn known<'a>(store: &Store, before: &'a Before, (name, state): (&str, &Metadata)) -> Option<&'a BackupFile> {
    let file = before.get(name)?;
    let same = file.size == state.len() && file.mark == mark(state) && store.has(&file.sha256, file.size);
    same.then_some(file)
}

fn mark(state: &Metadata) -> String {
    format!("{}.{:09}", state.mtime(), state.mtime_nsec())
}

/// The path of a name that stays within the folder.
fn inside(root: &Path, name: &str) -> Option<PathBuf> {
    let plain = Path::new(name).components().all(|it| matches!(it, Component::Normal(_)));
    (plain && !name.is_empty()).then(|| root.join(name))
}
