//! The files of a bundle before they are written, and how they replace an older bundle in one step.

use super::manifest::{FileEntry, MANIFEST};
use super::{BundleError, digest};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A file to be.
enum Content {
    /// Bytes made here.
    Bytes(Vec<u8>),
    /// A file to copy, with its digest.
    Copy(PathBuf, FileEntry),
}

/// Files by path in the bundle.
#[derive(Default)]
pub(super) struct Shelf(BTreeMap<String, Content>);

impl Shelf {
    /// Adds bytes.
    pub(super) fn bytes(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), Content::Bytes(bytes.into()));
    }

    /// Adds a file of this machine.
    pub(super) fn copy(&mut self, path: impl Into<String>, file: &Path, sha256: &str, size: u64) {
        let entry = FileEntry { sha256: sha256.to_owned(), size };
        self.0.insert(path.into(), Content::Copy(file.to_owned(), entry));
    }

    /// The manifest's entries of all files.
    pub(super) fn entries(&self) -> BTreeMap<String, FileEntry> {
        let entry = |content: &Content| match content {
            Content::Bytes(bytes) => FileEntry { sha256: digest::of_bytes(bytes), size: bytes.len() as u64 },
            Content::Copy(_, entry) => entry.clone(),
        };
        self.0.iter().map(|(path, content)| (path.clone(), entry(content))).collect()
    }

    /// Writes everything beside `dir` and then puts it in its place; an older bundle there goes.
    pub(super) fn write(&self, dir: &Path) -> Result<(), BundleError> {
        let partial = beside(dir, "partial");
        let old = beside(dir, "old");
        for left in [&partial, &old] {
            if left.exists() {
                fs::remove_dir_all(left).map_err(BundleError::io(left))?;
            }
        }
        for (path, content) in &self.0 {
            let path = partial.join(path);
            let folder = path.parent().expect("a file in a bundle stands in a folder");
            fs::create_dir_all(folder).map_err(BundleError::io(folder))?;
            match content {
                Content::Bytes(bytes) => fs::write(&path, bytes).map_err(BundleError::io(&path))?,
                Content::Copy(file, _) => {
                    fs::copy(file, &path).map_err(BundleError::io(file))?;
                }
            }
        }
        if dir.exists() {
            fs::rename(dir, &old).map_err(BundleError::io(dir))?;
        }
        fs::rename(&partial, dir).map_err(BundleError::io(dir))?;
        if old.exists() {
            fs::remove_dir_all(&old).map_err(BundleError::io(&old))?;
        }
        Ok(())
    }
}

/// Whether a bundle may be written to this folder: it is not there, is empty, or holds a bundle.
pub(super) fn may_replace(dir: &Path) -> Result<(), BundleError> {
    let holds_other =
        fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) && !dir.join(MANIFEST).exists();
    if holds_other || dir.is_file() {
        let cause = format!("`{}` holds something else than a bundle; name another folder", dir.display());
        return Err(BundleError::Order(cause));
    }
    Ok(())
}

fn beside(dir: &Path, what: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}"));
    dir.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_other_things_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("b");
        assert!(may_replace(&dir).is_ok());
        fs::create_dir(&dir).unwrap();
        assert!(may_replace(&dir).is_ok());
        fs::write(dir.join("thesis.txt"), "").unwrap();
        assert!(may_replace(&dir).is_err());
    }

    #[test]
    fn a_new_bundle_takes_the_place_of_the_old_one_whole() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("b");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("gone"), "").unwrap();
        let mut shelf = Shelf::default();
        shelf.bytes("a/b", "x");
        shelf.write(&dir).unwrap();
        assert_eq!(fs::read_to_string(dir.join("a/b")).unwrap(), "x");
        assert!(!dir.join("gone").exists());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
