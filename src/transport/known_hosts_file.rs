//! Writing `known_hosts` files: a new key is appended, a host is forgotten by writing the file anew; both under a
//! lock, so that two commands at once lose nothing.

use super::known_hosts::KnownHosts;
use russh::keys::ssh_key::PublicKey;
use std::fs::{File, OpenOptions};
use std::io::{Read, Result, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Appends a host's key, unless the file has it by now.
pub fn record(path: &Path, name: &str, key: &PublicKey) -> Result<()> {
    let (mut file, text) = locked(path)?;
    let known = KnownHosts::parse(path, &text);
    if known.about(name).any(|entry| entry.key.key_data() == key.key_data()) {
        return Ok(());
    }
    let key = PublicKey::new(key.key_data().clone(), "").to_openssh().map_err(std::io::Error::other)?;
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{gap}{name} {}\n", key.trim_end()).as_bytes())?;
    file.sync_all()
}

/// Removes every recorded host key of a name, keeping marks (`@revoked`, `@cert-authority`) and lines that also
/// speak of other hosts by pattern; returns how many lines went. The old file is kept as `FILE.old`.
pub fn forget(path: &Path, name: &str) -> Result<usize> {
    if !path.exists() {
        return Ok(0);
    }
    let (_lock, text) = locked(path)?;
    let known = KnownHosts::parse(path, &text);
    let gone: Vec<usize> =
        known.about(name).filter(|entry| entry.is_of_one_host()).map(|entry| entry.line).collect();
    if gone.is_empty() {
        return Ok(0);
    }
    let kept = |(at, line): (usize, &str)| (!gone.contains(&(at + 1))).then(|| format!("{line}\n"));
    let text: String = text.lines().enumerate().filter_map(kept).collect();
    std::fs::copy(path, path.with_added_extension("old"))?;
    let temporary = path.with_added_extension(format!("imctl-{}", std::process::id()));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()?;
    Ok(gone.len())
}

/// Opens a file for appending and locks it; another command may have put a new file in its place meanwhile.
fn locked(path: &Path) -> Result<(File, String)> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    loop {
        let mut file = OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
        file.lock()?;
        if std::fs::metadata(path)
            .is_ok_and(|there| there.ino() == file.metadata().map_or(0, |here| here.ino()))
        {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            return Ok((file, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use russh::keys::{Algorithm, PrivateKey, key::safe_rng};

    fn key() -> PublicKey {
        PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap().public_key().clone()
    }

    #[test]
    fn recording_twice_is_once_and_a_missing_newline_breaks_no_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ssh/known_hosts");
        let (one, two) = (key(), key());
        record(&path, "a", &one).unwrap();
        record(&path, "a", &one).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1);
        std::fs::write(&path, text.trim_end()).unwrap();
        record(&path, "[fd00::1]:2222", &two).unwrap();
        let known = KnownHosts::parse(&path, &std::fs::read_to_string(&path).unwrap());
        assert_eq!((known.entries.len(), known.warnings.len()), (2, 0));
        assert_eq!(known.about("[fd00::1]:2222").count(), 1);
    }

    #[test]
    fn forgetting_keeps_marks_patterns_and_other_hosts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        let one = key().to_openssh().unwrap();
        let text = format!("# mine\na {one}\n@revoked a {one}\n*.example {one}\na,10.0.0.1 {one}\nb {one}\n");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(forget(&path, "a").unwrap(), 2);
        let left = std::fs::read_to_string(&path).unwrap();
        assert_eq!(left, format!("# mine\n@revoked a {one}\n*.example {one}\nb {one}\n"));
        assert_eq!(std::fs::read_to_string(folder.path().join("known_hosts.old")).unwrap(), text);
        assert_eq!(forget(&path, "nobody").unwrap(), 0);
    }
}
