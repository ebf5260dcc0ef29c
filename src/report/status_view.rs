//! How a deployment is, as one value that people and programs are shown.

use crate::base::Exit;
use serde::Serialize;
use serde_json::Value;

/// Everything that was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct StatusView {
    /// Version of this shape.
    pub format: u32,
    /// The deployment.
    pub name: String,
    /// Stack and version that are meant.
    pub release: String,
    /// When it was seen.
    pub time: String,
    /// Seconds that it took.
    pub seconds: f64,
    /// Nothing is broken.
    pub healthy: bool,
    /// Hosts that answered.
    pub answered: usize,
    /// What is broken or worth a look.
    pub problems: Vec<Problem>,
    /// What is good to know.
    pub notes: Vec<String>,
    /// Components in the order of the stack.
    pub components: Vec<ComponentStatus>,
    /// Hosts in the order of the inventory.
    pub hosts: Vec<HostStatus>,
    /// What was done last: label and when, `none yet` when never.
    pub last: Vec<(String, String)>,
}

/// Something broken or worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    /// Broken, and not only worth a look.
    pub broken: bool,
    /// Host or component.
    pub place: String,
    /// What.
    pub says: String,
    /// What helps; empty when nothing is known.
    pub help: String,
}

/// A component on all its hosts.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ComponentStatus {
    /// Its name.
    pub component: String,
    /// Names of its figures.
    pub figures: Vec<String>,
    /// Its instances.
    pub instances: Vec<InstanceStatus>,
}

/// An instance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct InstanceStatus {
    /// Its host.
    pub host: String,
    /// The version that is installed; empty when no package tells.
    pub version: String,
    /// How it is.
    pub health: Health,
    /// Figures in their order: what is shown, and the value.
    pub figures: Vec<(String, Value)>,
}

/// How an instance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Its units run and its health hook ends well.
    Healthy,
    /// Its units run; the stack has no question about its health.
    Running,
    /// A unit does not run, or the health hook fails.
    Unhealthy,
    /// The deployment does not stand there.
    NotInstalled,
    /// The host did not answer.
    Unknown,
}

/// A host.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostStatus {
    /// Its name.
    pub host: String,
    /// Why it did not answer; none when it did.
    pub unreachable: Option<String>,
    /// Load of the last minute for each processor.
    pub load: Option<f64>,
    /// Memory in use, percent.
    pub memory: Option<u64>,
    /// The fullest file system: where it is mounted, and percent in use.
    pub disk: Option<(String, u64)>,
    /// Seconds since the boot.
    pub uptime: Option<u64>,
    /// Days that the certificate that ends first has left.
    pub certificate_days: Option<i64>,
    /// Things that differ from the inventory; none when it cannot be told.
    pub differs: Option<Vec<Difference>>,
    /// How many of them were changed by hand.
    pub by_hand: usize,
    /// Who logged in last; empty where nothing was changed by hand.
    pub login: String,
}

/// Something that differs from the inventory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Difference {
    /// What a plan would do, in one line.
    pub what: String,
    /// The diff.
    pub lines: Vec<String>,
}

impl StatusView {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match (self.answered, self.healthy) {
            (0, _) => Exit::Unreachable,
            (_, true) => Exit::Done,
            (_, false) => Exit::CheckFailed,
        }
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        serde_json::to_value(self).expect("a status is plain data")
    }
}
