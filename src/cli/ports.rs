//! `imctl ports`: who reaches which port of which host, from the stack's own declarations; nobody is contacted.

use super::road::Road;
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::Exit;
use crate::stack::Protocol;
use crate::topology::{Rule, Source};
use console::pad_str;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Arguments of `imctl ports`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Prints the matrix.
pub(super) fn run(_args: &Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::open(global)?;
    let rows = road.hosts.iter().map(|host| (host.to_string(), road.topology.rules(host)));
    match global.output {
        OutputFormat::Json => {
            let rules =
                rows.flat_map(|(host, rules)| rules.into_iter().map(move |rule| machine(&host, &rule)));
            stdout::line(&json!({ "format": 1, "ports": rules.collect::<Vec<_>>() }).to_string());
        }
        OutputFormat::Human => stdout::answer(&human(&road, rows)),
    }
    Ok(Exit::Done)
}

fn machine(host: &str, rule: &Rule) -> Value {
    json!({
        "host": host, "port": rule.port, "protocol": rule.protocol, "component": rule.component,
        "name": rule.name, "from": from(rule), "about": rule.about,
    })
}

fn from(rule: &Rule) -> String {
    match &rule.from {
        Source::Clients => "anybody".to_owned(),
        Source::Hosts(hosts) => hosts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn human(road: &Road, rows: impl Iterator<Item = (String, Vec<Rule>)>) -> String {
    let rows: Vec<_> = rows.collect();
    let names = rows.iter().map(|(host, _)| console::measure_text_width(host));
    let wide = names.max().unwrap_or(0).max(4);
    let sources =
        rows.iter().flat_map(|(_, rules)| rules).map(|rule| console::measure_text_width(&from(rule)));
    let from_wide = sources.max().unwrap_or(0).max(8);
    let column = |text: &str, width: usize| pad_str(text, width, console::Alignment::Left, None).into_owned();
    let mut text = String::new();
    let mut line = |cells: [&str; 4], about: &str| {
        let [host, port, from, component] = cells;
        let cells = [column(host, wide), column(port, 10), column(from, from_wide), column(component, 12)];
        let _ = writeln!(text, "{}  {about}", cells.join("  "));
    };
    line(["host", "port", "open to", "component"], "what for");
    for (host, rules) in &rows {
        for rule in rules {
            let protocol = if rule.protocol == Protocol::Udp { "udp" } else { "tcp" };
            let port = format!("{}/{protocol}", rule.port);
            line([host, &port, &from(rule), rule.component.as_str()], &rule.about);
        }
    }
    text.push_str("Besides these, SSH is open on every host; everything else is dropped.\n");
    for (role, spec) in &road.topology.stack.file.roles {
        if spec.max == Some(1) {
            let _ = writeln!(
                text,
                "There is one `{role}` host ({}): while it is down the service waits for it.",
                spec.about
            );
        }
    }
    text
}
