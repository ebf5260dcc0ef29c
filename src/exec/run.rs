//! Running a plan: every lane begins when what it waits for is done. After a failure what runs ends; nothing further
//! begins.

use super::back::{Back, PutBack, put_back};
use super::depot::Depot;
use super::flow::flow;
use super::lane::{Touched, lane};
use super::{Fleet, record};
use crate::base::{Event, HostName, Sink};
use crate::desired::Desired;
use crate::plan::{Lane, Plan};
use crate::record::{Execution, Observed, StepResult};
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
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
    /// What an instance is put back to when its change of version fails; none when versions stay.
    pub back: Option<Back<'a>>,
    /// Encrypted files mirrored on every host that is changed: name and content.
    pub mirror: Vec<(String, Vec<u8>)>,
}

impl Run<'_> {
    /// Stack and version, as hosts record it.
    pub(super) fn release(&self) -> String {
        format!("{} {}", self.plan.stack, self.plan.version)
    }

    /// Hosts that something is recorded on: those with work, and all of them when their version changes.
    fn hosts(&self) -> BTreeSet<HostName> {
        if self.desired.passage.is_some() {
            return self.plan.basis.hosts.keys().cloned().collect();
        }
        self.plan.lanes().map(|lane| lane.host.clone()).collect()
    }
}

/// Runs a plan.
pub async fn run(run: &Run<'_>) -> Execution {
    let begun = Instant::now();
    let mut execution = Execution::default();
    let touched = Touched::default();
    announce(run);
    let ready = opened(run, &mut execution).await;
    lanes(run, ready, &touched, &mut execution).await;
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
    let whole = execution.succeeded();
    for host in run.hosts() {
        let result = execution.hosts.get(&host);
        let works = run.plan.lanes().any(|lane| lane.host == host);
        let all_done = result.map_or(!works && whole, |it| it.done() == it.steps.len());
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

/// Runs the lanes, each when all that it waits for is done; unless `going`, none.
async fn lanes(run: &Run<'_>, mut going: bool, touched: &Touched, execution: &mut Execution) {
    let flow = flow(run.plan, run.desired);
    let mut waiting: BTreeSet<usize> = (0..flow.len()).collect();
    let mut done = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        if going && !run.stop.is_cancelled() {
            let ready: Vec<usize> =
                waiting.iter().filter(|at| flow[**at].1.is_subset(&done)).copied().collect();
            for at in ready {
                waiting.remove(&at);
                running.push(one(run, at, flow[at].0, touched));
            }
        }
        let Some((at, results, back)) = running.next().await else { break };
        if let Some(whole) = back {
            execution.put_back.insert(flow[at].0.host.clone(), whole);
        }
        going &= results.iter().all(|(_, result, _)| *result == StepResult::Done);
        execution.hosts.entry(flow[at].0.host.clone()).or_default().steps.extend(results);
        done.insert(at);
    }
    for at in waiting {
        let lane = flow[at].0;
        let steps = lane.steps.iter().map(|step| (step.line(), StepResult::NotReached, Duration::ZERO));
        execution.hosts.entry(lane.host.clone()).or_default().steps.extend(steps);
    }
}

/// Runs one lane, and puts back what failed where that is meant: whether it is as it was. A panic in it is that host's failure.
async fn one(
    run: &Run<'_>,
    at: usize,
    it: &Lane,
    touched: &Touched,
) -> (usize, Vec<(String, StepResult, Duration)>, Option<bool>) {
    let whole = async {
        let mut results = lane(run, it, touched).await;
        let back = put_back(run, it, &results, touched).await;
        let whole = back.as_ref().map(|back| back.whole);
        results.extend(back.into_iter().flat_map(|PutBack { steps, .. }| steps));
        (results, whole)
    };
    let ended = AssertUnwindSafe(whole).catch_unwind().await;
    let bug = || {
        let why = "a bug of imctl ended the work on this host; please report it".to_owned();
        (vec![("imctl itself".to_owned(), StepResult::Failed(why), Duration::ZERO)], None)
    };
    let (results, back) = ended.unwrap_or_else(|_| bug());
    (at, results, back)
}
