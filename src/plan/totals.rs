//! The plan in numbers.

use super::{Plan, Verb};
use crate::base::HostName;
use serde::Serialize;
use std::collections::BTreeSet;

/// Counts of a plan's steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Totals {
    /// `+`
    pub create: usize,
    /// `~`
    pub change: usize,
    /// `-`
    pub remove: usize,
    /// `^`, restarts only.
    pub restarts: usize,
    /// `^`, reloads only.
    pub reloads: usize,
    /// `!`
    pub hooks: usize,
    /// `?`
    pub known_later: usize,
    /// Hosts with at least one step.
    pub hosts: usize,
    /// Resources already right.
    pub settled: usize,
}

impl Totals {
    /// Counts a plan.
    pub fn of(plan: &Plan) -> Self {
        let mut totals = Self { settled: plan.settled.values().sum(), ..Self::default() };
        let mut hosts: BTreeSet<&HostName> = BTreeSet::new();
        for step in plan.steps() {
            hosts.insert(&step.on);
            let count = match step.verb {
                Verb::Create => &mut totals.create,
                Verb::Update => &mut totals.change,
                Verb::Remove => &mut totals.remove,
                Verb::Restart => &mut totals.restarts,
                Verb::Reload => &mut totals.reloads,
                Verb::Hook => &mut totals.hooks,
                Verb::Known => &mut totals.known_later,
            };
            *count += 1;
        }
        totals.hosts = hosts.len();
        totals
    }

    /// Steps in all.
    pub fn steps(&self) -> usize {
        self.create + self.change + self.remove + self.restarts + self.reloads + self.hooks + self.known_later
    }
}
