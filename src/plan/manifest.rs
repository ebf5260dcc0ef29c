//! What imctl put on a host, written down on that host: the basis of taking things away again.

use crate::base::{Component, HostName, quote};
use crate::desired::{Desired, DesiredInstance, Leaving, REMEDIES};
use crate::record::Observed;
use crate::resource::Resource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Key of the probe that reads the manifest.
pub const MANIFEST_KEY: &str = "manifest";

/// A host's manifest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// Format: 1.
    pub format: u32,
    /// Stack and version last put there, such as `relay 2`.
    pub release: String,
    /// What stands there, in the order it was put.
    pub resources: Vec<Kept>,
}

/// A resource of a manifest, without content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Kept {
    /// The component it belongs to.
    pub component: Component,
    /// What names it and takes it away.
    pub resource: Resource,
}

/// Where a host keeps the manifest of a deployment.
pub fn manifest_path(deployment: &str) -> String {
    format!("/var/lib/imctl/{deployment}/manifest.json")
}

/// The script that reads the manifest: nothing when there is none.
pub fn manifest_script(deployment: &str) -> String {
    let path = manifest_path(deployment);
    let path = quote(&path);
    format!("if [ -e {path} ]; then cat {path}; fi")
}

/// The manifest of what a host should hold.
pub fn manifest_of<'a>(release: &str, instances: impl Iterator<Item = &'a DesiredInstance>) -> Manifest {
    let resources = instances.flat_map(|it| {
        let component = it.instance.component.clone();
        it.resources
            .iter()
            .map(move |resource| Kept { component: component.clone(), resource: bare(resource) })
    });
    Manifest { format: 1, release: release.to_owned(), resources: resources.collect() }
}

impl Manifest {
    /// The manifest seen on a host, empty when there is none; `Err` says why it cannot be read.
    pub fn read(observed: &Observed) -> Result<Self, String> {
        let Some(answer) = observed.scripts.get(MANIFEST_KEY) else { return Ok(Self::default()) };
        match answer.out.trim() {
            "" if answer.status == 0 => Ok(Self::default()),
            text => {
                let manifest: Self = serde_json::from_str(text).map_err(|cause| cause.to_string())?;
                let other = format!("its format is {}, this imctl reads 1", manifest.format);
                if manifest.format == 1 { Ok(manifest) } else { Err(other) }
            }
        }
    }

    /// The manifest seen on a host; an empty one when there is none or it cannot be read.
    pub fn seen(observed: &Observed) -> Self {
        Self::read(observed).unwrap_or_default()
    }

    /// Whether anything of the deployment itself stands there.
    pub fn stands(&self) -> bool {
        self.resources.iter().any(|kept| kept.component.as_str() != REMEDIES)
    }

    /// What a change toward `desired` leaves as it is: an installation leaves remedies alone, and what puts remedies on a
    /// host leaves everything else and those that are there. Data stay whatever is changed; a removal of the whole deployment
    /// leaves nothing, or them alone. Nothing stays on a host that leaves.
    #[must_use]
    pub fn beside(mut self, desired: &Desired, host: &HostName) -> Self {
        let mends = |it: &DesiredInstance| it.instance.component.as_str() == REMEDIES;
        let data = |kept: &Kept| matches!(kept.resource, Resource::Data(_));
        if desired.going == Some(Leaving::Whole) || desired.leaves(host) {
            self.resources.clear();
        } else if desired.instances.is_empty() {
            self.resources.retain(data);
        } else if !desired.instances.iter().any(mends) {
            self.resources.retain(|kept| kept.component.as_str() == REMEDIES || data(kept));
        }
        self
    }

    /// What of it is imctl's own: without packages that stood on the host before imctl put any there, as `before` saw it.
    #[must_use]
    pub fn own(mut self, before: &Observed) -> Self {
        let seen = Self::seen(before);
        let packages = seen.resources.iter().filter_map(|kept| match &kept.resource {
            Resource::Package(it) => Some(it),
            _ => None,
        });
        let ours: BTreeSet<String> = packages.flat_map(|it| it.bare_names().map(str::to_owned)).collect();
        for kept in &mut self.resources {
            if let Resource::Package(it) = &mut kept.resource {
                it.retain(|name| ours.contains(name) || !before.packages.contains_key(name));
            }
        }
        self.resources.retain(|kept| !matches!(&kept.resource, Resource::Package(it) if it.names.is_empty()));
        self
    }

    /// This manifest and what `other` holds beyond it: true at any moment between the two.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        let name = |kept: &Kept| (kept.component.clone(), kept.resource.id());
        let mut known: BTreeSet<_> = self.resources.iter().map(name).collect();
        self.resources.extend(other.resources.into_iter().filter(|kept| known.insert(name(kept))));
        self
    }
}

/// A resource without its content.
fn bare(resource: &Resource) -> Resource {
    let mut resource = resource.clone();
    match &mut resource {
        Resource::File(file) => file.content = None,
        Resource::Firewall(firewall) => firewall.content = None,
        Resource::Command(command) => {
            command.script = None;
            command.unless = None;
        }
        Resource::Updates(updates) => updates.versions.clear(),
        _ => {}
    }
    resource
}
