//! A change of hosts, the same road for every verb: look, plan, ask, take the lease, look whether the plan is still true,
//! apply.

use super::ask;
use super::check::Checked;
use super::depot::Shop;
use super::hold::{ChangeArgs, LeaseFailure, held, hold, holder_words};
use super::lost::{self, really_lost};
use super::road::Road;
use super::survey::{Aim, Survey, survey};
use super::view::survey_view;
use super::{Failure, Global, OutputFormat, renewal, rollback, rotation, stdout};
use crate::base::Exit;
use crate::exec::{self, Back, Lease, Run};
use crate::plan::Plan;
use crate::record::Execution;
use crate::report::{self, Live, Shape, Style, spoken};
use crate::state::{Lock, RunLog, StateError, Vault};
use jiff::Timestamp;
use std::time::{Duration, Instant};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Between two tries while somebody else is at work.
const PAUSE: Duration = Duration::from_secs(2);
/// Packages of an earlier run end within this time, as a run's own do.
const PACKAGES: Duration = Duration::from_mins(30);
/// A host that does not finish its own start within this time is taken as it is.
const START: Duration = Duration::from_mins(3);
/// Hosts may change so often between plan and lease before it is told.
const TRIES: usize = 3;

/// A change of hosts toward an aim.
pub(super) struct Change<'a> {
    pub(super) road: &'a Road,
    pub(super) global: &'a Global,
    pub(super) asked: &'a ChangeArgs,
    pub(super) aim: Aim,
    /// The command, for hints.
    pub(super) verb: &'a str,
    /// What is said afterwards.
    pub(super) done: &'a str,
    /// Checks that are left out, as typed; none = the hosts are not judged before.
    pub(super) skip: Option<&'a [String]>,
}

/// What came of it.
pub(super) struct Applied {
    pub(super) execution: Execution,
    pub(super) survey: Box<Survey>,
    pub(super) log: RunLog,
    /// The operator's folder is this command's until the end.
    pub(super) _folder: Lock,
}

/// What a try to begin came to.
enum Begun {
    /// There is nothing to do.
    Nothing,
    /// The plan is agreed and the hosts are ours.
    Ours(Lease),
    /// Others were at work, or hosts changed meanwhile: look again.
    Again,
}

/// One attempt's patience.
struct Patience<'a> {
    saved: Option<&'a Plan>,
    live: &'a Live,
    /// Until when others are waited for.
    until: Instant,
    /// Until when packages of an earlier run are waited for.
    packages_until: Instant,
    /// Until when a host's own start is waited for.
    start_until: Instant,
    tries: usize,
    /// The hosts were judged and are good enough.
    checked: bool,
}

impl Change<'_> {
    /// Plans, asks, applies; none when there was nothing to do.
    pub(super) async fn apply(&self, saved: Option<Plan>) -> Result<Option<Applied>, Failure> {
        let until = Instant::now() + self.asked.wait()?;
        let folder = self.own_folder(until).await?;
        really_lost(self.road, self.global, self.asked).await?;
        let json = self.global.shape() == OutputFormat::Json;
        let live = Live::new(Shape::fitting(json), Style::stderr(self.global.no_color));
        let mut patience = Patience {
            saved: saved.as_ref(),
            live: &live,
            until,
            packages_until: Instant::now() + PACKAGES,
            start_until: Instant::now() + START,
            tries: TRIES,
            checked: self.skip.is_none(),
        };
        let (mut survey, lease) = loop {
            let survey = Box::new(survey(self.road, self.global, &live.sink(), self.aim).await?);
            let begun = self.begin(&survey, &mut patience).await;
            if let Ok(Begun::Ours(lease)) = begun {
                break (survey, lease);
            }
            survey.fleet.close().await;
            if let Begun::Nothing = begun? {
                // What no host has to be changed for is agreed all the same.
                self.keep_missed_release(&survey.plan)?;
                self.road.renewal.nothing_to_do(self.road, &mut { survey }.made)?;
                return Ok(None);
            }
        };
        let worked = self.work(&mut survey, &lease, &live).await;
        // Whatever came of it, nobody is kept out any longer.
        lease.give_back().await;
        survey.fleet.close().await;
        live.finish();
        let (execution, log) = worked?;
        Ok(Some(Applied { execution, survey, log, _folder: folder }))
    }

    async fn work(
        &self,
        survey: &mut Survey,
        lease: &Lease,
        live: &Live,
    ) -> Result<(Execution, RunLog), Failure> {
        let log = self.road.state.run_log(Timestamp::now(), survey.made.redactor.clone())?;
        renewal::place(&self.road.placing)?;
        rollback::begins(self.road)?;
        if self.road.before.is_none() {
            self.edit()?;
        }
        self.road.renewal.agreed(self.road, &mut survey.made)?;
        self.note_lost(survey)?;
        let number = self.began(survey, &log)?;
        let mut vault = survey.made.vault.take();
        let execution = self.execute(survey, lease, (live, &log), vault.as_mut()).await?;
        let place = (&lease.fenced(&survey.fleet), &log.tee(live.sink()));
        self.ended(survey, (number, &execution, &log), place).await?;
        if execution.succeeded() {
            // Before the proof: what the hosts have come to does not hang on whether anybody waits for its end.
            self.keep_release(&survey.plan)?;
            if self.road.before.is_some() {
                self.edit()?;
            }
        }
        Ok((execution, log))
    }

    /// Writes the inventory as it is to be, and tells where the one before is.
    fn edit(&self) -> Result<(), Failure> {
        if let Some(edit) = &self.road.edit {
            let kept = edit.write()?;
            stdout::note(&format!("{} is changed; as it was before: {}", self.road.typed(), kept.display()));
        }
        Ok(())
    }

    /// The operator's folder, against other commands of imctl in it.
    async fn own_folder(&self, until: Instant) -> Result<Lock, Failure> {
        loop {
            match self.road.state.lock(self.verb) {
                Err(StateError::Locked { .. }) if Instant::now() < until => sleep(PAUSE).await,
                other => return Ok(other?),
            }
        }
    }

    async fn begin(&self, survey: &Survey, patience: &mut Patience<'_>) -> Result<Begun, Failure> {
        if let Some(saved) = patience.saved
            && let Some(why) = saved.stale(&survey.plan)
        {
            return Err(self.stale(why));
        }
        let view = survey_view(self.road, survey, self.global.verbose > 0);
        if survey.plan.is_empty() {
            self.show(&view, survey);
            self.edit()?;
            return Ok(Begun::Nothing);
        }
        if self.must_wait(survey, patience).await? {
            return Ok(Begun::Again);
        }
        if let (false, Some(skip)) = (patience.checked, self.skip) {
            let seen = (&survey.fleet, &survey.observed);
            let checked = Checked::over(self.road, seen, skip, &patience.live.sink()).await?;
            checked.or_end(self.road, self.global)?;
            patience.checked = true;
        }
        if let Some(edit) = self.road.edit.as_ref().filter(|_| patience.tries == TRIES) {
            stdout::note(&format!("{} changes:\n{}", self.road.typed(), edit.diff().trim_end()));
        }
        if patience.saved.is_none() && !self.agreed(&view, survey, patience.live) {
            return Err(self.no_yes());
        }
        self.secure(survey, patience).await
    }

    fn no_yes(&self) -> Failure {
        // Others make what they plan anew each time: there is none to save.
        let saves = matches!(self.verb.split(' ').next(), Some("install" | "upgrade" | "rollback"));
        let yes =
            if saves { "a yes at the terminal, -y, or a saved plan" } else { "a yes at the terminal, or -y" };
        Failure::Refused(format!("nothing was changed: `imctl {}` needs {yes}", self.verb))
    }

    /// Whether somebody else is at work and may be waited for; told after a pause.
    async fn must_wait(&self, survey: &Survey, patience: &Patience<'_>) -> Result<bool, Failure> {
        let others = survey.kept_out(&self.road.state.id());
        if let Some((_, lease)) = others.first() {
            let who = holder_words(&self.road.inventory().name, lease);
            if Instant::now() >= patience.until {
                return Err(held(self.road, others));
            }
            patience.live.sink().phase(format!("waiting: {who}"));
            sleep(PAUSE).await;
            return Ok(true);
        }
        if let Some(host) = survey.starting().filter(|_| Instant::now() < patience.start_until) {
            // What it brings up by itself would be drift to a plan that was made before.
            patience.live.sink().phase(format!("waiting: {host} is still starting up"));
            sleep(PAUSE).await;
            return Ok(true);
        }
        let Some(host) = survey.installing().into_iter().next() else { return Ok(false) };
        if Instant::now() >= patience.packages_until {
            return Err(LeaseFailure::Running(host).into());
        }
        let text = format!("waiting: packages of an earlier run are still being installed on {host}");
        patience.live.sink().phase(text);
        sleep(PAUSE).await;
        Ok(true)
    }

    /// Takes the lease, and looks whether the plan is still true under it.
    async fn secure(&self, survey: &Survey, patience: &mut Patience<'_>) -> Result<Begun, Failure> {
        let place = (&survey.fleet, &patience.live.sink());
        let lease = hold(self.road, self.global, place, (self.verb, self.asked.reason.as_deref())).await;
        let lease = match lease {
            Err(Failure::Lease(LeaseFailure::Held { .. } | LeaseFailure::Running(_)))
                if Instant::now() < patience.until =>
            {
                sleep(PAUSE).await;
                return Ok(Begun::Again);
            }
            other => other?,
        };
        let moved = survey.moved(self.road).await;
        if let Ok(None) = moved {
            return Ok(Begun::Ours(lease));
        }
        lease.give_back().await;
        let host = moved?.map(|host| host.to_string()).unwrap_or_default();
        patience.tries -= 1;
        if patience.saved.is_none() && self.global.yes && patience.tries > 0 {
            return Ok(Begun::Again);
        }
        Err(self.stale(format!("`{host}` changed while the plan was read")))
    }

    fn stale(&self, why: String) -> Failure {
        Failure::Stale { why, inventory: self.road.typed() }
    }

    /// Records hosts that are declared lost, here and on the others.
    fn note_lost(&self, survey: &mut Survey) -> Result<(), Failure> {
        let list = lost::now(self.road, self.asked.reason.as_deref())?;
        if !list.is_empty() {
            lost::record(&self.road.state, &list)?;
            let text = serde_json::to_vec_pretty(&list).expect("hosts are plain data");
            survey.made.mirror.push(("lost.json".to_owned(), text));
        }
        Ok(())
    }

    async fn execute(
        &self,
        survey: &Survey,
        lease: &Lease,
        (live, log): (&Live, &RunLog),
        vault: Option<&mut Vault>,
    ) -> Result<Execution, Failure> {
        let sink = log.tee(live.sink());
        for note in &survey.made.notes {
            sink.note(note.clone());
        }
        let depot = Shop::open(self.road.bundle.as_ref(), &self.road.topology.version, &sink).await?;
        let before = survey.desired.passage.as_ref().and_then(|passage| passage.from.first());
        let old = match (&survey.back, before) {
            (Some(desired), Some(version)) => {
                Some((desired, Shop::open(self.road.bundle.as_ref(), version, &sink).await?))
            }
            _ => None,
        };
        let redactor = survey.made.redactor.clone();
        let cancelled = CancellationToken::new();
        let watch = tokio::spawn(interrupted(cancelled.clone()));
        let run = Run {
            plan: &survey.plan,
            desired: &survey.desired,
            observed: &survey.observed,
            fleet: &lease.fenced(&survey.fleet),
            holds: &|host| lease.holds(host),
            depot: &depot,
            sink: &sink,
            redact: &move |text: &str| redactor.redact(text),
            stop: cancelled,
            back: old.as_ref().map(|(desired, depot)| Back { desired, depot }),
            mirror: survey.made.mirror.clone(),
        };
        let execution = match vault {
            Some(vault) if !survey.phases.is_empty() => {
                rotation::run(&run, &survey.phases, (&self.road.state, vault)).await
            }
            _ => Ok(exec::run(&run).await),
        };
        watch.abort();
        execution
    }

    fn show(&self, view: &report::PlanView, survey: &Survey) {
        match self.global.shape() {
            // A program gets one document: the judgement, with what was mended in it.
            OutputFormat::Json if self.aim == Aim::Remedies => {}
            OutputFormat::Json => stdout::line(&view.json().to_string()),
            OutputFormat::Human => {
                let style = Style::stdout(self.global.no_color);
                stdout::write(|out| report::plan(out, view, &spoken(survey.took), style));
            }
        }
    }

    /// Shows the plan and asks; `-y` is a yes.
    fn agreed(&self, view: &report::PlanView, survey: &Survey, live: &Live) -> bool {
        if self.global.yes {
            return true;
        }
        self.show(view, survey);
        ask::yes("Do exactly this?", live)
    }
}

/// The first Ctrl-C lets running steps finish; the second ends the program at once.
async fn interrupted(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        stdout::note("Stopping after the running steps. Once more Ctrl-C ends imctl at once.");
        stop.cancel();
        if tokio::signal::ctrl_c().await.is_ok() {
            stdout::end_now(Exit::Interrupted);
        }
    }
}
