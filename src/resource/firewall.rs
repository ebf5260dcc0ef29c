//! The host's packet filter. A new ruleset is checked, put in force at once and kept for the next boot; the
//! old one comes back by itself unless a new connection confirms.

use super::path::sha256;
use super::shell::refusal;
use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{ResourceId, quote, unified};
use crate::record::{Observed, PathKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The host's packet filter, a file for nft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Firewall {
    /// The file that is loaded at boot.
    #[serde(default = "boot_file")]
    pub path: String,
    /// A file of the stack's folder that is rendered into `content`.
    #[serde(default)]
    pub template: Option<String>,
    /// The ruleset itself.
    #[serde(default)]
    pub content: Option<String>,
    /// Condition under which the firewall is wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

fn boot_file() -> String {
    "/etc/nftables.conf".to_owned()
}

impl Firewall {
    fn text(&self) -> &str {
        self.content.as_deref().unwrap_or_default()
    }

    fn key(&self) -> String {
        self.id().to_string()
    }

    /// The script with the head that all of them share: the path and the folder of ours.
    fn script(&self, body: &str) -> String {
        format!("path={}\nd=/var/lib/imctl/.firewall unit={RESTORE_UNIT}\n{body}", quote(&self.path))
    }

    fn file_is_right(&self, seen: &Observed) -> bool {
        let wanted = sha256(self.text().as_bytes());
        seen.paths.get(&self.path).is_some_and(|state| {
            state.kind == PathKind::File && state.sha256.as_deref() == Some(wanted.as_str())
        })
    }
}

impl Kind for Firewall {
    fn id(&self) -> ResourceId {
        ResourceId::new("firewall", &self.path)
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        vec![Probe::Path(self.path.clone()), Probe::Script { key: self.key(), script: self.script(IN_FORCE) }]
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let answer = seen.scripts.get(&self.key());
        let in_force = answer.is_some_and(|answer| answer.status == 0);
        let file_is_right = self.file_is_right(seen);
        if in_force && file_is_right {
            return None;
        }
        let kind = if answer.is_some_and(|answer| answer.status == 3) {
            ChangeKind::Create
        } else {
            ChangeKind::Update
        };
        if file_is_right {
            let summary = match answer.map(|answer| answer.status) {
                Some(UNCONFIRMED) => {
                    "in force, but a run that was cut did not confirm it: the old rules are about to come back"
                }
                Some(NOT_AT_BOOT) => "in force, but nftables.service is disabled: gone after a reboot",
                _ => "the rules in force are not those of the file",
            };
            let summary = summary.to_owned();
            return Some(Change { kind: ChangeKind::Update, summary, lines: Vec::new() });
        }
        let lines = match seen.contents.get(&self.path) {
            Some(old) => unified(old, self.text()).lines().map(str::to_owned).collect(),
            None => self.text().lines().map(|line| format!("+{line}")).collect(),
        };
        Some(Change { kind, summary: "restores itself unless confirmed".to_owned(), lines })
    }

    fn actions(&self, seen: &Observed) -> Vec<Action> {
        if seen.paths.get(&self.path).is_some_and(|state| state.kind == PathKind::Directory) {
            let why = format!("`{}` is a directory; imctl does not replace it", self.path);
            return vec![Action::run(refusal(&why))];
        }
        let body = format!("new() {{\n  printf %s {}\n}}\n{APPLY}", quote(self.text()));
        let (apply, restore) = (self.script(&body), self.script(RESTORE));
        vec![Action::Guarded { apply, restore, within: Duration::from_secs(45) }]
    }

    fn removal(&self, _seen: &Observed) -> Vec<Action> {
        vec![Action::run(self.script(REMOVE))]
    }
}

/// Unit of the timer that brings an old state back; one guarded change at a time on a host.
pub const RESTORE_UNIT: &str = "imctl-restore";

/// Status of a ruleset that a timer is about to take back.
const UNCONFIRMED: i32 = 4;

/// Status of a ruleset that the next boot does not load.
const NOT_AT_BOOT: i32 = 5;

/// 0: the tables of the last ruleset are in force as they were; 1: they differ; 3: imctl made none yet; 4: they are, and
/// nobody confirmed them; 5: they are, until the next boot.
const IN_FORCE: &str = r#"[ -s "$d/tables" ] && [ -s "$d/digest" ] || exit 3
! systemctl is-active -q "$unit.timer" || exit 4
command -v nft >/dev/null || exit 1
rules=$(while read -r family name; do nft -s -t list table "$family" "$name" || exit 1; done <"$d/tables" 2>/dev/null) || exit 1
[ "$(printf '%s\n' "$rules" | sha256sum)" = "$(cat "$d/digest")" ] || exit 1
[ "$path" != /etc/nftables.conf ] || systemctl is-enabled -q nftables.service || exit 5
"#;

/// Checks, saves what is in force, changes all at once, writes the file, notes the tables and their digest.
const APPLY: &str = r#"set -e
umask 077
mkdir -p "$d"
rm -f "$d/running" "$d/file"
command -v nft >/dev/null || { echo "there is no \`nft\` on this host" >&2; exit 1; }
new >"$d/candidate"
nft -c -f "$d/candidate"
[ -e "$d/original" ] || [ -e "$d/no-original" ] ||
  if [ -f "$path" ]; then cp -p "$path" "$d/original"; else : >"$d/no-original"; fi
[ ! -f "$path" ] || cp -p "$path" "$d/file"
{ echo 'flush ruleset'; nft list ruleset; } >"$d/running.new"
mv -f "$d/running.new" "$d/running"
nft -f "$d/candidate"
install -m 0755 "$d/candidate" "$path.imctl-new"
mv -fT "$path.imctl-new" "$path"
sed -n 's/^[[:space:]]*table[[:space:]]\{1,\}\([a-z0-9]*\)[[:space:]]\{1,\}\([A-Za-z0-9_./-]\{1,\}\).*{.*$/\1 \2/p' "$path" | sort -u >"$d/tables"
rules=$(while read -r family name; do nft -s -t list table "$family" "$name"; done <"$d/tables")
printf '%s\n' "$rules" | sha256sum >"$d/digest"
[ "$path" != /etc/nftables.conf ] || systemctl is-enabled -q nftables.service || {
  systemctl -q enable nftables.service
  : >"$d/enabled"
}
"#;

/// Brings back what was in force and the file; does nothing when nothing was changed yet.
const RESTORE: &str = r#"[ -f "$d/running" ] || exit 0
nft -f "$d/running" || exit
if [ -f "$d/file" ]; then cp -p "$d/file" "$path.imctl-new" && mv -fT "$path.imctl-new" "$path"; else rm -f "$path"; fi
rm -f "$d/running" "$d/digest"
"#;

/// Takes our tables out of force, which only opens, and puts back the file that was there before the first change.
const REMOVE: &str = r#"[ -d "$d" ] || exit 0
set -e
if [ -s "$d/tables" ] && command -v nft >/dev/null; then
  while read -r family name; do
    ! nft list table "$family" "$name" >/dev/null 2>&1 || nft delete table "$family" "$name"
  done <"$d/tables"
fi
if [ -f "$d/original" ]; then
  cp -p "$d/original" "$path.imctl-new"
  mv -fT "$path.imctl-new" "$path"
else
  rm -f "$path"
fi
[ ! -e "$d/enabled" ] || systemctl -q disable nftables.service || true
rm -f "$d/candidate" "$d/running" "$d/file" "$d/original" "$d/no-original" "$d/tables" "$d/digest" "$d/enabled"
rmdir "$d"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Answer, PathState};

    const RULES: &str = "table inet imctl {\n}\n";

    fn firewall() -> Firewall {
        Firewall { path: boot_file(), template: None, content: Some(RULES.to_owned()), when: None }
    }

    fn seen(status: i32, text: &str) -> Observed {
        let state = PathState {
            kind: PathKind::File,
            mode: "0755".to_owned(),
            owner: "root".to_owned(),
            group: "root".to_owned(),
            size: text.len() as u64,
            sha256: Some(sha256(text.as_bytes())),
            target: None,
        };
        let key = "firewall /etc/nftables.conf".to_owned();
        Observed {
            paths: [(boot_file(), state)].into(),
            contents: [(boot_file(), text.to_owned())].into(),
            scripts: [(key, Answer { status, out: String::new() })].into(),
            ..Observed::default()
        }
    }

    #[test]
    fn absent_same_different_and_flushed_by_hand() {
        let said = |seen: &Observed| firewall().diff(seen).map(|change| (change.kind, change.lines.len()));
        assert_eq!(said(&seen(3, "")), Some((ChangeKind::Create, 3)));
        assert_eq!(said(&seen(0, RULES)), None);
        assert_eq!(said(&seen(0, "table inet old {\n}\n")), Some((ChangeKind::Update, 4)));
        assert_eq!(said(&seen(1, RULES)), Some((ChangeKind::Update, 0)));
        let unconfirmed = firewall().diff(&seen(4, RULES)).unwrap();
        assert!(unconfirmed.summary.contains("did not confirm"), "{}", unconfirmed.summary);
        assert!(firewall().diff(&seen(5, RULES)).unwrap().summary.contains("disabled"));
    }

    #[test]
    fn a_change_is_guarded_and_checks_before_it_acts() {
        let actions = firewall().actions(&seen(3, ""));
        let [Action::Guarded { apply, restore, .. }] = actions.as_slice() else { panic!("{actions:?}") };
        let at = |text: &str| apply.find(text).unwrap_or_else(|| panic!("`{text}` in {apply}"));
        assert!(
            at("nft -c -f") < at("nft list ruleset")
                && at("nft list ruleset") < at("nft -f \"$d/candidate\"")
        );
        assert!(restore.contains("nft -f \"$d/running\""));
    }
}
