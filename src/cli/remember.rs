//! What the history keeps of a change of hosts: a line when it begins, so that a killed run shows, and one when it ended;
//! the plan and how each step ended stand in the run's folder. The hosts get a copy each time.

use super::Failure;
use super::change::Change;
use super::survey::{Aim, Survey};
use crate::base::{Event, HostName, Sink};
use crate::exec::{self, Fleet};
use crate::plan::Plan;
use crate::record::{Execution, StepResult};
use crate::state::{About, BEGAN, RunLog, State, StepCounts};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The plan that was applied, in the run's folder.
pub(super) const PLAN: &str = "plan.json";
/// How each step ended, in the run's folder.
pub(super) const EXECUTION: &str = "execution.json";
/// An operation that did everything.
pub(super) const DONE: &str = "done";
/// An operation that ended before everything was done.
const STOPPED: &str = "stopped";

impl Change<'_> {
    /// Writes down that the change begins, here and among what the hosts are given first; the line's number.
    pub(super) fn began(&self, survey: &mut Survey, log: &RunLog) -> Result<u64, Failure> {
        let plan = serde_json::to_string(&survey.plan).expect("a plan is plain data");
        log.file(PLAN, &plan)?;
        let about = self.about(survey, log);
        let what = survey.made.redactor.redact(&self.spoken());
        let number = self.road.state.record((&what, BEGAN), about, Timestamp::now())?;
        survey.made.mirror.push(self.road.state.history_file()?);
        Ok(number)
    }

    /// Writes down how it ended, here and on every host of the run.
    pub(super) async fn ended(
        &self,
        survey: &Survey,
        (number, execution, log): (u64, &Execution, &RunLog),
        (fleet, sink): (&Fleet, &Sink),
    ) -> Result<(), Failure> {
        let text = serde_json::to_string(execution).expect("what was done is plain data");
        log.file(EXECUTION, &text)?;
        let took_ms = u64::try_from(execution.took.as_millis()).unwrap_or(u64::MAX);
        let about = About {
            of: Some(number),
            steps: Some(counts(execution)),
            took_ms: Some(took_ms),
            ..self.about(survey, log)
        };
        let what = survey.made.redactor.redact(&self.spoken());
        let outcome = if execution.succeeded() { DONE } else { STOPPED };
        self.road.state.record((&what, outcome), about, Timestamp::now())?;
        // A host that has left keeps nothing of the deployment.
        let gone = |host: &HostName| {
            let destroyed = self.aim == Aim::Nothing && whole(execution, host);
            destroyed || execution.succeeded() && survey.desired.leaves(host)
        };
        spread(&self.road.state, &fleet.without(gone), sink).await
    }

    fn about(&self, survey: &Survey, log: &RunLog) -> About {
        let clean = |text: &String| survey.made.redactor.redact(text);
        About {
            reason: self.asked.reason.as_ref().map(clean),
            ticket: self.asked.ticket.as_ref().map(clean),
            run: log.folder().strip_prefix(self.road.state.folder()).ok().map(|it| it.display().to_string()),
            release: Some(format!("{} {}", survey.plan.stack, survey.plan.version)),
            hosts: touched(&survey.plan),
            ..About::default()
        }
    }

    /// The command as the history names it.
    fn spoken(&self) -> String {
        let lost = self.road.lost.iter().map(|host| format!(" --lost {host}"));
        let skipped = self.skip.into_iter().flatten().map(|skip| format!(" --skip {skip:?}"));
        lost.chain(skipped).fold(self.verb.to_owned(), |words, more| words + &more)
    }
}

/// Puts the history on hosts. One that cannot take it now gets it with its next run, so that is told and no failure.
pub(super) async fn spread(state: &State, fleet: &Fleet, sink: &Sink) -> Result<(), Failure> {
    let file = state.history_file()?;
    for (host, written) in exec::mirror(state.deployment(), fleet, &file).await {
        let texts = written.unwrap_or_else(|why| {
            vec![format!("its copy of the history is not renewed ({why}); the next run does it")]
        });
        for text in texts {
            sink.send(Event::Warning { host: Some(host.clone()), text });
        }
    }
    Ok(())
}

/// Hosts on which something happens.
fn touched(plan: &Plan) -> Vec<String> {
    let hosts: BTreeSet<String> = plan.lanes().map(|lane| lane.host.to_string()).collect();
    hosts.into_iter().collect()
}

/// Whether a host did all that was planned for it.
fn whole(execution: &Execution, host: &HostName) -> bool {
    execution.hosts.get(host).is_some_and(|it| it.done() == it.steps.len())
}

fn counts(execution: &Execution) -> StepCounts {
    let mut counts = StepCounts::default();
    for (_, result, _) in execution.hosts.values().flat_map(|host| &host.steps) {
        match result {
            StepResult::Done => counts.done += 1,
            StepResult::Failed(_) | StepResult::Drifted(_) => counts.failed += 1,
            StepResult::NotReached => counts.not_reached += 1,
        }
    }
    counts
}
