//! What of a thing that was put on a host is no longer wanted by any other: taking away an old resource must
//! never take what a new one with another name or kind still holds.

use super::{Package, Resource, Sysctl};
use std::collections::BTreeSet;

impl Resource {
    /// The part of this resource that none of `wanted` still wants; none when nothing is left of it. Packages
    /// lose the names that others list; a path that another resource holds, whatever its kind, stays.
    pub fn remainder(&self, wanted: &[&Resource]) -> Option<Resource> {
        if let Self::Package(package) = self {
            return without_wanted(package, wanted).map(Self::Package);
        }
        let held = match self.place() {
            Some(place) => wanted.iter().any(|it| it.place() == Some(place)),
            None => wanted.iter().any(|it| it.id() == self.id()),
        };
        (!held).then(|| self.clone())
    }

    /// The path that the resource holds.
    fn place(&self) -> Option<&str> {
        match self {
            Self::Directory(it) => Some(&it.path),
            Self::File(it) => Some(&it.path),
            Self::Sysctl(Sysctl { file, .. }) => Some(file),
            Self::Firewall(it) => Some(&it.path),
            Self::Artifact(it) => Some(&it.path),
            // What fills a folder is nobody's who only makes it.
            Self::Data(_)
            | Self::Package(_)
            | Self::Updates(_)
            | Self::User(_)
            | Self::Service(_)
            | Self::Command(_) => None,
        }
    }
}

fn without_wanted(package: &Package, wanted: &[&Resource]) -> Option<Package> {
    let packages =
        wanted.iter().filter_map(|it| if let Resource::Package(it) = it { Some(it) } else { None });
    let held: BTreeSet<&str> = packages.flat_map(Package::bare_names).collect();
    let names: Vec<String> =
        package.bare_names().filter(|name| !held.contains(name)).map(str::to_owned).collect();
    (!names.is_empty()).then(|| Package { names, ..package.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(yaml: &str) -> Resource {
        serde_yaml::from_str(yaml).unwrap()
    }

    #[test]
    fn packages_that_another_list_still_names_stay() {
        let old = resource("package: { names: [curl, jq=1, chrony] }");
        let new = resource("package: { names: [curl, jq=2, openssl] }");
        let Some(Resource::Package(left)) = old.remainder(&[&new]) else { panic!("one name is left") };
        assert_eq!(left.names, ["chrony"]);
        assert_eq!(new.remainder(&[&new]), None);
    }

    #[test]
    fn a_path_that_became_another_kind_stays() {
        let old = resource("artifact: { name: store, path: /usr/local/bin/store }");
        let new = resource("file: { path: /usr/local/bin/store, content: x }");
        assert_eq!(old.remainder(&[&new]), None);
        assert_eq!(old.remainder(&[]), Some(old.clone()));
    }

    #[test]
    fn things_without_a_path_go_by_their_name() {
        let (a, b) = (
            resource("service: { unit: a.service }"),
            resource("service: { unit: b.service, state: stopped }"),
        );
        assert_eq!(a.remainder(&[&b]), Some(a.clone()));
        assert_eq!(b.remainder(&[&a, &resource("service: { unit: b.service }")]), None);
    }
}
