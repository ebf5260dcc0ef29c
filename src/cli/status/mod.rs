//! `imctl status`: what stands where, and whether it is well. One connection and one exec a host; it changes nothing.

mod figures;
mod health;
mod hosts;
mod last;
mod look;

use super::road::Road;
use super::{Failure, Global, OutputFormat, material, stdout};
use crate::base::{Exit, duration};
use crate::desired;
use crate::report::{self, Problem, StatusView, Style};
use jiff::Timestamp;
use look::{Look, look};
use std::time::{Duration, Instant};

/// Arguments of `imctl status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl status -i acme.yml
  imctl status -i acme.yml -v                with the diff of everything that differs from the inventory
  imctl status -i acme.yml --watch 10        again every 10 seconds, until Ctrl-C
Exit code 0 = healthy, 3 = something is broken or a host does not answer, 7 = no host answers.")]
pub(super) struct Args {
    /// Look again every so many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5")]
    watch: Option<String>,
}

/// Looks, judges, shows; with `--watch` again and again.
pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let every = args.watch.as_deref().map(every).transpose()?;
    let road = Road::without_bundle(global)?;
    let scene = Scene::of(&road, global);
    let Some(every) = every else {
        let view = scene.view().await?;
        show(&view, global, false);
        return Ok(view.exit());
    };
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        tokio::select! {
            view = scene.view() => show(&view?, global, true),
            _ = &mut interrupted => return Ok(Exit::Interrupted),
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = &mut interrupted => return Ok(Exit::Interrupted),
        }
    }
}

fn every(text: &str) -> Result<Duration, Failure> {
    let wrong = |cause: String| Failure::Usage(format!("--watch: {cause}"));
    let time = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => duration(text).map_err(|cause| wrong(cause.to_string()))?,
    };
    if time.is_zero() { Err(wrong("a second is the least".to_owned())) } else { Ok(time) }
}

/// Secrets are there already: looking makes none.
fn known(road: &Road) -> Result<(), Failure> {
    let wants = desired::wants(&road.topology)?;
    let none = wants.secrets.is_empty() && wants.certificates.is_empty();
    if none || !road.state.recipients()?.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage("there are no secrets in the operator's folder".to_owned()))
}

/// What stays the same from look to look.
struct Scene<'a> {
    road: &'a Road,
    global: &'a Global,
    /// Secrets and certificates, to tell what differs; or why they cannot be had.
    made: Result<material::Made, String>,
}

impl<'a> Scene<'a> {
    fn of(road: &'a Road, global: &'a Global) -> Self {
        let made = known(road).and_then(|()| material::make(road)).map_err(|failure| failure.to_string());
        Self { road, global, made }
    }

    async fn view(&self) -> Result<StatusView, Failure> {
        let (begun, now) = (Instant::now(), Timestamp::now());
        let seen = look(self).await?;
        self.installed(&seen)?;
        let mut problems = Vec::new();
        let components = health::components(self, &seen, &mut problems);
        let hosts = hosts::hosts(self, &seen, &mut problems)?;
        problems.sort_by_key(|problem: &Problem| !problem.broken);
        let topology = &self.road.topology;
        Ok(StatusView {
            format: 1,
            name: self.road.inventory().name.clone(),
            release: format!("{} {}", topology.stack.file.name, topology.version),
            time: now.to_string(),
            seconds: (begun.elapsed().as_secs_f64() * 100.0).round() / 100.0,
            healthy: !problems.iter().any(|problem| problem.broken),
            answered: seen.observed.len(),
            problems,
            notes: hosts::notes(self, &seen),
            components,
            hosts,
            last: last::last(&self.road.state)?,
        })
    }

    /// Where nothing stands there is nothing to tell.
    fn installed(&self, seen: &Look) -> Result<(), Failure> {
        if seen.observed.is_empty() || seen.observed.keys().any(|host| seen.stands(host)) {
            return Ok(());
        }
        let hosts: Vec<&str> = seen.observed.keys().map(crate::base::HostName::as_str).collect();
        Err(Failure::NotInstalled { hosts: hosts.join(", "), inventory: self.road.typed() })
    }
}

/// Prints it; on a terminal each look takes the place of the one before.
fn show(view: &StatusView, global: &Global, again: bool) {
    if global.shape() == OutputFormat::Json {
        stdout::line(&view.json().to_string());
        return;
    }
    let term = console::Term::stdout();
    let redraw = again && term.is_term();
    let style = Style::stdout(global.no_color);
    let mut text = Vec::new();
    report::status(&mut text, view, global.verbose > 0, style).expect("writing to memory does not fail");
    let text = String::from_utf8_lossy(&text);
    let before = if redraw { "\u{1b}[H\u{1b}[2J" } else { "" };
    let after = if again && !redraw { "\n" } else { "" };
    stdout::answer(&format!("{before}{text}{after}"));
}
