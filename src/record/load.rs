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
    /// Milliseconds until the first session stood.
    #[serde(default)]
    pub first_ms: f64,
    /// Times of those that succeeded.
    pub times: Times,
    /// Those that failed, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Sessions that broke later, by reason.
    pub broken: BTreeMap<String, u64>,
}

/// Something that was tried.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Attempts {
    /// Times of what succeeded.
    pub times: Times,
    /// What failed, by reason.
    pub failed: BTreeMap<String, u64>,
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
    /// Given back by the server as errors.
    #[serde(default)]
    pub returned: u64,
    /// Copies that were to arrive: one for each who was to have a message.
    #[serde(default)]
    pub expected: u64,
    /// Copies that arrived.
    #[serde(default)]
    pub arrived: u64,
    /// Of these, copies that were found in the history.
    #[serde(default)]
    pub found: u64,
    /// Of what the server took, what is missing in the history of its sender or its reader; none = histories were not read.
    #[serde(default)]
    pub unkept: Option<u64>,
    /// That found no room in the generator.
    pub unsent: u64,
    /// Times of deliveries to one.
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
    /// Answers to the stack's own questions, by name.
    #[serde(default)]
    pub samples: BTreeMap<String, HostSample>,
}

/// Answers to one question of the stack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostSample {
    /// Unit.
    pub unit: String,
    /// On average.
    pub mean: f64,
    /// At most.
    pub most: f64,
    /// Beyond this it is much; none = it is only told.
    pub high: Option<f64>,
    /// What helps then.
    pub helps: String,
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
    /// Times of deliveries to each member of a group.
    #[serde(default)]
    pub groups: Times,
    /// Coming back after an absence, until all history was there.
    #[serde(default)]
    pub history: Attempts,
    /// Pages of history that were read.
    #[serde(default)]
    pub history_pages: u64,
    /// Files, from asking for a slot until one was fetched and compared.
    #[serde(default)]
    pub uploads: Attempts,
    /// Putting a file.
    #[serde(default)]
    pub put: Times,
    /// Fetching a file.
    #[serde(default)]
    pub get: Times,
    /// Bytes of files that stay until their retention removes them.
    #[serde(default)]
    pub left_bytes: u64,
    /// Longest gap of each user whose session broke and who came back.
    #[serde(default)]
    pub gaps: Attempts,
    /// The generator.
    pub generator: Generator,
    /// Hosts by name.
    pub hosts: BTreeMap<String, HostLoad>,
    /// Hosts that could not be watched, and why.
    #[serde(default)]
    pub unseen: BTreeMap<String, String>,
    /// The node that was stopped, if one was.
    #[serde(default)]
    pub outage: Option<Outage>,
    /// Constants of the stack beside what was measured, when that was asked for.
    #[serde(default)]
    pub calibrated: Vec<Calibrated>,
    /// What it was judged by; none = the usual goals.
    #[serde(default)]
    pub goals: Vec<Goal>,
    /// It was ended before its time.
    pub cut: bool,
    /// Who asked.
    #[serde(default)]
    pub who: String,
    /// Version of imctl.
    #[serde(default)]
    pub imctl: String,
}

/// A time that must be met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Goal {
    /// What it is about.
    pub of: Measured,
    /// Which of its times.
    pub which: Which,
    /// At most so many milliseconds.
    pub most_ms: f64,
}

/// What has times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    /// Logins.
    Login,
    /// Messages to one.
    Delivery,
    /// Messages to a group.
    Group,
    /// Coming back after an absence.
    History,
    /// Files.
    Upload,
    /// Gaps of users whose session broke.
    Reconnect,
}

/// Which time of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Half of them took at most so long.
    P50,
    /// 95 of 100.
    P95,
    /// 99 of 100.
    P99,
    /// All of them.
    Max,
}

/// A node that was stopped while the load lasted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Outage {
    /// Its host.
    pub host: String,
    /// Milliseconds from stopping it until it served again.
    pub away_ms: f64,
    /// What went wrong; none when it went and came as it should.
    pub problem: Option<String>,
}

/// A constant of the stack's formulas beside what was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Calibrated {
    /// Its name.
    pub constant: String,
    /// Its unit.
    pub unit: String,
    /// What the formulas take.
    pub predicted: f64,
    /// What was measured: what the constant would be.
    pub measured: f64,
}
