//! A change of secrets on the road of every change: one plan through all its phases, read before the first begins, and run
//! phase by phase. What a phase needs stands in the vault before hosts come to it, so that whoever goes on after a kill knows.

use super::Failure;
use super::material::Made;
use super::renewal::Renewal;
use super::road::Road;
use crate::base::{Event, HostName};
use crate::desired::{self, Desired, Scope};
use crate::exec::{self, Run};
use crate::facts::HostFacts;
use crate::plan::{self, Pace, Plan, Scene};
use crate::record::{Execution, HostResult, Observed, StepResult};
use crate::state::{Phase, State, Vault};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

/// The part of a plan that brings hosts to one phase, with what it is done with.
pub(super) struct Stretch {
    phase: Phase,
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

fn names(made: &Made) -> Vec<String> {
    made.vault.as_ref().and_then(Vault::turning).map(|(_, names)| names).unwrap_or_default()
}

/// The plan phase by phase, the first as it is; `plan` shows them all afterwards. Empty where no secret is being changed.
pub(super) fn phases(
    road: &Road,
    made: &Made,
    (scene, plan): (Scene<'_>, &mut Plan),
    facts: &BTreeMap<HostName, HostFacts>,
) -> Result<Vec<Stretch>, Failure> {
    let (Renewal::Secrets(_), Some(phase)) = (&road.renewal, made.phase) else { return Ok(Vec::new()) };
    plan.entitle(phase.word());
    let first = Stretch {
        phase,
        plan: plan.clone(),
        desired: scene.desired.clone(),
        observed: scene.observed.clone(),
    };
    let mut all = vec![first];
    for (phase, material) in &made.later {
        let before = &all[all.len() - 1];
        let desired =
            super::survey::of_hosts(desired::state(&road.topology, material, facts)?, &road.hosts);
        let observed = plan::foreseen(&before.desired, &before.observed);
        let pace = pace(road, made, Some(*phase));
        let now = Scene { desired: &desired, observed: &observed, pace: &pace, ..scene };
        let mut onward = plan::onward(now, &before.desired);
        onward.entitle(phase.word());
        plan.append(&onward);
        all.push(Stretch { phase: *phase, plan: onward, desired, observed });
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
    let mut notes = vec![format!("New values of {}; the old ones are of no use afterwards.", names.join(", "))];
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
        if !whole.succeeded() {
            whole.append(not_reached(&it.plan));
            continue;
        }
        vault.enter(it.phase);
        vault.save()?;
        base.sink.phase(it.phase.word());
        let run = Run {
            plan: &it.plan,
            desired: &it.desired,
            observed: &it.observed,
            fleet: base.fleet,
            depot: base.depot,
            sink: base.sink,
            redact: base.redact,
            holds: base.holds,
            stop: base.stop.clone(),
            back: None,
            mirror: base.mirror.clone(),
        };
        whole.append(exec::run(&run).await);
    }
    if whole.succeeded() {
        vault.forget_old();
        vault.save()?;
    }
    // Whatever came of it, hosts keep what opens what they hold.
    for file in state.mirror()? {
        for (host, written) in exec::mirror(state.deployment(), base.fleet, &file).await {
            if let Err(why) = written {
                let text = format!("its copy of the secrets is not renewed ({why}); the next run does it");
                base.sink.send(Event::Warning { host: Some(host), text });
            }
        }
    }
    Ok(whole)
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
