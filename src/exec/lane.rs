//! One lane: its steps in order, each looked at before and after. The first that fails ends the lane.

use super::act::{Site, act};
use super::look::look_at;
use super::record;
use super::run::Run;
use super::stretch::{self, Looks, stretch};
use super::view::is_still_there;
use crate::base::{Component, Event, HostName, ResourceId};
use crate::desired::{DesiredInstance, RenderedHook};
use crate::plan::{Act, HookKind, Lane, Step, leftovers};
use crate::record::{Observed, StepResult};
use crate::resource::{Action, Package, Probe, Purge, Resource};
use crate::topology::Instance;
use crate::transport::{Exec, Session};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Kinds whose effect is themselves alone: what a file or a user is depends on nothing else that imctl does. A unit's
/// state or a check's answer may follow from any step before.
const PLAIN: [&str; 5] = ["file", "directory", "user", "sysctl", "artifact"];

/// What this run did on hosts so far: where something changed that the plan was made on, no drift can be told.
#[derive(Default)]
pub(super) struct Traces {
    any: BTreeSet<HostName>,
    beyond: BTreeSet<HostName>,
}

/// Shared by the lanes of a run.
pub(super) type Touched = Mutex<Traces>;

impl Traces {
    pub(super) fn note(&mut self, host: &HostName, kind: &str) {
        self.any.insert(host.clone());
        if !PLAIN.contains(&kind) {
            self.beyond.insert(host.clone());
        }
    }

    /// Whether what a resource of this kind looks at may have changed by this run's own doing.
    pub(super) fn explain(&self, host: &HostName, kind: &str) -> bool {
        if PLAIN.contains(&kind) { self.beyond.contains(host) } else { self.any.contains(host) }
    }
}

/// How a step ended before it became a result.
pub(super) enum End {
    Done,
    /// Acted, and nobody looked yet whether it is right.
    Acted,
    NotReached,
    Failed(String),
    Drifted(String),
}

/// Runs a lane to its end or its first failure; every step gets a result.
pub(super) async fn lane(
    run: &Run<'_>,
    lane: &Lane,
    touched: &Touched,
) -> Vec<(String, StepResult, Duration)> {
    let mut results = Vec::new();
    let mut going = true;
    let mut ahead = None;
    while let Some(step) = lane.steps.get(results.len()) {
        if !going || run.stop.is_cancelled() {
            going = false;
            results.push((step.line(), StepResult::NotReached, Duration::ZERO));
            continue;
        }
        for (end, took) in front(run, lane, results.len(), &mut ahead, touched).await {
            let said = lane.steps[results.len()].line();
            let result = tell(run, &lane.host, &said, end, took);
            going &= result == StepResult::Done;
            results.push((said, result, took));
        }
    }
    results
}

/// Says how a step ended.
fn tell(run: &Run<'_>, host: &HostName, step: &str, end: End, took: Duration) -> StepResult {
    let (host, step) = (host.clone(), step.to_owned());
    match end {
        End::Done | End::Acted => {
            run.sink.send(Event::StepDone { host, step, took });
            StepResult::Done
        }
        End::NotReached => StepResult::NotReached,
        End::Failed(why) => {
            let why = (run.redact)(&why);
            run.sink.send(Event::StepFailed { host, step, error: why.clone() });
            StepResult::Failed(why)
        }
        End::Drifted(why) => {
            run.sink.send(Event::StepFailed { host, step, error: why.clone() });
            StepResult::Drifted(why)
        }
    }
}

/// Runs the step at this place, with those after it that make one stretch with it. The look after it also looks at what
/// comes next, and is the look before that.
async fn front(
    run: &Run<'_>,
    lane: &Lane,
    at: usize,
    ahead: &mut Option<Observed>,
    touched: &Touched,
) -> Vec<(End, Duration)> {
    let step = &lane.steps[at];
    let items = stretch(run, &lane.steps[at..]);
    for step in &lane.steps[at..at + items.len().max(1)] {
        run.sink.send(Event::StepStarted { host: lane.host.clone(), step: step.line() });
    }
    let begun = Instant::now();
    let failed = |why| vec![(End::Failed(why), Duration::ZERO)];
    let before = ahead.take();
    let Some(link) = run.fleet.link(&step.on) else {
        return failed(format!("there is no connection to `{}`", step.on));
    };
    if let Err(why) = (run.holds)(&step.on) {
        return failed(why);
    }
    let site = Site { host: &step.on, link: link.as_ref(), depot: run.depot };
    if !items.is_empty() {
        let rest = &lane.steps[at + items.len()..];
        let next =
            if rest.first().is_some_and(|next| next.on == step.on) { stretch(run, rest) } else { Vec::new() };
        let looks = Looks { before, next: stretch::probes(&next), ahead };
        return stretch::apply(run, site, &items, looks, touched).await;
    }
    let mut end = converge(run, site, step).await;
    // A gate asks and changes nothing.
    if !matches!(step.act, Act::Gate { .. }) {
        touched.lock().expect("no holder of this lock panics").note(&step.on, &step.kind);
    }
    if matches!(end, End::Done)
        && let Err(why) = record::settle(run, lane, at).await
    {
        end = End::Failed(why);
    }
    vec![(end, begun.elapsed())]
}

/// Runs a step that is not about a resource alone.
async fn converge(run: &Run<'_>, site: Site<'_>, step: &Step) -> End {
    match &step.act {
        Act::Apply { id, .. } => End::Failed(format!("{id} is not part of what is wanted")),
        Act::Packages { of } => packages(run, site, of).await,
        Act::Restart { unit } => unit_verb(run, site, unit, "restart").await,
        Act::Stop { unit } => unit_verb(run, site, unit, "stop").await,
        Act::Reload { unit } => unit_verb(run, site, unit, "reload").await,
        Act::Gate { target, peers } => gate(run, target, peers).await,
        Act::Hook { hook, target, at } => match find_hook(run, *hook, target, *at) {
            Some(hook) => run_hook(site.link, hook).await,
            None => End::Failed(format!("the hook {} is not part of what is wanted", hook.word())),
        },
        Act::Passage { part, at } => match run.desired.passage.as_ref().and_then(|it| part.of(it).get(*at)) {
            Some(hook) => run_hook(site.link, hook).await,
            None => End::Failed(format!("the step {} is not part of what is wanted", part.word())),
        },
        Act::Remove { component, id } => remove(run, site, component, id).await,
    }
}

pub(super) fn find<'a>(
    run: &Run<'a>,
    component: &Component,
    host: &HostName,
    id: &ResourceId,
) -> Option<&'a Resource> {
    let mut instances = run.desired.instances.iter();
    let it = instances.find(|it| it.instance.component == *component && it.instance.host == *host)?;
    it.resources.iter().find(|resource| resource.id() == *id)
}

fn find_hook<'a>(run: &Run<'a>, kind: HookKind, target: &Instance, at: usize) -> Option<&'a RenderedHook> {
    let leaves = matches!(kind, HookKind::Leave | HookKind::Forget);
    let mut leaving = run.desired.leaving.iter();
    let it: &DesiredInstance = match leaving.find(|it| it.instance == *target) {
        Some(it) => it,
        None if leaves => return None,
        None => run.desired.instances.iter().find(|it| it.instance == *target)?,
    };
    kind.of(&it.hooks).get(at)
}

async fn acts(site: Site<'_>, actions: &[Action]) -> Result<(), String> {
    for action in actions {
        act(site, action).await?;
    }
    Ok(())
}

/// Looks once more: what is still different has failed.
async fn agrees(link: &dyn Session, resource: &Resource, probes: &[Probe]) -> (End, Option<Observed>) {
    match look_at(link, probes).await {
        Ok(seen) => match resource.kind().diff(&seen) {
            None => (End::Done, Some(seen)),
            Some(change) => {
                let why = format!("it is still not right after the change: {}", change.summary);
                (End::Failed(why), None)
            }
        },
        Err(cause) => (End::Failed(cause.to_string()), None),
    }
}

/// Installs the packages of several resources in one run.
async fn packages(run: &Run<'_>, site: Site<'_>, of: &[(Component, ResourceId)]) -> End {
    let mut whole = Package { names: Vec::new(), masks: Vec::new(), when: None, purge: Purge::Named };
    for (component, id) in of {
        let Some(Resource::Package(package)) = find(run, component, site.host, id) else {
            return End::Failed(format!("{id} is not part of what is wanted"));
        };
        whole.names.extend(package.names.iter().cloned());
        whole.masks.extend(package.masks.iter().cloned());
    }
    whole.names.sort();
    whole.names.dedup();
    let resource = Resource::Package(whole);
    let probes = resource.kind().probes();
    let seen = match look_at(site.link, &probes).await {
        Ok(seen) => seen,
        Err(cause) => return End::Failed(cause.to_string()),
    };
    if resource.kind().diff(&seen).is_none() {
        return End::Done;
    }
    match acts(site, &resource.kind().actions(&seen)).await {
        Ok(()) => agrees(site.link, &resource, &probes).await.0,
        Err(why) => End::Failed(why),
    }
}

async fn unit_verb(run: &Run<'_>, site: Site<'_>, unit: &str, verb: &str) -> End {
    let mut resources = run.desired.on(site.host).flat_map(|it| &it.resources);
    let service = resources.find_map(|resource| match resource {
        Resource::Service(service) if service.unit == unit => Some(service),
        _ => None,
    });
    let action = match service {
        Some(service) => service.act(verb),
        None => Action::run(crate::base::Cmd::new("systemctl").arg(verb).arg(unit).to_string()),
    };
    let action = if verb == "reload" { record::paid(action, &run.plan.deployment, unit) } else { action };
    match act(site, &action).await {
        Ok(()) => End::Done,
        Err(why) => End::Failed(why),
    }
}

/// Runs a hook's script again each second until it succeeds or its time is over.
async fn run_hook(link: &dyn Session, hook: &RenderedHook) -> End {
    let begun = Instant::now();
    if let Some(unless) = &hook.unless {
        match link.exec(Exec::new(unless.clone(), hook.within)).await {
            Ok(output) if output.status == 0 => return End::Done,
            Ok(_) => {}
            Err(cause) => return End::Failed(cause.to_string()),
        }
    }
    loop {
        let left = hook.within.saturating_sub(begun.elapsed()).max(Duration::from_secs(1));
        let said = match link.exec(Exec::new(hook.script.clone(), left)).await {
            Ok(output) if output.status == 0 => return End::Done,
            Ok(output) => output.text(),
            Err(cause) => cause.to_string(),
        };
        if begun.elapsed() + Duration::from_secs(1) >= hook.within {
            return End::Failed(format!("{} did not succeed within {:?}: {said}", hook.about, hook.within));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Lets an instance be disturbed when the others are well, or when it is not well itself.
async fn gate(run: &Run<'_>, target: &Instance, peers: &[Instance]) -> End {
    let own = run.desired.instances.iter().filter(|it| it.instance == *target);
    let others = run.desired.instances.iter().filter(|it| peers.contains(&it.instance));
    for hook in own.flat_map(|it| &it.hooks.health) {
        let Some(link) = run.fleet.link(&hook.on) else { continue };
        let once = link.exec(Exec::new(hook.script.clone(), hook.within)).await;
        if once.map_or(true, |output| output.status != 0) {
            return End::Done;
        }
    }
    for hook in others.flat_map(|it| &it.hooks.health) {
        let Some(link) = run.fleet.link(&hook.on) else { continue };
        if let End::Failed(why) = run_hook(link.as_ref(), hook).await {
            return End::Failed(format!("`{}` is not well, so this one stays as it is: {why}", hook.on));
        }
    }
    End::Done
}

async fn remove(run: &Run<'_>, site: Site<'_>, component: &Component, id: &ResourceId) -> End {
    let seen = run.observed.get(site.host).cloned().unwrap_or_default();
    let leftovers = leftovers(site.host, run.desired, &seen);
    let kept = leftovers.iter().find(|kept| kept.component == *component && kept.resource.id() == *id);
    let Some(kept) = kept else { return End::Failed(format!("{id} is not in the host's manifest")) };
    let held: Vec<&Resource> = run.desired.on(site.host).flat_map(|it| &it.resources).collect();
    let Some(left) = kept.resource.remainder(&held) else { return End::Done };
    let kind = left.kind();
    let seen = match look_at(site.link, &kind.probes()).await {
        Ok(seen) => seen,
        Err(cause) => return End::Failed(cause.to_string()),
    };
    if let Err(why) = acts(site, &kind.removal(&seen)).await {
        return End::Failed(why);
    }
    match look_at(site.link, &kind.probes()).await {
        Ok(seen) if is_still_there(&left, &seen) => {
            End::Failed("it is still there after it was taken away".to_owned())
        }
        Ok(_) => End::Done,
        Err(cause) => End::Failed(cause.to_string()),
    }
}
