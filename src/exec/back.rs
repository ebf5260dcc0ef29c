//! Putting an instance back as it was, after its change of version failed: the others serve on, and this one does again.

use super::depot::Depot;
use super::lane::{Touched, lane};
use super::look::look_at;
use super::run::Run;
use crate::base::{Event, HostName};
use crate::desired::Desired;
use crate::plan::{Act, HookKind, Lane, back, back_probes, back_untouched};
use crate::record::StepResult;
use std::time::Duration;

/// What hosts are put back to.
#[derive(Clone, Copy)]
pub struct Back<'a> {
    /// The state of the version before.
    pub desired: &'a Desired,
    /// Packages of the version before.
    pub depot: &'a dyn Depot,
}

/// What became of it.
pub(super) struct PutBack {
    pub(super) steps: Vec<(String, StepResult, Duration)>,
    pub(super) whole: bool,
}

type Results = [(String, StepResult, Duration)];

/// Puts the instance back whose step failed; none when there is nothing to put back: no change of version, the operator
/// stopped it, or nothing of the instance was touched yet.
pub(super) async fn put_back(
    run: &Run<'_>,
    failed: &Lane,
    results: &Results,
    touched: &Touched,
) -> Option<PutBack> {
    let to = run.back?;
    let at = results.iter().position(|(_, result, _)| matches!(result, StepResult::Failed(_)))?;
    let step = failed.steps.get(at)?;
    let untouched = matches!(step.act, Act::Gate { .. } | Act::Passage { .. });
    let rolls = failed.steps.iter().any(|it| {
        it.component == step.component
            && matches!(it.act, Act::Gate { .. } | Act::Restart { .. } | Act::Hook { .. })
    });
    if untouched || !rolls || (run.holds)(&failed.host).is_err() {
        return None;
    }
    let instances = &mut to.desired.instances.iter();
    let it =
        instances.find(|it| it.instance.component == step.component && it.instance.host == failed.host)?;
    let text = format!("putting {} on {} back as it was", step.component, failed.host);
    run.sink.send(Event::Note { host: Some(failed.host.clone()), text });
    let unseen = |host: &HostName, why: String| PutBack {
        steps: vec![(format!("put back {host}"), StepResult::Failed((run.redact)(&why)), Duration::ZERO)],
        whole: false,
    };
    let Some(link) = run.fleet.link(&failed.host) else {
        return Some(unseen(&failed.host, "there is no connection".to_owned()));
    };
    let seen = match look_at(link.as_ref(), &back_probes(it)).await {
        Ok(seen) => seen,
        Err(cause) => return Some(unseen(&failed.host, cause.to_string())),
    };
    let drained = matches!(step.act, Act::Hook { hook: HookKind::Drain, .. });
    let way = if drained { back_untouched(it) } else { back(it, &seen) };
    let again = Run {
        desired: to.desired,
        depot: to.depot,
        back: None,
        stop: run.stop.clone(),
        mirror: Vec::new(),
        ..*run
    };
    let steps: Vec<_> = Box::pin(lane(&again, &way, touched)).await;
    let whole = steps.iter().all(|(_, result, _)| *result == StepResult::Done);
    let steps = steps.into_iter().map(|(step, result, took)| (format!("back: {step}"), result, took));
    Some(PutBack { steps: steps.collect(), whole })
}
