//! What a run did, host by host.

use crate::base::HostName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepResult {
    /// Done and seen to be done.
    Done,
    /// Failed; the text says why, without secrets.
    Failed(String),
    /// What was seen just before acting is not what the plan was made on.
    Drifted(String),
    /// Never begun, because something before it failed.
    NotReached,
}

/// How one host's part ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostResult {
    /// Each step of the host as the plan prints it, with its end and time, in order.
    pub steps: Vec<(String, StepResult, Duration)>,
}

impl HostResult {
    /// The first step that failed or drifted, with its number from 1 and the reason.
    pub fn failure(&self) -> Option<(usize, &str, &str)> {
        self.steps.iter().enumerate().find_map(|(at, (step, result, _))| match result {
            StepResult::Failed(why) | StepResult::Drifted(why) => Some((at + 1, step.as_str(), why.as_str())),
            StepResult::Done | StepResult::NotReached => None,
        })
    }

    /// Steps that are done.
    pub fn done(&self) -> usize {
        self.steps.iter().filter(|(_, result, _)| *result == StepResult::Done).count()
    }
}

/// How a whole run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// By host.
    pub hosts: BTreeMap<HostName, HostResult>,
    /// Wall time.
    pub took: Duration,
    /// Hosts where a change that failed was taken back, and whether they are as they were.
    pub put_back: BTreeMap<HostName, bool>,
    /// Stopped by the operator before the end.
    pub interrupted: bool,
}

impl Execution {
    /// Adds a run that followed this one.
    pub fn append(&mut self, later: Self) {
        for (host, result) in later.hosts {
            self.hosts.entry(host).or_default().steps.extend(result.steps);
        }
        self.took += later.took;
        self.put_back.extend(later.put_back);
        self.interrupted |= later.interrupted;
    }

    /// Whether every host did all its steps.
    pub fn succeeded(&self) -> bool {
        !self.interrupted
            && self
                .hosts
                .values()
                .all(|host| host.steps.iter().all(|(_, result, _)| *result == StepResult::Done))
    }
}
