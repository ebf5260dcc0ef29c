//! What must be true of every run, whatever went wrong.

use super::watch::Happened;
use super::world::World;
use imctl::base::HostName;
use imctl::plan::{Act, HookKind, Lane, Plan, Step};
use imctl::record::{Execution, StepResult};
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};

/// The rules of an execution that were broken.
pub(crate) fn broken(plan: &Plan, execution: &Execution, happened: &[Happened]) -> Vec<String> {
    let mut found = Vec::new();
    results(plan, execution, &mut found);
    after_loss(happened, &mut found);
    after_stop(happened, &mut found);
    found
}

/// Every step has one result, a lane ends at its first failure, nothing begins after a batch with a failure, and
/// success means that all is done.
fn results(plan: &Plan, execution: &Execution, found: &mut Vec<String>) {
    let mut rest: BTreeMap<&HostName, &[_]> =
        execution.hosts.iter().map(|(host, it)| (host, it.steps.as_slice())).collect();
    let strict = disturbs(plan);
    let mut ended = false;
    for (host, steps) in &mut rest {
        if let [(said, StepResult::Failed(_), _), others @ ..] = steps
            && said.starts_with("record what imctl puts")
        {
            ended = true;
            *steps = others;
        }
        let _ = host;
    }
    for batch in plan.stages.iter().flat_map(|stage| &stage.batches) {
        let ended_before = ended;
        for lane in &batch.lanes {
            let all = rest.remove(&lane.host).unwrap_or_default();
            let (own, others) = all.split_at(lane.steps.len().min(all.len()));
            rest.insert(&lane.host, others);
            let lines: Vec<String> = lane.steps.iter().map(imctl::plan::Step::line).collect();
            let told: Vec<&String> = own.iter().map(|(line, ..)| line).collect();
            if told != lines.iter().collect::<Vec<_>>() {
                found.push(format!("{}: the results are {told:?}, the steps {lines:?}", lane.host));
            }
            let done = own.iter().take_while(|(_, result, _)| *result == StepResult::Done).count();
            if !nothing_follows(&own[done.min(own.len())..])
                || (strict
                    && ended_before
                    && own.iter().any(|(_, result, _)| *result != StepResult::NotReached))
            {
                found.push(format!("{}: something began after a failure: {own:?}", lane.host));
            }
            ended |= done < own.len();
        }
    }
    let closing = |steps: &[(String, StepResult, _)]| {
        steps.iter().all(|(said, result, _)| {
            said.starts_with("record what stands here") && matches!(result, StepResult::Failed(_))
        })
    };
    if let Some((host, more)) = rest.into_iter().find(|(_, steps)| !closing(steps)) {
        found.push(format!("{host} has results that belong to no step: {more:?}"));
    }
    if execution.succeeded() && ended {
        found.push("a run with a failure is called a success".to_owned());
    }
}

/// Once the lease is lost only steps and records that had begun go on.
fn after_loss(happened: &[Happened], found: &mut Vec<String>) {
    let mut running = BTreeSet::new();
    let mut records = BTreeSet::new();
    let mut lost = false;
    let mut entered: Option<&HostName> = None;
    for one in happened {
        match one {
            Happened::Began(host) => entered = Some(host),
            Happened::Asked(host, true) => match entered.take() {
                Some(lane) => drop(running.insert(lane)),
                None => drop(records.insert(host)),
            },
            Happened::Asked(_, false) => lost = true,
            Happened::Ended(host) => drop(running.remove(host)),
            Happened::Act(at) => {
                if !records.remove(at) && lost && running.is_empty() {
                    found.push(format!("something was done on {at} after the lease was lost"));
                }
            }
            Happened::Stop => {}
        }
    }
}

/// After Ctrl-C no step begins.
fn after_stop(happened: &[Happened], found: &mut Vec<String>) {
    let mut rest = happened.iter().skip_while(|one| **one != Happened::Stop);
    if let Some(Happened::Began(host)) = rest.find(|one| matches!(one, Happened::Began(_))) {
        found.push(format!("a step began on {host} after Ctrl-C"));
    }
}

/// What a file holds that somebody changed after the plan was made.
pub(crate) const DRIFT: &[u8] = b"changed after the plan was made";

/// Changes one of the files that the plan writes and that nothing before it in the plan could have changed; none when there
/// is no such file.
pub(crate) fn drift(world: &World, plan: &Plan, index: Index) -> Option<(HostName, String)> {
    let harmless = ["file", "directory", "gate"];
    let mut changed: BTreeSet<&HostName> = BTreeSet::new();
    let mut files = Vec::new();
    for batch in plan.stages.iter().flat_map(|stage| &stage.batches) {
        let unexplained = |step: &&Step| !harmless.contains(&step.kind.as_str());
        let foreign = |lane: &Lane, host: &HostName| {
            lane.host != *host && lane.steps.iter().any(|step| step.on == *host)
        };
        for lane in &batch.lanes {
            let host = &lane.host;
            if changed.contains(host) || batch.lanes.iter().any(|it| foreign(it, host)) {
                continue;
            }
            let early = lane.steps.iter().take_while(|step| !(unexplained(step) && step.on == *host));
            let written = early.filter(|step| step.kind == "file" && matches!(step.act, Act::Apply { .. }));
            files.extend(written.map(|step| (host.clone(), step.name.clone())));
        }
        let steps = batch.lanes.iter().flat_map(|lane| &lane.steps);
        changed.extend(steps.filter(unexplained).map(|step| &step.on));
    }
    if files.is_empty() {
        return None;
    }
    let (host, path) = index.get(&files).clone();
    world.lock().hosts.get_mut(&host)?.put(&path, DRIFT, ("0644", "root:root"));
    Some((host, path))
}

/// Whether the plan goes batch by batch; in one that only adds, a host may be ahead of another when that one fails.
fn disturbs(plan: &Plan) -> bool {
    plan.steps().any(|step| match &step.act {
        Act::Restart { .. }
        | Act::Stop { .. }
        | Act::Reload { .. }
        | Act::Gate { .. }
        | Act::Remove { .. }
        | Act::Passage { .. } => true,
        Act::Hook { hook, .. } => !matches!(hook, HookKind::Join | HookKind::Health),
        Act::Apply { .. } | Act::Packages { .. } => false,
    })
}

/// Whether nothing was begun after the first of these, which was not done. What went in one program with it was begun
/// before a look found it wrong.
fn nothing_follows(steps: &[(String, StepResult, std::time::Duration)]) -> bool {
    // A service that was prepared and not moved stands before the one that failed.
    let prepared = |(line, result, _): &&(String, StepResult, _)| {
        *result == StepResult::NotReached && line.split(' ').nth(1) == Some("service")
    };
    let ahead = steps.iter().take_while(prepared).count();
    let steps = match steps.get(ahead) {
        Some((_, StepResult::Failed(_), _)) => &steps[ahead..],
        _ => steps,
    };
    let Some((first, others)) = steps.split_first() else { return true };
    let kinds = ["user", "directory", "file", "sysctl", "service"];
    let together = |line: &str| {
        let mut words = line.split(' ');
        matches!(words.next(), Some("+" | "~")) && words.next().is_some_and(|kind| kinds.contains(&kind))
    };
    let looked = matches!(&first.1, StepResult::Failed(why) if why.starts_with("it is still not right"));
    let with_it = |(line, result, _): &&(String, StepResult, _)| {
        looked && together(&first.0) && together(line) && *result != StepResult::NotReached
    };
    others.iter().skip_while(with_it).all(|(_, result, _)| *result == StepResult::NotReached)
}
