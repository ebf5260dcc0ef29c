//! The ports of a host and who may reach them, from the components' declarations.

use super::Topology;
use crate::base::{Component, HostName};
use crate::stack::Protocol;
use std::collections::{BTreeMap, BTreeSet};

/// Who may reach a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Anybody.
    Clients,
    /// These hosts of the deployment.
    Hosts(BTreeSet<HostName>),
}

/// One opening in a host's packet filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Component that listens.
    pub component: Component,
    /// Port's name in the stack.
    pub name: String,
    /// Port number.
    pub port: u16,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Who may reach it.
    pub from: Source,
    /// What it is for.
    pub about: String,
}

impl Topology {
    /// Every port of a host that may be reached from outside, by number. Ports for `loopback` alone are left out,
    /// and so are peers that are the host itself: loopback traffic is never filtered.
    pub fn rules(&self, host: &HostName) -> Vec<Rule> {
        let mut rules = BTreeMap::new();
        for instance in self.on(host) {
            let Some(spec) = self.stack.component(&instance.component) else { continue };
            for (name, port) in &spec.ports {
                let Some(from) = self.source(host, &port.from) else { continue };
                rules.insert(
                    (port.port, port.protocol == Protocol::Udp),
                    Rule {
                        component: instance.component.clone(),
                        name: name.clone(),
                        port: port.port,
                        protocol: port.protocol,
                        from,
                        about: port.about.clone(),
                    },
                );
            }
        }
        rules.into_values().collect()
    }

    fn source(&self, host: &HostName, from: &[String]) -> Option<Source> {
        if from.iter().any(|peer| peer == "clients") {
            return Some(Source::Clients);
        }
        let hosts: BTreeSet<HostName> = from
            .iter()
            .filter(|peer| *peer != "loopback")
            .flat_map(|peer| self.instances.iter().filter(move |it| it.component.as_str() == peer))
            .map(|instance| instance.host.clone())
            .filter(|peer| peer != host && !self.lost.contains(peer))
            .collect();
        (!hosts.is_empty()).then_some(Source::Hosts(hosts))
    }
}
