//! Hosts as the inventory says and the check saw them, and what they need against what they have.

use super::super::Failure;
use super::super::check::Wants;
use super::super::road::Road;
use super::gather::Gathered;
use crate::inventory::Host;
use crate::record::{Disk, Machine};
use crate::report::{HostRow, SizingRow};
use crate::sizing::{self, Asked};
use crate::stack::SizingFile;

/// The kernel keeps some of the memory that was bought.
const MEMORY: f64 = 0.95;

/// The hosts in the order of the inventory.
pub(super) fn hosts(road: &Road, machines: &[Machine]) -> Vec<HostRow> {
    let one = |host: &Host| {
        let seen = machines.iter().find(|it| it.host == host.name.as_str()).cloned().unwrap_or_default();
        HostRow {
            name: host.name.to_string(),
            address: host.address.clone(),
            roles: host.roles.iter().map(ToString::to_string).collect(),
            components: road.topology.on(&host.name).map(|it| it.component.to_string()).collect(),
            system: seen.system,
            kernel: seen.kernel,
            machine: seen.virtualization,
            limits: host.limits.clone(),
        }
    };
    road.inventory().hosts.iter().map(one).collect()
}

/// What the service is meant for; empty when the stack has no formulas.
pub(super) fn targets(road: &Road) -> Result<Vec<(String, f64, bool)>, Failure> {
    let stack = &road.topology.stack;
    let Some(file) = &stack.file.sizing else { return Ok(Vec::new()) };
    let file: SizingFile = stack.data(file)?;
    let asked = Asked::of_inventory(road.inventory(), &file);
    let worked = sizing::machines(&file, &asked).map_err(|cause| cause.of_stack(&stack.file.name))?;
    let inputs = worked.inputs.into_iter();
    Ok(inputs.map(|it| (it.name.to_owned(), it.value, it.because.is_none())).collect())
}

/// What each host needs by the stack's formulas, and what the check found.
pub(super) fn sizing(road: &Road, gathered: &Gathered) -> Result<Vec<SizingRow>, Failure> {
    if road.topology.stack.file.sizing.is_none() {
        return Ok(Vec::new());
    }
    let wants = Wants::read(road)?;
    let mut rows = Vec::new();
    for host in &road.inventory().hosts {
        let needs = wants.of(road, &host.name);
        let machine = gathered.machines().iter().find(|it| it.host == host.name.as_str());
        let row = |resource: &str, needed: f64, found: Option<f64>| SizingRow {
            host: host.name.to_string(),
            resource: resource.to_owned(),
            needed,
            found,
            enough: found.is_some_and(|found| found >= needed),
            ..SizingRow::default()
        };
        rows.push(row("cpu", needs.cpu, machine.and_then(|it| it.cpus).map(f64::from)));
        let memory = machine.and_then(|it| it.memory_mib).map(|mib| real(mib) / 1024.0);
        let needed = needs.memory_mib / 1024.0;
        let enough = memory.is_some_and(|memory| memory >= needed * MEMORY);
        rows.push(SizingRow { enough, ..row("memory", needed, memory) });
        for (path, needed) in wants.data(road, &host.name) {
            let of = |disk: &&Disk| disk.path == path;
            let disk = machine.and_then(|it| it.disks.iter().find(of));
            let found = disk.map(|disk| real(disk.size) / GIB);
            rows.push(SizingRow { place: path.clone(), ..row("disk", needed, found) });
        }
        if needs.network_mbit > 0.0 {
            let found = machine.and_then(|it| it.network_mbit).map(f64::from);
            rows.push(row("network", needs.network_mbit, found));
        }
    }
    Ok(rows)
}

const GIB: f64 = 1_073_741_824.0;

#[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
fn real(number: u64) -> f64 {
    number as f64
}
