//! `imctl load`: real sessions and messages at a rate, against the whole service, with everything counted; the accounts come and go
//! with the test.

mod hosts;
mod people;
mod size;

use super::road::Road;
use super::user::Keeper;
use super::verify::outside;
use super::{Failure, Global, OutputFormat, connect, stdout};
use crate::base::{Exit, HostName, Sink};
use crate::checks::judge_load;
use crate::exec::Fleet;
use crate::load::{self, Load, Progress};
use crate::record::LoadResult;
use crate::report::{self, Live, LoadView, Shape, Style};
use crate::stack::{ChecksFile, Service, XmppService};
use crate::state::{ResultKind, operator};
use crate::transport::Exec;
use jiff::Timestamp;
use people::People;
use size::Size;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Between two lines of progress.
const PACE: Duration = Duration::from_secs(2);

/// Arguments of `imctl load`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl load -i acme.yml                                     as many online and as many messages as its targets say
  imctl load -i acme.yml --online 4000 --rate 400 --duration 2m
  imctl load -i acme.yml --scenario login --online 10000 --login-rate 100
  imctl load clean -i acme.yml                               after a test that was killed

Exit codes: 0 the goals are met, 3 they are not, 4 the run says nothing (the generator was the limit, or it was cut).")]
pub(super) struct Args {
    /// `clean`: only take away the accounts that an earlier test left
    #[arg(value_name = "clean", value_parser = ["clean"])]
    what: Option<String>,
    /// What the users do
    #[arg(long, value_enum, default_value_t = Scenario::Chat)]
    scenario: Scenario,
    /// Users online at the same time [default: the inventory's targets, else 100]
    #[arg(long, value_name = "N")]
    online: Option<u64>,
    /// Messages a second, all users together [default: the peak that follows from the targets]
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// How long messages are sent
    #[arg(long, value_name = "TIME", default_value = "60s")]
    duration: String,
    /// Logins a second [default: all within a minute, 50 at most]
    #[arg(long, value_name = "N")]
    login_rate: Option<f64>,
    /// The deployment's name, typed as a confirmation while real users are online
    #[arg(long, value_name = "NAME")]
    confirm: Option<String>,
}

/// What the users do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Scenario {
    /// Log in and stay
    Login,
    /// Log in and write to each other, two and two
    Chat,
}

/// Makes the load, or takes away what an earlier one left.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::without_bundle(global)?;
    let size = Size::of(&args, &road)?;
    if args.what.is_none() {
        load::allow_sessions(size.online as u64).map_err(Failure::Usage)?;
    }
    let live =
        Live::new(Shape::fitting(global.shape() == OutputFormat::Json), Style::stderr(global.no_color));
    let fleet = connect::fleet(&road, global, &live.sink()).await?;
    let done = over(&args, &size, (&road, global), &fleet, &live).await;
    fleet.close().await;
    live.finish();
    done
}

async fn over(
    args: &Args,
    size: &Size,
    (road, global): (&Road, &Global),
    fleet: &Fleet,
    live: &Live,
) -> Result<Exit, Failure> {
    let keeper = keeper(road, fleet)?;
    let left = people::left(&keeper).await?;
    if args.what.is_some() {
        people::remove(&keeper, &left).await?;
        stdout::line(&format!("{} of earlier tests taken away.", report::counted(left.len(), "account")));
        return Ok(Exit::Done);
    }
    let words = words(road)?;
    // Before anything is taken away: those accounts may belong to a test that another operator runs just now.
    nobody_is_disturbed(args, road, fleet, &words).await?;
    if !left.is_empty() {
        live.sink().note(format!("{} of an earlier test taken away", report::counted(left.len(), "account")));
        people::remove(&keeper, &left).await?;
    }
    let service = outside::service(road, &words, Duration::from_secs(30)).await.map_err(Failure::Usage)?;
    let doors: Vec<_> =
        service.entrances.iter().map(|it| it.door.clone()).filter(|it| it.direct_tls).collect();
    let doors =
        if doors.is_empty() { service.entrances.into_iter().map(|it| it.door).collect() } else { doors };
    let time = Timestamp::now();
    live.sink().phase(format!("making {}", report::counted(size.online, "account")));
    let people = People::make(&keeper, size.online, time.as_second()).await?;
    let load = Load {
        logins: people.logins(),
        doors,
        domain: words.domain.clone(),
        login_rate: size.login_rate,
        rate: if args.scenario == Scenario::Chat { size.rate } else { 0.0 },
        duration: size.duration,
        body: size.body,
        within: Duration::from_secs(30),
    };
    let result = measured(args, size, (road, fleet), load, (time, live)).await;
    live.sink().phase("taking the accounts away".to_owned());
    people::remove(&keeper, &people.names()).await?;
    live.finish();
    tell(road, global, result?, time)
}

/// Runs the load while the hosts are watched.
async fn measured(
    args: &Args,
    size: &Size,
    (road, fleet): (&Road, &Fleet),
    load: Load,
    (time, live): (Timestamp, &Live),
) -> Result<LoadResult, Failure> {
    let (sink, stop, ended) = (live.sink(), CancellationToken::new(), CancellationToken::new());
    let watch = tokio::spawn(interrupted(stop.clone()));
    let (logins, rate) = (load.logins.len(), load.rate);
    let told = paced(sink);
    let busy = hosts::busy(fleet, size.seconds(), ended.clone());
    let work = async {
        let outcome = load::run(load, told, stop.clone()).await;
        // The hosts need not be watched any longer.
        ended.cancel();
        outcome
    };
    let (busy, outcome) = tokio::join!(busy, work);
    watch.abort();
    let outcome = outcome.map_err(|cause| Failure::Usage(format!("the load cannot be made: {cause}")))?;
    let scenario = if args.scenario == Scenario::Chat { "chat" } else { "login" };
    let mut result = load::result(&outcome, scenario, time.to_string(), (logins, rate));
    let known = |host: &HostName| road.hosts.contains(host);
    result.hosts =
        busy.into_iter().filter(|(host, _)| known(host)).map(|(host, it)| (host.to_string(), it)).collect();
    Ok(result)
}

/// Tells how far it is, not more often than somebody reads.
fn paced(sink: Sink) -> impl Fn(Progress) + Send + Sync + 'static {
    let last: Mutex<Option<Instant>> = Mutex::new(None);
    move |progress| {
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
        Progress::Chatting(sent, all) => format!("chatting: {sent} of {all} messages"),
        Progress::Settling => "waiting for what is under way".to_owned(),
    });
}

/// Shows the result, keeps it, compares it with the one before.
fn tell(road: &Road, global: &Global, result: LoadResult, time: Timestamp) -> Result<Exit, Failure> {
    let before = earlier(road, &result.scenario);
    let result = LoadResult { who: operator(), imctl: env!("CARGO_PKG_VERSION").to_owned(), ..result };
    let name = road.state.keep_result(ResultKind::Load, time, &result)?;
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

fn keeper<'a>(road: &Road, fleet: &'a Fleet) -> Result<Keeper<'a>, Failure> {
    let none = || Failure::Usage("the stack does not say how accounts are made".to_owned());
    let keeper = Keeper::of(road, fleet)?.ok_or_else(none)?;
    match keeper.elsewhere() {
        None => Ok(keeper),
        Some(elsewhere) => Err(Failure::Usage(format!(
            "accounts are kept elsewhere: {elsewhere}; a load test needs accounts that imctl can make"
        ))),
    }
}

fn words(road: &Road) -> Result<XmppService, Failure> {
    let none = || Failure::Usage("the stack does not say how clients reach it".to_owned());
    let stack = &road.topology.stack;
    let file: ChecksFile = stack.data(stack.file.checks.as_ref().ok_or_else(none)?)?;
    let Some(raw @ Service::Xmpp(_)) = &file.service else { return Err(none()) };
    outside::words(road, raw)?.ok_or_else(none)
}

/// Real users would feel a load test: then it wants the deployment's name.
async fn nobody_is_disturbed(
    args: &Args,
    road: &Road,
    fleet: &Fleet,
    words: &XmppService,
) -> Result<(), Failure> {
    let name = &road.inventory().name;
    if args.confirm.as_ref() == Some(name) {
        return Ok(());
    }
    let who = match online(road, fleet, words).await? {
        Some(0) => return Ok(()),
        Some(online) => format!("{online} sessions are online"),
        None => "nobody can say whether users are online".to_owned(),
    };
    Err(Failure::Refused(format!(
        "{who}, and a load test is felt; if you mean it:  imctl load -i {} --confirm {name}",
        road.typed()
    )))
}

/// How many sessions there are; none when it cannot be found out.
async fn online(road: &Road, fleet: &Fleet, words: &XmppService) -> Result<Option<u64>, Failure> {
    let asked = words.online.as_ref().and_then(|question| {
        let host = &road.topology.present(&question.on).next()?.host;
        Some((question, host, fleet.link(host)?))
    });
    let Some((question, host, link)) = asked else { return Ok(None) };
    let exec = Exec::new(&*question.run, Duration::from_secs(20));
    let output = link.exec(exec).await.map_err(|cause| Failure::Link(host.clone(), cause))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}

/// The first Ctrl-C ends the test in order: what is under way is counted and the accounts go.
async fn interrupted(stop: CancellationToken) {
    if tokio::signal::ctrl_c().await.is_ok() {
        stdout::note("Ending the test. Once more Ctrl-C ends imctl at once; then: imctl load clean");
        stop.cancel();
        if tokio::signal::ctrl_c().await.is_ok() {
            stdout::end_now(Exit::Interrupted);
        }
    }
}
