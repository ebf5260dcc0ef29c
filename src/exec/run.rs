//! Running a plan: stages and batches in order, a batch's lanes together. A batch with a failure ends; nothing further
//! begins.

use super::depot::Depot;
use super::lane::{Touched, lane};
use super::{Fleet, record};
use crate::base::{Event, HostName, Sink};
use crate::desired::Desired;
use crate::plan::{Batch, Plan};
use crate::record::{Execution, Observed, StepResult};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Everything a run needs.
pub struct Run<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// What it is done with.
    pub desired: &'a Desired,
    /// What the plan was made on.
    pub observed: &'a BTreeMap<HostName, Observed>,
    /// Connections.
    pub fleet: &'a Fleet,
    /// Packages and artifacts.
    pub depot: &'a dyn Depot,
    /// Where events go.
    pub sink: &'a Sink,
    /// Blanks secrets in what hosts said.
    pub redact: &'a (dyn Fn(&str) -> String + Send + Sync),
    /// Whether a step may begin on a host: the lease still holds there. `Err` says why not.
    pub holds: &'a (dyn Fn(&HostName) -> Result<(), String> + Send + Sync),
    /// Cancelled: running steps finish, nothing further begins.
    pub stop: CancellationToken,
    /// Encrypted files mirrored on every host that is changed: name and content.
    pub mirror: Vec<(String, Vec<u8>)>,
}

impl Run<'_> {
    /// Stack and version, as hosts record it.
    pub(super) fn release(&self) -> String {
        format!("{} {}", self.plan.stack, self.plan.version)
    }

    fn hosts(&self) -> BTreeSet<HostName> {
        self.plan.lanes().map(|lane| lane.host.clone()).collect()
    }
}

/// Runs a plan.
pub async fn run(run: &Run<'_>) -> Execution {
    let begun = Instant::now();
    let mut execution = Execution::default();
    let touched = Touched::default();
    announce(run);
    let mut failed = !opened(run, &mut execution).await;
    for batch in run.plan.stages.iter().flat_map(|stage| &stage.batches) {
        if failed || run.stop.is_cancelled() {
            not_reached(batch, &mut execution);
            continue;
        }
        failed = !one_batch(run, batch, &touched, &mut execution).await;
    }
    closed(run, &mut execution).await;
    execution.interrupted = run.stop.is_cancelled();
    execution.took = begun.elapsed();
    execution
}

fn announce(run: &Run<'_>) {
    let mut steps: BTreeMap<HostName, usize> = BTreeMap::new();
    for lane in run.plan.lanes() {
        *steps.entry(lane.host.clone()).or_default() += lane.steps.len();
    }
    for (host, steps) in steps {
        run.sink.send(Event::Planned { host, steps });
    }
}

/// Records on every host what is about to be put there. False when a host could not be written to.
async fn opened(run: &Run<'_>, execution: &mut Execution) -> bool {
    let hosts = run.hosts();
    let written = join_all(hosts.iter().map(|host| async move { (host, opened_one(run, host).await) })).await;
    let mut all = true;
    for (host, result) in written {
        if let Err(why) = result {
            all = false;
            fail(run, execution, (host, "record what imctl puts here", &why));
        }
    }
    all
}

async fn opened_one(run: &Run<'_>, host: &HostName) -> Result<(), String> {
    (run.holds)(host)?;
    record::open(run, host).await
}

/// Records on every host that did all its steps what stands there now.
async fn closed(run: &Run<'_>, execution: &mut Execution) {
    for host in run.hosts() {
        let all_done = execution.hosts.get(&host).is_some_and(|it| it.done() == it.steps.len());
        if !all_done {
            continue;
        }
        let closed = match (run.holds)(&host) {
            Ok(()) => record::close(run, &host).await,
            Err(why) => Err(why),
        };
        match closed {
            Ok(()) => run.sink.send(Event::HostDone { host }),
            Err(why) => fail(run, execution, (&host, "record what stands here", &why)),
        }
    }
}

fn fail(run: &Run<'_>, execution: &mut Execution, (host, step, why): (&HostName, &str, &str)) {
    let why = (run.redact)(why);
    run.sink.send(Event::StepFailed { host: host.clone(), step: step.to_owned(), error: why.clone() });
    let result = (step.to_owned(), StepResult::Failed(why), Duration::ZERO);
    execution.hosts.entry(host.clone()).or_default().steps.push(result);
}

fn not_reached(batch: &Batch, execution: &mut Execution) {
    for lane in &batch.lanes {
        let steps = lane.steps.iter().map(|step| (step.line(), StepResult::NotReached, Duration::ZERO));
        execution.hosts.entry(lane.host.clone()).or_default().steps.extend(steps);
    }
}

/// Runs a batch's lanes together. A panic in one lane is that host's failure.
async fn one_batch(run: &Run<'_>, batch: &Batch, touched: &Touched, execution: &mut Execution) -> bool {
    let lanes = batch.lanes.iter().map(|it| async move {
        let result = AssertUnwindSafe(lane(run, it, touched)).catch_unwind().await;
        let bug = || {
            vec![(
                "imctl itself".to_owned(),
                StepResult::Failed("a bug of imctl ended the work on this host; please report it".to_owned()),
                Duration::ZERO,
            )]
        };
        (it.host.clone(), result.unwrap_or_else(|_| bug()))
    });
    let mut all = true;
    for (host, results) in join_all(lanes).await {
        all &= results.iter().all(|(_, result, _)| *result == StepResult::Done);
        execution.hosts.entry(host).or_default().steps.extend(results);
    }
    all
}
