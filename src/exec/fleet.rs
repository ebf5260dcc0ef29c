//! The open connections of a run, one a host.

use crate::base::HostName;
use crate::transport::Session;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Open connections by host.
#[derive(Clone, Default)]
pub struct Fleet {
    links: BTreeMap<HostName, Arc<dyn Session>>,
}

impl Fleet {
    /// Takes a host's connection.
    pub fn insert(&mut self, host: HostName, link: Arc<dyn Session>) {
        self.links.insert(host, link);
    }

    /// The connection of a host.
    pub fn link(&self, host: &HostName) -> Option<&Arc<dyn Session>> {
        self.links.get(host)
    }

    /// The same without some hosts.
    #[must_use]
    pub fn without(&self, gone: impl Fn(&HostName) -> bool) -> Self {
        let links = self.links.iter().filter(|(host, _)| !gone(host));
        Self { links: links.map(|(host, link)| (host.clone(), link.clone())).collect() }
    }

    /// Hosts and their connections in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&HostName, &Arc<dyn Session>)> {
        self.links.iter()
    }

    /// Closes all connections.
    pub async fn close(&self) {
        futures_util::future::join_all(self.links.values().map(|link| link.close())).await;
    }
}
