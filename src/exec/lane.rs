//! One lane: its steps in order, each looked at before and after. The first that fails ends the lane.

use super::act::{Site, act};
use super::look::look_at;
use super::record;
use super::run::Run;
use super::view::{is_still_there, same};
use crate::base::{Component, Event, HostName, ResourceId};
use crate::desired::{DesiredInstance, RenderedHook};
use crate::plan::{Act, HookKind, Lane, Step, Verb, leftovers};
use crate::record::{Observed, StepResult};
use crate::resource::{Action, Package, Probe, Resource};
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
    fn note(&mut self, host: &HostName, plain: bool) {
        self.any.insert(host.clone());
        if !plain {
            self.beyond.insert(host.clone());
        }
    }

    /// Whether what a resource of this kind looks at may have changed by this run's own doing.
    fn explain(&self, host: &HostName, kind: &str) -> bool {
        if PLAIN.contains(&kind) { self.beyond.contains(host) } else { self.any.contains(host) }
    }
}

/// How a step ended before it became a result.
enum End {
    Done,
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
    for (at, step) in lane.steps.iter().enumerate() {
        let said = step.line();
        if !going || run.stop.is_cancelled() {
            going = false;
            results.push((said, StepResult::NotReached, Duration::ZERO));
            continue;
        }
        let begun = Instant::now();
        run.sink.send(Event::StepStarted { host: lane.host.clone(), step: said.clone() });
        let mut end = converge(run, (step, lane.steps.get(at + 1)), &mut ahead, touched).await;
        if matches!(end, End::Done)
            && let Err(why) = record::settle(run, lane, at).await
        {
            end = End::Failed(why);
        }
        let took = begun.elapsed();
        let (host, step) = (lane.host.clone(), said.clone());
        let result = match end {
            End::Done => {
                run.sink.send(Event::StepDone { host, step, took });
                StepResult::Done
            }
            End::Failed(why) => {
                let why = (run.redact)(&why);
                run.sink.send(Event::StepFailed { host, step, error: why.clone() });
                StepResult::Failed(why)
            }
            End::Drifted(why) => {
                run.sink.send(Event::StepFailed { host, step, error: why.clone() });
                StepResult::Drifted(why)
            }
        };
        going = result == StepResult::Done;
        results.push((said, result, took));
    }
    results
}

/// Runs a step. The look after it also looks at what the next step is about, and is that step's look before.
async fn converge(
    run: &Run<'_>,
    (step, next): (&Step, Option<&Step>),
    ahead: &mut Option<Observed>,
    touched: &Touched,
) -> End {
    let before = ahead.take();
    let Some(link) = run.fleet.link(&step.on) else {
        return End::Failed(format!("there is no connection to `{}`", step.on));
    };
    if let Err(why) = (run.holds)(&step.on) {
        return End::Failed(why);
    }
    let site = Site { host: &step.on, link: link.as_ref(), depot: run.depot };
    let plain = PLAIN.contains(&step.kind.as_str());
    let end = match &step.act {
        Act::Apply { component, id } => match find(run, component, &step.on, id) {
            Some(resource) => {
                let looks = Looks { before, next: probes_of(run, step, next), ahead };
                apply(run, site, (step, resource), looks, touched).await
            }
            None => End::Failed(format!("{id} is not part of what is wanted")),
        },
        Act::Packages { of } => packages(run, site, of).await,
        Act::Restart { unit } => unit_verb(run, site, unit, "restart").await,
        Act::Reload { unit } => unit_verb(run, site, unit, "reload").await,
        Act::Gate { target, peers } => gate(run, target, peers).await,
        Act::Hook { hook, target, at } => match find_hook(run, *hook, target, *at) {
            Some(hook) => run_hook(site.link, hook).await,
            None => End::Failed(format!("the hook {} is not part of what is wanted", hook.word())),
        },
        Act::Remove { component, id } => remove(run, site, component, id).await,
    };
    // A gate asks and changes nothing.
    if !matches!(step.act, Act::Gate { .. }) {
        touched.lock().expect("no holder of this lock panics").note(&step.on, plain);
    }
    end
}

fn find<'a>(run: &Run<'a>, component: &Component, host: &HostName, id: &ResourceId) -> Option<&'a Resource> {
    let mut instances = run.desired.instances.iter();
    let it = instances.find(|it| it.instance.component == *component && it.instance.host == *host)?;
    it.resources.iter().find(|resource| resource.id() == *id)
}

fn find_hook<'a>(run: &Run<'a>, kind: HookKind, target: &Instance, at: usize) -> Option<&'a RenderedHook> {
    let mut instances = run.desired.instances.iter();
    let it: &DesiredInstance = instances.find(|it| it.instance == *target)?;
    let hooks = match kind {
        HookKind::Drain => &it.hooks.drain,
        HookKind::Undrain => &it.hooks.undrain,
        HookKind::Join => &it.hooks.join,
        HookKind::Health => &it.hooks.health,
        HookKind::Leave => &it.hooks.leave,
    };
    hooks.get(at)
}

/// What an earlier look saw for a step, and what its own last look is to see for the next.
struct Looks<'a> {
    before: Option<Observed>,
    next: Vec<Probe>,
    ahead: &'a mut Option<Observed>,
}

/// What the next step looks at, when it is about a resource of the same host.
fn probes_of(run: &Run<'_>, step: &Step, next: Option<&Step>) -> Vec<Probe> {
    let resource = next.filter(|next| next.on == step.on).and_then(|next| match &next.act {
        Act::Apply { component, id } => find(run, component, &next.on, id),
        _ => None,
    });
    resource.map(|resource| resource.kind().probes()).unwrap_or_default()
}

async fn apply(
    run: &Run<'_>,
    site: Site<'_>,
    (step, resource): (&Step, &Resource),
    looks: Looks<'_>,
    touched: &Touched,
) -> End {
    let kind = resource.kind();
    let mut probes = kind.probes();
    let seen = match looks.before {
        Some(seen) => seen,
        None => match look_at(site.link, &probes).await {
            Ok(seen) => seen,
            Err(cause) => return End::Failed(cause.to_string()),
        },
    };
    let own_doing = touched.lock().expect("no holder of this lock panics").explain(site.host, &step.kind);
    if let Some(planned) = run.observed.get(site.host)
        && !own_doing
        && step.verb != Verb::Known
        && !same(&probes, planned, &seen)
    {
        return End::Drifted(format!("{} changed on the host since the plan was made", resource.id()));
    }
    if kind.diff(&seen).is_none() {
        return End::Done;
    }
    if let Err(why) = acts(site, &kind.actions(&seen)).await {
        return End::Failed(why);
    }
    let looks_ahead = !looks.next.is_empty();
    probes.extend(looks.next);
    let (end, seen) = agrees(site.link, resource, &probes).await;
    *looks.ahead = seen.filter(|_| looks_ahead);
    end
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
    let mut whole = Package { names: Vec::new(), masks: Vec::new(), when: None };
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
