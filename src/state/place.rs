//! Files as this room keeps them: folders 0700, files 0600, each written whole or not at all, and one
//! lock against a second imctl in the same folder.

use super::StateError;
use rand::Rng;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Names an error of the system after what was being done to which path.
pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> StateError {
    move |source| StateError::Io { doing, path: path.to_owned(), source }
}

/// A file of ours is never larger than this.
const MOST: u64 = 64 << 20;

/// What is wrong with something that stands where a file or folder of ours should.
fn damaged(path: &Path, cause: impl Into<String>) -> StateError {
    StateError::Damaged { path: path.to_owned(), cause: cause.into() }
}

/// What stands at a path itself: a link is not followed, and refused, because it leads out of the folder.
fn standing(path: &Path) -> Result<Option<fs::Metadata>, StateError> {
    match fs::symlink_metadata(path) {
        Ok(seen) if seen.is_symlink() => Err(damaged(path, "it is a link, and imctl follows none here")),
        Ok(seen) => Ok(Some(seen)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(io("look at", path)(cause)),
    }
}

fn plain_file(path: &Path) -> Result<Option<fs::Metadata>, StateError> {
    match standing(path)? {
        Some(seen) if seen.is_dir() => Err(damaged(path, "it is a folder and should be a file")),
        Some(seen) if !seen.is_file() => Err(damaged(path, "it is no plain file")),
        Some(seen) if seen.len() > MOST => Err(damaged(path, "it is larger than any file of imctl")),
        seen => Ok(seen),
    }
}

/// Makes a folder and its parents with mode 0700; tightens one that is there and ours.
pub(super) fn private_folder(path: &Path) -> Result<(), StateError> {
    if standing(path)?.is_some_and(|seen| !seen.is_dir()) {
        return Err(damaged(path, "it is no folder"));
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io("make the folder", path))?;
    let seen = fs::metadata(path).map_err(io("look at", path))?;
    if seen.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(io("protect", path))?;
    }
    Ok(())
}

/// Writes a file whole: a temporary name beside it, mode 0600 from the start, fsync, rename, fsync of the folder.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    private_folder(folder)?;
    write_beside(path, content)
}

/// The same in a folder that is not ours, whose mode stays.
pub(super) fn write_beside(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    plain_file(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{:016x}.tmp", rand::rng().random::<u64>()));
    let written = write_new(&temporary, content).and_then(|()| fs::rename(&temporary, path));
    if let Err(cause) = written {
        // The first error is the one to tell; a left-over temporary file is harmless.
        let _ = fs::remove_file(&temporary);
        return Err(io("write", path)(cause));
    }
    File::open(folder).and_then(|it| it.sync_all()).map_err(io("write", folder))
}

fn write_new(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Adds a line at the end of a file (made 0600 when it is not there) and waits until it is on the disk.
pub(super) fn append(path: &Path, line: &str) -> Result<(), StateError> {
    private_folder(path.parent().unwrap_or(Path::new(".")))?;
    plain_file(path)?;
    let open = OpenOptions::new().append(true).create(true).mode(0o600).open(path);
    let mut file = open.map_err(io("open", path))?;
    file.write_all(format!("{line}\n").as_bytes()).map_err(io("write", path))?;
    file.sync_all().map_err(io("write", path))
}

/// A file's content; none when it is not there. What is no plain file is an error.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    match plain_file(path)? {
        Some(_) => fs::read(path).map(Some).map_err(io("read", path)),
        None => Ok(None),
    }
}

/// The same of a file that nobody else may read or write: who could have written it could have put anything there.
pub(super) fn read_private(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    let Some(seen) = plain_file(path)? else { return Ok(None) };
    must_be_private(path)?;
    let folder = fs::metadata(path.parent().unwrap_or(Path::new("."))).map_err(io("look at", path))?;
    if ![0, folder.uid()].contains(&seen.uid()) {
        return Err(damaged(path, format!("it belongs to another user ({})", seen.uid())));
    }
    read(path)
}

/// The names in a folder, in order; none when it is not there.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, StateError> {
    if standing(folder)?.is_some_and(|seen| !seen.is_dir()) {
        return Err(damaged(folder, "it is no folder"));
    }
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        Err(cause) => return Err(io("read", folder)(cause)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(io("read", folder))?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Refuses a file with a passphrase or key that others can read.
pub fn must_be_private(path: &Path) -> Result<(), StateError> {
    let mode = fs::metadata(path).map_err(io("read", path))?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(StateError::TooOpen { path: path.to_owned(), mode: format!("{mode:04o}") });
    }
    Ok(())
}

/// The folder is ours until this is dropped, or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock, leaving a note for whoever comes second.
pub(super) fn lock(path: PathBuf, note: &str) -> Result<Lock, StateError> {
    private_folder(path.parent().unwrap_or(Path::new(".")))?;
    plain_file(&path)?;
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let mut file = open.map_err(io("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The note is a courtesy: without it the answer is still right.
            let _ = file.read_to_string(&mut holder);
            let holder =
                if holder.trim().is_empty() { "another imctl".into() } else { holder.trim().to_owned() };
            return Err(StateError::Locked { path, holder });
        }
        Err(TryLockError::Error(cause)) => return Err(io("lock", &path)(cause)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(io("write", &path))?;
    file.write_all(note.as_bytes()).map_err(io("write", &path))?;
    Ok(Lock { _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_private_from_the_start_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/secret");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o7777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn the_second_one_learns_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let held = lock(folder.path().join("lock"), "ops@laptop, install").unwrap();
        let refused = lock(folder.path().join("lock"), "x").unwrap_err();
        assert!(refused.to_string().ends_with("is in use: ops@laptop, install"), "{refused}");
        drop(held);
        assert!(lock(folder.path().join("lock"), "x").is_ok());
    }
}
