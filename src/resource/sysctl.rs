//! Kernel settings: a file for the next boot, and the values now. `/proc/sys` is written directly, since a
//! small Debian has no `sysctl` program.

use super::path::sha256;
use super::shell::line;
use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{ResourceId, Secret, quote};
use crate::record::{Observed, PathKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Kernel settings, now and after a reboot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Sysctl {
    /// The file that keeps them, such as `/etc/sysctl.d/60-imctl.conf`.
    #[serde(default = "own_file")]
    pub file: String,
    /// Setting -> value.
    pub values: BTreeMap<String, String>,
    /// Condition under which the settings are wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

fn own_file() -> String {
    "/etc/sysctl.d/60-imctl.conf".to_owned()
}

/// A value with single spaces, as the kernel's answer is compared.
pub(super) fn plain(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The file under `/proc/sys` of a setting; as in sysctl.d, `/` within a dotted name stands for a dot.
pub(super) fn proc_path(setting: &str) -> String {
    let turned: String = match setting.find(['.', '/']).map(|at| &setting[at..=at]) {
        Some(".") => setting
            .chars()
            .map(|c| {
                if c == '.' {
                    '/'
                } else if c == '/' {
                    '.'
                } else {
                    c
                }
            })
            .collect(),
        _ => setting.to_owned(),
    };
    format!("/proc/sys/{turned}")
}

impl Sysctl {
    fn text(&self) -> String {
        let lines = self.values.iter().map(|(name, value)| format!("{name} = {}\n", plain(value)));
        std::iter::once("# managed by imctl\n".to_owned()).chain(lines).collect()
    }

    fn differing<'a>(
        &'a self,
        seen: &'a Observed,
    ) -> impl Iterator<Item = (&'a str, Option<&'a str>, String)> {
        self.values.iter().filter_map(|(name, value)| {
            let (here, wanted) = (seen.sysctls.get(name).map(String::as_str), plain(value));
            (here != Some(wanted.as_str())).then_some((name.as_str(), here, wanted))
        })
    }

    fn file_is_right(&self, seen: &Observed) -> bool {
        let wanted = sha256(self.text().as_bytes());
        seen.paths.get(&self.file).is_some_and(|state| {
            state.kind == PathKind::File && state.sha256.as_deref() == Some(wanted.as_str())
        })
    }
}

impl Kind for Sysctl {
    fn id(&self) -> ResourceId {
        ResourceId::new("sysctl", &self.file)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        let settings = self.values.keys().map(|name| Probe::Sysctl(name.clone()));
        std::iter::once(Probe::Path(self.file.clone())).chain(settings).collect()
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let lines: Vec<String> = self
            .differing(seen)
            .map(|(name, here, wanted)| format!("~ {name} {} -> {wanted}", here.unwrap_or("(none)")))
            .collect();
        let file_is_right = self.file_is_right(seen);
        if file_is_right && lines.is_empty() {
            return None;
        }
        let kind = if seen.paths.contains_key(&self.file) { ChangeKind::Update } else { ChangeKind::Create };
        let summary = match (lines.len(), file_is_right) {
            (0, _) if kind == ChangeKind::Create => "values are right, and kept for the next boot".to_owned(),
            (0, _) => "file changed, values are right".to_owned(),
            (1, _) => "1 value differs".to_owned(),
            (count, _) => format!("{count} values differ"),
        };
        Some(Change { kind, summary, lines })
    }

    fn actions(&self, seen: &Observed) -> Vec<Action> {
        let mut script = String::from(SET);
        for (name, _, wanted) in self.differing(seen) {
            line(
                &mut script,
                format_args!("put {} {} {}", quote(name), quote(&proc_path(name)), quote(&wanted)),
            );
        }
        script.push_str("exit $failed\n");
        // The file comes last: a value that the host refuses is not promised for the next boot either.
        vec![
            Action::run(script),
            Action::Upload {
                path: self.file.clone(),
                content: Secret::new(self.text().into_bytes()),
                mode: "0644".to_owned(),
                owner: "root".to_owned(),
                group: "root".to_owned(),
            },
        ]
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        match seen.paths.get(&self.file) {
            Some(state) if state.kind != PathKind::Directory => {
                vec![Action::run(format!("rm -f -- {}\n", quote(&self.file)))]
            }
            _ => Vec::new(),
        }
    }
}

const SET: &str = r#"failed=0
put() {
  if [ ! -e "$2" ]; then
    echo "\`$1\` is unknown to this kernel" >&2
  elif { printf '%s\n' "$3" >"$2"; } 2>/dev/null; then
    return 0
  else
    echo "\`$1\` cannot be set to \`$3\` here; if this host may not change it (a container), say so in the inventory: limits: [sysctl]" >&2
  fi
  failed=1
}
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PathState;

    fn sysctl() -> Sysctl {
        let values = [("net.ipv4.tcp_rmem".to_owned(), "4096  131072 6291456".to_owned())].into();
        Sysctl { file: own_file(), values, when: None }
    }

    fn seen(value: &str, text: &str) -> Observed {
        let state = PathState {
            kind: PathKind::File,
            mode: "0644".to_owned(),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            size: text.len() as u64,
            sha256: Some(sha256(text.as_bytes())),
            target: None,
        };
        Observed {
            paths: [(own_file(), state)].into(),
            sysctls: [("net.ipv4.tcp_rmem".to_owned(), value.to_owned())].into(),
            ..Observed::default()
        }
    }

    #[test]
    fn absent_same_and_different() {
        let text = sysctl().text();
        assert_eq!(sysctl().diff(&Observed::default()).map(|change| change.kind), Some(ChangeKind::Create));
        assert_eq!(sysctl().diff(&seen("4096 131072 6291456", &text)), None);
        let change = sysctl().diff(&seen("1 2 3", &text)).unwrap();
        assert_eq!(change.lines, ["~ net.ipv4.tcp_rmem 1 2 3 -> 4096 131072 6291456"]);
        let change = sysctl().diff(&seen("4096 131072 6291456", "")).unwrap();
        assert_eq!(change.summary, "file changed, values are right");
    }

    #[test]
    fn only_differing_values_are_written_and_the_file_comes_after_them() {
        let actions = sysctl().actions(&seen("1 2 3", ""));
        assert!(
            matches!(&actions[0], Action::Run { script, .. } if script.contains("/proc/sys/net/ipv4/tcp_rmem"))
        );
        assert!(matches!(&actions[1], Action::Upload { path, .. } if path == &own_file()));
        let actions = sysctl().actions(&seen("4096 131072 6291456", ""));
        assert!(matches!(&actions[0], Action::Run { script, .. } if !script.contains("/proc/sys")));
    }

    #[test]
    fn a_slash_in_a_dotted_name_is_a_dot() {
        assert_eq!(proc_path("net.ipv4.conf.eth0/1.rp_filter"), "/proc/sys/net/ipv4/conf/eth0.1/rp_filter");
        assert_eq!(proc_path("kernel/pid_max"), "/proc/sys/kernel/pid_max");
    }
}
