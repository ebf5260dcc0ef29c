//! `imctl check`: whether the hosts are good enough, before anything is touched. It changes nothing.

mod before;
mod fix;
mod look;
mod mesh;
mod seen;
mod wants;

pub(super) use before::Checked;
pub(super) use wants::Wants;

use super::reach::Unreached;
use super::road::Road;
use super::{Failure, Global, OutputFormat, connect, keep, links, stdout};
use crate::base::{Exit, Finding, Language, Verdict};
use crate::checks::{LEFT_OUT, LIMITS, Site, preflight, preflight_rules, unknown_limits};
use crate::exec::{Fleet, LookFailure};
use crate::record::Machine;
use crate::report::{self, FindingsView, Live, Shape, Style};
use jiff::Timestamp;
use look::{Looked, look};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

/// Arguments of `imctl check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl check -i acme.yml
  imctl check -i acme.yml --on db1 --all
  imctl check -i acme.yml --fix
  imctl check -i acme.yml --skip MEM-02='shared with the old server until May'
  imctl explain DISK-01

Exit codes: 0 all is well or only warnings, 3 a check failed, 4 only warnings with --fail-on warn.")]
pub(super) struct Args {
    /// What the hosts should be good enough for
    #[arg(long, value_enum, default_value_t = Scene::Install)]
    scene: Scene,
    /// Show what passed, too
    #[arg(long)]
    all: bool,
    /// Exit with 4 when there are only warnings
    #[arg(long, value_name = "LEVEL", value_parser = ["warn"])]
    fail_on: Option<String>,
    /// Leave a check out, with the reason; may be given several times
    #[arg(long, value_name = "ID=REASON")]
    skip: Vec<String>,
    /// Mend what is safe to mend, by a plan that is shown first, and judge again
    #[arg(long)]
    fix: bool,
    /// List all checks and end; nobody is contacted
    #[arg(long)]
    list: bool,
}

/// What the hosts should be good enough for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Scene {
    /// An installation: everything is judged; disks that serve users are not tried
    Install,
    /// An upgrade of what is installed: disks and ways between hosts are not tried
    Upgrade,
    /// A proof of the installed service: everything is judged and tried, disks too
    Acceptance,
}

/// Looks, judges, shows.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    if args.list {
        stdout::answer(&list());
        return Ok(Exit::Done);
    }
    let skipped = Skipped::read(&args.skip)?;
    let road = Road::open(global)?;
    let view = view(&road, global, &args, &skipped).await?;
    for alone in Wants::read(&road)?.alone() {
        stdout::note(&alone);
    }
    let told = |view: &FindingsView| super::verify::told(&road, view, global, args.fail_on.is_some());
    if !args.fix {
        return told(&view);
    }
    if global.shape() == OutputFormat::Human {
        told(&view)?;
    }
    let Some(mended) = fix::mend(global, &view.findings).await? else {
        let told_already = global.shape() == OutputFormat::Human;
        return if told_already { Ok(view.exit(args.fail_on.is_some())) } else { told(&view) };
    };
    let done = mended.exit() == Exit::Done;
    let judged = if done { self::view(&road, global, &args, &skipped).await? } else { view };
    if global.shape() == OutputFormat::Json {
        let mut document = judged.json();
        document["mended"] = mended.json();
        stdout::line(&document.to_string());
    } else if done {
        told(&judged)?;
    }
    Ok(if done { judged.exit(args.fail_on.is_some()) } else { mended.exit() })
}

async fn view(road: &Road, global: &Global, args: &Args, skipped: &Skipped) -> Result<FindingsView, Failure> {
    let (begun, time) = (Instant::now(), Timestamp::now());
    let mut found = judged(road, global, args.scene).await?;
    skipped.leave_out(&mut found.findings);
    let view = FindingsView {
        command: "check".to_owned(),
        findings: found.findings,
        hosts: road.hosts.len(),
        took: begun.elapsed(),
        all: args.all,
        language: Language::En,
    };
    keep::judged(road, &view, (time, &road.hosts), found.machines)?;
    Ok(view)
}

/// What was found on hosts: the judgement, and what they are.
#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    machines: Vec<Machine>,
}

/// Checks that are left out, with their reasons.
pub(super) struct Skipped(BTreeMap<String, String>);

impl Skipped {
    /// `ID=REASON`, each; a reason is wanted because somebody will ask.
    pub(super) fn read(words: &[String]) -> Result<Self, Failure> {
        let one = |word: &String| {
            let (id, reason) = word.split_once('=').unwrap_or((word, ""));
            let id = id.to_ascii_uppercase();
            if reason.trim().is_empty() {
                let example = "a reason belongs to it, such as";
                return Err(Failure::Usage(format!(
                    "--skip {id}: {example} --skip {id}='until the disk is replaced'"
                )));
            }
            if !preflight_rules().any(|rule| rule.id == id) {
                return Err(Failure::Usage(format!(
                    "--skip {id}: there is no such check; imctl check --list"
                )));
            }
            Ok((id, reason.trim().to_owned()))
        };
        words.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Marks their findings.
    pub(super) fn leave_out(&self, findings: &mut [Finding]) {
        for finding in findings {
            if let Some(reason) = self.0.get(&finding.id) {
                finding.verdict = Verdict::NotApplicable;
                finding.because = format!("{LEFT_OUT}{reason}");
                finding.fix = String::new();
            }
        }
    }
}

fn list() -> String {
    let mut text = String::new();
    for rule in preflight_rules() {
        let _ = writeln!(text, "{:12} {}: {}", rule.id, rule.what, with_limit(rule.id, rule.needed));
    }
    text
}

/// A text with the number of its rule.
fn with_limit(id: &str, text: &str) -> String {
    LIMITS
        .iter()
        .find(|limit| limit.id == id)
        .map_or_else(|| text.to_owned(), |limit| text.replace("LIMIT", &limit.value.to_string()))
}

/// The page of all checks.
#[cfg(test)]
pub(super) fn markdown() -> String {
    let mut text = String::from(include_str!("page.md"));
    let remedies = crate::checks::remedies();
    for rule in preflight_rules() {
        let needed = with_limit(rule.id, rule.needed);
        let fix = if remedies.contains_key(rule.id) { "yes" } else { "" };
        let _ = writeln!(text, "| {} | {} | {needed} | {} | {fix} |", rule.id, rule.what, rule.because);
    }
    text
}

/// Everything that is judged; a host that cannot be reached is a finding, and the others are judged all the same.
async fn judged(road: &Road, global: &Global, scene: Scene) -> Result<Found, Failure> {
    let wants = Wants::read(road)?;
    let live =
        Live::new(Shape::fitting(global.shape() == OutputFormat::Json), Style::stderr(global.no_color));
    let sink = live.sink();
    sink.phase(format!("checking {}", report::counted(road.hosts.len(), "host")));
    let (fleet, unreached) = connect::some(road, global, &road.hosts, &sink).await?;
    let mut findings: Vec<Finding> = unreached.iter().map(out_of_reach).collect();
    let judged = over(road, &fleet, &wants, scene).await;
    fleet.close().await;
    live.finish();
    let judged = judged?;
    findings.extend(judged.findings);
    Ok(Found { findings, machines: judged.machines })
}

/// Everything that is judged over open connections.
async fn over(road: &Road, fleet: &Fleet, wants: &Wants, scene: Scene) -> Result<Found, Failure> {
    let mut findings = Vec::new();
    let mut looks: Vec<(_, Looked)> = Vec::new();
    for (host, looked) in look(road, fleet, wants).await? {
        match looked {
            Ok(looked) => looks.push((host, looked)),
            Err(LookFailure::Link(cause)) => findings.push(out_of_reach(&Unreached { host, cause })),
            Err(cause) => return Err(Failure::Unseen(vec![super::survey::Unseen { host, cause }])),
        }
    }
    looks.sort_by_key(|(host, _)| road.hosts.iter().position(|it| it == host));
    let seen = looks.iter().map(|(host, _)| host.clone()).collect();
    let (mesh, mut disks) =
        tokio::join!(mesh::mesh(road, fleet, seen, scene), look::disks(road, fleet, wants, &looks, scene));
    let hosts = looks.iter().map(|(host, looked)| {
        let disk = disks.remove(host).unwrap_or_default();
        (host.clone(), seen::host_seen((road, wants, scene), host, looked, disk))
    });
    let file = &road.topology.stack.file;
    let site = Site {
        hosts: hosts.collect(),
        platforms: file.platforms.clone(),
        bundle: road.bundle.as_ref().map(|bundle| bundle.manifest().size()),
        limits: file.preflight.clone(),
        mesh,
    };
    findings.extend(preflight(&site));
    let machines = site.hosts.iter().map(|(host, seen)| seen::machine(host, seen)).collect();
    Ok(Found { findings, machines })
}

/// A stack that gives a number for no rule has a slip in an id.
fn refuse_unknown_limits(road: &Road) -> Result<(), Failure> {
    let file = &road.topology.stack.file;
    match unknown_limits(file.preflight.keys()).first() {
        None => Ok(()),
        Some(id) => Err(Failure::Usage(format!(
            "the stack `{}` gives a number for `{id}`, which is no check with a number",
            file.name
        ))),
    }
}

/// The first rule, on a host that nothing else can be said of.
fn out_of_reach(it: &Unreached) -> Finding {
    let rule = preflight_rules().next().expect("there are rules");
    let help = links::help(&it.host, &it.cause).join("; ");
    let finding = rule.unmet(&it.host, it.cause.to_string());
    if help.is_empty() { finding } else { Finding { fix: help, ..finding } }
}
