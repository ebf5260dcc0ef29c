//! `sizing.yml` of a stack: which machines a service of a given size needs, as formulas. It does not evaluate them.

use crate::base::{Component, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `sizing.yml`. Formulas are template expressions over inputs, constants and the terms before them, with `max(a, b)`,
/// `min(a, b)` and `ceil(x)`; names have `_` where YAML has `-`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SizingFile {
    /// What is taken when the operator does not say it: input -> formula.
    pub defaults: BTreeMap<String, DefaultSpec>,
    /// Numbers of the model, each with where it comes from.
    pub constants: BTreeMap<String, Constant>,
    /// Steps of the computation, in order.
    pub terms: Vec<Term>,
    /// What each role needs.
    pub roles: Vec<RoleSizing>,
    /// Settings that follow from the size.
    #[serde(default)]
    pub settings: Vec<DerivedSetting>,
}

/// What is taken for an input that nobody gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DefaultSpec {
    /// A formula over the inputs that are given, and `consumer`.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// Why so much.
    pub because: String,
}

/// Where a number comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Measured with this stack.
    Measured,
    /// Published by somebody else.
    Published,
    /// Nobody measured it.
    Assumed,
}

/// A number of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Constant {
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// Where it comes from.
    pub basis: Basis,
    /// How it was measured, who published it, or why it is assumed.
    pub source: String,
}

/// One step of the computation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Term {
    /// Its name in later formulas.
    pub name: String,
    /// The formula.
    pub value: String,
    /// Its unit.
    pub unit: String,
    /// What it is.
    pub because: String,
}

/// What the hosts of a role need.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoleSizing {
    /// The role.
    #[schemars(with = "String")]
    pub role: Role,
    /// What its hosts carry together; with a spare host the others carry it.
    pub together: Need,
    /// What each host needs besides.
    pub each: Need,
    /// Whether what runs there must answer without pauses, as a database must.
    #[serde(default)]
    pub no_pauses: bool,
    /// Milliseconds that a small write there may take until it is on the disk, 99 of 100.
    #[serde(default)]
    pub sync_ms: Option<f64>,
    /// Where what they keep goes on each host.
    #[serde(default)]
    pub data: Option<String>,
    /// Machines that are bought, small to large: vCPU and MiB of memory.
    pub machines: Vec<(u64, u64)>,
    /// Whether more hosts carry more; if not, a larger machine must.
    #[serde(default)]
    pub grows: bool,
    /// Whether one more than needed stands ready where a failure may not be felt.
    #[serde(default)]
    pub spare: bool,
    /// At least so many hosts where a failure may not be felt.
    #[serde(default = "one")]
    pub least: u64,
    /// More space than this on one host is better laid on more hosts, GiB; none = any.
    #[serde(default)]
    pub most_disk_gib: Option<u64>,
    /// What is felt when its one host fails, where there cannot be two.
    #[serde(default)]
    pub alone: Option<String>,
    /// What follows when the largest machine is not enough.
    #[serde(default)]
    pub beyond: Option<String>,
}

fn one() -> u64 {
    1
}

/// Formulas by resource; what is not named is nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Need {
    /// vCPU.
    pub cpu: String,
    /// MiB.
    pub memory_mib: String,
    /// GiB.
    pub disk_gib: String,
    /// Random writes a second that must reach the disk.
    pub iops: String,
    /// Mbit/s.
    pub network_mbit: String,
}

/// A setting that follows from the size; what the inventory says wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DerivedSetting {
    /// The component.
    #[schemars(with = "String")]
    pub component: Component,
    /// Its setting.
    pub key: String,
    /// A formula that also knows `hosts_ROLE`; a whole number comes of it.
    pub value: String,
    /// Why.
    pub because: String,
}
