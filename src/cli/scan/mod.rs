//! `imctl scan`: how safe the installed service and its hosts are, seen from outside, on the hosts and between them. It changes
//! nothing but two test accounts, which it takes away again, and exploits nothing.

mod areas;
mod inside;
mod kept;
mod ports;
mod product;
pub(super) mod rules;
mod service;

pub(super) use rules::Rules;

use super::road::Road;
use super::survey::{Aim, Survey, survey};
use super::{Failure, Global, OutputFormat, explain_stack, stdout};
use crate::base::{Exit, Language};
use crate::checks::{self, BEYOND};
use crate::plan::Manifest;
use crate::record::{ScanResult, Scanned};
use crate::report::{self, Live, ScanShow, Shape, Style};
use crate::state::{ResultKind, operator};
use areas::Asked;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Instant;

/// Arguments of `imctl scan`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl scan -i acme.yml
  imctl scan -i acme.yml --only encryption --all
  imctl scan -i acme.yml --on db1 --only hosts --only secrets
  imctl scan -i acme.yml --waive HOST-25='the log server comes in May',until=2027-05-31,owner='Li Wei'
  imctl explain CRYPT-02

Areas: network, encryption, accounts, chat, files, storage, database, cluster, balancer, hosts, secrets, integrity, backup.
A waiver that is to stay belongs into the inventory:  imctl explain waivers

Exit codes: 0 no critical or high finding that nobody answers for, 3 there is one, 4 lesser ones with --fail-on warn.")]
pub(super) struct Args {
    /// Only this area; may be given several times
    #[arg(long, value_name = "AREA")]
    only: Vec<String>,
    /// Somebody answers for a finding until a day; may be given several times
    #[arg(long, value_name = "ID[@HOST]=REASON,until=DATE,owner=NAME")]
    waive: Vec<String>,
    /// Leave out what takes long: all 65,535 ports, checksums of packages, the search for secrets
    #[arg(long)]
    quick: bool,
    /// Show what passed, too
    #[arg(long)]
    all: bool,
    /// Exit with 4 when there are only lesser findings
    #[arg(long, value_name = "LEVEL", value_parser = ["warn"])]
    fail_on: Option<String>,
    /// List all rules and end; nobody is contacted
    #[arg(long)]
    list: bool,
}

/// Looks, judges, shows.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let asked = Asked::read(&args.only, args.quick)?;
    if args.list {
        let rules = Rules::of(&explain_stack::stacks(global)?)?;
        stdout::answer(&rules.list(&asked, Language::of(&global.lang)));
        return Ok(Exit::Done);
    }
    let road = Road::open(global)?;
    let show = scan(&road, global, (&asked, &args.waive)).await?;
    Ok(told(&ScanShow { all: args.all, ..show }, global, args.fail_on.is_some()))
}

/// The scan at the end of an installation: what can be seen quickly.
pub(super) async fn after_change(road: &Road, global: &Global) -> Result<ScanShow, Failure> {
    scan(road, global, (&Asked::quick(), &[])).await
}

fn told(show: &ScanShow, global: &Global, fail_on_warn: bool) -> Exit {
    match global.shape() {
        OutputFormat::Json => stdout::line(&show.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::scan(out, show, style));
        }
    }
    show.exit(fail_on_warn)
}

/// Everything that was asked for, judged, kept.
async fn scan(
    road: &Road,
    global: &Global,
    (asked, typed): (&Asked, &[String]),
) -> Result<ScanShow, Failure> {
    let rules = Rules::of(std::slice::from_ref(&road.topology.stack))?;
    let waivers = rules.waivers(&road.inventory().waivers, typed)?;
    let (begun, time) = (Instant::now(), Timestamp::now());
    let live =
        Live::new(Shape::fitting(global.shape() == OutputFormat::Json), Style::stderr(global.no_color));
    let seen = survey(road, global, &live.sink(), Aim::Inventory).await?;
    let findings = match stands(road, &seen) {
        Ok(()) => {
            live.sink().phase(format!("scanning {}", report::counted(road.hosts.len(), "host")));
            found(&Scene { road, global, asked, seen: &seen }).await
        }
        Err(failure) => Err(failure),
    };
    seen.fleet.close().await;
    live.finish();
    let mut findings = findings?;
    rules.sort(&mut findings);
    let ended = waivers.mark(&mut findings, time.to_zoned(TimeZone::UTC).date());
    let result = result(road, asked, findings, (time, begun));
    road.state.keep_result(ResultKind::Scan, time, &result)?;
    Ok(ScanShow { result, ended, all: false, language: Language::of(&global.lang) })
}

/// What a part of the scan knows.
struct Scene<'a> {
    road: &'a Road,
    global: &'a Global,
    asked: &'a Asked,
    seen: &'a Survey,
}

/// Refuses hosts on which the service was never installed: there is nothing to judge yet.
fn stands(road: &Road, seen: &Survey) -> Result<(), Failure> {
    let bare: Vec<String> = road
        .hosts
        .iter()
        .filter(|host| !seen.observed.get(*host).is_some_and(|it| Manifest::seen(it).stands()))
        .map(|host| format!("`{host}`"))
        .collect();
    if bare.is_empty() {
        return Ok(());
    }
    Err(Failure::NotInstalled { hosts: bare.join(", "), inventory: road.typed() })
}

/// All parts at the same time; each says nothing of areas that were not asked for.
async fn found(scene: &Scene<'_>) -> Result<Vec<Scanned>, Failure> {
    let outside = ports::outside(scene);
    let inside = inside::look(scene);
    let of_service = async {
        let product = product::ask(scene).await?;
        let said = service::try_all(scene).await?;
        Ok::<_, Failure>((product, said))
    };
    let (outside, inside, of_service) = tokio::join!(outside, inside, of_service);
    let (inside, (product, mut said)) = (inside?, of_service?);
    said.extend(inside::judge(scene, &inside));
    said.extend(ports::judge(scene, &outside, &inside));
    said.extend(kept::judge(scene, &inside));
    said.retain(|it| checks::scan_rule(&it.id).is_some_and(|rule| scene.asked.area(&rule.area)));
    let mut findings = checks::scanned(&said, |id| missing(scene, id));
    findings.extend(product);
    findings.retain(|it| scene.asked.area(&it.area));
    Ok(findings)
}

/// Why a rule was not asked at all.
fn missing(scene: &Scene<'_>, id: &str) -> String {
    if id.starts_with("BACKUP-") {
        return "imctl makes no backups yet".to_owned();
    }
    if scene.asked.left_out(id) {
        return "left out by --quick".to_owned();
    }
    if scene.global.on.is_empty() {
        "the service does not offer it".to_owned()
    } else {
        "it is asked of the service as a whole, without --on".to_owned()
    }
}

fn result(
    road: &Road,
    asked: &Asked,
    findings: Vec<Scanned>,
    (time, begun): (Timestamp, Instant),
) -> ScanResult {
    let areas = checks::areas(&findings);
    let score = checks::total(&areas);
    let everywhere = road.inventory().hosts.iter().all(|host| road.hosts.contains(&host.name));
    ScanResult {
        format: 1,
        time: time.to_string(),
        seconds: (begun.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        imctl: env!("CARGO_PKG_VERSION").to_owned(),
        who: operator(),
        hosts: road.hosts.iter().map(ToString::to_string).collect(),
        only: asked.words(),
        whole: everywhere && asked.whole(),
        score,
        grade: checks::grade(score).to_owned(),
        areas,
        findings,
        untested: BEYOND.map(str::to_owned).to_vec(),
    }
}
