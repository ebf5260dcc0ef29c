//! A system user with its own group: no password, no login shell unless asked for.

use super::shell::line;
use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{Cmd, ResourceId, quote};
use crate::record::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A system user and its group. It stays where it owns anything, so that no later user gets its number and files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Main group; none = a group of the same name.
    #[serde(default)]
    pub group: Option<String>,
    /// Home directory, which is not made.
    #[serde(default = "no_home")]
    pub home: String,
    /// Login shell.
    #[serde(default = "no_login")]
    pub shell: String,
    /// Groups it must be a member of beside the main one; further ones are left alone.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Condition under which the user is wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
    /// The whole deployment goes with its data, and the user with it unless it owns or runs anything still.
    #[serde(skip)]
    #[schemars(skip)]
    pub goes: bool,
}

/// What was on the host before imctl came: a line `package NAME` or `user NAME` each.
pub const BEFORE: &str = "/var/lib/imctl/.before";

/// Takes a user away that came with imctl, runs nothing and owns nothing on the host's own disks.
const GO: &str = r#"getent passwd "$user" >/dev/null && [ -s %BEFORE% ] || exit 0
! grep -qxF "user $user" %BEFORE% || exit 0
for it in /proc/[0-9]*; do
  [ "$(stat -c %U "$it" 2>/dev/null)" != "$user" ] || exit 0
done
owned=$(awk '$3 ~ /^(ext[234]|xfs|btrfs|zfs|f2fs|overlay|tmpfs)$/ { print $2 }' /proc/self/mounts | while read -r at; do
  find "$at" -xdev -user "$user" -print -quit 2>/dev/null
done)
[ -z "$owned" ] || exit 0
userdel -- "$user"
! getent group "$group" >/dev/null || groupdel -- "$group" 2>/dev/null || true
"#;

fn no_home() -> String {
    "/nonexistent".to_owned()
}

fn no_login() -> String {
    "/usr/sbin/nologin".to_owned()
}

impl User {
    fn main_group(&self) -> &str {
        self.group.as_deref().unwrap_or(&self.name)
    }

    fn differences(&self, entry: &str) -> Vec<String> {
        let mut fields = entry.splitn(3, ':');
        let mut field = || fields.next().unwrap_or_default();
        let (home, shell, groups) = (field(), field(), field());
        let groups: Vec<&str> = groups.split(',').collect();
        let mut differences = Vec::new();
        if home != self.home {
            differences.push(format!("home {home} -> {}", self.home));
        }
        if shell != self.shell {
            differences.push(format!("shell {shell} -> {}", self.shell));
        }
        if groups.first() != Some(&self.main_group()) {
            differences.push(format!("group -> {}", self.main_group()));
        }
        let missing = self.groups.iter().filter(|group| !groups.contains(&group.as_str()));
        differences.extend(missing.map(|group| format!("joins group {group}")));
        differences
    }
}

impl Kind for User {
    fn id(&self) -> ResourceId {
        ResourceId::new("user", &self.name)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        vec![Probe::User(self.name.clone()), Probe::Group(self.main_group().to_owned())]
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let Some(entry) = seen.users.get(&self.name) else {
            let summary =
                self.groups.iter().map(|group| format!("in group {group}")).collect::<Vec<_>>().join(", ");
            return Some(Change { kind: ChangeKind::Create, summary, lines: Vec::new() });
        };
        let differences = self.differences(entry);
        let change = Change { kind: ChangeKind::Update, summary: differences.join(", "), lines: Vec::new() };
        (!differences.is_empty()).then_some(change)
    }

    fn actions(&self, seen: &Observed) -> Vec<Action> {
        let group = self.main_group();
        let mut script = String::from("set -e\n");
        if !seen.groups.contains_key(group) {
            let (get, add) =
                (Cmd::new("getent").arg("group").arg(group), Cmd::new("groupadd").arg("--system").arg(group));
            line(&mut script, format_args!("{get} >/dev/null || {add}"));
        }
        let known = seen.users.contains_key(&self.name);
        let mut cmd = if known {
            Cmd::new("usermod")
        } else {
            Cmd::new("useradd").arg("--system").arg("--no-create-home").arg("--no-user-group")
        };
        cmd = cmd.args(["--gid", group, "--shell", &self.shell]);
        cmd = cmd.args([if known { "--home" } else { "--home-dir" }, &self.home]);
        if !self.groups.is_empty() {
            cmd = cmd.args(if known { ["-a", "-G"].as_slice() } else { ["-G"].as_slice() }.iter().copied());
            cmd = cmd.arg(self.groups.join(","));
        }
        line(&mut script, format_args!("{cmd} {}", quote(&self.name)));
        vec![Action::run(script)]
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        if !self.goes || !seen.users.contains_key(&self.name) {
            return Vec::new();
        }
        let names = format!("user={}\ngroup={}\n", quote(&self.name), quote(self.main_group()));
        vec![Action::run(names + &GO.replace("%BEFORE%", BEFORE))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> User {
        User {
            name: "relay".to_owned(),
            group: None,
            home: no_home(),
            shell: no_login(),
            groups: vec!["ssl-cert".to_owned()],
            when: None,
            goes: false,
        }
    }

    fn seen(entry: &str) -> Observed {
        let mut seen = Observed::default();
        seen.users.insert("relay".to_owned(), entry.to_owned());
        seen.groups.insert("relay".to_owned(), "998".to_owned());
        seen
    }

    #[test]
    fn an_absent_user_is_made_with_its_group() {
        assert_eq!(user().diff(&Observed::default()).map(|change| change.kind), Some(ChangeKind::Create));
        let actions = user().actions(&Observed::default());
        let [Action::Run { script, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        assert!(script.contains("groupadd --system relay\nuseradd --system"), "{script}");
        assert!(script.ends_with("-G ssl-cert relay\n"), "{script}");
    }

    #[test]
    fn the_same_user_is_nothing_and_further_groups_are_left_alone() {
        assert_eq!(user().diff(&seen("/nonexistent:/usr/sbin/nologin:relay,adm,ssl-cert")), None);
    }

    #[test]
    fn each_difference_is_said() {
        let change = user().diff(&seen("/home/relay:/bin/sh:users")).unwrap();
        let words = "home /home/relay -> /nonexistent, shell /bin/sh -> /usr/sbin/nologin, group -> relay, joins group ssl-cert";
        assert_eq!(change.summary, words);
        let actions = user().actions(&seen("/home/relay:/bin/sh:users"));
        assert!(matches!(&actions[0], Action::Run { script, .. } if script.contains("usermod --gid relay")));
    }
}
