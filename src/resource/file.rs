//! A whole file: content, mode and owner. A file with a check is tried as a candidate first.

use super::path::{Access, kind_name, mode_0644, no_link_above, root, sha256};
use super::shell::{or_fail, refusal};
use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{ResourceId, Secret, quote, unified};
use crate::record::{Observed, PathKind, PathState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole file with its content, mode and owner.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// A file of the stack's folder that is rendered into `content`.
    #[serde(default)]
    pub template: Option<String>,
    /// The content itself.
    #[serde(default)]
    pub content: Option<String>,
    /// Octal digits.
    #[serde(default = "mode_0644")]
    pub mode: String,
    /// Owner's name.
    #[serde(default = "root")]
    pub owner: String,
    /// Group's name.
    #[serde(default = "root")]
    pub group: String,
    /// The content is never shown.
    #[serde(default)]
    pub secret: bool,
    /// Units that restart when it changes.
    #[serde(default)]
    pub restarts: Vec<String>,
    /// Units that reload when it changes.
    #[serde(default)]
    pub reloads: Vec<String>,
    /// POSIX sh that judges a candidate (`$1` is its path) before it is put in place; 0 = good.
    #[serde(default)]
    pub validate: Option<String>,
    /// Condition under which the file is wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

impl std::fmt::Debug for File {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("File").field("path", &self.path).field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl File {
    fn access(&self) -> Access<'_> {
        Access { mode: &self.mode, owner: &self.owner, group: &self.group }
    }

    fn text(&self) -> &str {
        self.content.as_deref().unwrap_or_default()
    }

    /// Whether what stands at the path is a file with the wanted content.
    pub fn has_same_content(&self, seen: &PathState) -> bool {
        seen.kind == PathKind::File && seen.sha256.as_deref() == Some(sha256(self.text().as_bytes()).as_str())
    }

    fn new_lines(&self) -> Vec<String> {
        if self.secret { Vec::new() } else { self.text().lines().map(|line| format!("+{line}")).collect() }
    }

    fn upload(&self, path: &str, access: &Access<'_>) -> Action {
        Action::Upload {
            path: path.to_owned(),
            content: Secret::new(self.text().as_bytes().to_vec()),
            mode: access.mode.to_owned(),
            owner: access.owner.to_owned(),
            group: access.group.to_owned(),
        }
    }

    /// The candidate keeps the file's name, because some checkers go by its ending.
    fn candidate(&self) -> (String, String) {
        let folder = format!("{CANDIDATES}/{}", &sha256(self.path.as_bytes())[..16]);
        let name = self.path.rsplit('/').next().unwrap_or("file");
        let path = format!("{folder}/{name}");
        (folder, path)
    }

    fn tried(&self, validate: &str) -> Vec<Action> {
        let (folder, path) = self.candidate();
        let (quoted, folder) = (quote(&path), quote(&folder));
        let room = format!("set -e\nmkdir -p /var/lib/imctl\ninstall -d -m 0700 {CANDIDATES} {folder}\n");
        let why = format!("the new `{}` was refused by its check and is not in place", self.path);
        let judge = format!(
            "trap 'rm -rf -- {folder}' EXIT\n(\nset -- {quoted}\n{validate}\n)\ns=$?\n{}",
            or_fail(&why)
        );
        let access = Access { mode: "0600", owner: "root", group: "root" };
        vec![Action::run(room), self.upload(&path, &access), Action::run(judge)]
    }
}

const CANDIDATES: &str = "/var/lib/imctl/.candidates";

impl Kind for File {
    fn id(&self) -> ResourceId {
        ResourceId::new("file", &self.path)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        vec![Probe::Path(self.path.clone())]
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let Some(state) = seen.paths.get(&self.path) else {
            let mut words = self.access().words("0644");
            words.insert(
                0,
                if self.secret { "secret".to_owned() } else { lines(self.text().lines().count()) },
            );
            let summary = words.join(", ");
            return Some(Change { kind: ChangeKind::Create, summary, lines: self.new_lines() });
        };
        let mut words = Vec::new();
        let mut diff = Vec::new();
        if state.kind != PathKind::File {
            words.push(format!("is {}, not a file", kind_name(state.kind)));
        } else if !self.has_same_content(state) {
            match seen.contents.get(&self.path) {
                Some(old) if !self.secret => {
                    diff = unified(old, self.text()).lines().map(str::to_owned).collect();
                }
                _ => words.push("changed".to_owned()),
            }
        }
        if state.kind == PathKind::File {
            words.extend(self.access().differences(state));
        }
        let change = Change { kind: ChangeKind::Update, summary: words.join(", "), lines: diff };
        (!change.summary.is_empty() || !change.lines.is_empty()).then_some(change)
    }

    fn actions(&self, seen: &Observed) -> Vec<Action> {
        let mut actions = Vec::new();
        let state = seen.paths.get(&self.path);
        if state.is_some_and(|state| state.kind == PathKind::Directory) {
            let why = format!("`{}` is a directory; imctl does not replace it", self.path);
            return vec![Action::run(refusal(&why))];
        }
        if let Some(validate) = &self.validate
            && !state.is_some_and(|state| self.has_same_content(state))
        {
            actions.extend(self.tried(validate));
        }
        actions.push(self.upload(&self.path, &self.access()));
        if self.path.starts_with("/etc/systemd/system/") {
            actions.push(Action::ReadUnits);
        }
        actions
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        let Some(state) = seen.paths.get(&self.path) else { return Vec::new() };
        if state.kind == PathKind::Directory {
            return Vec::new();
        }
        // `rm` takes a link itself, never what it points to.
        let script = format!("set -e\n{}rm -f -- {}\n", no_link_above(&self.path), quote(&self.path));
        if self.path.starts_with("/etc/systemd/system/") {
            return vec![Action::run(script), Action::ReadUnits];
        }
        vec![Action::run(script)]
    }

    fn restarts(&self) -> &[String] {
        &self.restarts
    }

    fn reloads(&self) -> &[String] {
        &self.reloads
    }
}

fn lines(count: usize) -> String {
    if count == 1 { "1 line".to_owned() } else { format!("{count} lines") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATH: &str = "/etc/relay/relay.conf";

    fn file(content: &str) -> File {
        File {
            path: PATH.to_owned(),
            template: None,
            content: Some(content.to_owned()),
            mode: "0640".to_owned(),
            owner: root(),
            group: "relay".to_owned(),
            secret: false,
            restarts: Vec::new(),
            reloads: Vec::new(),
            validate: None,
            when: None,
        }
    }

    fn seen(kind: PathKind, content: &str, mode: &str) -> Observed {
        let state = PathState {
            kind,
            mode: mode.to_owned(),
            owner: root(),
            group: "relay".to_owned(),
            size: content.len() as u64,
            sha256: (kind == PathKind::File).then(|| sha256(content.as_bytes())),
            target: None,
        };
        Observed {
            paths: [(PATH.to_owned(), state)].into(),
            contents: [(PATH.to_owned(), content.to_owned())].into(),
            ..Observed::default()
        }
    }

    #[test]
    fn an_absent_file_is_created_with_its_lines_shown() {
        let change = file("a\nb\n").diff(&Observed::default()).unwrap();
        assert_eq!(
            (change.kind, change.summary.as_str()),
            (ChangeKind::Create, "2 lines, mode 0640, owner root:relay")
        );
        assert_eq!(change.lines, ["+a", "+b"]);
    }

    #[test]
    fn the_same_file_is_nothing_and_a_different_one_is_a_diff() {
        assert_eq!(file("a\n").diff(&seen(PathKind::File, "a\n", "0640")), None);
        let change = file("a\n").diff(&seen(PathKind::File, "b\n", "0644")).unwrap();
        assert_eq!(change.summary, "mode 0644 -> 0640");
        assert_eq!(change.lines, ["@@ -1 +1 @@", "-b", "+a"]);
    }

    #[test]
    fn a_secret_file_only_says_that_it_changed() {
        let secret = File { secret: true, ..file("new-password\n") };
        let change = secret.diff(&seen(PathKind::File, "old-password\n", "0640")).unwrap();
        assert_eq!((change.summary.as_str(), change.lines.len()), ("changed", 0));
        let change = secret.diff(&Observed::default()).unwrap();
        assert!(change.lines.is_empty() && change.summary.starts_with("secret"), "{change:?}");
        assert!(!format!("{secret:?}").contains("password"));
    }

    #[test]
    fn a_link_is_replaced_and_a_directory_is_refused() {
        let change = file("a\n").diff(&seen(PathKind::Link, "", "0777")).unwrap();
        assert_eq!(change.summary, "is a link, not a file");
        let actions = file("a\n").actions(&seen(PathKind::Directory, "", "0755"));
        assert!(
            matches!(actions.as_slice(), [Action::Run { script, .. }] if script.contains("is a directory"))
        );
    }

    #[test]
    fn a_file_with_a_check_is_tried_in_a_private_folder_before_it_is_put_in_place() {
        let checked = File { validate: Some("relay --check \"$1\"".to_owned()), ..file("a\n") };
        let actions = checked.actions(&Observed::default());
        let [
            Action::Run { script: room, .. },
            Action::Upload { path, mode, .. },
            Action::Run { script, .. },
            put,
        ] = actions.as_slice()
        else {
            panic!("{actions:?}")
        };
        assert!(room.contains("install -d -m 0700 /var/lib/imctl/.candidates"), "{room}");
        assert!(
            path.starts_with("/var/lib/imctl/.candidates/")
                && path.ends_with("/relay.conf")
                && mode == "0600"
        );
        assert!(script.contains(&format!("set -- {path}\nrelay --check \"$1\"")), "{script}");
        assert!(matches!(put, Action::Upload { path, .. } if path == PATH));
        assert_eq!(checked.actions(&seen(PathKind::File, "a\n", "0600")).len(), 1);
    }

    #[test]
    fn a_unit_file_makes_systemd_read_again_when_it_comes_and_when_it_goes() {
        let unit = File { path: "/etc/systemd/system/relay.service".to_owned(), ..file("[Unit]\n") };
        let reloads = |action: &Action| matches!(action, Action::ReadUnits);
        assert!(unit.actions(&Observed::default()).last().is_some_and(reloads));
        let mut here = seen(PathKind::File, "", "0644");
        let state = here.paths.remove(PATH).unwrap();
        here.paths.insert(unit.path.clone(), state);
        assert!(unit.removal(&here).iter().any(reloads));
        assert!(unit.removal(&Observed::default()).is_empty());
    }
}
