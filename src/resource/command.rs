//! A script that runs unless its check says that it has nothing to do. Without a check it runs once, and
//! again when its text changes: a mark on the host holds the text's digest.

use super::path::sha256;
use super::shell::{line, silent_step, step};
use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{ResourceId, Secret, duration, quote};
use crate::record::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A script that runs unless its check says that it has nothing to do.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Command {
    /// A name, unique on the host.
    pub name: String,
    /// One line for the plan, in the present tense.
    pub about: String,
    /// A file of the stack's folder that is rendered into `script`.
    #[serde(default)]
    pub template: Option<String>,
    /// POSIX sh, run as root; 0 = well.
    #[serde(default)]
    pub script: Option<String>,
    /// POSIX sh that changes nothing; 0 = there is nothing to do.
    #[serde(default)]
    pub unless: Option<String>,
    /// POSIX sh that takes back what the script did, when the resource is removed.
    #[serde(default)]
    pub undo: Option<String>,
    /// How long the script may take.
    #[serde(default = "two_minutes")]
    pub within: String,
    /// The script holds secrets: neither it nor what it prints is shown.
    #[serde(default)]
    pub secret: bool,
    /// Condition under which the command is wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Command")
            .field("name", &self.name)
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

fn two_minutes() -> String {
    "120s".to_owned()
}

const MARKS: &str = "/var/lib/imctl/.commands";

impl Command {
    fn text(&self) -> &str {
        self.script.as_deref().unwrap_or_default()
    }

    pub(super) fn key(&self) -> String {
        self.id().to_string()
    }

    pub(super) fn mark(&self) -> String {
        format!("{MARKS}/{}", self.name.replace('/', "_"))
    }

    /// What the mark holds after the script went well.
    pub(super) fn mark_text(&self) -> String {
        format!("{}\n", sha256(self.text().as_bytes()))
    }

    fn limit(&self) -> Duration {
        duration(&self.within).unwrap_or(Duration::from_mins(2))
    }

    fn is_done(&self, seen: &Observed) -> bool {
        if self.unless.is_some() {
            return seen.scripts.get(&self.key()).is_some_and(|answer| answer.status == 0);
        }
        let wanted = sha256(self.mark_text().as_bytes());
        seen.paths.get(&self.mark()).is_some_and(|state| state.sha256.as_deref() == Some(wanted.as_str()))
    }
}

impl Kind for Command {
    fn id(&self) -> ResourceId {
        ResourceId::new("command", &self.name)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        match &self.unless {
            Some(script) => vec![Probe::Script { key: self.key(), script: script.clone() }],
            None => vec![Probe::Path(self.mark())],
        }
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        if self.is_done(seen) {
            return None;
        }
        let again = self.unless.is_none() && seen.paths.contains_key(&self.mark());
        let kind = if again { ChangeKind::Update } else { ChangeKind::Create };
        Some(Change { kind, summary: self.about.clone(), lines: Vec::new() })
    }

    fn actions(&self, _seen: &Observed) -> Vec<Action> {
        let why = format!("`{}` failed; what it said is not shown, since it may hold secrets", self.name);
        let mut script = if self.secret { silent_step(self.text(), &why) } else { step(self.text()) };
        if self.unless.is_none() {
            let (mark, text) = (quote(&self.mark()), self.mark_text());
            let (new, text) = (format!("{mark}.new"), text.trim_end());
            line(
                &mut script,
                format_args!("umask 077 && mkdir -p {MARKS} && echo {text} >{new} && mv -fT {new} {mark}"),
            );
        }
        vec![Action::Run { script, input: Secret::new(Vec::new()), within: self.limit() }]
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        let mut script = String::new();
        if let Some(undo) = &self.undo {
            script.push_str(&step(undo));
        }
        if self.unless.is_none() && seen.paths.contains_key(&self.mark()) {
            line(&mut script, format_args!("rm -f -- {}", quote(&self.mark())));
        }
        if script.is_empty() {
            return Vec::new();
        }
        vec![Action::Run { script, input: Secret::new(Vec::new()), within: self.limit() }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Answer, PathKind, PathState};

    fn command(unless: Option<&str>) -> Command {
        Command {
            name: "schema".to_owned(),
            about: "loads the schema".to_owned(),
            template: None,
            script: Some("set -e\nload".to_owned()),
            unless: unless.map(str::to_owned),
            undo: None,
            within: "5m".to_owned(),
            secret: false,
            when: None,
        }
    }

    fn marked(text: &str) -> Observed {
        let state = PathState {
            kind: PathKind::File,
            mode: "0600".to_owned(),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            size: 65,
            sha256: Some(sha256(text.as_bytes())),
            target: None,
        };
        Observed {
            paths: [("/var/lib/imctl/.commands/schema".to_owned(), state)].into(),
            ..Observed::default()
        }
    }

    #[test]
    fn a_check_decides_and_only_its_status_0_means_done() {
        let answer = |status| Observed {
            scripts: [("command schema".to_owned(), Answer { status, out: String::new() })].into(),
            ..Observed::default()
        };
        let command = command(Some("is-loaded"));
        assert_eq!(command.diff(&answer(0)), None);
        for broken in [1, 124, 127] {
            assert_eq!(
                command.diff(&answer(broken)).map(|change| change.summary).as_deref(),
                Some("loads the schema")
            );
        }
        assert!(command.diff(&Observed::default()).is_some());
    }

    #[test]
    fn without_a_check_it_runs_once_for_each_text() {
        let command = command(None);
        assert_eq!(command.diff(&Observed::default()).map(|change| change.kind), Some(ChangeKind::Create));
        assert_eq!(command.diff(&marked(&command.mark_text())), None);
        assert_eq!(command.diff(&marked("older\n")).map(|change| change.kind), Some(ChangeKind::Update));
    }

    #[test]
    fn a_script_that_stops_at_its_first_error_stops_ours_too() {
        let mut failing = command(Some("x"));
        failing.script = Some("set -e\nfalse\necho went on".to_owned());
        let actions = failing.actions(&Observed::default());
        let [Action::Run { script, within, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()));
        assert_eq!(*within, Duration::from_mins(5));
    }

    #[test]
    fn a_secret_script_says_nothing_when_it_fails() {
        let mut failing = command(Some("x"));
        failing.secret = true;
        failing.script = Some("echo hunter2; exit 3".to_owned());
        let actions = failing.actions(&Observed::default());
        let [Action::Run { script, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3));
        assert!(
            output.stdout.is_empty() && said.contains("not shown") && !said.contains("hunter2"),
            "{said}"
        );
    }
}
