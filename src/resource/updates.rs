//! Security updates of the system: what is installed and older than the bundle's version out of a security suite is
//! brought to it. What is not installed stays so.

use super::{Action, Change, ChangeKind, Kind, Probe};
use crate::base::{ResourceId, newer_package};
use crate::record::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Installed packages are brought to the bundle's version where that comes from a security suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Updates {
    /// Name -> version; filled in from the bundle's manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub versions: BTreeMap<String, String>,
    /// Condition under which updates are wanted; none = always.
    #[serde(default)]
    pub when: Option<String>,
}

impl Updates {
    /// Installed packages that are older: name, version here, version in the bundle.
    pub fn late<'a>(&'a self, seen: &'a Observed) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
        self.versions.iter().filter_map(|(name, wanted)| {
            let here = seen.packages.get(name)?;
            newer_package(wanted, here).then_some((name.as_str(), here.as_str(), wanted.as_str()))
        })
    }
}

impl Kind for Updates {
    fn id(&self) -> ResourceId {
        ResourceId::new("updates", "system")
    }

    fn when(&self) -> Option<&str> {
        self.when.as_deref()
    }

    fn probes(&self) -> Vec<Probe> {
        vec![Probe::Packages]
    }

    fn diff(&self, seen: &Observed) -> Option<Change> {
        let line = |(name, here, wanted): (&str, &str, &str)| format!("~ {name} {here} -> {wanted}");
        let lines: Vec<String> = self.late(seen).map(line).collect();
        let noun = if lines.len() == 1 { "update" } else { "updates" };
        let summary = format!("{} security {noun}", lines.len());
        (!lines.is_empty()).then_some(Change { kind: ChangeKind::Update, summary, lines })
    }

    fn actions(&self, seen: &Observed) -> Vec<Action> {
        let names = self.late(seen).map(|(name, _, wanted)| format!("{name}={wanted}")).collect();
        vec![Action::Packages { names, mask: Vec::new() }]
    }

    /// A system keeps its updates.
    fn removal(&self, _seen: &Observed) -> Vec<Action> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(packages: &[(&str, &str)]) -> BTreeMap<String, String> {
        packages.iter().map(|&(name, version)| (name.to_owned(), version.to_owned())).collect()
    }

    fn updates() -> Updates {
        let versions =
            [("libexpat1", "2.5.0-1+deb12u5"), ("sudo", "1.9.13p3-1+deb12u2"), ("tzdata", "2026f-0+deb12u1")];
        Updates { versions: map(&versions), when: None }
    }

    fn seen(packages: &[(&str, &str)]) -> Observed {
        Observed { packages: map(packages), ..Observed::default() }
    }

    #[test]
    fn only_what_is_installed_and_older_is_updated() {
        let seen = seen(&[("libexpat1", "2.5.0-1+deb12u1"), ("sudo", "1.9.13p3-1+deb12u4"), ("curl", "1")]);
        let change = updates().diff(&seen).unwrap();
        assert_eq!((change.kind, change.summary.as_str()), (ChangeKind::Update, "1 security update"));
        assert_eq!(change.lines, ["~ libexpat1 2.5.0-1+deb12u1 -> 2.5.0-1+deb12u5"]);
        let actions = updates().actions(&seen);
        let [Action::Packages { names, mask }] = &actions[..] else { panic!("{actions:?}") };
        assert_eq!((names.as_slice(), mask.len()), (&["libexpat1=2.5.0-1+deb12u5".to_owned()][..], 0));
    }

    #[test]
    fn a_system_that_has_them_and_one_without_a_bundle_have_nothing_to_do() {
        let (old, new) =
            (seen(&[("tzdata", "2024a"), ("sudo", "1")]), seen(&[("tzdata", "2026f-0+deb12u1")]));
        assert_eq!(updates().diff(&old).unwrap().summary, "2 security updates");
        assert_eq!(updates().diff(&new), None);
        assert_eq!(Updates { versions: BTreeMap::new(), when: None }.diff(&old), None);
    }

    #[test]
    fn a_stack_names_nothing_and_removal_takes_nothing_back() {
        let plain: super::super::Resource = serde_yaml::from_str("updates: {}").unwrap();
        assert_eq!(plain.id().to_string(), "updates system");
        assert!(updates().removal(&seen(&[("tzdata", "2026f-0+deb12u1")])).is_empty());
    }
}
