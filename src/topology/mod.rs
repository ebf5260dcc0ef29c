//! Which instance of which component stands on which host, in which order. Pure; knows nothing of SSH.

mod build;
mod firewall;
mod order;

pub use build::{TopologyError, build};
pub use firewall::{Rule, Source};

use crate::base::{Component, HostName};
use crate::inventory::{Host, Inventory};
use crate::stack::{Stack, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A deployment laid out: every host with its instances, every component with its hosts.
#[derive(Debug, Clone)]
pub struct Topology {
    /// The inventory it was built from.
    pub inventory: Inventory,
    /// The stack it was built from.
    pub stack: Stack,
    /// The stack's version that was chosen.
    pub version: String,
    /// Hosts in the order of the inventory.
    pub hosts: Vec<Place>,
    /// Instances: components in the order of the stack, hosts in the order of the inventory.
    pub instances: Vec<Instance>,
    /// Components by need: everything in a level needs only what stands in levels before it.
    pub levels: Vec<Vec<Component>>,
    /// Hosts declared lost: nothing is done on them, and the others let them in no more.
    pub lost: BTreeSet<HostName>,
    /// Hosts that leave for good: this is the service as it was with them.
    pub leaving: BTreeSet<HostName>,
}

/// A host as the other hosts see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Name in the inventory.
    pub name: HostName,
    /// Address the others use.
    pub address: String,
    /// Name inside the deployment, in plain ASCII, such as `app1.acme-im.imctl.internal`.
    pub fqdn: String,
    /// Number from 0 in the order of the inventory.
    pub index: usize,
}

/// One component on one host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Instance {
    /// The component.
    pub component: Component,
    /// The host.
    pub host: HostName,
    /// Number from 0 among the component's hosts.
    pub index: usize,
}

impl Topology {
    /// The same with hosts declared lost; `Err` names components that would be left with no host.
    pub fn without(mut self, lost: BTreeSet<HostName>) -> Result<Self, Vec<Component>> {
        let gone = |component: &Component| {
            let mut hosts = self.of(component).peekable();
            hosts.peek().is_some() && hosts.all(|it| lost.contains(&it.host))
        };
        let bare: Vec<Component> =
            self.levels.iter().flatten().filter(|component| gone(component)).cloned().collect();
        if !bare.is_empty() {
            return Err(bare);
        }
        self.lost = lost;
        Ok(self)
    }

    /// The instances of a component, in the order of the inventory.
    pub fn of<'a>(&'a self, component: &'a Component) -> impl Iterator<Item = &'a Instance> {
        self.instances.iter().filter(move |instance| instance.component == *component)
    }

    /// The same without those on hosts declared lost.
    pub fn present<'a>(&'a self, component: &'a Component) -> impl Iterator<Item = &'a Instance> {
        self.of(component).filter(move |instance| !self.lost.contains(&instance.host))
    }

    /// The instances on a host, in the order of the stack.
    pub fn on<'a>(&'a self, host: &'a HostName) -> impl Iterator<Item = &'a Instance> {
        self.instances.iter().filter(move |instance| instance.host == *host)
    }

    /// The place of a host.
    pub fn place(&self, host: &HostName) -> &Place {
        self.hosts
            .iter()
            .find(|place| place.name == *host)
            .expect("every instance stands on a host of the inventory")
    }

    /// The inventory's words about a host.
    pub fn host(&self, host: &HostName) -> &Host {
        self.inventory.host(host).expect("every instance stands on a host of the inventory")
    }

    /// The chosen version's data.
    pub fn version_data(&self) -> &Version {
        &self.stack.file.versions[&self.version]
    }

    /// Hosts that carry an instance of the component.
    pub fn hosts_of(&self, component: &Component) -> BTreeSet<HostName> {
        self.of(component).map(|instance| instance.host.clone()).collect()
    }
}
