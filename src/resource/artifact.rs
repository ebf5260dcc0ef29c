//! A program or file out of the bundle that is no package.

use super::path::{Access, kind_name, mode_0755, no_link_above};
use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{ResourceId, quote};
use crate::record::{Observed, PathKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A program or file out of the bundle that is no package; owned by root.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Artifact {
    /// Its name in the bundle's manifest.
    pub name: String,
    /// Absolute path on the host.
    pub path: String,
    /// Octal digits.
    #[serde(default = "mode_0755")]
    pub mode: String,
    /// Hex SHA-256 of its content; filled in from the bundle's manifest.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Units that restart when it changes.
    #[serde(default)]
    pub restarts: Vec<String>,
    /// Condition under which it is wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

impl Artifact {
    fn access(&self) -> Access<'_> {
        Access { mode: &self.mode, owner: "root", group: "root" }
    }
}

impl Kind for Artifact {
    fn id(&self) -> ResourceId {
        ResourceId::new("artifact", &self.path)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        vec![Probe::Path(self.path.clone())]
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let Some(state) = seen.paths.get(&self.path) else {
            return Some(Change { kind: ChangeKind::Create, summary: self.name.clone(), lines: Vec::new() });
        };
        let mut words = Vec::new();
        if state.kind == PathKind::File {
            if self.sha256.is_some() && state.sha256 != self.sha256 {
                words.push(format!("another {}", self.name));
            }
            words.extend(self.access().differences(state));
        } else {
            words.push(format!("is {}, not a file", kind_name(state.kind)));
        }
        let change = Change { kind: ChangeKind::Update, summary: words.join(", "), lines: Vec::new() };
        (!words.is_empty()).then_some(change)
    }

    fn actions(&self, _seen: &Observed) -> Vec<Action> {
        vec![Action::Artifact { name: self.name.clone(), path: self.path.clone(), mode: self.mode.clone() }]
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        match seen.paths.get(&self.path) {
            Some(state) if state.kind != PathKind::Directory => {
                vec![Action::run(format!("{}rm -f -- {}\n", no_link_above(&self.path), quote(&self.path)))]
            }
            _ => Vec::new(),
        }
    }

    fn restarts(&self) -> &[String] {
        &self.restarts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PathState;

    fn artifact() -> Artifact {
        Artifact {
            name: "store".to_owned(),
            path: "/usr/local/bin/store".to_owned(),
            mode: mode_0755(),
            sha256: Some("ab".to_owned()),
            restarts: vec!["store.service".to_owned()],
            when: None,
        }
    }

    fn seen(kind: PathKind, sha256: &str) -> Observed {
        let state = PathState {
            kind,
            mode: "0755".to_owned(),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            size: 1,
            sha256: Some(sha256.to_owned()),
            target: None,
        };
        Observed { paths: [("/usr/local/bin/store".to_owned(), state)].into(), ..Observed::default() }
    }

    #[test]
    fn absent_same_different_and_broken() {
        let said = |seen: &Observed| artifact().diff(seen).map(|change| (change.kind, change.summary));
        assert_eq!(said(&Observed::default()), Some((ChangeKind::Create, "store".to_owned())));
        assert_eq!(said(&seen(PathKind::File, "ab")), None);
        assert_eq!(said(&seen(PathKind::File, "cd")), Some((ChangeKind::Update, "another store".to_owned())));
        let broken = (ChangeKind::Update, "is a directory, not a file".to_owned());
        assert_eq!(said(&seen(PathKind::Directory, "")), Some(broken));
    }

    #[test]
    fn removal_leaves_a_directory_alone() {
        assert_eq!(artifact().removal(&seen(PathKind::File, "ab")).len(), 1);
        assert!(artifact().removal(&seen(PathKind::Directory, "")).is_empty());
    }
}
