//! A directory with its mode and owner. Its content is not ours: it is removed only when empty.

use super::path::{Access, kind_name, mode_0755, no_link_above, root};
use super::shell::refusal;
use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{Cmd, ResourceId, quote};
use crate::record::{Observed, PathKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A directory with its mode and owner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Directory {
    /// Absolute path.
    pub path: String,
    /// Octal digits.
    #[serde(default = "mode_0755")]
    pub mode: String,
    /// Owner's name.
    #[serde(default = "root")]
    pub owner: String,
    /// Group's name.
    #[serde(default = "root")]
    pub group: String,
    /// Condition under which the directory is wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

impl Directory {
    fn access(&self) -> Access<'_> {
        Access { mode: &self.mode, owner: &self.owner, group: &self.group }
    }
}

impl Kind for Directory {
    fn id(&self) -> ResourceId {
        ResourceId::new("directory", &self.path)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        vec![Probe::Path(self.path.clone())]
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let (kind, words) = match seen.paths.get(&self.path) {
            None => (ChangeKind::Create, self.access().words("0755")),
            Some(state) if state.kind == PathKind::Directory => {
                (ChangeKind::Update, self.access().differences(state))
            }
            Some(state) => {
                (ChangeKind::Update, vec![format!("is {}, not a directory", kind_name(state.kind))])
            }
        };
        let change = Change { kind, summary: words.join(", "), lines: Vec::new() };
        (kind == ChangeKind::Create || !words.is_empty()).then_some(change)
    }

    fn actions(&self, _seen: &Observed) -> Vec<Action> {
        let path = quote(&self.path);
        let make = Cmd::new("install").args([
            "-d",
            "-m",
            &self.mode,
            "-o",
            &self.owner,
            "-g",
            &self.group,
            "--",
            &self.path,
        ]);
        let why = format!(
            "`{}` is no directory; imctl follows no link and replaces no other thing there",
            self.path
        );
        let wrong = format!("[ -L {path} ] || {{ [ -e {path} ] && [ ! -d {path} ]; }}");
        vec![Action::run(format!("if {wrong}; then\n{}fi\n{make}\n", refusal(&why)))]
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        match seen.paths.get(&self.path) {
            Some(state) if state.kind == PathKind::Directory => {
                let path = quote(&self.path);
                let above = no_link_above(&self.path);
                vec![Action::run(format!(
                    "{above}[ -L {path} ] || rmdir --ignore-fail-on-non-empty -- {path}\n"
                ))]
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PathState;

    fn directory() -> Directory {
        let path = "/srv/relay".to_owned();
        Directory {
            path,
            mode: "0750".to_owned(),
            owner: "relay".to_owned(),
            group: "relay".to_owned(),
            when: None,
        }
    }

    fn seen(kind: PathKind, mode: &str) -> Observed {
        let state = PathState {
            kind,
            mode: mode.to_owned(),
            owner: "relay".to_owned(),
            group: "relay".to_owned(),
            size: 4096,
            sha256: None,
            target: None,
        };
        Observed { paths: [("/srv/relay".to_owned(), state)].into(), ..Observed::default() }
    }

    #[test]
    fn absent_same_different_and_broken() {
        let summary = |seen: &Observed| directory().diff(seen).map(|change| (change.kind, change.summary));
        let created = (ChangeKind::Create, "mode 0750, owner relay:relay".to_owned());
        assert_eq!(summary(&Observed::default()), Some(created));
        assert_eq!(summary(&seen(PathKind::Directory, "0750")), None);
        let updated = (ChangeKind::Update, "mode 0755 -> 0750".to_owned());
        assert_eq!(summary(&seen(PathKind::Directory, "0755")), Some(updated));
        let broken = (ChangeKind::Update, "is a link, not a directory".to_owned());
        assert_eq!(summary(&seen(PathKind::Link, "0777")), Some(broken));
    }

    #[test]
    fn removal_takes_no_content_and_follows_no_link() {
        let actions = directory().removal(&seen(PathKind::Directory, "0750"));
        let [Action::Run { script, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        assert_eq!(script, "[ -L /srv/relay ] || rmdir --ignore-fail-on-non-empty -- /srv/relay\n");
        assert!(directory().removal(&seen(PathKind::Link, "0777")).is_empty());
    }
}
