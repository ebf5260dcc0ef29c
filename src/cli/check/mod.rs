//! `imctl check`: whether the hosts are good enough, before anything is touched. It changes nothing.

use super::reach::Unreached;
use super::road::Road;
use super::{Failure, Global, OutputFormat, connect, links, stdout};
use crate::base::{Component, Exit, Finding, HostName, Role, Verdict};
use crate::checks::{HostSeen, Site, preflight, preflight_rules};
use crate::exec::{self, Fleet, LookFailure};
use crate::facts::{self, Transport};
use crate::plan::{self, Manifest};
use crate::record::Observed;
use crate::report::{self, FindingsView, Live, Shape, Style};
use crate::resource::{Probe, Resource};
use crate::sizing::{self, Amounts, Asked};
use crate::stack::{ComponentSpec, PortSpec, Protocol, RoleSizing, SizingFile};
use crate::transport::{Exec, LinkError, Session};
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// Programs that imctl and the packages use on every host.
const COMMANDS: [&str; 13] = [
    "apt-get",
    "dpkg",
    "flock",
    "getent",
    "groupadd",
    "install",
    "perl",
    "sha256sum",
    "stat",
    "systemctl",
    "systemd-run",
    "timeout",
    "useradd",
];

/// A question to the host's clock may take so long.
const TICK: Duration = Duration::from_secs(20);

/// Arguments of `imctl check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl check -i acme.yml
  imctl check -i acme.yml --on db1 --all
  imctl check -i acme.yml --skip MEM-02='shared with the old server until May'
  imctl explain DISK-01

Exit codes: 0 all is well or only warnings, 3 a check failed, 4 only warnings with --fail-on warn.")]
pub(super) struct Args {
    /// Show what passed, too
    #[arg(long)]
    all: bool,
    /// Exit with 4 when there are only warnings
    #[arg(long, value_name = "LEVEL", value_parser = ["warn"])]
    fail_on: Option<String>,
    /// Leave a check out, with the reason; may be given several times
    #[arg(long, value_name = "ID=REASON")]
    skip: Vec<String>,
    /// List all checks and end; nobody is contacted
    #[arg(long)]
    list: bool,
}

/// Looks, judges, shows.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    if args.list {
        stdout::answer(&list());
        return Ok(Exit::Done);
    }
    let skipped = skipped(&args.skip)?;
    let road = Road::open(global)?;
    let begun = Instant::now();
    let mut findings = judged(&road, global).await?;
    for finding in &mut findings {
        if let Some(reason) = skipped.get(&finding.id) {
            finding.verdict = Verdict::NotApplicable;
            finding.because = format!("left out: {reason}");
            finding.fix = String::new();
        }
    }
    let view = FindingsView {
        command: "check".to_owned(),
        findings,
        hosts: road.hosts.len(),
        took: begun.elapsed(),
        all: args.all,
    };
    Ok(super::verify::told(&view, global, args.fail_on.is_some()))
}

/// `ID=REASON`, each; a reason is wanted because somebody will ask.
fn skipped(words: &[String]) -> Result<BTreeMap<String, String>, Failure> {
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
            return Err(Failure::Usage(format!("--skip {id}: there is no such check; imctl check --list")));
        }
        Ok((id, reason.trim().to_owned()))
    };
    words.iter().map(one).collect()
}

fn list() -> String {
    let mut text = String::new();
    for rule in preflight_rules() {
        let _ = writeln!(text, "{:12} {}: {}", rule.id, rule.what, rule.needed);
    }
    text
}

/// The page of all checks.
#[cfg(test)]
pub(super) fn markdown() -> String {
    let mut text = String::from(PAGE);
    for rule in preflight_rules() {
        let _ = writeln!(text, "| {} | {} | {} | {} |", rule.id, rule.what, rule.needed, rule.because);
    }
    text
}

#[cfg(test)]
const PAGE: &str = "\
# imctl check: are the hosts good enough

`imctl check -i FILE` looks at every host once, over one connection, and changes nothing. It judges processors, memory, disks and network
against what this inventory's roles need ([sizing.md](sizing.md)), the system, its packages and ports, and the hosts against each
other. A host that cannot be reached is a finding (SSH-01), and the others are judged all the same.

A failure (`✗`) ends with exit code 3. A warning (`!`) is worth a look; with `--fail-on warn` it ends with 4. What could not be found
out is a warning, never a pass. Ports, memory and disk space that the service itself uses on a host where it is installed are
no fault. `--skip ID=REASON` leaves a check out and says so; `--all` shows what passed; `imctl explain ID` tells what helps.

Not judged yet: the speed of disks, and whether packets between the hosts pass (loss, latency, firewalls between them).

<!-- made from the program -->

| id | what | needed | because |
|---|---|---|---|
";

/// Everything that is judged; a host that cannot be reached is a finding, and the others are judged all the same.
async fn judged(road: &Road, global: &Global) -> Result<Vec<Finding>, Failure> {
    let live = Live::new(Shape::fitting(global.output == OutputFormat::Json), Style::stderr(global.no_color));
    let sink = live.sink();
    sink.phase(format!("checking {}", report::counted(road.hosts.len(), "host")));
    let (fleet, unreached) = connect::some(road, global, &road.hosts, &sink).await?;
    let mut findings: Vec<Finding> = unreached.iter().map(out_of_reach).collect();
    let seen = look(road, &fleet).await;
    fleet.close().await;
    live.finish();
    let mut site = Site {
        hosts: Vec::new(),
        platforms: road.topology.stack.file.platforms.clone(),
        bundle: road.bundle.as_ref().map(|bundle| bundle.manifest().size()),
    };
    let needs = needs(road)?;
    for (host, looked) in seen? {
        match looked {
            Ok(looked) => {
                let seen = host_seen(road, &host, &looked, &needs);
                site.hosts.push((host, seen));
            }
            Err(LookFailure::Link(cause)) => findings.push(out_of_reach(&Unreached { host, cause })),
            Err(cause) => return Err(Failure::Unseen(vec![super::survey::Unseen { host, cause }])),
        }
    }
    site.hosts.sort_by_key(|(host, _)| road.hosts.iter().position(|it| it == host));
    findings.extend(preflight(&site));
    Ok(findings)
}

/// The first rule, on a host that nothing else can be said of.
fn out_of_reach(it: &Unreached) -> Finding {
    let rule = preflight_rules().next().expect("there are rules");
    let help = links::help(&it.host, &it.cause).join("; ");
    let finding = rule.unmet(&it.host, it.cause.to_string());
    if help.is_empty() { finding } else { Finding { fix: help, ..finding } }
}

/// What was seen of a host, with what its connection and its clock said.
struct Looked {
    observed: Observed,
    clock: Clock,
}

/// How long a program that does nothing takes over a new shell and over an open one, and how far ahead the host's clock is.
struct Clock {
    login_ms: u64,
    answer_ms: u64,
    ahead: Option<(f64, f64)>,
    umask: Option<String>,
}

type Looks = Vec<(HostName, Result<Looked, LookFailure>)>;

/// All hosts at once: the clock over a new and an open shell, then one look.
async fn look(road: &Road, fleet: &Fleet) -> Result<Looks, Failure> {
    let identities = crate::desired::identities(&road.topology)?;
    let probes = |host: &HostName| {
        let mut probes = plan::probes(&road.topology, &identities, host);
        let data: Vec<String> = data_paths(road, host).into_iter().map(|(path, _)| path).collect();
        let data: Vec<&str> = data.iter().map(String::as_str).collect();
        let facts = (facts::KEY, facts::script_with_listeners());
        for (key, script) in [facts, (facts::DEEP_KEY, facts::deep_script(&COMMANDS, &data))] {
            probes.push(Probe::Script { key: key.to_owned(), script });
        }
        probes
    };
    let hosts: Vec<HostName> = fleet.iter().map(|(host, _)| host.clone()).collect();
    let clocks = join_all(fleet.iter().map(|(_, link)| clock(link.as_ref()))).await;
    let mut looked =
        exec::look(fleet, &hosts.iter().map(|host| (host.clone(), probes(host))).collect()).await;
    let one = |(host, clock): (HostName, Result<Clock, LinkError>)| {
        let observed = looked.remove(&host).unwrap_or(Err(LookFailure::NoLink));
        let looked = clock.map_err(LookFailure::Link);
        (host, looked.and_then(|clock| Ok(Looked { observed: observed?, clock })))
    };
    Ok(hosts.into_iter().zip(clocks).map(one).collect())
}

async fn clock(link: &dyn Session) -> Result<Clock, LinkError> {
    let mut times = [0; 2];
    let (mut ahead, mut umask) = (None, None);
    for time in &mut times {
        let (begun, before) = (Instant::now(), Timestamp::now());
        let output = link.exec(Exec::new("date +%s.%N\numask\n", TICK)).await?;
        let took = begun.elapsed();
        *time = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let middle = before.as_duration().as_secs_f64() + took.as_secs_f64() / 2.0;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut lines = said.lines();
        let there = lines.next().and_then(|time| time.parse::<f64>().ok());
        ahead = there.map(|there| (there - middle, took.as_secs_f64() / 2.0));
        umask = lines.next().map(str::to_owned);
    }
    Ok(Clock { login_ms: times[0], answer_ms: times[1], ahead, umask })
}

type Needs = BTreeMap<Role, Amounts>;

/// What a host of each role needs, as many as the inventory has.
fn needs(road: &Road) -> Result<Needs, Failure> {
    let stack = &road.topology.stack;
    let Some(file) = &stack.file.sizing else { return Ok(Needs::new()) };
    let file: SizingFile = stack.data(file)?;
    let asked = Asked::of_inventory(road.inventory(), &file);
    let mut counts: BTreeMap<Role, u64> = BTreeMap::new();
    for role in road.inventory().hosts.iter().flat_map(|host| &host.roles) {
        *counts.entry(role.clone()).or_default() += 1;
    }
    Ok(sizing::share(&file, &asked, &counts).map_err(|cause| cause.of_stack(&stack.file.name))?)
}

/// What the stack's sizing says of a host's roles.
fn sized(road: &Road, host: &HostName) -> Vec<RoleSizing> {
    let stack = &road.topology.stack;
    let file = stack.file.sizing.as_deref().and_then(|file| stack.data::<SizingFile>(file).ok());
    let roles = file.into_iter().flat_map(|file| file.roles);
    roles.filter(|role| road.topology.host(host).roles.contains(&role.role)).collect()
}

/// Where data goes on a host, with its role.
fn data_paths(road: &Road, host: &HostName) -> Vec<(String, Role)> {
    sized(road, host).into_iter().filter_map(|role| Some((role.data?, role.role))).collect()
}

fn host_seen(road: &Road, host: &HostName, looked: &Looked, needs: &Needs) -> HostSeen {
    let said = |key: &str| looked.observed.scripts.get(key).map(|it| it.out.as_str()).unwrap_or_default();
    let words = road.topology.host(host);
    let of = |role: &Role| needs.get(role).copied().unwrap_or_default();
    let ours = !Manifest::seen(&looked.observed).resources.is_empty();
    HostSeen {
        facts: facts::parse(said(facts::KEY)),
        deep: facts::parse_deep(said(facts::DEEP_KEY)),
        address: words.address.clone(),
        needs: words.roles.iter().map(of).fold(Amounts::default(), Amounts::and),
        data: data_paths(road, host).into_iter().map(|(path, role)| (path, of(&role).disk_gib)).collect(),
        no_pauses: sized(road, host).iter().any(|role| role.no_pauses),
        ports: ports(road, host),
        limits: words.limits.clone(),
        ours,
        foreign: if ours { Vec::new() } else { foreign(road, host, &looked.observed) },
        settings: settings(road, host),
        umask: looked.clock.umask.clone(),
        clock: looked.clock.ahead,
        answer_ms: looked.clock.answer_ms,
        login_ms: looked.clock.login_ms,
    }
}

/// The components of a host that are not on every host.
fn own_components<'a>(road: &'a Road, host: &'a HostName) -> impl Iterator<Item = &'a ComponentSpec> {
    let specs = road.topology.on(host).filter_map(|it| road.topology.stack.component(&it.component));
    specs.filter(|spec| spec.role.as_str() != "all")
}

fn ports(road: &Road, host: &HostName) -> Vec<(Transport, u16, String)> {
    let port = |component: &Component, spec: &PortSpec| {
        let transport = if spec.protocol == Protocol::Udp { Transport::Udp } else { Transport::Tcp };
        (transport, spec.port, component.to_string())
    };
    let of = |spec: &ComponentSpec| spec.ports.values().map(|it| port(&spec.name, it)).collect::<Vec<_>>();
    own_components(road, host).flat_map(of).collect()
}

/// Packages that bring a service of the stack, already here.
fn foreign(road: &Road, host: &HostName, seen: &Observed) -> Vec<String> {
    let resources = own_components(road, host).flat_map(|spec| &spec.resources);
    let services = resources.filter_map(|resource| match resource {
        Resource::Package(package) if !package.masks.is_empty() => Some(&package.names),
        _ => None,
    });
    let names = services.flatten().filter_map(|name| name.split('=').next());
    names.filter(|name| seen.packages.contains_key(*name)).map(str::to_owned).collect()
}

/// Kernel settings that the stack gives, those that are the same on every host.
fn settings(road: &Road, host: &HostName) -> Vec<(String, String, String)> {
    let specs = road.topology.on(host).filter_map(|it| road.topology.stack.component(&it.component));
    let mut all = Vec::new();
    for resource in specs.flat_map(|spec| &spec.resources) {
        let Resource::Sysctl(sysctl) = resource else { continue };
        let plain = sysctl.values.iter().filter(|(_, value)| !value.contains("{{"));
        all.extend(plain.map(|(name, value)| (name.clone(), value.clone(), sysctl.file.clone())));
    }
    all
}
