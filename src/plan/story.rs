//! The story of one instance: its steps in order, and whether they disturb what runs.

use super::basis::digest;
use super::members::is_member;
use super::standing::Standing;
use super::{Act, HookKind, Step, Verb};
use crate::base::{Component, HostName, ResourceId};
use crate::desired::{DesiredInstance, RenderedHook};
use crate::record::Observed;
use crate::resource::{Change, ChangeKind, Resource, Service, ServiceState};
use crate::topology::Instance;
use std::collections::{BTreeMap, BTreeSet};

/// What happens to one instance.
#[derive(Debug, Default)]
pub(super) struct Story {
    pub(super) steps: Vec<Step>,
    /// Something that runs is interrupted, or membership changes: the rollout's limit holds.
    pub(super) disturbs: bool,
    /// A member that does not run: it is mended before those that run are touched.
    pub(super) down: bool,
    /// Nothing is left but a restart that an earlier run did not come to or did not note: others, which may still run
    /// the old version and are no answer to its gate, go first.
    pub(super) last: bool,
    /// Resources already right.
    pub(super) settled: usize,
}

/// What happens around an instance.
pub(super) struct Around<'a> {
    /// Its resources that an earlier stage takes care of.
    pub(super) prepared: &'a BTreeSet<ResourceId>,
    /// The other members of its component.
    pub(super) peers: Vec<Instance>,
    /// Packages of its host that get security updates.
    pub(super) updated: BTreeSet<&'a str>,
    /// Why it is restarted although it stands as it should.
    pub(super) ill: Option<&'a String>,
}

/// Tells the story of an instance.
pub(super) fn story(it: &DesiredInstance, seen: &Observed, around: Around<'_>) -> Story {
    let mut teller = Teller {
        it,
        peers: around.peers,
        seen,
        prepared: around.prepared,
        asked: BTreeMap::new(),
        story: Story::default(),
        running_disturbed: false,
        fresh: false,
        joined: false,
        cut_off: false,
    };
    teller.owed();
    teller.updated(&around.updated);
    if let Some(because) = around.ill {
        teller.restart_all(because);
    }
    for resource in &it.resources {
        teller.resource(resource);
    }
    teller.left_over();
    teller.finish()
}

/// What a changed resource asks of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    restart: bool,
    because: String,
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something the story came past, and all may hold at once"
)]
struct Teller<'a> {
    it: &'a DesiredInstance,
    peers: Vec<Instance>,
    seen: &'a Observed,
    prepared: &'a BTreeSet<ResourceId>,
    asked: BTreeMap<String, Asked>,
    story: Story,
    running_disturbed: bool,
    /// A package of this component is new: what depends on it is known only later.
    fresh: bool,
    joined: bool,
    /// An earlier run may have moved its load away and not brought it back.
    cut_off: bool,
}

impl Teller<'_> {
    /// What a run that was cut off announced and did not come to.
    fn owed(&mut self) {
        let services = self.it.resources.iter().filter_map(|resource| match resource {
            Resource::Service(service) => Some(&service.unit),
            _ => None,
        });
        let own: BTreeSet<&String> = self.it.units.iter().chain(services).collect();
        for owed in Standing::seen(self.seen).owed.into_iter().filter(|owed| own.contains(&owed.unit)) {
            let because = "an earlier run was cut off before it".to_owned();
            self.cut_off |= owed.restart;
            self.asked.insert(owed.unit, Asked { restart: owed.restart, because });
        }
    }

    /// A package that brings a unit starts nothing again when it is updated: its component does, host by host.
    fn updated(&mut self, names: &BTreeSet<&str>) {
        let brings = |resource: &Resource| match resource {
            Resource::Package(it) => !it.masks.is_empty() && it.bare_names().any(|name| names.contains(name)),
            _ => false,
        };
        if self.it.resources.iter().any(brings) {
            self.restart_all("its packages get security updates");
        }
    }

    fn restart_all(&mut self, because: &str) {
        let asked = Asked { restart: true, because: because.to_owned() };
        self.asked.extend(self.it.units.iter().map(|unit| (unit.clone(), asked.clone())));
    }

    fn resource(&mut self, resource: &Resource) {
        if let Resource::Service(service) = resource {
            return self.service(resource, service);
        }
        let Some(change) = resource.kind().diff(self.seen) else {
            // No plan makes data, so they are no part of what is right either.
            self.story.settled += usize::from(!matches!(resource, Resource::Data(_)));
            return;
        };
        let id = resource.id();
        self.ask(resource, &change);
        if matches!(resource, Resource::Package(_)) && change.kind == ChangeKind::Create {
            self.fresh = true;
        }
        if self.prepared.contains(&id) {
            return;
        }
        let known_later = self.fresh && matches!(resource, Resource::Command(_));
        let mut step = apply_step(&self.it.instance.component, &self.it.instance.host, resource, change);
        if known_later {
            step.verb = Verb::Known;
        }
        self.story.steps.push(step);
    }

    /// Remembers which units a change asks to restart or reload.
    fn ask(&mut self, resource: &Resource, change: &Change) {
        let kind = resource.kind();
        let because = format!("{} changes", resource.id());
        let mut units: Vec<(String, bool)> =
            kind.restarts().iter().map(|unit| (unit.clone(), true)).collect();
        units.extend(kind.reloads().iter().map(|unit| (unit.clone(), false)));
        if matches!(resource, Resource::Package(_)) && change.kind == ChangeKind::Update {
            units.extend(self.it.units.iter().map(|unit| (unit.clone(), true)));
        }
        for (unit, restart) in units {
            let asked = self.asked.entry(unit).or_insert_with(|| Asked { restart, because: because.clone() });
            if restart && !asked.restart {
                *asked = Asked { restart, because: because.clone() };
            }
        }
    }

    fn service(&mut self, resource: &Resource, service: &Service) {
        self.join(service);
        let active = self.is_active(&service.unit);
        self.story.down |= !active && service.state == ServiceState::Running;
        let asked =
            self.asked.remove(&service.unit).filter(|_| active && service.state == ServiceState::Running);
        match resource.kind().diff(self.seen) {
            Some(change) => {
                self.running_disturbed |= active && service.state == ServiceState::Stopped;
                let (component, host) = (&self.it.instance.component, &self.it.instance.host);
                self.story.steps.push(apply_step(component, host, resource, change));
            }
            None if asked.is_none() => self.story.settled += 1,
            None => {}
        }
        if let Some(asked) = asked {
            self.unit_step(&service.unit, &asked);
        }
    }

    /// Puts the join hook before the component's first service, and asks for its restart when it runs already.
    fn join(&mut self, service: &Service) {
        if self.joined || self.it.hooks.join.is_empty() {
            return;
        }
        self.joined = true;
        let member = self.seen.scripts.get(&join_key(&self.it.instance.component));
        if member.is_some_and(|answer| answer.status == 0) {
            return;
        }
        let hooks = hook_steps(self.it, HookKind::Join);
        self.story.steps.extend(hooks);
        self.story.disturbs = true;
        let because = "it joins the others".to_owned();
        self.asked.insert(service.unit.clone(), Asked { restart: true, because });
    }

    fn unit_step(&mut self, unit: &str, asked: &Asked) {
        self.running_disturbed |= asked.restart;
        let (verb, word, act) = if asked.restart {
            (Verb::Restart, "restarts", Act::Restart { unit: unit.to_owned() })
        } else {
            (Verb::Reload, "reloads", Act::Reload { unit: unit.to_owned() })
        };
        self.story.steps.push(Step {
            on: self.it.instance.host.clone(),
            component: self.it.instance.component.clone(),
            verb,
            kind: "service".to_owned(),
            name: unit.to_owned(),
            summary: word.to_owned(),
            lines: Vec::new(),
            because: Some(asked.because.clone()),
            act,
            digest: String::new(),
        });
    }

    /// Units that were asked to restart and belong to no service resource of this component.
    fn left_over(&mut self) {
        for (unit, asked) in std::mem::take(&mut self.asked) {
            if self.is_active(&unit) {
                self.unit_step(&unit, &asked);
            }
        }
    }

    fn finish(mut self) -> Story {
        // Who is new is no member: it waits for those that run. A member that is down goes first, also where it joins anew.
        self.story.down &= is_member(self.it, self.seen);
        if self.story.steps.is_empty() {
            return self.story;
        }
        let restarts = |step: &Step| matches!(step.act, Act::Restart { .. } | Act::Reload { .. });
        self.story.last = self.story.steps.iter().all(restarts);
        if self.running_disturbed {
            self.story.disturbs = true;
            let asks = !self.it.hooks.health.is_empty();
            let gate = asks.then(|| gate_step(&self.it.instance, &self.peers, "disturbed")).flatten();
            let mut steps: Vec<Step> = gate.into_iter().collect();
            steps.extend(hook_steps(self.it, HookKind::Drain));
            steps.append(&mut self.story.steps);
            self.story.steps = steps;
        }
        let health = hook_steps(self.it, HookKind::Health);
        self.story.steps.extend(health);
        if self.running_disturbed || self.cut_off {
            let undrain = hook_steps(self.it, HookKind::Undrain);
            self.story.steps.extend(undrain);
        }
        self.story
    }

    fn is_active(&self, unit: &str) -> bool {
        let state = self.seen.units.get(unit).map(|state| state.active.as_str());
        matches!(state, Some("active" | "reloading" | "activating"))
    }
}

/// The step that keeps the last well instance from being disturbed.
pub(super) fn gate_step(instance: &Instance, peers: &[Instance], what: &str) -> Option<Step> {
    let others = match peers.len() {
        0 => return None,
        1 => "the other one is".to_owned(),
        more => format!("the other {more} are"),
    };
    Some(Step {
        on: instance.host.clone(),
        component: instance.component.clone(),
        verb: Verb::Hook,
        kind: "gate".to_owned(),
        name: instance.component.to_string(),
        summary: format!("{others} well, before this one is {what}"),
        lines: Vec::new(),
        because: None,
        act: Act::Gate { target: instance.clone(), peers: peers.to_vec() },
        digest: String::new(),
    })
}

/// Key of the answer that tells whether the instance has joined.
pub(super) fn join_key(component: &Component) -> String {
    format!("joined {component}")
}

/// The step that makes a resource so.
pub(super) fn apply_step(
    component: &Component,
    host: &HostName,
    resource: &Resource,
    change: Change,
) -> Step {
    let id = resource.id();
    let verb = match change.kind {
        ChangeKind::Create => Verb::Create,
        ChangeKind::Update => Verb::Update,
        ChangeKind::Remove => Verb::Remove,
    };
    Step {
        on: host.clone(),
        component: component.clone(),
        verb,
        kind: id.kind.clone(),
        name: id.name.clone(),
        summary: change.summary,
        lines: change.lines,
        because: None,
        act: Act::Apply { component: component.clone(), id },
        digest: digest(resource),
    }
}

/// The steps of a hook, one for each script.
pub(super) fn hook_steps(it: &DesiredInstance, kind: HookKind) -> Vec<Step> {
    let step = |(at, hook): (usize, &RenderedHook)| Step {
        on: hook.on.clone(),
        component: it.instance.component.clone(),
        verb: Verb::Hook,
        kind: kind.word().to_owned(),
        name: it.instance.component.to_string(),
        summary: hook.about.clone(),
        lines: Vec::new(),
        because: None,
        act: Act::Hook { hook: kind, target: it.instance.clone(), at },
        digest: digest(&hook.script),
    };
    kind.of(&it.hooks).iter().enumerate().map(step).collect()
}
