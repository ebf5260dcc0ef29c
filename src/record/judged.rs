//! What is kept of a command that judged: the preflight, the proof of the service, the scan. A report is made of these alone.

use crate::base::Finding;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What `check` or `verify` found, kept in `.imctl/NAME/results/COMMAND/TIME.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judged {
    /// Format: 1.
    pub format: u32,
    /// `check` or `verify`.
    pub command: String,
    /// When it began, in UTC.
    pub time: String,
    /// How long it took.
    pub seconds: f64,
    /// Version of imctl.
    pub imctl: String,
    /// Who asked.
    pub who: String,
    /// Hosts that were judged.
    pub hosts: Vec<String>,
    /// All findings in the order of the checks.
    pub findings: Vec<Finding>,
    /// What the machines are, where the command looked.
    #[serde(default)]
    pub machines: Vec<Machine>,
}

/// What a machine is, as `check` saw it. What could not be found out is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Machine {
    /// The host.
    pub host: String,
    /// Its system in words, such as `Debian GNU/Linux 12 (bookworm)`.
    pub system: Option<String>,
    /// Release of the running kernel.
    pub kernel: Option<String>,
    /// dpkg's architecture.
    pub architecture: Option<String>,
    /// `none` for hardware, else the kind of virtual machine or container.
    pub virtualization: Option<String>,
    /// Processors that may be used.
    pub cpus: Option<u32>,
    /// Memory that may be used, MiB.
    pub memory_mib: Option<u64>,
    /// Swap, MiB.
    pub swap_mib: Option<u64>,
    /// Its fastest network interface that is up, Mbit/s.
    pub network_mbit: Option<u32>,
    /// File systems that hold the service's data, or the root where none is named.
    pub disks: Vec<Disk>,
}

/// A file system of a machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Disk {
    /// What is kept there.
    pub path: String,
    /// Where the file system is mounted.
    pub mount: String,
    /// Kind, such as `ext4`.
    pub kind: String,
    /// Size in bytes.
    pub size: u64,
    /// Bytes that a service may still write.
    pub free: u64,
}

/// How bad it is when a security check fails, the worst first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// Whoever finds it is in.
    Critical,
    /// One further mistake, and somebody is in.
    High,
    /// It helps whoever is in already.
    Medium,
    /// Good order.
    Low,
}

/// The texts of a rule in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Words {
    /// What is judged.
    pub what: String,
    /// What is wanted.
    pub needed: String,
    /// Why it matters.
    pub because: String,
    /// What helps.
    pub fix: String,
}

/// Somebody answers for it that a check fails, until a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Waived {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day, such as `2027-03-31`.
    pub until: String,
}

/// One finding of the scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scanned {
    /// What was found, in English.
    pub finding: Finding,
    /// How bad it is when it fails.
    pub danger: Danger,
    /// The area it counts in, such as `network`.
    pub area: String,
    /// Sections of the CIS benchmark, to be compared with the standard.
    pub cis: String,
    /// Clauses of MLPS level 3 (GB/T 22239-2019), to be compared with the standard.
    pub mlps: String,
    /// The rule's texts in Chinese.
    pub zh: Words,
    /// Somebody answers for it; then it does not count.
    pub waived: Option<Waived>,
}

/// An area of the scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct AreaScore {
    /// Its name, such as `network`.
    pub area: String,
    /// 0 to 100, after the cap; none when nothing was judged.
    pub score: Option<u32>,
    /// Rules that were judged.
    pub judged: usize,
    /// Of them, that failed on some host without a waiver: by how bad they are.
    pub failed: BTreeMap<Danger, usize>,
    /// Rules that were not judged.
    pub open: usize,
}

/// What `scan` found, kept in `.imctl/NAME/results/scan/TIME.json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ScanResult {
    /// Format: 1.
    pub format: u32,
    /// When it began, in UTC.
    pub time: String,
    /// How long it took.
    pub seconds: f64,
    /// Version of imctl.
    pub imctl: String,
    /// Who asked.
    pub who: String,
    /// Hosts that were looked at.
    pub hosts: Vec<String>,
    /// Areas that were asked for; empty = all.
    pub only: Vec<String>,
    /// Whether all rules were asked on all hosts.
    pub whole: bool,
    /// 0 to 100 over all areas, after the caps.
    pub score: Option<u32>,
    /// `A` to `F`.
    pub grade: String,
    /// Areas in their order.
    pub areas: Vec<AreaScore>,
    /// All findings in the order of the rules.
    pub findings: Vec<Scanned>,
    /// What no tool can judge, or what was left out, with the reason.
    pub untested: Vec<String>,
}
