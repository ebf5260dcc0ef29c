//! Inputs to terms to machines, role by role.

use super::asked::{Asked, Given};
use super::formula::{FormulaError, Formulas};
use crate::base::Role;
use crate::stack::{Need, RoleSizing, SizingFile};
use serde::Serialize;
use std::collections::BTreeMap;

/// One step of the computation with its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TermValue {
    /// Name in formulas.
    pub name: String,
    /// Value.
    pub value: f64,
    /// Unit.
    pub unit: String,
    /// The formula.
    pub formula: String,
    /// What it is.
    pub because: String,
}

/// An amount of each resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Amounts {
    /// vCPU.
    pub cpu: f64,
    /// MiB.
    pub memory_mib: f64,
    /// GiB.
    pub disk_gib: f64,
    /// Random writes a second that reach the disk.
    pub iops: f64,
    /// Mbit/s.
    pub network_mbit: f64,
}

/// Which resource asked for a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Processors.
    Cpu,
    /// Memory.
    Memory,
    /// Neither: the smallest machine will do.
    Neither,
}

/// The machines of a role.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Machines {
    /// The role.
    pub role: Role,
    /// How many hosts.
    pub hosts: u64,
    /// How many of them stand ready for another's failure.
    pub spare: u64,
    /// vCPU of each.
    pub cpu: u64,
    /// Memory of each, MiB.
    pub memory_mib: u64,
    /// Disk of each, GiB.
    pub disk_gib: u64,
    /// Writes a second of each that reach the disk.
    pub iops: u64,
    /// Network of each, Mbit/s.
    pub network_mbit: u64,
    /// What each really needs at the peak, of which the machine is the next larger.
    pub needs: Amounts,
    /// Which resource decided the machine.
    pub decides: Resource,
    /// What no machine of the list can carry, and what helps.
    pub beyond: Option<String>,
}

/// Everything that was worked out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Worked {
    /// Inputs as they were taken.
    pub inputs: Vec<Given>,
    /// Steps of the computation.
    pub terms: Vec<TermValue>,
    /// Machines, role by role.
    pub roles: Vec<Machines>,
}

impl Amounts {
    fn of(need: &Need, place: &str, formulas: &Formulas) -> Result<Self, FormulaError> {
        let number = |formula: &str, of: &str| formulas.number(&format!("{place}, {of}"), formula);
        Ok(Self {
            cpu: number(&need.cpu, "cpu")?,
            memory_mib: number(&need.memory_mib, "memory-mib")?,
            disk_gib: number(&need.disk_gib, "disk-gib")?,
            iops: number(&need.iops, "iops")?,
            network_mbit: number(&need.network_mbit, "network-mbit")?,
        })
    }

    /// This, and that divided among so many.
    fn with(self, together: Self, among: u64) -> Self {
        let part = |own: f64, all: f64| own + all / whole(among.max(1));
        Self {
            cpu: part(self.cpu, together.cpu),
            memory_mib: part(self.memory_mib, together.memory_mib),
            disk_gib: part(self.disk_gib, together.disk_gib),
            iops: part(self.iops, together.iops),
            network_mbit: part(self.network_mbit, together.network_mbit),
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.with(other, 1)
    }

    fn fits(&self, (cpu, memory): (u64, u64)) -> bool {
        self.cpu <= whole(cpu) && self.memory_mib <= whole(memory)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of machines are small")]
fn whole(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "amounts are finite and not negative"
)]
pub(super) fn up(number: f64) -> u64 {
    number.ceil() as u64
}

/// Inputs, constants and terms, made known.
pub(super) fn terms(
    file: &SizingFile,
    asked: &Asked,
) -> Result<(Formulas, Vec<Given>, Vec<TermValue>), FormulaError> {
    let mut formulas = Formulas::new();
    let inputs = asked.fill(file, &mut formulas)?;
    for (name, constant) in &file.constants {
        formulas.know(name, constant.value);
    }
    let mut terms = Vec::new();
    for term in &file.terms {
        let value = formulas.number(&term.name, &term.value)?;
        formulas.know(&term.name, value);
        terms.push(TermValue {
            name: term.name.clone(),
            value,
            unit: term.unit.clone(),
            formula: term.value.clone(),
            because: term.because.clone(),
        });
    }
    Ok((formulas, inputs, terms))
}

/// Works out the machines that a service of this size needs.
pub fn machines(file: &SizingFile, asked: &Asked) -> Result<Worked, FormulaError> {
    let (formulas, inputs, terms) = terms(file, asked)?;
    let roles = file.roles.iter().map(|role| of_role(role, asked.ha, &formulas));
    Ok(Worked { inputs, terms, roles: roles.collect::<Result<_, _>>()? })
}

fn of_role(role: &RoleSizing, ha: bool, formulas: &Formulas) -> Result<Machines, FormulaError> {
    let (each, together) = needs(role, formulas)?;
    let carriers = carriers(role, each, together);
    let spare = u64::from(ha && role.spare);
    let least = if ha { role.least } else { 1 };
    let by_disk = role.most_disk_gib.map_or(1, |most| up(together.disk_gib / whole(most)));
    let hosts = (carriers + spare).max(least).max(by_disk);
    // All hosts keep their part; processors and memory must do with a spare one gone.
    let among = carriers.max(least - spare.min(least));
    // Writes and network are shared by as many as there are, also by those that stand there for their disks.
    let shared = each.with(together, hosts - spare);
    let needs = Amounts {
        disk_gib: each.with(together, hosts).disk_gib,
        iops: shared.iops,
        network_mbit: shared.network_mbit,
        ..each.with(together, among)
    };
    // More than one machine's load is carried by full ones: a host more is never less in all.
    let largest = role.machines.last().copied().unwrap_or_default();
    let fitting = role.machines.iter().copied().find(|machine| carriers == 1 && needs.fits(*machine));
    let (cpu, memory_mib) = fitting.unwrap_or(largest);
    let beyond = (!needs.fits((cpu, memory_mib))).then(|| role.beyond.clone().unwrap_or_default());
    Ok(Machines {
        role: role.role.clone(),
        hosts,
        spare,
        cpu,
        memory_mib,
        disk_gib: up(needs.disk_gib),
        iops: up(needs.iops),
        network_mbit: up(needs.network_mbit),
        needs,
        decides: decides(role, needs, (cpu, memory_mib)),
        beyond,
    })
}

fn needs(role: &RoleSizing, formulas: &Formulas) -> Result<(Amounts, Amounts), FormulaError> {
    let place = format!("role {}", role.role);
    Ok((Amounts::of(&role.each, &place, formulas)?, Amounts::of(&role.together, &place, formulas)?))
}

/// So many of the largest machines carry it all.
fn carriers(role: &RoleSizing, each: Amounts, together: Amounts) -> u64 {
    let (cpu, memory) = role.machines.last().copied().unwrap_or_default();
    if !role.grows {
        return 1;
    }
    let by = |all: f64, room: f64| if room > 0.0 { up(all / room) } else { 1 };
    let by_cpu = by(together.cpu, whole(cpu) - each.cpu);
    by_cpu.max(by(together.memory_mib, whole(memory) - each.memory_mib)).max(1)
}

/// What kept a smaller machine from being enough.
fn decides(role: &RoleSizing, needs: Amounts, machine: (u64, u64)) -> Resource {
    let smaller = role.machines.iter().rev().find(|it| it.0 < machine.0 || it.1 < machine.1);
    match smaller {
        Some((_, memory)) if needs.memory_mib > whole(*memory) => Resource::Memory,
        Some((cpu, _)) if needs.cpu > whole(*cpu) => Resource::Cpu,
        _ => Resource::Neither,
    }
}

/// What one host of each role must have when so many hosts carry it: what an inventory's hosts are held against.
pub fn share(
    file: &SizingFile,
    asked: &Asked,
    counts: &BTreeMap<Role, u64>,
) -> Result<BTreeMap<Role, Amounts>, FormulaError> {
    let (formulas, _, _) = terms(file, asked)?;
    let mut all = BTreeMap::new();
    for role in &file.roles {
        let hosts = counts.get(&role.role).copied().unwrap_or(0);
        if hosts == 0 {
            continue;
        }
        let (each, together) = needs(role, &formulas)?;
        let carriers = if role.spare && hosts > 1 { hosts - 1 } else { hosts };
        let disk_gib = each.with(together, hosts).disk_gib;
        all.insert(role.role.clone(), Amounts { disk_gib, ..each.with(together, carriers) });
    }
    Ok(all)
}
