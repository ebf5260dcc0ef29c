//! The DNS records that clients need to find the service, from the stack's declarations and the hosts' addresses.

use super::Failure;
use super::road::Road;
use crate::desired::Scope;
use crate::stack::DnsSpec;
use serde::Serialize;
use std::net::IpAddr;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Record {
    /// Its whole name, with the dot at the end.
    pub(super) name: String,
    /// `A`, `AAAA`, `CNAME` or `SRV`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// What it says.
    pub(super) value: String,
    /// What for.
    pub(super) about: String,
}

impl Record {
    /// The record as a zone file has it.
    pub(super) fn line(&self) -> String {
        format!("{}  {}  {}", self.name, self.kind, self.value)
    }
}

/// All records, in the order of the stack.
pub(super) fn records(road: &Road) -> Result<Vec<Record>, Failure> {
    let mut all = Vec::new();
    for spec in &road.topology.stack.file.dns {
        let Some(instance) = road.topology.of(&spec.of).next() else { continue };
        let spec = Scope::of(&road.topology, instance).all("dns", spec)?;
        all.extend(of(road, &spec));
    }
    Ok(all)
}

fn of(road: &Road, spec: &DnsSpec) -> Vec<Record> {
    let record =
        |kind, value| Record { name: format!("{}.", spec.name), kind, value, about: spec.about.clone() };
    let component = road.topology.stack.component(&spec.of);
    if let (Some(port), Some(target)) = (&spec.port, &spec.target) {
        let number = component.and_then(|it| it.ports.get(port)).map_or(0, |port| port.port);
        return vec![record("SRV", format!("5 0 {number} {target}."))];
    }
    let address = |host: &str| match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => record("A", host.to_owned()),
        Ok(IpAddr::V6(_)) => record("AAAA", host.to_owned()),
        Err(_) => record("CNAME", format!("{host}.")),
    };
    let hosts = road.topology.present(&spec.of).map(|it| &road.topology.place(&it.host).address);
    hosts.map(|host| address(host)).collect()
}
