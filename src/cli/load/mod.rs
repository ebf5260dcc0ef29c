//! `imctl load`: real sessions, messages, groups, files and returns at rates, against the whole service, with everything counted; the
//! accounts come and go with the test.

mod calibrate;
mod hosts;
mod outage;
mod people;
mod scenario;
mod service;
mod size;
mod targets;

use super::road::Road;
use super::user::Keeper;
use super::verify::outside;
use super::{Failure, Global, OutputFormat, connect, stdout};
use crate::base::{Exit, Sink, duration};
use crate::checks::judge_load;
use crate::exec::Fleet;
use crate::load::{self, Crowd, Load, Outcome, Progress};
use crate::record::LoadResult;
use crate::report::{self, Live, LoadView, Shape, Style};
use crate::state::{ResultKind, operator};
use calibrate::Meter;
use hosts::{Busy, Questions};
use jiff::Timestamp;
use outage::{Moments, Outage};
use people::People;
use scenario::{Scenario, Typed};
use service::Words;
use size::Size;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between two lines of progress.
const PACE: Duration = Duration::from_secs(2);
/// How long a login or an answer may take.
const WITHIN: Duration = Duration::from_secs(30);

/// Arguments of `imctl load`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl load -i acme.yml                                     as many online and as many messages as its targets say
  imctl load -i acme.yml --online 4000 --rate 400 --duration 2m
  imctl load -i acme.yml --scenario login --online 10000 --login-rate 100
  imctl load -i acme.yml --scenario mixed --goal delivery-p99=500ms
  imctl load -i acme.yml --scenario reconnect --chaos --confirm acme
  imctl load -i acme.yml --during-change --goal reconnect-max=5s   beside `imctl upgrade`
  imctl load clean -i acme.yml                               after a test that was killed

Goals: login, delivery, group, history, upload, reconnect, each with -p50, -p95, -p99 or -max, such as login-p99=2s.

Exit codes: 0 the goals are met, 3 they are not, 4 the run says nothing (the generator was the limit, or it was cut).")]
pub(super) struct Args {
    /// `clean`: only take away the accounts that an earlier test left
    #[arg(value_name = "clean", value_parser = ["clean"])]
    what: Option<String>,
    /// What the users do: login, chat, muc, history, upload, mixed, reconnect, or a file of your own
    #[arg(long, value_name = "NAME|FILE.yml", value_parser = Typed::read, default_value = "chat")]
    scenario: Typed,
    /// Users online at the same time [default: the inventory's targets, else 100]
    #[arg(long, value_name = "N")]
    online: Option<u64>,
    /// Accounts; those beyond --online are absent and come back [default: what the scenario needs]
    #[arg(long, value_name = "N")]
    users: Option<u64>,
    /// Messages a second, all users together; files a second for `upload` [default: the peak that follows from the targets]
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// How long messages are sent [default: 60s]
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Logins a second [default: all within a minute, 50 at most]
    #[arg(long, value_name = "N")]
    login_rate: Option<f64>,
    /// Members of a group [default: 20]
    #[arg(long, value_name = "N")]
    members: Option<u64>,
    /// Size of a file [default: 1MiB]
    #[arg(long, value_name = "SIZE")]
    file_size: Option<String>,
    /// A time that must be met, such as `delivery-p99=500ms`; may be given several times
    #[arg(long, value_name = "GOAL=TIME")]
    goal: Vec<String>,
    /// `reconnect` stops a node: this says that it is meant
    #[arg(long)]
    chaos: bool,
    /// With `chat`, while the service is changed: users whose session breaks come back, and all read their whole history at the end
    #[arg(long)]
    during_change: bool,
    /// How long the node of `reconnect` stays away
    #[arg(long, value_name = "TIME", default_value = "10s")]
    away: String,
    /// With `chat`: what a login, a delivery and a session cost the app hosts, beside what `imctl size` takes for it
    #[arg(long)]
    calibrate: bool,
    /// The deployment's name, typed as a confirmation while real users are online, and for --chaos
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

/// How far the load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Users come in.
    LoggingIn,
    /// Deeds have begun.
    Busy,
    /// What is under way is waited for.
    Settling,
}

/// What happens beside the load.
struct Beside {
    outage: Option<Outage>,
    meter: Option<Meter>,
    questions: Questions,
}

/// A test that is about to run.
struct Test<'a> {
    args: &'a Args,
    size: &'a Size,
    road: &'a Road,
    fleet: &'a Fleet,
    live: &'a Live,
    time: Timestamp,
}

/// Makes the load, or takes away what an earlier one left.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::without_bundle(global)?;
    let size = Size::of(&args, &road)?;
    if args.what.is_none() {
        if args.scenario.stops_a_node() != args.chaos {
            let what = "--chaos and --scenario reconnect go together: a node is stopped, and started again";
            return Err(Failure::Usage(what.to_owned()));
        }
        if args.during_change && args.scenario != Typed::BuiltIn(Scenario::Chat) {
            let what =
                "--during-change: with `chat` alone, where every message has one sender and one reader";
            return Err(Failure::Usage(what.to_owned()));
        }
        if args.calibrate && args.scenario != Typed::BuiltIn(Scenario::Chat) {
            return Err(Failure::Usage(
                "--calibrate: with `chat` alone, or costs of several things mix".to_owned(),
            ));
        }
        load::allow_sessions(size.users as u64).map_err(Failure::Usage)?;
        service::has_room(&road, &Words::of(&road)?.load.room, size.users as u64)?;
    }
    let live =
        Live::new(Shape::fitting(global.shape() == OutputFormat::Json), Style::stderr(global.no_color));
    let fleet = connect::fleet(&road, global, &live.sink()).await?;
    let time = Timestamp::now();
    let test = Test { args: &args, size: &size, road: &road, fleet: &fleet, live: &live, time };
    let done = test.over(global).await;
    fleet.close().await;
    live.finish();
    done
}

impl Test<'_> {
    async fn over(&self, global: &Global) -> Result<Exit, Failure> {
        let (args, road) = (self.args, self.road);
        let keeper = service::keeper(road, self.fleet)?;
        let left = people::left(&keeper).await?;
        if args.what.is_some() {
            people::remove(&keeper, &left).await?;
            stdout::line(&format!("{} of earlier tests taken away.", report::counted(left.len(), "account")));
            return Ok(Exit::Done);
        }
        let words = Words::of(road)?;
        // Before anything is taken away: those accounts may belong to a test that another operator runs just now.
        let typed = (args.confirm.as_ref(), args.chaos);
        service::nobody_is_disturbed(typed, road, self.fleet, &words.service).await?;
        if !left.is_empty() {
            let count = report::counted(left.len(), "account");
            self.live.sink().note(format!("{count} of an earlier test taken away"));
            people::remove(&keeper, &left).await?;
        }
        let beside = self.beside(&words)?;
        let load = self.load(&words).await?;
        self.live.sink().phase(format!("making {}", report::counted(self.size.users, "account")));
        let people = People::make(&keeper, self.size.users, self.time.as_second()).await;
        let people = people.inspect_err(|_| self.tell_of_clean())?;
        let load = Load { crowd: Crowd { logins: people.logins(), ..load.crowd }, ..load };
        let result = self.measured(load, beside).await;
        let removed = self.remove(&keeper, &people).await;
        self.live.finish();
        let exit = self.tell(global, result?)?;
        removed.map(|()| exit)
    }

    async fn remove(&self, keeper: &Keeper<'_>, people: &People) -> Result<(), Failure> {
        self.live.sink().phase("taking the accounts away".to_owned());
        let removed = people::remove(keeper, &people.names()).await;
        Ok(removed.inspect_err(|_| self.tell_of_clean())?)
    }

    /// Accounts may be left: what takes them away.
    fn tell_of_clean(&self) {
        let command = format!("imctl load clean -i {}", self.road.typed());
        self.live.sink().warn(format!("accounts of this test may be left; take them away with:  {command}"));
    }

    fn beside(&self, words: &Words) -> Result<Beside, Failure> {
        let meter = || Meter::of(self.road, self.fleet, &words.load);
        Ok(Beside {
            outage: self.outage(words)?,
            meter: self.args.calibrate.then(meter).transpose()?,
            questions: hosts::questions(self.road, &words.load.samples)?,
        })
    }

    fn outage(&self, words: &Words) -> Result<Option<Outage>, Failure> {
        if !self.args.chaos {
            return Ok(None);
        }
        let away = duration(&self.args.away).map_err(|cause| Failure::Usage(format!("--away: {cause}")))?;
        if away > Duration::from_mins(10) {
            return Err(Failure::Usage("--away: ten minutes at most".to_owned()));
        }
        Outage::of(self.road, self.fleet, words.load.outage.as_ref(), away).map(Some)
    }

    /// The load without its people.
    async fn load(&self, words: &Words) -> Result<Load, Failure> {
        let (size, words) = (self.size, &words.service);
        let service = outside::service(self.road, words, WITHIN).await.map_err(Failure::Usage)?;
        Ok(Load {
            crowd: Crowd {
                logins: Vec::new(),
                online: size.online,
                doors: service::doors(&service),
                domain: words.domain.clone(),
                conference: words.conference.clone(),
                members: size.members,
                to_absent: size.to_absent,
            },
            rates: size.rates,
            login_rate: size.login_rate,
            duration: size.duration,
            body: size.body,
            within: WITHIN,
            files: service::file_place(&service, size)?,
            come_back: self.args.chaos || self.args.during_change,
        })
    }

    /// Runs the load while the hosts are watched.
    async fn measured(&self, load: Load, beside: Beside) -> Result<LoadResult, Failure> {
        let (sink, stop, ended) = (self.live.sink(), CancellationToken::new(), CancellationToken::new());
        let watching = tokio::spawn(interrupted(stop.clone(), self.road.typed()));
        let (say, phase) = watch::channel(Phase::LoggingIn);
        let told = paced(sink.clone(), say);
        let busy = hosts::busy(self.fleet, &beside.questions, self.size.seconds(), ended.clone());
        let moments = Moments { phase: phase.clone(), stop: stop.clone(), ended: ended.clone() };
        let lasts = load.duration;
        let goes = async { beside.outage?.happens(lasts, moments, sink).await };
        let meter = async { beside.meter?.watch(phase, ended.clone()).await };
        let work = async {
            let outcome = load::run(load, told, stop.clone()).await;
            // The hosts need not be watched any longer.
            ended.cancel();
            outcome
        };
        let (busy, goes, meter, outcome) = tokio::join!(busy, goes, meter, work);
        watching.abort();
        let outcome = outcome.map_err(|cause| Failure::Usage(format!("the load cannot be made: {cause}")))?;
        let mut result = self.kept(&outcome, busy);
        result.outage = goes;
        result.calibrated = meter.map(|readings| readings.beside(&result)).unwrap_or_default();
        Ok(result)
    }

    fn kept(&self, outcome: &Outcome, busy: Busy) -> LoadResult {
        let size = self.size;
        let what = (size.online, size.rates.messages());
        let mut result = load::result(outcome, &size.name, self.time.to_string(), what);
        result.goals.clone_from(&size.goals);
        result.left_bytes = result.put.count * size.file as u64;
        for (host, seen) in busy.into_iter().filter(|(host, _)| self.road.hosts.contains(host)) {
            match seen {
                Ok(load) => drop(result.hosts.insert(host.to_string(), load)),
                Err(why) => drop(result.unseen.insert(host.to_string(), why)),
            }
        }
        result
    }

    /// Shows the result, keeps it, compares it with the one before.
    fn tell(&self, global: &Global, result: LoadResult) -> Result<Exit, Failure> {
        let road = self.road;
        let before = earlier(road, &result.scenario);
        let result = LoadResult { who: operator(), imctl: env!("CARGO_PKG_VERSION").to_owned(), ..result };
        let name = road.state.keep_result(ResultKind::Load, self.time, &result)?;
        let view = LoadView {
            deployment: road.inventory().name.clone(),
            judged: judge_load(&result),
            result,
            before,
            file: road.state.path(&name).display().to_string(),
        };
        match global.shape() {
            OutputFormat::Json => stdout::line(&view.json().to_string()),
            OutputFormat::Human => {
                let style = Style::stdout(global.no_color);
                stdout::write(|out| report::load(out, &view, style));
            }
        }
        Ok(view.exit())
    }
}

/// Tells how far it is, not more often than somebody reads; `say` hears of each phase at once.
fn paced(sink: Sink, say: watch::Sender<Phase>) -> impl Fn(Progress) + Send + Sync + 'static {
    let last: Mutex<Option<Instant>> = Mutex::new(None);
    move |progress| {
        match progress {
            Progress::Busy(0, _) => drop(say.send_replace(Phase::Busy)),
            Progress::Settling => drop(say.send_replace(Phase::Settling)),
            _ => {}
        }
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if progress == Progress::Settling || last.is_none_or(|it| it.elapsed() >= PACE) {
            *last = Some(Instant::now());
            said(&sink, progress);
        }
    }
}

fn said(sink: &Sink, progress: Progress) {
    sink.phase(match progress {
        Progress::LoggingIn(stand, all, failed) => format!("logging in: {stand} of {all}, {failed} failed"),
        Progress::Joining(all) => format!("filling groups: {}", report::counted(all, "member")),
        Progress::Busy(begun, all) => format!("busy: {begun} of {all} things begun"),
        Progress::Returning(all) => format!("{} come back and read", report::counted(all, "absent user")),
        Progress::Settling => "waiting for what is under way".to_owned(),
    });
}

/// The latest result of the same scenario.
fn earlier(road: &Road, scenario: &str) -> Option<LoadResult> {
    let files = std::fs::read_dir(road.state.path("load")).ok()?;
    let mut names: Vec<_> = files.filter_map(|it| Some(it.ok()?.path())).collect();
    names.sort();
    let kept = |path: &std::path::PathBuf| -> Option<LoadResult> {
        serde_json::from_slice(&std::fs::read(path).ok()?).ok()
    };
    names.iter().rev().filter_map(kept).find(|result| result.scenario == scenario)
}

/// The first Ctrl-C ends the test in order: what is under way is counted, a stopped node is started and the accounts go.
async fn interrupted(stop: CancellationToken, inventory: String) {
    if tokio::signal::ctrl_c().await.is_ok() {
        stdout::note(&format!(
            "Ending the test. Once more Ctrl-C ends imctl at once; then:  imctl load clean -i {inventory}"
        ));
        stop.cancel();
        if tokio::signal::ctrl_c().await.is_ok() {
            stdout::end_now(Exit::Interrupted);
        }
    }
}
