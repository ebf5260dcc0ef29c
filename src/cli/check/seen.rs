//! From a look at a host to what the rules judge.

use super::super::road::Road;
use super::look::Looked;
use super::{Scene, Wants};
use crate::base::{Component, HostName};
use crate::checks::{HostSeen, Trial};
use crate::desired::Scope;
use crate::facts::{self, DiskSpeeds, Transport};
use crate::plan::Manifest;
use crate::record::{Disk, Machine, Observed};
use crate::resource::Resource;
use crate::stack::{ComponentSpec, PortSpec, Protocol};

impl Looked {
    /// Whether the deployment stands on the host.
    pub(super) fn ours(&self) -> bool {
        Manifest::seen(&self.observed).stands()
    }
}

/// What is known of a host, and what is wanted of it.
pub(super) fn host_seen(
    (road, wants, scene): (&Road, &Wants, Scene),
    host: &HostName,
    looked: &Looked,
    disk: Trial<DiskSpeeds>,
) -> HostSeen {
    let said = |key: &str| looked.observed.scripts.get(key).map(|it| it.out.as_str()).unwrap_or_default();
    let words = road.topology.host(host);
    let ours = looked.ours();
    HostSeen {
        facts: facts::parse(said(facts::KEY)),
        deep: facts::parse_deep(said(facts::DEEP_KEY)),
        name: Some(host.clone()),
        address: words.address.clone(),
        needs: wants.of(road, host),
        data: wants.data(road, host),
        no_pauses: wants.no_pauses(road, host),
        ports: ports(road, host),
        limits: words.limits.clone(),
        ours,
        awaited: scene != Scene::Install,
        foreign: if ours { Vec::new() } else { foreign(road, host, &looked.observed) },
        settings: settings(road, host),
        umask: looked.clock.umask.clone(),
        clock: looked.clock.ahead,
        disk,
        sync_ms: wants.sync_ms(road, host),
        answer_ms: looked.clock.answer_ms,
        login_ms: looked.clock.login_ms,
    }
}

/// What is kept of a machine: what it is, and the file systems of its data.
pub(super) fn machine(host: &HostName, seen: &HostSeen) -> Machine {
    let facts = &seen.facts;
    let root = [("/".to_owned(), 0.0)];
    let data = if seen.data.is_empty() { &root[..] } else { &seen.data };
    let disk = |(path, _): &(String, f64)| {
        let mount = facts.mount(path)?;
        Some(Disk {
            path: path.clone(),
            mount: mount.path.clone(),
            kind: mount.kind.clone(),
            size: mount.size,
            free: mount.free,
        })
    };
    let up = facts.interfaces.iter().filter(|it| it.up);
    Machine {
        host: host.to_string(),
        system: facts.os_name.clone(),
        kernel: facts.kernel.clone(),
        architecture: facts.arch.clone(),
        virtualization: facts.virtualization.clone(),
        cpus: facts.cpus,
        memory_mib: facts.memory_mib,
        swap_mib: facts.swap_mib,
        network_mbit: up.filter_map(|it| it.speed).max(),
        disks: data.iter().filter_map(disk).collect(),
    }
}

fn components<'a>(road: &'a Road, host: &'a HostName) -> impl Iterator<Item = &'a ComponentSpec> {
    road.topology.on(host).filter_map(|it| road.topology.stack.component(&it.component))
}

/// Those that are not on every host.
fn own_components<'a>(road: &'a Road, host: &'a HostName) -> impl Iterator<Item = &'a ComponentSpec> {
    components(road, host).filter(|spec| spec.role.as_str() != "all")
}

fn ports(road: &Road, host: &HostName) -> Vec<(Transport, u16, String)> {
    let port = |component: &Component, spec: &PortSpec| {
        let transport = if spec.protocol == Protocol::Udp { Transport::Udp } else { Transport::Tcp };
        (transport, spec.port, component.to_string())
    };
    let of = |spec: &ComponentSpec| spec.ports.values().map(|it| port(&spec.name, it)).collect::<Vec<_>>();
    components(road, host).flat_map(of).collect()
}

/// Packages that bring a service of the stack, already here.
fn foreign(road: &Road, host: &HostName, seen: &Observed) -> Vec<String> {
    let resources = own_components(road, host).flat_map(|spec| &spec.resources);
    let services = resources.filter_map(|resource| match resource {
        Resource::Package(package) if !package.masks.is_empty() => Some(&package.names),
        _ => None,
    });
    let names = services.flatten().filter_map(|name| name.split('=').next());
    names.filter(|name| seen.packages.contains_key(*name)).map(str::to_owned).collect()
}

/// Kernel settings that the stack gives.
fn settings(road: &Road, host: &HostName) -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for instance in road.topology.on(host) {
        let Some(spec) = road.topology.stack.component(&instance.component) else { continue };
        let scope = Scope::of(&road.topology, instance);
        for resource in &spec.resources {
            let Resource::Sysctl(sysctl) = resource else { continue };
            // What needs facts or secrets is not known here, and no kernel setting of a stack does.
            let Ok(values) = scope.all("kernel settings", &sysctl.values) else { continue };
            all.extend(values.into_iter().map(|(name, value)| (name, value, sysctl.file.clone())));
        }
    }
    all
}
