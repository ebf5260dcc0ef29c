//! A change of version: what comes before the first host changes, in which order hosts follow, and what comes after the last.

use super::basis::digest;
use super::{Act, Batch, Lane, Scene, Stage, Step, Verb};
use crate::base::{Component, HostName};
use crate::desired::{Desired, DesiredPassage, RenderedHook};
use crate::record::Observed;
use crate::resource::Probe;
use crate::topology::Instance;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The component that steps of a passage belong to.
const COMPONENT: &str = "version";

/// Which part of a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Before the first host changes.
    Expand,
    /// A copy of the data, before what cannot be undone.
    Keep,
    /// After the last host has changed.
    Contract,
}

impl Part {
    /// The word the plan prints.
    pub fn word(self) -> &'static str {
        match self {
            Self::Expand => "expand",
            Self::Keep => "backup",
            Self::Contract => "contract",
        }
    }

    /// The hooks of this part.
    pub fn of(self, passage: &DesiredPassage) -> &[RenderedHook] {
        match self {
            Self::Expand => &passage.expand,
            Self::Keep => &passage.keep,
            Self::Contract => &passage.contract,
        }
    }

    fn key(self, at: usize) -> String {
        format!("passage {} {at}", self.word())
    }
}

/// How many hosts at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Count(usize),
    /// So many of a hundred, at least one.
    Percent(usize),
}

/// How the operator wants a change to roll.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace {
    /// This host changes first, alone.
    pub canary: Option<HostName>,
    /// Hosts of a component that change together; none = as the stack says.
    pub batch: Option<Share>,
    /// Ends after the canary, and before what cannot be undone.
    pub pause: bool,
    /// Instances that are restarted although they stand as they should, and why.
    pub restart: BTreeMap<Instance, String>,
    /// Components whose hosts change all at once, because those that have changed and those that have not cannot work together.
    pub together: BTreeSet<Component>,
}

impl Pace {
    /// Hosts of a component that may be away together: at least one stays, where there are several.
    pub(super) fn at_once(&self, by_stack: usize, hosts: usize) -> usize {
        let wanted = match self.batch {
            _ if by_stack == 0 => return 0,
            None => by_stack,
            Some(Share::Count(count)) => count,
            Some(Share::Percent(percent)) => hosts * percent / 100,
        };
        wanted.clamp(1, hosts.saturating_sub(1).max(1))
    }
}

/// What to look at on a host for a passage: which of its hooks have nothing to do any more.
pub(super) fn probes(passage: &DesiredPassage, host: &HostName) -> Vec<Probe> {
    let mut probes = Vec::new();
    for part in [Part::Expand, Part::Contract] {
        for (at, hook) in part.of(passage).iter().enumerate().filter(|(_, hook)| hook.on == *host) {
            let script = hook.unless.clone().unwrap_or_else(|| "false".to_owned());
            probes.push(Probe::Script { key: part.key(at), script });
        }
    }
    probes
}

/// Whether a hook of a passage has nothing to do any more.
fn is_done(observed: &BTreeMap<HostName, Observed>, hook: &RenderedHook, key: &str) -> bool {
    let answer = observed.get(&hook.on).and_then(|seen| seen.scripts.get(key));
    answer.is_some_and(|answer| answer.status == 0)
}

/// What keeps the way back shut: the first step that cannot be undone and was done; none when it is open.
pub fn shut(desired: &Desired, observed: &BTreeMap<HostName, Observed>) -> Option<String> {
    let passage = desired.passage.as_ref().filter(|passage| passage.back)?;
    let mut contracts = passage.contract.iter().enumerate();
    let done = contracts.find(|(at, hook)| is_done(observed, hook, &Part::Contract.key(*at)));
    done.map(|(_, hook)| hook.about.clone())
}

/// The stage before the first host changes.
pub(super) fn before(scene: Scene<'_>) -> Option<Stage> {
    let passage = scene.desired.passage.as_ref().filter(|passage| !passage.back)?;
    stage(scene, passage, &[Part::Expand])
}

/// The stage after the last host has changed: a copy of the data, then what cannot be undone. It comes only when all hosts
/// are planned for.
pub(super) fn after(scene: Scene<'_>) -> Option<Stage> {
    let passage = scene.desired.passage.as_ref().filter(|passage| !passage.back)?;
    let all = scene.topology.hosts.iter().map(|place| &place.name);
    let whole =
        all.filter(|host| !scene.topology.lost.contains(*host)).all(|host| scene.observed.contains_key(host));
    let open = open(scene, passage, Part::Contract);
    if !whole || scene.pace.pause || open.is_empty() {
        return None;
    }
    stage(scene, passage, &[Part::Keep, Part::Contract])
}

/// Hooks of a part that have something to do, with their numbers.
fn open<'a>(scene: Scene<'a>, passage: &'a DesiredPassage, part: Part) -> Vec<(usize, &'a RenderedHook)> {
    let hooks = part.of(passage).iter().enumerate();
    hooks.filter(|(at, hook)| !is_done(scene.observed, hook, &part.key(*at))).collect()
}

fn stage(scene: Scene<'_>, passage: &DesiredPassage, parts: &[Part]) -> Option<Stage> {
    let mut batches = Vec::new();
    for part in parts {
        for (at, hook) in open(scene, passage, *part) {
            if !scene.observed.contains_key(&hook.on) {
                continue;
            }
            let lane =
                Lane { host: hook.on.clone(), steps: vec![step(scene, *part, (at, hook))], settled: 0 };
            batches.push(Batch { lanes: vec![lane] });
        }
    }
    let words: Vec<&str> = parts.iter().map(|part| part.word()).collect();
    (!batches.is_empty()).then(|| Stage { title: words.join(", "), batches })
}

fn step(scene: Scene<'_>, part: Part, (at, hook): (usize, &RenderedHook)) -> Step {
    let because = match part {
        Part::Expand => "both versions run for a while",
        Part::Keep => "the next step cannot be undone",
        Part::Contract => "all hosts have the new version; there is no way back afterwards but the backup",
    };
    Step {
        on: hook.on.clone(),
        component: Component::new(COMPONENT).expect("a plain word is a name"),
        verb: Verb::Hook,
        kind: part.word().to_owned(),
        name: scene.topology.version.clone(),
        summary: hook.about.clone(),
        lines: Vec::new(),
        because: Some(because.to_owned()),
        act: Act::Passage { part, at },
        digest: digest(&hook.script),
    }
}

/// With a canary that has work and a pause behind it, nothing but what comes before and the canary is left; and who is left for
/// later.
pub(super) fn paused(scene: Scene<'_>, stages: Vec<Stage>) -> (Vec<Stage>, BTreeSet<HostName>) {
    let none = BTreeSet::new();
    let Some(canary) = scene.pace.canary.as_ref().filter(|_| scene.pace.pause) else { return (stages, none) };
    let keeps = |lane: &Lane| {
        lane.host == *canary || lane.steps.iter().all(|step| matches!(step.act, Act::Passage { .. }))
    };
    let works = |stage: &Stage| {
        let mut lanes = stage.batches.iter().flat_map(|batch| &batch.lanes);
        lanes.any(|lane| lane.host == *canary)
    };
    if !stages.iter().any(works) {
        return (stages, none);
    }
    let cut = stages.into_iter().filter_map(|mut stage| {
        for batch in &mut stage.batches {
            batch.lanes.retain(&keeps);
        }
        stage.batches.retain(|batch| !batch.lanes.is_empty());
        (!stage.batches.is_empty()).then_some(stage)
    });
    let later = scene.observed.keys().filter(|host| *host != canary).cloned();
    (cut.collect(), later.collect())
}

/// Whether what cannot be undone is left for later.
pub(super) fn is_open(scene: Scene<'_>) -> bool {
    let passage = scene.desired.passage.as_ref().filter(|passage| !passage.back);
    passage.is_some_and(|passage| scene.pace.pause && !open(scene, passage, Part::Contract).is_empty())
}

/// What the operator should know of a change of version before anything happens.
pub(super) fn notes(scene: Scene<'_>) -> Vec<String> {
    let Some(passage) = &scene.desired.passage else { return Vec::new() };
    let from: Vec<&str> = passage.from.iter().map(String::as_str).collect();
    let mut notes = Vec::new();
    if !from.is_empty() {
        notes.push(format!(
            "Hosts go from {} {} to {}, host by host; one that does not get well is put back as it was.",
            scene.topology.stack.file.name,
            from.join(" and "),
            scene.topology.version
        ));
    }
    if !passage.back && !open(scene, passage, Part::Contract).is_empty() {
        notes.push(if scene.pace.pause {
            "What cannot be undone is left out; the same command without --pause does it.".to_owned()
        } else {
            "The last stage cannot be undone; with --pause it is left out, and the way back stays open."
                .to_owned()
        });
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_of_several_always_stays() {
        let pace = |batch| Pace { batch, ..Pace::default() };
        assert_eq!(pace(None).at_once(1, 3), 1);
        assert_eq!(pace(None).at_once(0, 3), 0);
        assert_eq!(pace(Some(Share::Count(9))).at_once(1, 3), 2);
        assert_eq!(pace(Some(Share::Percent(50))).at_once(1, 5), 2);
        assert_eq!(pace(Some(Share::Percent(10))).at_once(1, 3), 1);
        assert_eq!(pace(Some(Share::Count(2))).at_once(1, 1), 1);
    }
}
