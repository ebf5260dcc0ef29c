//! The store: content under its SHA-256, sets as folders that stand whole or not at all.
//!
//! `blobs/ab/abc…` content · `sets/ID/set.json` and `set.sig` · `.part/` what is not done yet · `lock`

use super::BackupError;
use super::error::io;
use super::sign::{Signer, fits};
use crate::record::{BackupFile, BackupSet, SET_FORMAT};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The document of a set.
const SET: &str = "set.json";
/// Its signature.
const SIGNATURE: &str = "set.sig";
/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// A store.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
}

/// A set as it stands in the store.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it says.
    pub set: BackupSet,
    /// Its document as it is signed.
    pub document: Vec<u8>,
    /// The signature in hex.
    pub signature: String,
}

/// The store is ours until this is dropped, or the process ends.
#[derive(Debug)]
pub(super) struct Hold {
    _file: File,
}

impl Store {
    /// Opens a store, and makes its folders.
    pub fn open(folder: &Path) -> Result<Self, BackupError> {
        let store = Self { folder: folder.to_owned() };
        for within in ["blobs", "sets", ".part"] {
            let path = folder.join(within);
            DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(io("make", &path))?;
        }
        Ok(store)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes the store for a run, and clears away what a run before left unfinished.
    pub(super) fn hold(&self, note: &str) -> Result<Hold, BackupError> {
        let path = self.folder.join("lock");
        let open =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let mut file = open.map_err(io("open", &path))?;
        // A program that was just started may hold it for a moment, until it is another program.
        for _ in 0..10 {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
                _ => break,
            }
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The note is a courtesy: without it the answer is still right.
                let _ = file.read_to_string(&mut holder);
                return Err(BackupError::Busy(holder.trim().to_owned()));
            }
            Err(TryLockError::Error(cause)) => return Err(io("lock", &path)(cause)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{note}, since {}", jiff::Timestamp::now()));
        written.map_err(io("write", &path))?;
        let part = self.folder.join(".part");
        fs::remove_dir_all(&part).map_err(io("clear", &part))?;
        DirBuilder::new().mode(0o700).create(&part).map_err(io("make", &part))?;
        Ok(Hold { _file: file })
    }

    /// Where content stands.
    pub fn blob(&self, digest: &str) -> PathBuf {
        self.folder.join("blobs").join(digest.get(..2).unwrap_or("xx")).join(digest)
    }

    /// Whether content is there, with its size.
    pub(super) fn has(&self, digest: &str, size: u64) -> bool {
        fs::metadata(self.blob(digest)).is_ok_and(|seen| seen.is_file() && seen.len() == size)
    }

    /// A file for content that is on its way, and its path.
    pub(super) fn draft(&self) -> Result<(File, PathBuf), BackupError> {
        let path = self.folder.join(".part").join(format!("{:032x}", rand::random::<u128>()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path);
        Ok((file.map_err(io("make", &path))?, path))
    }

    /// Puts a draft in its place; whether the content is new.
    pub(super) fn place(&self, draft: &Path, digest: &str, size: u64) -> Result<bool, BackupError> {
        if self.has(digest, size) {
            fs::remove_file(draft).map_err(io("remove", draft))?;
            return Ok(false);
        }
        let blob = self.blob(digest);
        let folder = blob.parent().expect("a blob has a folder");
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io("make", folder))?;
        fs::rename(draft, &blob).map_err(io("place", &blob))?;
        Ok(true)
    }

    /// Takes everything from a reader: digest, size, and whether it is new.
    pub(super) fn put(&self, mut from: impl Read, path: &Path) -> Result<(String, u64, bool), BackupError> {
        let (mut file, draft) = self.draft()?;
        let (mut hash, mut size) = (Sha256::new(), 0);
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = from.read(&mut chunk).map_err(io("read", path))?;
            if read == 0 {
                break;
            }
            hash.update(&chunk[..read]);
            file.write_all(&chunk[..read]).map_err(io("write", &draft))?;
            size += read as u64;
        }
        let digest = hex::encode(hash.finalize());
        let new = self.place(&draft, &digest, size)?;
        Ok((digest, size, new))
    }

    /// Whole sets, oldest first.
    pub fn sets(&self) -> Result<Vec<String>, BackupError> {
        let folder = self.folder.join("sets");
        let entries = fs::read_dir(&folder).map_err(io("read", &folder))?;
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry.map_err(io("read", &folder))?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    /// A set, when its signature fits one of the keys.
    pub fn read(&self, id: &str, keys: &[String]) -> Result<Kept, BackupError> {
        let untrusted = |cause: String| BackupError::Untrusted { set: id.to_owned(), cause };
        let folder = self.folder.join("sets").join(id);
        if id.is_empty() || id.contains('/') || id.starts_with('.') || !folder.is_dir() {
            return Err(BackupError::NoSet(id.to_owned()));
        }
        let read =
            |name: &str| fs::read(folder.join(name)).map_err(|cause| untrusted(format!("{name}: {cause}")));
        let document = read(SET)?;
        let signature = String::from_utf8_lossy(&read(SIGNATURE)?).trim().to_owned();
        let signer = keys.iter().find(|key| fits(key, &document, &signature));
        let signer = signer.ok_or_else(|| untrusted("its signature does not fit".to_owned()))?;
        let set: BackupSet =
            serde_json::from_slice(&document).map_err(|cause| untrusted(format!("{SET}: {cause}")))?;
        let fits = set.format == SET_FORMAT && set.id == id && &set.signer == signer;
        if !fits {
            return Err(untrusted(format!("its document is of `{}`, format {}", set.id, set.format)));
        }
        Ok(Kept { set, document, signature })
    }

    /// The files of a part.
    pub fn files(&self, list: &str) -> Result<Vec<BackupFile>, BackupError> {
        let path = self.blob(list);
        let text = fs::read(&path).map_err(io("read", &path))?;
        let wrong = |cause: String| BackupError::Job { path: path.clone(), cause };
        if hex::encode(Sha256::digest(&text)) != list {
            return Err(wrong("its content is another one than its name says".to_owned()));
        }
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(|cause| wrong(cause.to_string()))).collect()
    }

    /// Writes a part's list down; its digest.
    pub(super) fn keep_list<'a>(
        &self,
        files: impl Iterator<Item = &'a BackupFile>,
    ) -> Result<String, BackupError> {
        let mut text = Vec::new();
        for file in files {
            serde_json::to_writer(&mut text, file).expect("a line is plain data");
            text.push(b'\n');
        }
        self.put(&text[..], &self.folder).map(|(digest, ..)| digest)
    }

    /// Makes a set whole: everything is on the disk before its folder gets its name.
    pub(super) fn seal(&self, set: &BackupSet, signer: &Signer) -> Result<Kept, BackupError> {
        let mut document = serde_json::to_vec_pretty(set).expect("a set is plain data");
        document.push(b'\n');
        let signature = signer.sign(&document);
        let draft = self.folder.join(".part").join(format!("set-{}", set.id));
        DirBuilder::new().mode(0o700).create(&draft).map_err(io("make", &draft))?;
        for (name, content) in [(SET, &document[..]), (SIGNATURE, signature.as_bytes())] {
            let path = draft.join(name);
            let file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&path);
            let mut file = file.map_err(io("make", &path))?;
            file.write_all(content).and_then(|()| file.sync_all()).map_err(io("write", &path))?;
        }
        let whole = File::open(&self.folder).map_err(io("open", &self.folder))?;
        rustix::fs::syncfs(&whole).map_err(|cause| io("flush", &self.folder)(cause.into()))?;
        let place = self.folder.join("sets").join(&set.id);
        fs::rename(&draft, &place).map_err(io("place", &place))?;
        let sets = self.folder.join("sets");
        File::open(&sets).and_then(|it| it.sync_all()).map_err(io("flush", &sets))?;
        Ok(Kept { set: set.clone(), document, signature })
    }

    /// Takes a set away; its content goes with the next sweep.
    pub(super) fn drop_set(&self, id: &str) -> Result<(), BackupError> {
        let place = self.folder.join("sets").join(id);
        let gone = self.folder.join(".part").join(format!("gone-{id}"));
        fs::rename(&place, &gone).map_err(io("remove", &place))?;
        fs::remove_dir_all(&gone).map_err(io("remove", &gone))
    }

    /// MiB that are free.
    pub fn free_mib(&self) -> Result<u64, BackupError> {
        let seen = rustix::fs::statvfs(&self.folder);
        let seen = seen.map_err(|cause| io("look at", &self.folder)(cause.into()))?;
        Ok(seen.f_bavail.saturating_mul(seen.f_frsize) >> 20)
    }

    /// Writes a file that others may read, whole.
    pub(super) fn publish(path: &Path, content: &[u8]) -> Result<(), BackupError> {
        let draft = path.with_extension("new");
        let written = fs::write(&draft, content)
            .and_then(|()| fs::set_permissions(&draft, Permissions::from_mode(0o644)))
            .and_then(|()| fs::rename(&draft, path));
        written.map_err(io("write", path))
    }
}
