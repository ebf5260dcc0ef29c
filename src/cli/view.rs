//! A plan turned into what `report` shows of it.

use super::road::Road;
use super::survey::Survey;
use crate::base::HostName;
use crate::plan::{Plan, Stage, Step, Verb};
use crate::report::{HostView, Mark, PlanView, StageView, StepView, counted, spoken};

/// The view of a plan.
pub(super) fn plan_view(plan: &Plan) -> PlanView {
    let of = plan.stages.len();
    PlanView {
        name: plan.deployment.clone(),
        about: vec![format!("{} {}", plan.stack, plan.version)],
        hosts: plan.basis.hosts.len(),
        stages: plan.stages.iter().enumerate().map(|(at, stage)| stage_view(stage, at + 1, of)).collect(),
        notes: plan.notes.clone(),
    }
}

/// The view of a plan just made, with what it was made on.
pub(super) fn survey_view(road: &Road, survey: &Survey) -> PlanView {
    let mut view = plan_view(&survey.plan);
    view.about.push(format!("{} seen in {}", counted(view.hosts, "host"), spoken(survey.took)));
    if let Some(bundle) = &road.bundle {
        view.about.push(format!("bundle {} signed by {}", bundle.dir().display(), bundle.signer()));
    }
    view
}

fn stage_view(stage: &Stage, number: usize, of: usize) -> StageView {
    let batches: Vec<Vec<HostName>> = stage
        .batches
        .iter()
        .map(|batch| batch.lanes.iter().map(|lane| lane.host.clone()).collect())
        .collect();
    let lanes = stage.batches.iter().flat_map(|batch| &batch.lanes);
    let hosts = lanes.map(|lane| HostView {
        host: lane.host.clone(),
        steps: lane.steps.iter().map(|step| step_view(step, &lane.host)).collect(),
        right: lane.settled,
    });
    StageView { number, of, title: stage.title.clone(), batches, hosts: hosts.collect() }
}

fn step_view(step: &Step, lane: &HostName) -> StepView {
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
            Verb::Restart | Verb::Reload => Mark::Restart,
            Verb::Hook => Mark::Hook,
            Verb::Known => Mark::Later,
        },
        kind: step.kind.clone(),
        name: step.name.clone(),
        summary: summary.trim_start_matches(", ").to_owned(),
        lines: step.lines.clone(),
    }
}
