//! Which files of the bundle a set of packages needs: for hosts that get them by upload, so that not all is sent.

use super::deb::field;
use super::manifest::REPOSITORY;
use super::{BundleError, Verified};
use std::collections::{BTreeMap, BTreeSet};

/// Paths in the bundle that apt on a host needs to install these packages (`name` or `name=version`) of a version
/// of the stack: the signed index and all packages that may be drawn in.
pub fn closure(verified: &Verified, version: &str, names: &[String]) -> Result<Vec<String>, BundleError> {
    let index = verified.index(version)?;
    let mut files: Vec<String> =
        ["InRelease", "Packages"].map(|name| format!("{REPOSITORY}/{version}/{name}")).to_vec();
    match needed(&index, names) {
        Ok(paths) => files.extend(paths.into_iter().map(|path| format!("{REPOSITORY}/{path}"))),
        Err(missing) => {
            return Err(verified.unfit(format!("holds no package `{missing}` for version {version}")));
        }
    }
    Ok(files)
}

/// Paths of the packages and of all they may need, from an index; the name of one that is not there otherwise.
fn needed(index: &str, names: &[String]) -> Result<BTreeSet<String>, String> {
    let stanzas: Vec<&str> = index.split("\n\n").filter(|stanza| !stanza.trim().is_empty()).collect();
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for stanza in &stanzas {
        for name in field(stanza, "Package").into_iter().chain(relations(stanza, "Provides")) {
            by_name.entry(name).or_default().push(stanza);
        }
    }
    let mut open: Vec<&str> = Vec::new();
    for name in names {
        let bare = name.split(['=', ':']).next().unwrap_or(name);
        open.push(by_name.contains_key(bare).then_some(bare).ok_or_else(|| bare.to_owned())?);
    }
    let (mut seen, mut paths) = (BTreeSet::new(), BTreeSet::new());
    while let Some(name) = open.pop() {
        if !seen.insert(name) {
            continue;
        }
        for stanza in by_name.get(name).into_iter().flatten() {
            paths.extend(field(stanza, "Filename").map(ToOwned::to_owned));
            open.extend(relations(stanza, "Depends").chain(relations(stanza, "Pre-Depends")));
        }
    }
    Ok(paths)
}

/// Bare names in a relation field; of alternatives all, since the host may have chosen any.
fn relations<'a>(stanza: &'a str, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    let value = field(stanza, name).unwrap_or_default();
    value
        .split([',', '|'])
        .filter_map(|word| word.trim().split([' ', '(', ':']).next())
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "Package: server\nDepends: libx (>= 1), mta | mail-agent\nPre-Depends: libc6:any\nFilename: pool/server.deb\n\n\
        Package: libx\nDepends: libc6\nFilename: pool/libx.deb\n\nPackage: libc6\nFilename: pool/libc6.deb\n\n\
        Package: nullmailer\nProvides: mail-agent (= 1)\nFilename: pool/nullmailer.deb\n\n\
        Package: other\nFilename: pool/other.deb\n\n";

    #[test]
    fn what_a_package_needs_comes_along_and_nothing_else() {
        let paths = needed(INDEX, &["server=1.0".to_owned()]).unwrap();
        let expected = ["pool/libc6.deb", "pool/libx.deb", "pool/nullmailer.deb", "pool/server.deb"];
        assert_eq!(paths.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(needed(INDEX, &["absent".to_owned()]), Err("absent".to_owned()));
    }
}
