//! A folder that the product fills: accounts, history, files of users. It is never made or changed by a plan; it is there so
//! that a stack says where data are, and it goes only when the whole deployment goes and its data with it.

use super::path::no_link_above;
use super::{Action, Change, Kind, Probe};
use crate::base::{ResourceId, Secret, quote};
use crate::record::{Observed, PathKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Terabytes of small files take their time.
const WITHIN: Duration = Duration::from_hours(2);

/// A folder that the product fills; it goes with everything in it when the deployment is destroyed, and never otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Data {
    /// Absolute path.
    pub path: String,
    /// What is in it, for people.
    pub about: String,
    /// Condition under which the folder is data of the component; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

impl Kind for Data {
    fn id(&self) -> ResourceId {
        ResourceId::new("data", &self.path)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        vec![Probe::Path(self.path.clone())]
    }

    fn diff(&self, _seen: &Observed) -> Option<Change> {
        None
    }

    fn actions(&self, _seen: &Observed) -> Vec<Action> {
        Vec::new()
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        match seen.paths.get(&self.path) {
            Some(state) if state.kind == PathKind::Directory => {
                let script = format!("{}path={}\n{EMPTY}", no_link_above(&self.path), quote(&self.path));
                vec![Action::Run { script, input: Secret::new(Vec::new()), within: WITHIN }]
            }
            _ => Vec::new(),
        }
    }
}

/// `find` follows no link and stays on the file system; a folder with a disk of its own stays as its empty mount point.
const EMPTY: &str = r#"set -e
[ ! -L "$path" ] || exit 0
find "$path" -xdev -mindepth 1 -delete
rmdir -- "$path" 2>/dev/null || grep -qF " $path " /proc/self/mounts
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PathState;

    fn data(path: &str) -> Data {
        Data { path: path.to_owned(), about: "history".to_owned(), when: None }
    }

    fn seen(path: &str, kind: PathKind) -> Observed {
        let state = PathState {
            kind,
            mode: "0700".to_owned(),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            size: 0,
            sha256: None,
            target: None,
        };
        Observed { paths: [(path.to_owned(), state)].into(), ..Observed::default() }
    }

    #[test]
    fn data_are_never_a_change_and_a_link_to_them_is_left_alone() {
        let path = "/var/lib/relay";
        assert_eq!(data(path).diff(&Observed::default()), None);
        assert!(data(path).removal(&Observed::default()).is_empty());
        assert!(data(path).removal(&seen(path, PathKind::Link)).is_empty());
        assert_eq!(data(path).removal(&seen(path, PathKind::Directory)).len(), 1);
    }

    #[test]
    fn everything_in_it_goes_and_what_a_link_in_it_leads_to_stays() {
        let place = tempfile::tempdir().unwrap();
        let (folder, outside) = (place.path().join("data"), place.path().join("outside"));
        std::fs::create_dir_all(folder.join("deep")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("precious"), "kept").unwrap();
        std::fs::write(folder.join("deep/rows"), "gone").unwrap();
        std::os::unix::fs::symlink(&outside, folder.join("deep/away")).unwrap();
        std::os::unix::fs::symlink(outside.join("precious"), folder.join("alias")).unwrap();
        let path = folder.to_str().unwrap();
        let actions = data(path).removal(&seen(path, PathKind::Directory));
        let [Action::Run { script, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        let run = || std::process::Command::new("sh").args(["-c", script]).output().unwrap();
        assert!(run().status.success());
        assert!(!folder.exists());
        assert_eq!(std::fs::read_to_string(outside.join("precious")).unwrap(), "kept");

        // Its place was taken by a link meanwhile.
        std::os::unix::fs::symlink(&outside, &folder).unwrap();
        assert!(run().status.success());
        assert!(outside.join("precious").exists() && folder.is_symlink());

        // A folder above it was.
        std::fs::create_dir(outside.join("data")).unwrap();
        std::fs::write(outside.join("data/precious"), "kept").unwrap();
        std::os::unix::fs::symlink(&outside, place.path().join("other")).unwrap();
        let path = place.path().join("other/data").to_str().unwrap().to_owned();
        let actions = data(&path).removal(&seen(&path, PathKind::Directory));
        let [Action::Run { script, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        let output = std::process::Command::new("sh").args(["-c", script]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("follows no link"), "{said}");
        assert!(outside.join("data/precious").exists());
    }
}
