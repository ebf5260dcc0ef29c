//! A plan as an operator reads it: what `plan` prints and what `--output json` carries, from one value. It holds
//! no secret: whoever fills it in shows secrets as "changed".

use crate::base::HostName;
use serde::{Deserialize, Serialize};

/// A whole plan, ready to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlanView {
    /// The deployment.
    pub name: String,
    /// What stands behind the name in the first line: stack and version, hosts seen and in what time, bundle.
    pub about: Vec<String>,
    /// Hosts looked at.
    pub hosts: usize,
    /// Stages with something to do, in order.
    pub stages: Vec<StageView>,
    /// What the operator should know before saying yes, such as "Nobody is online: no interruption."
    pub notes: Vec<String>,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StageView {
    /// From 1.
    pub number: usize,
    /// Stages altogether, those without anything to do included.
    pub of: usize,
    /// Such as `base` or `app, one host at a time`.
    pub title: String,
    /// Hosts that go together, batch after batch.
    pub batches: Vec<Vec<HostName>>,
    /// What happens on each host.
    pub hosts: Vec<HostView>,
}

/// What happens on one host in a stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct HostView {
    /// The host.
    pub host: HostName,
    /// Its steps in order.
    pub steps: Vec<StepView>,
    /// Resources that are already right.
    pub right: usize,
}

/// What a step does, as its first character says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// `+`
    Create,
    /// `~`
    Update,
    /// `-`
    Remove,
    /// `^` restart.
    Restart,
    /// `^` reload: nothing is interrupted.
    Reload,
    /// `!` hook.
    Hook,
    /// `?` known only after earlier steps.
    Later,
}

impl Mark {
    /// The character of the transcript.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Remove => '-',
            Self::Restart | Self::Reload => '^',
            Self::Hook => '!',
            Self::Later => '?',
        }
    }
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct StepView {
    /// What it does.
    pub mark: Mark,
    /// Kind, such as `file`, or the hook's name.
    pub kind: String,
    /// Name within the kind, such as a path.
    pub name: String,
    /// A few words behind the name: what changes, or why; may be empty.
    pub summary: String,
    /// Lines below: a unified diff, or one line a package.
    pub lines: Vec<String>,
}

/// What a plan comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Totals {
    /// Resources made.
    pub create: usize,
    /// Resources changed.
    pub change: usize,
    /// Resources removed.
    pub remove: usize,
    /// Restarts.
    pub restarts: usize,
    /// Reloads, which interrupt nothing.
    pub reloads: usize,
    /// Hooks run.
    pub hooks: usize,
    /// Known only later.
    pub later: usize,
    /// Hosts with something to do.
    pub hosts: usize,
}

impl PlanView {
    /// Every step with its host.
    pub fn steps(&self) -> impl Iterator<Item = (&HostName, &StepView)> {
        let hosts = self.stages.iter().flat_map(|stage| &stage.hosts);
        hosts.flat_map(|host| host.steps.iter().map(move |step| (&host.host, step)))
    }

    /// What it comes to.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let mut hosts = std::collections::BTreeSet::new();
        for (host, step) in self.steps() {
            hosts.insert(host);
            let count = match step.mark {
                Mark::Create => &mut totals.create,
                Mark::Update => &mut totals.change,
                Mark::Remove => &mut totals.remove,
                Mark::Restart => &mut totals.restarts,
                Mark::Reload => &mut totals.reloads,
                Mark::Hook => &mut totals.hooks,
                Mark::Later => &mut totals.later,
            };
            *count += 1;
        }
        totals.hosts = hosts.len();
        totals
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }

    /// The plan for programs.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "format": 1, "plan": self, "totals": self.totals(), "changes": !self.is_empty() })
    }
}
