//! A change of secrets on the road of every change: one plan through all its phases, read before the first begins, and run
//! phase by phase. What a phase needs stands in the vault before hosts come to it, so that whoever goes on after a kill knows.

use super::Failure;
use super::material::Made;
use super::renewal::Renewal;
use super::road::Road;
use crate::base::{Event, HostName, duration};
use crate::desired::{self, Desired, Scope};
use crate::exec::{self, Run};
use crate::facts::HostFacts;
use crate::plan::{self, Pace, Plan, Scene};
use crate::record::{Execution, HostResult, Observed, StepResult};
use crate::report::spoken;
use crate::state::{Phase, State, Vault};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The part of a plan that brings hosts to one phase, with what it is done with.
pub(super) struct Stretch {
    phase: Phase,
    /// Before it begins.
    wait: Duration,
    plan: Plan,
    desired: Desired,
    observed: BTreeMap<HostName, Observed>,
}

/// How a phase rolls: where the stack says so, hosts change at once when the new value comes into use.
pub(super) fn pace(road: &Road, made: &Made, phase: Option<Phase>) -> Pace {
    let mut pace = road.pace.clone();
    if phase == Some(Phase::Use) {
        let of = |name: &String| road.topology.stack.rotation(name).map(|(_, it)| it.together.clone());
        pace.together.extend(names(made).iter().filter_map(of).flatten());
    }
    pace
}

/// What the stages of a phase are a part of, and what they wait for.
fn part(phase: Phase, wait: Duration) -> String {
    if wait.is_zero() { phase.word().to_owned() } else { format!("after {}, {}", spoken(wait), phase.word()) }
}

fn names(made: &Made) -> Vec<String> {
    made.vault.as_ref().and_then(Vault::turning).map(|(_, names)| names).unwrap_or_default()
}

/// How long the old values are accepted after the new ones have come into use.
fn linger(road: &Road, names: &[String]) -> Duration {
    let of = |name: &String| duration(road.topology.stack.rotation(name)?.1.linger.as_deref()?).ok();
    names.iter().filter_map(of).max().unwrap_or_default()
}

/// The plan phase by phase, the first as it is; `plan` shows them all afterwards. Empty where no secret is being changed.
pub(super) fn phases(
    road: &Road,
    made: &Made,
    (scene, plan): (Scene<'_>, &mut Plan),
    facts: &BTreeMap<HostName, HostFacts>,
) -> Result<Vec<Stretch>, Failure> {
    let (Renewal::Secrets(_), Some(phase)) = (&road.renewal, made.phase) else { return Ok(Vec::new()) };
    if scene.desired.passage.as_ref().is_some_and(|passage| !passage.from.is_empty()) {
        return Err(Failure::Refused(format!(
            "hosts have not all come to {} yet, and one thing changes at a time: first  imctl upgrade -i {}",
            road.topology.version,
            road.typed()
        )));
    }
    let wait = |phase| if phase == Phase::Forget { linger(road, &names(made)) } else { Duration::ZERO };
    plan.entitle(&part(phase, wait(phase)));
    let first = Stretch {
        phase,
        wait: wait(phase),
        plan: plan.clone(),
        desired: scene.desired.clone(),
        observed: scene.observed.clone(),
    };
    let mut all = vec![first];
    for (phase, material) in &made.later {
        let before = &all[all.len() - 1];
        let desired = super::survey::of_hosts(desired::state(&road.topology, material, facts)?, &road.hosts);
        let observed = plan::foreseen(&before.desired, &before.observed);
        let pace = pace(road, made, Some(*phase));
        let now = Scene { desired: &desired, observed: &observed, pace: &pace, ..scene };
        let mut onward = plan::onward(now, &before.desired);
        onward.entitle(&part(*phase, wait(*phase)));
        plan.append(&onward);
        all.push(Stretch { phase: *phase, wait: wait(*phase), plan: onward, desired, observed });
    }
    Ok(all)
}

/// What the operator should know of a change of secrets.
pub(super) fn notes(road: &Road, made: &Made) -> Result<Vec<String>, Failure> {
    let Some(phase) = made.phase else { return Ok(Vec::new()) };
    let names = names(made);
    if !matches!(road.renewal, Renewal::Secrets(_)) {
        return Ok(vec![format!(
            "A change of {} is under way ({}); it is ended by  imctl secret rotate -i {} {}",
            names.join(", "),
            phase.word(),
            road.typed(),
            names.join(" ")
        )]);
    }
    let mut notes =
        vec![format!("New values of {}; the old ones are of no use afterwards.", names.join(", "))];
    if phase > Phase::Accept {
        notes.push(format!("An earlier run came to: {}. This one goes on from there.", phase.word()));
    }
    let Some(any) = road.topology.instances.first() else { return Ok(notes) };
    let scope = Scope::of(&road.topology, any);
    for name in &names {
        let Some((name, rotation)) = road.topology.stack.rotation(name) else { continue };
        let note = scope.text(&format!("rotation of `{name}`"), &rotation.note, &json!({}))?;
        if !note.is_empty() && !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok(notes)
}

/// Runs the phases one after the other; after the last the old values are forgotten.
pub(super) async fn run(
    base: &Run<'_>,
    phases: &[Stretch],
    (state, vault): (&State, &mut Vault),
) -> Result<Execution, Failure> {
    let mut whole = Execution::default();
    for it in phases {
        whole.interrupted |= whole.succeeded() && !waited(base, it).await;
        if !whole.succeeded() {
            whole.append(not_reached(&it.plan));
            continue;
        }
        vault.enter(it.phase);
        vault.save()?;
        base.sink.phase(it.phase.word());
        whole.append(one(base, it).await);
    }
    if whole.succeeded() {
        vault.forget_old();
        vault.save()?;
    }
    spread(base, state).await?;
    Ok(whole)
}

/// Lets what was handed out with the old values come to its end; false when the operator ends it before.
async fn waited(base: &Run<'_>, it: &Stretch) -> bool {
    if it.wait.is_zero() || it.plan.is_empty() {
        return true;
    }
    base.sink.phase(format!("waiting {} before: {}", spoken(it.wait), it.phase.word()));
    tokio::select! {
        () = tokio::time::sleep(it.wait) => true,
        () = base.stop.cancelled() => false,
    }
}

async fn one(base: &Run<'_>, it: &Stretch) -> Execution {
    let observed = plan::with_manifests(&it.observed, base.observed);
    let run = Run {
        plan: &it.plan,
        desired: &it.desired,
        observed: &observed,
        fleet: base.fleet,
        depot: base.depot,
        sink: base.sink,
        redact: base.redact,
        holds: base.holds,
        stop: base.stop.clone(),
        back: None,
        mirror: base.mirror.clone(),
    };
    exec::run(&run).await
}

/// Whatever came of it, hosts keep a copy of what opens what they hold.
async fn spread(base: &Run<'_>, state: &State) -> Result<(), Failure> {
    for file in state.mirror()? {
        for (host, written) in exec::mirror(state.deployment(), base.fleet, &file).await {
            if let Err(why) = written {
                let text = format!("its copy of the secrets is not renewed ({why}); the next run does it");
                base.sink.send(Event::Warning { host: Some(host), text });
            }
        }
    }
    Ok(())
}

fn not_reached(plan: &Plan) -> Execution {
    let mut execution = Execution::default();
    for lane in plan.lanes() {
        let steps = lane.steps.iter().map(|step| (step.line(), StepResult::NotReached, Duration::ZERO));
        let result: &mut HostResult = execution.hosts.entry(lane.host.clone()).or_default();
        result.steps.extend(steps);
    }
    execution
}
