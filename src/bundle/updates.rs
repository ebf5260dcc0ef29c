//! Security updates of the base system: which packages a Debian host has anyway, and which of them a security suite has
//! newer. Stacks do not name them; they come along in every bundle.

use super::apt::{AptRoot, Chosen, Fetched};
use super::deb::field;
use super::manifest::is_security;
use super::{BundleError, VersionOrder};
use std::collections::{BTreeMap, BTreeSet};

/// Debian's words for what a system is made of; everything else is `optional` or `extra`.
const PRIORITIES: [&str; 3] = ["required", "important", "standard"];

/// On every host that imctl can reach, whatever their priority.
const ALWAYS: [&str; 3] = ["openssh-client", "openssh-server", "sudo"];

impl AptRoot {
    /// Fetches the security updates of the base system with all they need, so that a host of any point release can take
    /// them. `suites` are the others that the root knows: nothing comes from there.
    pub(super) fn fetch_updates(&self, suites: &BTreeSet<String>) -> Result<Fetched, BundleError> {
        let suites: BTreeMap<String, Vec<String>> =
            suites.iter().map(|suite| (suite.clone(), Vec::new())).collect();
        let base = base_names(&self.available(&suites)?);
        // The installer takes recommended packages too: what is on a host and needs exactly its sibling's version must
        // be able to follow it.
        let whole = self.resolve(&VersionOrder { packages: base, suites: suites.clone() }, true)?;
        let packages = security(&whole, &self.suites(&whole)?);
        if packages.is_empty() {
            return Ok(Fetched::default());
        }
        self.fetch(&VersionOrder { packages, suites })
    }
}

/// Names of the base system out of stanzas of available packages.
fn base_names(available: &str) -> Vec<String> {
    let is_base = |stanza: &&str| field(stanza, "Priority").is_some_and(|it| PRIORITIES.contains(&it));
    let base = available.split("\n\n").filter(is_base).filter_map(|stanza| field(stanza, "Package"));
    let names: BTreeSet<&str> = base.chain(ALWAYS).collect();
    names.into_iter().map(ToOwned::to_owned).collect()
}

/// Those that come from a security suite, each as `name=version`. Kernels stay out: a host may be a container, and one
/// that is none takes a kernel when its operator can restart it.
fn security(whole: &[Chosen], suites: &BTreeMap<(String, String), String>) -> Vec<String> {
    let suite = |it: &Chosen| suites.get(&(it.name.clone(), it.version.clone()));
    let counts = |it: &&Chosen| {
        suite(it).is_some_and(|suite| is_security(suite)) && !it.name.starts_with("linux-image-")
    };
    whole.iter().filter(counts).map(|it| format!("{}={}", it.name, it.version)).collect()
}

/// Without those that some version of the stack is installed from at another version: that one counts.
pub(super) fn unpinned(updates: Vec<Chosen>, versions: &BTreeMap<String, Vec<Chosen>>) -> Vec<Chosen> {
    let free = |it: &Chosen| versions.values().flatten().all(|own| own.name != it.name || own == it);
    updates.into_iter().filter(free).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(name: &str, version: &str) -> Chosen {
        Chosen {
            name: name.into(),
            version: version.into(),
            architecture: "amd64".into(),
            file: format!("/{name}").into(),
        }
    }

    #[test]
    fn the_base_system_is_told_by_priority() {
        let available = "Package: tzdata\nVersion: 2026f-0+deb12u1\nPriority: required\n\n\
            Package: less\nPriority: important\nSection: text\n\nPackage: jq\nPriority: optional\n\n\
            Package: perl\nPriority: standard\n\nPackage: odd\n\n";
        assert_eq!(
            base_names(available),
            ["less", "openssh-client", "openssh-server", "perl", "sudo", "tzdata"]
        );
    }

    #[test]
    fn only_what_a_security_suite_has_comes_along_and_no_kernel() {
        let whole =
            [chosen("less", "590-2.1~deb12u2"), chosen("libc6", "2.36"), chosen("linux-image-amd64", "6.1")];
        let suites = [("less", "590-2.1~deb12u2", "security"), ("libc6", "2.36", "updates")]
            .into_iter()
            .chain([("linux-image-amd64", "6.1", "security")])
            .map(|(name, version, suite)| {
                ((name.to_owned(), version.to_owned()), format!("bookworm-{suite}"))
            })
            .collect();
        assert_eq!(security(&whole, &suites), ["less=590-2.1~deb12u2"]);
    }

    #[test]
    fn a_package_that_a_version_of_the_stack_pins_is_left_to_it() {
        let versions = BTreeMap::from([
            ("1".to_owned(), vec![chosen("libx", "1"), chosen("liby", "2")]),
            ("2".to_owned(), vec![chosen("libx", "9~bpo12")]),
        ]);
        let updates = vec![chosen("libx", "1"), chosen("liby", "2"), chosen("less", "1")];
        assert_eq!(unpinned(updates, &versions), [chosen("liby", "2"), chosen("less", "1")]);
    }
}
