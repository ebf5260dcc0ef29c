//! `imctl install`: plan, confirmation, apply, report. Without changes it says so and touches nothing.

use super::ask;
use super::depot::Shop;
use super::road::Road;
use super::survey::{Aim, Survey, survey};
use super::view::survey_view;
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::Exit;
use crate::exec::{self, Run};
use crate::record::Execution;
use crate::report::{self, FindingsView, InstallView, Live, Next, Shape, Style, spoken};
use crate::state::{Lock, Release, RunLog, operator};
use jiff::Timestamp;
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// Arguments of `imctl install`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Apply exactly this saved plan; refused when anything changed since
    #[arg(long, value_name = "FILE.plan")]
    plan: Option<PathBuf>,
}

/// Plans, asks, applies, proves, tells.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::open(global)?;
    let change = Change { road: &road, global, aim: Aim::Inventory, verb: "install", done: "installed" };
    let saved = args.plan.as_deref().map(super::plan::load).transpose()?;
    let Some(applied) = change.apply(saved).await? else { return Ok(Exit::Done) };
    let proved =
        if applied.execution.succeeded() { super::verify::after_change(&road, global).await? } else { None };
    change.tell(applied, proved)
}

/// A change of hosts toward an aim, the same road for every verb.
pub(super) struct Change<'a> {
    pub(super) road: &'a Road,
    pub(super) global: &'a Global,
    pub(super) aim: Aim,
    /// The command, for hints.
    pub(super) verb: &'a str,
    /// What is said afterwards.
    pub(super) done: &'a str,
}

/// What came of it.
pub(super) struct Applied {
    pub(super) execution: Execution,
    survey: Survey,
    log: RunLog,
    /// The operator's folder is this command's until the end.
    _folder: Lock,
}

impl Change<'_> {
    /// Plans, asks, applies; none when there was nothing to do.
    pub(super) async fn apply(&self, saved: Option<crate::plan::Plan>) -> Result<Option<Applied>, Failure> {
        let folder = self.road.state.lock(self.verb)?;
        let json = self.global.output == OutputFormat::Json;
        let live = Live::new(Shape::fitting(json), Style::stderr(self.global.no_color));
        let survey = survey(self.road, self.global, &live.sink(), self.aim).await?;
        if let Some(saved) = &saved
            && let Some(why) = saved.stale(&survey.plan)
        {
            survey.fleet.close().await;
            return Err(Failure::Stale { why, inventory: self.road.typed() });
        }
        let view = survey_view(self.road, &survey, self.global.verbose > 0);
        if survey.plan.is_empty() {
            survey.fleet.close().await;
            self.show(&view, &survey);
            return Ok(None);
        }
        if saved.is_none() && !self.agreed(&view, &survey, &live) {
            survey.fleet.close().await;
            return Err(Failure::Refused(format!(
                "nothing was changed: `imctl {}` needs a yes at the terminal, -y, or a saved plan",
                self.verb
            )));
        }
        let log = self.road.state.run_log(Timestamp::now(), survey.made.redactor.clone())?;
        let execution = self.execute(&survey, (&live, &log)).await;
        survey.fleet.close().await;
        live.finish();
        Ok(Some(Applied { execution: execution?, survey, log, _folder: folder }))
    }

    async fn execute(&self, survey: &Survey, (live, log): (&Live, &RunLog)) -> Result<Execution, Failure> {
        let sink = log.tee(live.sink());
        for note in &survey.made.notes {
            sink.note(note.clone());
        }
        let depot = Shop::open(self.road.bundle.as_ref(), &self.road.topology.version, &sink).await?;
        let redactor = survey.made.redactor.clone();
        let cancelled = CancellationToken::new();
        let watch = tokio::spawn(interrupted(cancelled.clone()));
        let run = Run {
            plan: &survey.plan,
            desired: &survey.desired,
            observed: &survey.observed,
            fleet: &survey.fleet,
            depot: &depot,
            sink: &sink,
            redact: &move |text: &str| redactor.redact(text),
            stop: cancelled,
            mirror: survey.made.mirror.clone(),
        };
        let execution = exec::run(&run).await;
        watch.abort();
        Ok(execution)
    }

    fn show(&self, view: &report::PlanView, survey: &Survey) {
        match self.global.output {
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

    /// Writes report, release and history; prints the end.
    pub(super) fn tell(&self, applied: Applied, proved: Option<FindingsView>) -> Result<Exit, Failure> {
        let Applied { execution, survey, log, _folder } = applied;
        let typed = self.road.typed();
        let plan = survey_view(self.road, &survey, self.global.verbose > 0);
        let next = |command: String, about: &str| Next { command, about: about.to_owned() };
        let view = InstallView {
            name: survey.plan.deployment.clone(),
            done: self.done.to_owned(),
            totals: plan.totals(),
            execution,
            proved,
            folder: log.folder().display().to_string(),
            again: format!("imctl {} -i {typed}", self.verb),
            next: vec![
                next(format!("imctl verify -i {typed}"), "prove the service again, as a client would"),
                next(format!("imctl plan -i {typed}"), "see what differs from the inventory"),
                next(format!("imctl user add NAME -i {typed}"), "make the first account"),
            ],
        };
        let now = Timestamp::now();
        log.file(
            "report.html",
            &report::page(&report::plan_view(&survey.plan, true), &view, &operator(), now),
        )?;
        let outcome = if view.execution.succeeded() { "done" } else { "stopped" };
        self.road.state.remember(self.verb, outcome, now)?;
        if view.execution.succeeded() && self.aim == Aim::Inventory {
            self.road.state.save_release(&Release {
                format: 1,
                stack: survey.plan.stack.clone(),
                version: survey.plan.version.clone(),
                time: now,
                who: operator(),
                plan: survey.plan.basis.stack.clone(),
            })?;
        }
        match self.global.output {
            OutputFormat::Json => stdout::line(&view.json().to_string()),
            OutputFormat::Human => {
                let style = Style::stdout(self.global.no_color);
                stdout::write(|out| report::install(out, &view, style));
            }
        }
        Ok(view.exit())
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
