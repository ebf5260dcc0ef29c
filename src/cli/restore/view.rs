//! What `imctl restore` says before and after.

use super::{Aim, hosts};
use crate::base::Bytes;
use crate::cli::backup::Depot;
use crate::cli::road::Road;
use crate::cli::{Global, OutputFormat, stdout};
use crate::report::{FindingsView, Style, Tone, findings, spoken};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// A moment, for people.
pub(super) fn time(at: Timestamp) -> String {
    format!("{} UTC", at.strftime("%F %T"))
}

/// Every step before anything happens.
pub(super) fn plan(depot: &Depot, aim: &Aim, no_safety_set: bool, global: &Global) {
    let mut steps: Vec<(String, String)> = Vec::new();
    if !no_safety_set {
        steps.push((depot.host.to_string(), "a set of what is there now".to_owned()));
    }
    for work in &aim.work {
        let names: Vec<String> = hosts(work).iter().map(ToString::to_string).collect();
        let about = work.hooks.first().map_or("", |hook| hook.about.as_str());
        let part = work.part.as_deref().and_then(|name| aim.part(name));
        let size = part.map(|part| format!("{} ({}): ", part.name, Bytes(part.bytes))).unwrap_or_default();
        steps.push((names.join(", "), format!("{size}{about}")));
    }
    steps.push((
        depot.host.to_string(),
        "a set of what is there then, from which later moments are reached".to_owned(),
    ));
    let moment = aim.moment();
    if global.shape() == OutputFormat::Json {
        let steps: Vec<Value> =
            steps.iter().map(|(hosts, about)| json!({ "hosts": hosts, "about": about })).collect();
        let answer = json!({ "format": 1, "set": aim.set.id, "brings-back": moment, "steps": steps });
        return stdout::line(&answer.to_string());
    }
    let style = Style::stdout(global.no_color);
    let age = Timestamp::now().duration_since(moment).unsigned_abs();
    let from = if aim.at.is_some() { " and what came after it" } else { "" };
    stdout::line(&format!(
        "Set {}{from}, back to {}, {} ago",
        aim.set.id,
        time(moment),
        spoken(Duration::from_secs(age.as_secs()))
    ));
    let widest = steps.iter().map(|(hosts, _)| hosts.chars().count()).max().unwrap_or(0) + 2;
    for (at, (hosts, about)) in steps.iter().enumerate() {
        stdout::line(&format!("  {}  {}{about}", at + 1, crate::report::padded(hosts, widest)));
    }
    let lost = "What was written after that moment is lost but for the set of what is there now.";
    let lost = if no_safety_set { "What was written after that moment is lost." } else { lost };
    stdout::line(&style.paint(Tone::Warn, lost));
}

/// What the proof says.
pub(super) fn proved(road: &Road, proof: Option<FindingsView>, global: &Global) {
    if global.shape() == OutputFormat::Json {
        let verify = proof.map(|proof| proof.json());
        return stdout::line(
            &json!({ "format": 1, "restored": road.inventory().name, "verify": verify }).to_string(),
        );
    }
    stdout::line(&format!("{} is restored", road.inventory().name));
    if let Some(proof) = proof {
        let style = Style::stdout(global.no_color);
        stdout::write(|out| findings(out, &proof, style));
    }
}
