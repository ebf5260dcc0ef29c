//! Packages: names with or without a version, installed from the bundle in one run of apt.

use super::{Action, BEFORE, Change, ChangeKind, Kind, Probe, package_unit};
use crate::base::{Cmd, ResourceId};
use crate::record::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Packages from the bundle, installed in one run of apt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Package {
    /// `name` (any version) or `name=version` (exactly this one).
    pub names: Vec<String>,
    /// Units that must not start by themselves when the packages come; `service` lifts the mask.
    #[serde(default)]
    pub masks: Vec<String>,
    /// Condition under which the packages are wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
    /// How they go.
    #[serde(skip)]
    #[schemars(skip)]
    pub purge: Purge,
}

/// How packages go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purge {
    /// With their configuration.
    #[default]
    Named,
    /// With their configuration and with what came along and nothing needs any more.
    Along,
    /// Their programs, because their data stay: a package's own clean-up would take the data along.
    Programs,
}

/// Splits `name=version`.
fn parts(wanted: &str) -> (&str, Option<&str>) {
    match wanted.split_once('=') {
        Some((name, version)) => (name, Some(version)),
        None => (wanted, None),
    }
}

impl Package {
    /// Names without their versions.
    pub fn bare_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|wanted| parts(wanted).0)
    }

    /// Keeps the names that `wanted` says yes to, asked without their versions.
    pub fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        self.names.retain(|name| wanted(parts(name).0));
    }

    /// Those of the names that are missing, broken or of another version, each with its line for the plan.
    fn differing(&self, seen: &Observed) -> Vec<(&str, String)> {
        self.names.iter().filter_map(|wanted| Some((wanted.as_str(), line(wanted, seen)?))).collect()
    }
}

fn line(wanted: &str, seen: &Observed) -> Option<String> {
    let (name, version) = parts(wanted);
    if let Some(status) = seen.broken_packages.get(name) {
        return Some(format!("~ {name} is half installed ({status}) -> {}", version.unwrap_or("installed")));
    }
    match (seen.packages.get(name), version) {
        (None, Some(version)) => Some(format!("+ {name} {version}")),
        (None, None) => Some(format!("+ {name}")),
        (Some(here), Some(version)) if here != version => Some(format!("~ {name} {here} -> {version}")),
        (Some(_), _) => None,
    }
}

impl Kind for Package {
    fn id(&self) -> ResourceId {
        let names: Vec<&str> = self.bare_names().collect();
        ResourceId::new("package", names.join(" "))
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        let units = self.masks.iter().map(|unit| Probe::Unit(unit.clone()));
        std::iter::once(Probe::Packages).chain(units).collect()
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let lines: Vec<String> = self.differing(seen).into_iter().map(|(_, line)| line).collect();
        let first = lines.first()?;
        let kind = if lines.iter().all(|line| line.starts_with('+')) {
            ChangeKind::Create
        } else {
            ChangeKind::Update
        };
        if let ([_], [wanted]) = (lines.as_slice(), self.names.as_slice()) {
            let summary = first[2..].trim_start_matches(parts(wanted).0).trim_start().to_owned();
            return Some(Change { kind, summary, lines });
        }
        let summary = format!("{} of {} differ", lines.len(), self.names.len());
        Some(Change { kind, summary, lines })
    }

    fn actions(&self, seen: &Observed) -> Vec<Action> {
        let names: Vec<String> =
            self.differing(seen).into_iter().map(|(wanted, _)| wanted.to_owned()).collect();
        // A unit that is already there may run: masking it would take it down at the next restart.
        let known = |unit: &str| seen.units.get(unit).is_some_and(|state| state.load == "loaded");
        let mask = self.masks.iter().filter(|unit| !known(unit)).cloned().collect();
        vec![Action::Packages { names, mask }]
    }

    fn removal(&self, seen: &Observed) -> Vec<Action> {
        let here =
            |name: &&str| seen.packages.contains_key(*name) || seen.broken_packages.contains_key(*name);
        let names: Vec<&str> = self.bare_names().filter(here).collect();
        if names.is_empty() {
            return Vec::new();
        }
        let names = Cmd::new("set").arg("--").args(names).to_string();
        let verb = if self.purge == Purge::Programs { "remove" } else { "purge" };
        // What is still needed now goes along with what needs it.
        let stays = if self.purge == Purge::Along { "  apt-mark auto \"$stays\" >/dev/null\n" } else { "" };
        let along =
            if self.purge == Purge::Along { ALONG.replace("%BEFORE%", BEFORE) } else { String::new() };
        let body = PURGE.replace("%NAMES%", &names).replace("%VERB%", verb).replace("%STAYS%", stays);
        vec![package_unit::action(&(body + &along))]
    }
}

/// Purges the names. One that other installed packages need stays, and they are named: nothing else is taken along.
const PURGE: &str = r#"export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 LC_ALL=C
[ -z "$(dpkg --audit)" ] || dpkg --force-confdef --force-confold --configure -a || true
%NAMES%
taken() { apt-get -s %VERB% "$1" | sed -n 's/^\(Purg\|Remv\) \([^ ]*\).*/\2/p'; }
while :; do
  stays=
  for name; do
    for other in $(taken "$name"); do
      case " $* " in *" $other "*) ;; *) stays=$name by=$other ;; esac
    done
    [ -z "$stays" ] || break
  done
  [ -n "$stays" ] || break
  echo "$stays stays: $by needs it"
%STAYS%  for name; do
    shift
    [ "$name" = "$stays" ] || set -- "$@" "$name"
  done
done
[ $# -eq 0 ] || apt-get -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 %VERB% "$@"
"#;

/// Purges what came along with packages of ours and is needed by nothing: never what was there before, and nothing else.
const ALONG: &str = r#"[ -s %BEFORE% ] || exit 0
gone() { sed -n 's/^\(Purg\|Remv\) \([^ ]*\).*/\2/p'; }
set --
for name in $(apt-get -s -o APT::AutoRemove::SuggestsImportant=false autoremove --purge | gone); do
  grep -qxF "package ${name%%:*}" %BEFORE% || set -- "$@" "$name"
done
[ $# -gt 0 ] || exit 0
for other in $(apt-get -s purge "$@" | gone); do
  case " $* " in *" $other "*) ;; *) exit 0 ;; esac
done
apt-get -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 purge "$@"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::UnitState;

    fn package(names: &[&str]) -> Package {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Package { names, masks: vec!["relay.service".to_owned()], when: None, purge: Purge::Named }
    }

    fn seen(packages: &[(&str, &str)]) -> Observed {
        let packages =
            packages.iter().map(|&(name, version)| (name.to_owned(), version.to_owned())).collect();
        Observed { packages, ..Observed::default() }
    }

    #[test]
    fn an_absent_package_is_created_and_the_same_version_is_nothing() {
        let one = package(&["chrony=4.3-2"]);
        let change = one.diff(&seen(&[])).unwrap();
        assert_eq!((change.kind, change.summary.as_str()), (ChangeKind::Create, "4.3-2"));
        assert_eq!(change.lines, ["+ chrony 4.3-2"]);
        assert_eq!(one.diff(&seen(&[("chrony", "4.3-2")])), None);
        assert_eq!(package(&["chrony"]).diff(&seen(&[("chrony", "1")])), None);
    }

    #[test]
    fn several_names_are_one_change_with_a_line_each() {
        let change = package(&["a=2", "b", "c"]).diff(&seen(&[("a", "1"), ("c", "9")])).unwrap();
        assert_eq!(change.kind, ChangeKind::Update);
        assert_eq!(change.lines, ["~ a 1 -> 2", "+ b"]);
    }

    #[test]
    fn only_differing_names_are_asked_for() {
        let mut seen = seen(&[("a", "1")]);
        seen.broken_packages.insert("b".to_owned(), "iF".to_owned());
        let actions = package(&["a", "b"]).actions(&seen);
        assert!(matches!(&actions[..], [Action::Packages { names, .. }] if names == &["b"]));
    }

    #[test]
    fn a_unit_that_is_already_there_is_not_masked_on_an_upgrade() {
        let mut seen = seen(&[("a", "1")]);
        let mask = |seen: &Observed| match package(&["a=2"]).actions(seen).pop() {
            Some(Action::Packages { mask, .. }) => mask,
            other => panic!("{other:?}"),
        };
        assert_eq!(mask(&seen), ["relay.service"]);
        let unit = UnitState { load: "loaded".to_owned(), ..UnitState::default() };
        seen.units.insert("relay.service".to_owned(), unit);
        assert_eq!(mask(&seen), Vec::<String>::new());
    }

    #[test]
    fn removal_names_only_what_is_there() {
        assert!(package(&["a"]).removal(&seen(&[])).is_empty());
        let actions = package(&["a=1", "b"]).removal(&seen(&[("a", "1")]));
        let [Action::Run { input, .. }] = &actions[..] else { panic!("{actions:?}") };
        let program = String::from_utf8(input.expose().clone()).unwrap();
        assert!(program.contains("\nset -- a\n"), "{program}");
    }
}
