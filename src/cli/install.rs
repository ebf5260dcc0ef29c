//! `imctl install`: plan, confirmation, apply, report. Without changes it says so and touches nothing.

use super::change::{Applied, Change};
use super::hold::ChangeArgs;
use super::lost;
use super::road::Road;
use super::survey::Aim;
use super::view::survey_view;
use super::{Failure, Global, OutputFormat, rollback, stdout};
use crate::base::{Exit, Language, Phrase};
use crate::bundle::Verified;
use crate::plan::Plan;
use crate::report::{self, FindingsView, InstallView, Next, Style};
use crate::state::{Release, ReleasedBundle, operator};
use jiff::Timestamp;
use std::path::PathBuf;

/// Arguments of `imctl install`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Apply exactly this saved plan; refused when anything changed since
    #[arg(long, value_name = "FILE.plan")]
    plan: Option<PathBuf>,
    /// Leave a check of the hosts out, with the reason, which is recorded; may be given several times
    #[arg(long, value_name = "ID=REASON")]
    skip: Vec<String>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Plans, asks, applies, proves, tells.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::open(global)?.without(&args.change.lost)?;
    let (verb, done) = ("install", "installed");
    let change = Change {
        road: &road,
        global,
        asked: &args.change,
        aim: Aim::Inventory,
        verb,
        done,
        skip: Some(&args.skip),
    };
    let saved = args.plan.as_deref().map(super::plan::load).transpose()?;
    let Some(applied) = change.apply(saved).await? else { return Ok(Exit::Done) };
    prove_and_tell(&change, applied).await
}

/// Proves the service after a change, tells how it went, and writes the acceptance report.
pub(super) async fn prove_and_tell(change: &Change<'_>, applied: Applied) -> Result<Exit, Failure> {
    let global = change.global;
    // Hosts that have left are no part of what is proved.
    let after = change.road.before.as_ref().filter(|_| applied.execution.succeeded());
    let after = after.map(|_| Road::open(global).map(Box::new)).transpose()?;
    let road = after.as_deref().unwrap_or(change.road);
    let proved =
        if applied.execution.succeeded() { super::verify::after_change(road, global).await? } else { None };
    let whole = proved.is_some();
    let exit = change.tell(applied, proved)?;
    if whole {
        scan_after(road, global).await;
        super::adopt::keep(road, global).await;
        report_after(road, global);
    }
    Ok(exit)
}

/// What can be seen quickly of how safe it is. It is recorded and told; whoever must answer for it reads the report, so it does
/// not change how the installation ended.
async fn scan_after(road: &Road, global: &Global) {
    let again = format!("imctl scan -i {}{}", road.typed(), global.bundle_words());
    let show = match super::scan::after_change(road, global).await {
        Ok(show) => show,
        Err(failure) => {
            stdout::note(&format!("the security scan did not come to its end: {failure}; again:  {again}"));
            return;
        }
    };
    let line = report::scan_line(&show, &again);
    if global.shape() == OutputFormat::Human { stdout::line(&line) } else { stdout::note(&line) }
}

/// Writes the acceptance report. The hosts are as they should be whatever comes of it, so a report that cannot be written is
/// told and does not change how the installation ended.
fn report_after(road: &Road, global: &Global) {
    match super::report::write_after(road, global) {
        Ok(page) if global.shape() == OutputFormat::Human => {
            let page = page.display();
            let language = Language::of(&global.lang);
            stdout::line(&language.say(Phrase::AcceptanceReport, &[("page", &page)]));
        }
        Ok(page) => stdout::note(&format!("report: {}", page.display())),
        Err(failure) => {
            let again = format!("imctl report -i {}", road.typed());
            stdout::note(&format!("the acceptance report was not written: {failure}; again:  {again}"));
        }
    }
}

/// What the same command does when it is run once more.
fn further(plan: &Plan) -> Option<&'static str> {
    match (plan.later.is_empty(), plan.open) {
        (false, _) => Some("change the hosts that are left, and do what comes after"),
        (true, true) => Some("do what cannot be undone; until then  imctl rollback  is possible"),
        (true, false) => None,
    }
}

/// What is kept of the bundle that a release came from.
fn released(road: &Road, bundle: &Verified) -> ReleasedBundle {
    let manifest = bundle.manifest();
    let all = manifest.versions.get(&road.topology.version);
    let named = road.topology.version_data().packages.iter();
    let packages = named.filter_map(|name| Some((name.clone(), all?.get(name)?.clone())));
    let programs = manifest.artifacts.iter().map(|(name, it)| (name.clone(), it.version.clone()));
    ReleasedBundle {
        name: bundle.dir().file_name().unwrap_or_default().to_string_lossy().into_owned(),
        created: manifest.created.clone(),
        signer: bundle.signer().to_owned(),
        digest: bundle.digest().to_owned(),
        files: manifest.files.len(),
        software: packages.chain(programs).collect(),
    }
}

impl Change<'_> {
    /// Writes the report; prints the end.
    pub(super) fn tell(&self, applied: Applied, proved: Option<FindingsView>) -> Result<Exit, Failure> {
        let view = self.finish(applied, proved)?;
        match self.global.shape() {
            OutputFormat::Json => stdout::line(&view.json().to_string()),
            OutputFormat::Human => {
                let style = Style::stdout(self.global.no_color);
                stdout::write(|out| report::install(out, &view, style));
            }
        }
        Ok(view.exit())
    }

    /// Writes the report: what is to be told.
    pub(super) fn finish(
        &self,
        applied: Applied,
        proved: Option<FindingsView>,
    ) -> Result<InstallView, Failure> {
        let Applied { execution, survey, log, _folder } = applied;
        let (typed, bundle) = (self.road.typed(), self.global.bundle_words());
        let plan = survey_view(self.road, &survey, self.global.verbose > 0);
        let view = InstallView {
            name: survey.plan.deployment.clone(),
            done: if survey.plan.later.is_empty() {
                self.done.to_owned()
            } else {
                format!("partly {}", self.done)
            },
            totals: plan.totals(),
            execution,
            proved,
            folder: log.folder().display().to_string(),
            again: self.again(),
            back: survey.back.is_some().then(|| format!("imctl rollback -i {typed}{bundle}")),
            next: if self.aim == Aim::Inventory { self.next(&survey.plan) } else { Vec::new() },
        };
        let now = Timestamp::now();
        log.file(
            "report.html",
            &report::page(&report::plan_view(&survey.plan, true), &view, &operator(), now),
        )?;
        if view.execution.succeeded() {
            lost::found(self.road)?;
        }
        Ok(view)
    }

    /// Keeps the release that the hosts have come to.
    pub(super) fn keep_release(&self, plan: &Plan) -> Result<(), Failure> {
        if self.aim != Aim::Inventory || !plan.later.is_empty() {
            return Ok(());
        }
        let now = Timestamp::now();
        self.road.state.save_release(&self.release(plan, (now, now)), self.road.text.as_bytes())?;
        rollback::ended(self.road)
    }

    /// Keeps a release that nobody kept, since the run that brought the hosts to it was cut off behind its last step.
    pub(super) fn keep_missed_release(&self, plan: &Plan) -> Result<(), Failure> {
        let road = self.road;
        let whole = self.global.on.is_empty() && road.lost.is_empty();
        let newest = road.state.releases()?.pop();
        let kept = newest.is_some_and(|it| {
            (it.inventory, it.version) == (road.inventory_digest.clone(), plan.version.clone())
        });
        if whole && !kept { self.keep_release(plan) } else { rollback::ended(road) }
    }

    /// What one may want to do next.
    fn next(&self, plan: &Plan) -> Vec<Next> {
        let typed = self.road.typed();
        let next = |command: String, about: &str| Next { command, about: about.to_owned() };
        let further = further(plan).map(|about| next(self.again(), about));
        let always = [
            next(format!("imctl verify -i {typed}"), "prove the service again, as a client would"),
            next(format!("imctl plan -i {typed}"), "see what differs from the inventory"),
            next(format!("imctl user add NAME -i {typed}"), "make the first account"),
        ];
        further.into_iter().chain(always).collect()
    }

    /// The command that goes on.
    fn again(&self) -> String {
        let lost = self.road.lost.iter().map(|host| format!(" --lost {host}"));
        let confirm = self.asked.confirm.iter().map(|name| format!(" --confirm {name}"));
        let command = format!("imctl {} -i {}{}", self.verb, self.road.typed(), self.global.bundle_words());
        lost.chain(confirm).fold(command, |words, more| words + &more)
    }

    /// What now stands on the hosts, and from where it came.
    fn release(&self, plan: &Plan, (changed, time): (Timestamp, Timestamp)) -> Release {
        let road = self.road;
        let staying = road.hosts.iter().filter(|host| road.inventory().host(host).is_some());
        Release {
            format: 1,
            stack: plan.stack.clone(),
            version: plan.version.clone(),
            time,
            who: operator(),
            plan: plan.basis.stack.clone(),
            changed: Some(changed),
            imctl: env!("CARGO_PKG_VERSION").to_owned(),
            hosts: staying.map(ToString::to_string).collect(),
            inventory: road.inventory_digest.clone(),
            kept: None,
            bundle: road.bundle.as_ref().map(|bundle| released(road, bundle)),
        }
    }
}
