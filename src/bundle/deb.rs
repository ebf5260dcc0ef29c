//! What a package file tells about itself: its control fields and its copyright text. Read once per file and kept
//! in the cache under the file's digest.

use super::{BundleError, digest, tool};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A package file that has been read.
#[derive(Debug, Clone)]
pub(super) struct Deb {
    /// The control fields as text, without a trailing blank line.
    pub(super) control: String,
    /// The copyright text; none when the package links to another one's.
    pub(super) copyright: Option<String>,
    /// Lower-case hex.
    pub(super) sha256: String,
    /// Bytes.
    pub(super) size: u64,
}

impl Deb {
    /// Reads a package file.
    pub(super) fn read(file: &Path, cache: &Path) -> Result<Self, BundleError> {
        let (sha256, size) = digest::of_file(file)?;
        let kept = cache.join("packages").join(&sha256);
        let (control, copyright) = (kept.join("control"), kept.join("copyright"));
        if !copyright.exists() {
            keep(file, &kept)?;
        }
        let text = |path: &PathBuf| fs::read(path).map_err(BundleError::io(path));
        let copyright = String::from_utf8_lossy(&text(&copyright)?).into_owned();
        Ok(Self {
            control: String::from_utf8_lossy(&text(&control)?).trim_end().to_owned(),
            copyright: (!copyright.is_empty()).then_some(copyright),
            sha256,
            size,
        })
    }

    /// One control field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        field(&self.control, name)
    }
}

/// The value of a field of a control stanza, its first line only.
pub(super) fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Takes control fields and copyright out of a file into the cache; the copyright last, it marks the whole as done.
fn keep(file: &Path, kept: &Path) -> Result<(), BundleError> {
    let control = tool::output(Command::new("dpkg-deb").arg("-f").arg(file))?;
    fs::create_dir_all(kept).map_err(BundleError::io(kept))?;
    let path = kept.join("control");
    fs::write(&path, control).map_err(BundleError::io(&path))?;
    let path = kept.join("copyright");
    let copyright = copyright(file)?.unwrap_or_default();
    let partial = kept.join(format!("copyright.{}", std::process::id()));
    fs::write(&partial, copyright).map_err(BundleError::io(&partial))?;
    fs::rename(&partial, &path).map_err(BundleError::io(&path))
}

/// The text of `/usr/share/doc/*/copyright`.
fn copyright(file: &Path) -> Result<Option<Vec<u8>>, BundleError> {
    self::file(file, |path| path.contains("usr/share/doc/") && path.ends_with("/copyright"))
}

/// The first plain file of a package whose path, without the first slash, is `wanted`.
pub(super) fn file(deb: &Path, wanted: impl Fn(&str) -> bool) -> Result<Option<Vec<u8>>, BundleError> {
    let archive = tool::output(Command::new("dpkg-deb").arg("--fsys-tarfile").arg(deb))?;
    let mut archive = tar::Archive::new(archive.as_slice());
    for entry in archive.entries().map_err(BundleError::io(deb))? {
        let mut entry = entry.map_err(BundleError::io(deb))?;
        let path = entry.path().map_err(BundleError::io(deb))?.to_string_lossy().into_owned();
        let path = path.trim_start_matches("./").trim_start_matches('/');
        if entry.header().entry_type().is_file() && wanted(path) {
            let mut text = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut text).map_err(BundleError::io(deb))?;
            return Ok(Some(text));
        }
    }
    Ok(None)
}
