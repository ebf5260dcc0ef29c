//! What hosts need: the formulas of the stack, and the hosts that the inventory has.

use super::super::Failure;
use super::super::road::Road;
use crate::base::{HostName, Role};
use crate::sizing::{self, Amounts, Asked};
use crate::stack::{RoleSizing, SizingFile};
use std::collections::BTreeMap;

/// What each role needs, and what its hosts are asked for.
#[derive(Default)]
pub(in super::super) struct Wants {
    amounts: BTreeMap<Role, Amounts>,
    roles: Vec<RoleSizing>,
}

impl Wants {
    /// Reads the stack's formulas once, for as many hosts as the inventory has.
    pub(in super::super) fn read(road: &Road) -> Result<Self, Failure> {
        super::refuse_unknown_limits(road)?;
        let stack = &road.topology.stack;
        let Some(file) = &stack.file.sizing else { return Ok(Self::default()) };
        let file: SizingFile = stack.data(file)?;
        let asked = Asked::of_inventory(road.inventory(), &file);
        let mut counts: BTreeMap<Role, u64> = BTreeMap::new();
        for role in road.inventory().hosts.iter().flat_map(|host| &host.roles) {
            *counts.entry(role.clone()).or_default() += 1;
        }
        let amounts =
            sizing::share(&file, &asked, &counts).map_err(|cause| cause.of_stack(&stack.file.name))?;
        Ok(Self { amounts, roles: file.roles })
    }

    /// What the host's roles need together.
    pub(in super::super) fn of(&self, road: &Road, host: &HostName) -> Amounts {
        let roles = &road.topology.host(host).roles;
        roles.iter().map(|role| self.role(role)).fold(Amounts::default(), Amounts::and)
    }

    fn role(&self, role: &Role) -> Amounts {
        self.amounts.get(role).copied().unwrap_or_default()
    }

    /// What the stack says of a host's roles.
    fn roles<'a>(&'a self, road: &'a Road, host: &'a HostName) -> impl Iterator<Item = &'a RoleSizing> {
        self.roles.iter().filter(|role| road.topology.host(host).roles.contains(&role.role))
    }

    /// Where data goes on a host, with the GiB it needs.
    pub(in super::super) fn data(&self, road: &Road, host: &HostName) -> Vec<(String, f64)> {
        let roles = self.roles(road, host);
        roles.filter_map(|it| Some((it.data.clone()?, self.role(&it.role).disk_gib))).collect()
    }

    /// What is felt when the one host of a role fails.
    pub(super) fn alone(&self) -> Vec<String> {
        self.roles.iter().filter_map(|role| role.alone.clone()).collect()
    }

    /// Whether what runs there must answer without pauses.
    pub(super) fn no_pauses(&self, road: &Road, host: &HostName) -> bool {
        self.roles(road, host).any(|role| role.no_pauses)
    }

    /// Milliseconds that a small write may take there.
    pub(super) fn sync_ms(&self, road: &Road, host: &HostName) -> Option<f64> {
        self.roles(road, host).filter_map(|role| role.sync_ms).min_by(f64::total_cmp)
    }
}
