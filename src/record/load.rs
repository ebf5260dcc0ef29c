//! What is kept of a load test.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Times in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Times {
    /// How many.
    pub count: u64,
    /// On average.
    pub mean: f64,
    /// Half of them took at most.
    pub p50: f64,
    /// 95 of 100.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
    /// The longest.
    pub max: f64,
}

/// What became of logins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Logins {
    /// That were to be made.
    pub planned: u64,
    /// A second, as they were made.
    pub rate: f64,
    /// Times of those that succeeded.
    pub times: Times,
    /// Those that failed, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Sessions that broke later, by reason.
    pub broken: BTreeMap<String, u64>,
}

/// What became of messages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Messages {
    /// That were to be sent.
    pub planned: u64,
    /// A second, as they were meant to go.
    pub rate: f64,
    /// Handed to connections.
    pub sent: u64,
    /// Taken by the server.
    pub acknowledged: u64,
    /// Arrived.
    pub delivered: u64,
    /// Arrived more than once.
    pub duplicated: u64,
    /// Arrived after a later one of the same sender.
    pub out_of_order: u64,
    /// Taken by the server and not arrived.
    pub lost: u64,
    /// Sent, and neither taken nor arrived.
    pub unknown: u64,
    /// That found no room in the generator.
    pub unsent: u64,
    /// Times of deliveries.
    pub times: Times,
}

/// What the generator itself needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Generator {
    /// Processor milliseconds a login.
    pub login_cpu_ms: f64,
    /// Processor milliseconds a message.
    pub message_cpu_ms: f64,
    /// KiB of memory a session.
    pub session_kib: f64,
    /// 99 of 100 things began at most so many milliseconds late.
    pub late_p99_ms: f64,
}

/// What a host was busy with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostLoad {
    /// Percent of all processors: on average and at most.
    pub cpu: (f64, f64),
    /// Percent of the memory at most.
    pub memory: f64,
    /// Percent of the time that a disk was busy, at most.
    pub disk: f64,
    /// Mbit a second at most, in and out together.
    pub network_mbit: f64,
}

/// A run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct LoadResult {
    /// Format: 1.
    pub format: u32,
    /// When it began.
    pub time: String,
    /// Which scenario.
    pub scenario: String,
    /// Logins.
    pub logins: Logins,
    /// Messages.
    pub messages: Messages,
    /// The generator.
    pub generator: Generator,
    /// Hosts by name.
    pub hosts: BTreeMap<String, HostLoad>,
    /// It was ended before its time.
    pub cut: bool,
    /// Who asked.
    #[serde(default)]
    pub who: String,
    /// Version of imctl.
    #[serde(default)]
    pub imctl: String,
}
