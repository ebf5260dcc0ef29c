//! What was installed when, by whom: one file a release.

use super::vault::other_format;
use super::{State, StateError, place};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::Path;

/// A record of what was installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Release {
    /// Version of this shape.
    pub format: u32,
    /// The stack.
    pub stack: String,
    /// Its version.
    pub version: String,
    /// When the install ended.
    pub time: Timestamp,
    /// Who did it, `user@machine`.
    pub who: String,
    /// Digest of the plan that was applied.
    pub plan: String,
    /// When the last change of a host ended; the proof follows it.
    #[serde(default)]
    pub changed: Option<Timestamp>,
    /// Version of imctl.
    #[serde(default)]
    pub imctl: String,
    /// Hosts that were meant.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// SHA-256 of the inventory file.
    #[serde(default)]
    pub inventory: String,
    /// SHA-256 of the copy of it that is kept beside; none of a release by an older imctl.
    #[serde(default)]
    pub kept: Option<String>,
    /// The bundle it was installed from; none when none was at hand.
    #[serde(default)]
    pub bundle: Option<ReleasedBundle>,
}

/// The bundle of a release, as it was checked before the hosts were touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ReleasedBundle {
    /// Name of its folder.
    pub name: String,
    /// When it was built, in UTC.
    pub created: String,
    /// Number of the trusted key whose signature holds.
    pub signer: String,
    /// SHA-256 of its manifest, which names the digest of every file.
    pub digest: String,
    /// Files that the manifest names; each was checked.
    pub files: usize,
    /// What the stack names of it, with versions: packages, then programs that are no package.
    pub software: BTreeMap<String, String>,
}

impl State {
    /// Keeps a release under `releases/`, with the inventory it came from beside it.
    pub fn save_release(&self, release: &Release, inventory: &[u8]) -> Result<(), StateError> {
        self.write(format!("{}.yml", stem(release)), inventory)?;
        let release = Release { kept: Some(hex::encode(Sha256::digest(inventory))), ..release.clone() };
        let text = serde_json::to_string_pretty(&release).expect("a release is plain data");
        self.write(format!("{}.json", stem(&release)), text.as_bytes())
    }

    /// The inventory that a release came from; none of one by an older imctl.
    pub fn released_inventory(&self, release: &Release) -> Result<Option<String>, StateError> {
        let Some(kept) = &release.kept else { return Ok(None) };
        let path = self.path(format!("{}.yml", stem(release)));
        let damaged = |cause: &str| StateError::Damaged { path: path.clone(), cause: cause.to_owned() };
        let text = place::read_private(&path)?.ok_or_else(|| damaged("it is gone"))?;
        if hex::encode(Sha256::digest(&text)) != *kept {
            return Err(damaged("it is not what the release says"));
        }
        Ok(Some(String::from_utf8_lossy(&text).into_owned()))
    }

    /// All releases, oldest first.
    pub fn releases(&self) -> Result<Vec<Release>, StateError> {
        let folder = self.path("releases");
        let mut releases = Vec::new();
        for name in place::names(&folder)?
            .into_iter()
            .filter(|name| Path::new(name).extension().is_some_and(|it| it == "json"))
        {
            let path = folder.join(name);
            let text = place::read_private(&path)?.unwrap_or_default();
            let damaged = |cause: String| StateError::Damaged { path: path.clone(), cause };
            if let Some(other) = other_format(&text) {
                return Err(damaged(other));
            }
            let release = serde_json::from_slice(&text).map_err(|cause| damaged(cause.to_string()))?;
            self.released_inventory(&release)?;
            releases.push(release);
        }
        Ok(releases)
    }
}

/// Where a release is kept, without the end of the name.
fn stem(release: &Release) -> String {
    format!("releases/{}", release.time.strftime("%Y-%m-%dT%H-%M-%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_come_back_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
        let mut release = Release {
            format: 1,
            stack: "tiny".into(),
            version: "1".into(),
            time: Timestamp::from_second(2_000_000_000).unwrap(),
            who: "ops@laptop".into(),
            plan: "abc".into(),
            changed: None,
            imctl: "0.1.0".into(),
            hosts: vec!["app1".into()],
            inventory: "def".into(),
            kept: None,
            bundle: None,
        };
        state.save_release(&release, b"name: acme").unwrap();
        release.time = Timestamp::from_second(1_000_000_000).unwrap();
        state.save_release(&release, b"name: acme").unwrap();
        let times: Vec<i64> = state.releases().unwrap().iter().map(|it| it.time.as_second()).collect();
        assert_eq!(times, [1_000_000_000, 2_000_000_000]);
        let release = &state.releases().unwrap()[0];
        assert_eq!(state.released_inventory(release).unwrap().as_deref(), Some("name: acme"));
    }
}
