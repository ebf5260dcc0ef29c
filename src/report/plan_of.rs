//! A plan turned into what is shown of it.

use super::{HostView, Mark, PlanView, StageView, StepView};
use crate::base::HostName;
use crate::plan::{Plan, Stage, Step, Verb};

/// The view of a plan. Unless it is to be `full`, the content of new files is left out: their path and size are enough
/// to approve them, what changes in files that exist is always shown.
pub fn plan_view(plan: &Plan, full: bool) -> PlanView {
    let of = plan.stages.len();
    PlanView {
        name: plan.deployment.clone(),
        about: vec![format!("{} {}", plan.stack, plan.version)],
        hosts: plan.basis.hosts.len(),
        stages: plan
            .stages
            .iter()
            .enumerate()
            .map(|(at, stage)| stage_view(stage, (at + 1, of), full))
            .collect(),
        notes: plan.notes.clone(),
    }
}

fn stage_view(stage: &Stage, (number, of): (usize, usize), full: bool) -> StageView {
    let batches: Vec<Vec<HostName>> = stage
        .batches
        .iter()
        .map(|batch| batch.lanes.iter().map(|lane| lane.host.clone()).collect())
        .collect();
    let lanes = stage.batches.iter().flat_map(|batch| &batch.lanes);
    let hosts = lanes.map(|lane| HostView {
        host: lane.host.clone(),
        steps: lane.steps.iter().map(|step| step_view(step, &lane.host, full)).collect(),
        right: lane.settled,
    });
    StageView { number, of, title: stage.title.clone(), batches, hosts: hosts.collect() }
}

fn step_view(step: &Step, lane: &HostName, full: bool) -> StepView {
    let new_text = step.verb == Verb::Create && matches!(step.kind.as_str(), "file" | "firewall");
    let mut summary = step.summary.clone();
    if step.on != *lane {
        summary = format!("{summary} (on {})", step.on);
    }
    if let Some(because) = &step.because {
        summary = format!("{summary}, because {because}");
    }
    StepView {
        mark: match step.verb {
            Verb::Create => Mark::Create,
            Verb::Update => Mark::Update,
            Verb::Remove => Mark::Remove,
            Verb::Restart => Mark::Restart,
            Verb::Reload => Mark::Reload,
            Verb::Hook => Mark::Hook,
            Verb::Known => Mark::Later,
        },
        kind: step.kind.clone(),
        name: step.name.clone(),
        summary: summary.trim_start_matches(", ").to_owned(),
        lines: if new_text && !full { Vec::new() } else { step.lines.clone() },
    }
}
