//! What hosts keep besides the secrets so that a lost control machine loses nothing: releases with their inventories, which
//! may hold a password, and host keys. Encrypted to whoever opens the secrets. And building the folder anew from it.

use super::chain::Chain;
use super::history::{HEAD, HISTORY};
use super::vault::SEALED;
use super::{State, StateError, Unlocker, Vault, place};
use rand::Rng as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The name of the encrypted archive on a host.
pub const KEEPSAKE: &str = "folder.age";
/// The name of the archive of encrypted secrets on a host.
pub const STATE_TAR: &str = "state.tar";
/// No host makes us unpack more.
const MOST: u64 = 256 << 20;

/// Writes a file of the operator's that nobody else may read, whole.
pub fn write_private(path: &Path, content: &[u8]) -> Result<(), StateError> {
    place::write_beside(path, content)
}

/// What a host kept of the operator's folder.
#[derive(Debug, Clone, Default)]
pub struct Keepsake {
    /// `history.jsonl`.
    pub history: Vec<u8>,
    /// `state.tar`.
    pub secrets: Vec<u8>,
    /// `folder.age`; none where an older imctl made the last change.
    pub folder: Option<Vec<u8>>,
    /// `lost.json`.
    pub lost: Option<Vec<u8>>,
}

impl Vault {
    /// Releases and host keys as one encrypted file for every host: name and content.
    pub fn keepsake(&self) -> Result<(String, Vec<u8>), StateError> {
        let state = &self.state;
        let releases = place::names(&state.path("releases"))?;
        let releases = releases.iter().map(|name| format!("releases/{name}"));
        let names = releases.chain(std::iter::once("known_hosts".to_owned()));
        let plain = state.archive(names)?;
        let sealed = age::encrypt(&self.identity.to_public(), &plain);
        let sealed =
            sealed.map_err(|cause| StateError::Sealing { doing: "write", cause: cause.to_string() })?;
        Ok((KEEPSAKE.to_owned(), sealed))
    }
}

impl State {
    /// Whether anything stands here that building the folder anew would take the place of.
    pub fn holds_anything(&self) -> Result<bool, StateError> {
        Ok(self.held_secrets()
            || !place::names(&self.path("identity.d"))?.is_empty()
            || !place::names(&self.path("releases"))?.is_empty()
            || self.path(HISTORY).exists())
    }

    /// Builds the folder anew from what a host kept: in a folder beside it first, which takes its place when the secrets in it
    /// have been opened. Host keys that were trusted here stay.
    pub fn adopt(&self, kept: &Keepsake, unlocker: &Unlocker) -> Result<(), StateError> {
        let all = self.folder.parent().unwrap_or(Path::new("."));
        let draft = all.join(format!(".adopt.{:016x}", rand::rng().random::<u64>()));
        let built = self.build(&draft, kept, unlocker).and_then(|()| self.replace(&draft));
        if built.is_err() {
            // The first error is the one to tell.
            let _ = std::fs::remove_dir_all(&draft);
        }
        built
    }

    fn build(&self, draft: &Path, kept: &Keepsake, unlocker: &Unlocker) -> Result<(), StateError> {
        let state = Self { folder: draft.to_owned(), deployment: self.deployment.clone() };
        place::private_folder(draft)?;
        state.unpack(STATE_TAR, &kept.secrets, &["secrets.age", "identity.d/"])?;
        place::write(&state.path(SEALED), b"")?;
        let vault = state.vault(unlocker)?;
        vault.publish()?;
        if let Some(sealed) = &kept.folder {
            let damaged = |cause: age::DecryptError| StateError::Damaged {
                path: KEEPSAKE.into(),
                cause: format!("the secrets' own key does not open it: {cause}"),
            };
            let plain = age::decrypt(&vault.identity, sealed).map_err(damaged)?;
            state.unpack(KEEPSAKE, &plain, &["releases/", "known_hosts"])?;
        }
        let chain = Chain::of(&kept.history);
        place::write(&state.path(HISTORY), &kept.history)?;
        place::write(
            &state.path(HEAD),
            format!("{} {}\n", chain.lines.len(), chain.last_digest()).as_bytes(),
        )?;
        if let Some(lost) = &kept.lost {
            place::write(&state.path("lost.json"), lost)?;
        }
        if let Some(trusted) = place::read(&self.known_hosts())? {
            place::write(&state.known_hosts(), &trusted)?;
        }
        state.intact()
    }

    fn replace(&self, draft: &Path) -> Result<(), StateError> {
        let old = draft.with_extension("old");
        std::fs::rename(&self.folder, &old).map_err(place::io("move", &self.folder))?;
        std::fs::rename(draft, &self.folder).map_err(place::io("move", draft))?;
        std::fs::remove_dir_all(&old).map_err(place::io("remove", &old))
    }

    /// Files of the folder as one tar archive; those that are not there are left out.
    pub(super) fn archive(&self, names: impl Iterator<Item = String>) -> Result<Vec<u8>, StateError> {
        let mut archive = tar::Builder::new(Vec::new());
        for within in names {
            let Some(content) = self.read(&within)? else { continue };
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o600);
            let path = self.path(&within);
            archive.append_data(&mut header, &within, &content[..]).map_err(place::io("archive", &path))?;
        }
        archive.into_inner().map_err(place::io("archive", &self.folder))
    }

    /// Writes the plain files of an archive that stand where they may: `secrets.age`, or anything in `identity.d/`.
    fn unpack(&self, name: &str, bytes: &[u8], allowed: &[&str]) -> Result<(), StateError> {
        let damaged = |cause: String| StateError::Damaged { path: PathBuf::from(name), cause };
        let mut archive = tar::Archive::new(bytes);
        let mut total = 0;
        for entry in archive.entries().map_err(|cause| damaged(cause.to_string()))? {
            let mut entry = entry.map_err(|cause| damaged(cause.to_string()))?;
            let path =
                entry.path().map_err(|cause| damaged(cause.to_string()))?.to_string_lossy().into_owned();
            let fits = |place: &&str| match path.strip_prefix(*place) {
                Some(rest) if place.ends_with('/') => {
                    !rest.is_empty() && !rest.contains('/') && !rest.starts_with('.')
                }
                rest => rest == Some(""),
            };
            total += entry.size();
            if !entry.header().entry_type().is_file() || !allowed.iter().any(fits) || total > MOST {
                return Err(damaged(format!("it holds `{path}`, which is not of ours")));
            }
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(|cause| damaged(cause.to_string()))?;
            place::write(&self.path(&path), &content)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::state::Shape;
    use jiff::Timestamp;

    fn unlocker(folder: &Path) -> Unlocker {
        let file = folder.join("passphrase");
        place::write(&file, b"correct horse battery staple\n").unwrap();
        Unlocker::unattended(None, Some(file))
    }

    fn kept(state: &State, vault: &Vault) -> Keepsake {
        Keepsake {
            history: state.history_file().unwrap().1,
            secrets: state.mirror().unwrap().remove(0).1,
            folder: Some(vault.keepsake().unwrap().1),
            lost: None,
        }
    }

    #[test]
    fn a_folder_is_built_anew_from_what_a_host_kept() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let unlocker = unlocker(here.path());
        let old = State::open(&here.path().join("acme.yml"), "acme").unwrap();
        let mut vault = old.vault(&unlocker).unwrap();
        vault.put("db", Secret::new("hunter2hunter2".to_owned()));
        vault.secret("token", &Shape::Hex(24)).unwrap();
        vault.authority(Timestamp::UNIX_EPOCH).unwrap();
        vault.save().unwrap();
        old.write("releases/2026-11-22T12-00-00.yml", b"password: topsecret99\n").unwrap();
        old.remember("install", "done", Timestamp::UNIX_EPOCH).unwrap();
        let kept = kept(&old, &vault);
        let sealed = kept.folder.as_ref().unwrap();
        assert!(!sealed.windows(11).any(|it| it == b"topsecret99"), "an inventory may hold a password");

        let new = State::open(&there.path().join("acme.yml"), "acme").unwrap();
        new.write("known_hosts", b"trusted here\n").unwrap();
        assert!(!new.holds_anything().unwrap());
        new.adopt(&kept, &unlocker).unwrap();
        assert!(new.holds_anything().unwrap());
        let vault = new.vault(&unlocker).unwrap();
        assert_eq!(vault.kept("db").unwrap().expose(), "hunter2hunter2");
        assert_eq!(new.history().unwrap(), old.history().unwrap());
        assert_eq!(new.read("known_hosts").unwrap().unwrap(), b"trusted here\n");
        assert_eq!(new.read("pki/ca.pem").unwrap(), old.read("pki/ca.pem").unwrap());
        assert!(new.path("releases/2026-11-22T12-00-00.yml").exists());
    }

    #[test]
    fn what_does_not_open_or_leads_elsewhere_leaves_nothing_behind() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let unlocker_here = unlocker(here.path());
        let old = State::open(&here.path().join("acme.yml"), "acme").unwrap();
        let vault = old.vault(&unlocker_here).unwrap();
        let good = kept(&old, &vault);
        let new = State::open(&there.path().join("acme.yml"), "acme").unwrap();
        let other = there.path().join("other");
        place::write(&other, b"another passphrase altogether\n").unwrap();
        let stranger = Unlocker::unattended(None, Some(other));
        assert!(matches!(new.adopt(&good, &stranger), Err(StateError::CannotUnlock { .. })));
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        archive.append_data(&mut header, "identity.d/deep/x", &b"x"[..]).unwrap();
        let evil = Keepsake { secrets: archive.into_inner().unwrap(), ..good };
        assert!(new.adopt(&evil, &unlocker_here).unwrap_err().to_string().contains("not of ours"));
        assert!(!new.holds_anything().unwrap());
        assert_eq!(
            std::fs::read_dir(there.path().join(".imctl")).unwrap().count(),
            2,
            "the folder and .gitignore"
        );
    }
}
