//! What will change, as a value: stages, batches, lanes, steps. Pure; it knows nothing of execution or printing.
//!
//! The plan leaves the executor nothing to choose: every restart, drain, hook and wait is a step in it.

mod back;
mod basis;
mod batches;
mod build;
mod ill;
mod leaving;
mod manifest;
mod members;
mod onward;
mod passage;
mod removal;
mod roles;
mod standing;
mod story;

pub use back::{back, back_probes, back_untouched};
pub use basis::Basis;
pub use batches::batches;
pub use build::{BEFORE_KEY, Scene, install, later_probes, probes};
pub use ill::to_restart;
pub use manifest::{Kept, MANIFEST_KEY, Manifest, manifest_of, manifest_path, manifest_script};
pub use onward::{foreseen, onward, with_manifests};
pub use passage::{Pace, Part, Share, shut};
pub use removal::leftovers;
pub use roles::{keeps_data, refusals};
pub use standing::{Owed, STANDING_KEY, Standing, lease_folder, owed_folder, standing_script};

use crate::base::{Component, HostName, ResourceId};
use crate::desired::{RenderedHook, RenderedHooks};
use crate::topology::Instance;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A whole plan. Holds no secret: secret content is there as a digest only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Plan {
    /// Format of the saved file: 1.
    pub format: u32,
    /// Deployment name.
    pub deployment: String,
    /// Stack name.
    pub stack: String,
    /// Stack version.
    pub version: String,
    /// What it was made from; another basis makes it stale.
    pub basis: Basis,
    /// Stages in order.
    pub stages: Vec<Stage>,
    /// Which components need which others to stand.
    pub needs: BTreeMap<Component, BTreeSet<Component>>,
    /// Sentences the operator should read first.
    pub notes: Vec<String>,
    /// Hosts that a pause leaves at the version they have.
    #[serde(default)]
    pub later: BTreeSet<HostName>,
    /// What cannot be undone is left for later.
    #[serde(default)]
    pub open: bool,
    /// Resources that are already right, by host.
    pub settled: BTreeMap<HostName, usize>,
}

/// Part of a plan that begins when everything before it is done. In a plan that disturbs nothing a host goes on as soon as
/// what it needs stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stage {
    /// What it is about, such as `database, files`.
    pub title: String,
    /// Batches in order.
    pub batches: Vec<Batch>,
}

/// Hosts that are worked on at the same time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Batch {
    /// One lane a host.
    pub lanes: Vec<Lane>,
}

/// What happens for one host, step by step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lane {
    /// The host the lane is about.
    pub host: HostName,
    /// Steps in order; the first that fails ends the lane.
    pub steps: Vec<Step>,
    /// Resources of the lane that are already right.
    pub settled: usize,
}

/// One line of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Step {
    /// Host it runs on; a hook may run on another host than its lane's.
    pub on: HostName,
    /// Component it belongs to.
    pub component: Component,
    /// What it does.
    pub verb: Verb,
    /// Kind of the thing, such as `file`.
    pub kind: String,
    /// Name of the thing, such as a path.
    pub name: String,
    /// A few words after the name.
    pub summary: String,
    /// Lines below: a diff, packages.
    pub lines: Vec<String>,
    /// Why, where it is not plain.
    pub because: Option<String>,
    /// What the executor does.
    pub act: Act,
    /// SHA-256 over what will be put in place: changes when the content does, also where it is not shown.
    pub digest: String,
}

/// What a step does, as its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// `+`
    Create,
    /// `~`
    Update,
    /// `-`
    Remove,
    /// `^`: the service is interrupted on this host.
    Restart,
    /// `^`: the service reads its configuration again without an interruption.
    Reload,
    /// `!`
    Hook,
    /// `?`: whether something is to do is known only after earlier steps.
    Known,
}

impl Verb {
    /// The sign an operator reads.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Remove => '-',
            Self::Restart | Self::Reload => '^',
            Self::Hook => '!',
            Self::Known => '?',
        }
    }
}

/// What the executor does for a step; content comes from the desired state by these names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Make a resource of a component so.
    Apply {
        /// The component.
        component: Component,
        /// The resource.
        id: ResourceId,
    },
    /// Install several resources of kind package in one run.
    Packages {
        /// Component and resource of each.
        of: Vec<(Component, ResourceId)>,
    },
    /// Restart a unit.
    Restart {
        /// The unit.
        unit: String,
    },
    /// Stop a unit that failed, before what it runs on changes under it.
    Stop {
        /// The unit.
        unit: String,
    },
    /// Let a unit read its configuration again.
    Reload {
        /// The unit.
        unit: String,
    },
    /// Before an instance is disturbed: the others are well, or it is not well itself and nothing is lost.
    Gate {
        /// The instance that will be disturbed.
        target: Instance,
        /// The others, without those that have yet to become members.
        peers: Vec<Instance>,
    },
    /// Run a hook of an instance.
    Hook {
        /// Which hook.
        hook: HookKind,
        /// The instance it concerns.
        target: Instance,
        /// Number from 0 among the hook's scripts.
        at: usize,
    },
    /// Run a hook that comes before or after a change of version.
    Passage {
        /// Which part.
        part: Part,
        /// Number from 0 among the part's hooks.
        at: usize,
    },
    /// Take away a resource that imctl put there.
    Remove {
        /// The component it belonged to.
        component: Component,
        /// The resource.
        id: ResourceId,
    },
}

/// The hooks of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookKind {
    /// Move load away.
    Drain,
    /// Bring load back.
    Undrain,
    /// Become a member.
    Join,
    /// Prove that it is well.
    Health,
    /// Leave for good.
    Leave,
    /// The others wait no more for one whose host is dead.
    Forget,
}

impl HookKind {
    /// The word the plan prints.
    pub fn word(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Undrain => "undrain",
            Self::Join => "join",
            Self::Health => "health",
            Self::Leave => "leave",
            Self::Forget => "forget",
        }
    }

    /// The scripts of this kind.
    pub fn of(self, hooks: &RenderedHooks) -> &[RenderedHook] {
        match self {
            Self::Drain => &hooks.drain,
            Self::Undrain => &hooks.undrain,
            Self::Join => &hooks.join,
            Self::Health => &hooks.health,
            Self::Leave => &hooks.leave,
            Self::Forget => &hooks.forget,
        }
    }
}

impl Step {
    /// The step as one line: sign, kind, name, a few words.
    pub fn line(&self) -> String {
        let line = format!("{} {} {}", self.verb.sign(), self.kind, self.name);
        if self.summary.is_empty() { line } else { format!("{line} {}", self.summary) }
    }
}

impl Plan {
    /// Every lane of the plan.
    pub fn lanes(&self) -> impl Iterator<Item = &Lane> {
        self.stages.iter().flat_map(|stage| &stage.batches).flat_map(|batch| &batch.lanes)
    }

    /// Every step of the plan.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.lanes().flat_map(|lane| &lane.steps)
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }

    /// Passes every line that shows content through `clean`, which blanks secrets.
    pub fn hide(&mut self, clean: impl Fn(&str) -> String) {
        let lanes =
            self.stages.iter_mut().flat_map(|stage| &mut stage.batches).flat_map(|batch| &mut batch.lanes);
        for line in lanes.flat_map(|lane| &mut lane.steps).flat_map(|step| &mut step.lines) {
            *line = clean(line);
        }
    }
}
