//! `imctl ports`: who reaches which port of which host, and the DNS records that clients need, from the stack's own
//! declarations; nobody is contacted.

use super::dns::{Record, records};
use super::road::Road;
use super::{Failure, Global, Output, stdout};
use crate::base::{Exit, HostName};
use crate::stack::Protocol;
use crate::topology::{Rule, Source};
use console::pad_str;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Arguments of `imctl ports`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl ports -i acme.yml
  imctl ports -i acme.yml --output csv > firewall.csv     one line for each pair, for whoever keeps the firewall
  imctl ports -i acme.yml --output md > ports.md
  imctl ports -i acme.yml --dns                           the DNS records alone, as a zone file has them")]
pub(super) struct Args {
    /// Only the DNS records that clients need
    #[arg(long)]
    dns: bool,
}

/// Prints the matrix.
pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let road = Road::open(global)?;
    let records = records(&road)?;
    let rows: Vec<Row> = if args.dns { Vec::new() } else { rows(&road) };
    match global.output {
        Output::Json => {
            let ports = rows.iter().map(machine).collect::<Vec<_>>();
            let value = if args.dns {
                json!({ "format": 1, "dns": records })
            } else {
                json!({ "format": 1, "ports": ports, "dns": records })
            };
            stdout::line(&value.to_string());
        }
        Output::Csv if args.dns => stdout::answer(&dns_csv(&records)),
        Output::Csv => stdout::answer(&csv(&road, &rows)),
        Output::Md => stdout::answer(&markdown(&road, &rows, &records, args.dns)),
        Output::Human if args.dns => stdout::answer(&zone(&records)),
        Output::Human => stdout::answer(&human(&road, &rows, &records)),
    }
    Ok(Exit::Done)
}

/// A port of a host.
struct Row {
    host: HostName,
    rule: Rule,
}

fn rows(road: &Road) -> Vec<Row> {
    let of = |host: &HostName| {
        let host = host.clone();
        let rules = road.topology.rules(&host);
        rules.into_iter().map(move |rule| Row { host: host.clone(), rule })
    };
    road.hosts.iter().flat_map(of).collect()
}

fn machine(Row { host, rule }: &Row) -> Value {
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

fn word(protocol: Protocol) -> &'static str {
    if protocol == Protocol::Udp { "udp" } else { "tcp" }
}

fn zone(records: &[Record]) -> String {
    records.iter().fold(String::new(), |text, record| text + &record.line() + "\n")
}

/// One pair of machines with the port between them: what a firewall's keeper opens.
struct Opening {
    cells: [String; 7],
}

const HEAD: [&str; 7] =
    ["source", "source address", "destination", "destination address", "port", "protocol", "what for"];

/// Every pair, administration over SSH among them.
fn openings(road: &Road, rows: &[Row]) -> Vec<Opening> {
    let address = |host: &HostName| road.topology.place(host).address.clone();
    let mut all = Vec::new();
    for host in &road.hosts {
        let port = road.topology.host(host).ssh.port.unwrap_or(22).to_string();
        let what = "administration over SSH".to_owned();
        let cells = ["the operator's machine".into(), "any".into(), host.to_string(), address(host)];
        let [source, source_address, to, to_address] = cells;
        all.push(Opening { cells: [source, source_address, to, to_address, port, "tcp".into(), what] });
    }
    for Row { host, rule } in rows {
        let sources: Vec<(String, String)> = match &rule.from {
            Source::Clients => vec![("anybody".to_owned(), "any".to_owned())],
            Source::Hosts(hosts) => hosts.iter().map(|it| (it.to_string(), address(it))).collect(),
        };
        for (source, source_address) in sources {
            let (port, protocol) = (rule.port.to_string(), word(rule.protocol).to_owned());
            let about = rule.about.clone();
            let cells = [source, source_address, host.to_string(), address(host), port, protocol, about];
            all.push(Opening { cells });
        }
    }
    all
}

/// A line of values as RFC 4180 has it.
fn csv_line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let quoted = |cell: &str| {
        let plain = !cell.contains(['"', ',', '\n', '\r']);
        if plain { cell.to_owned() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\r\n"
}

fn csv(road: &Road, rows: &[Row]) -> String {
    let lines = openings(road, rows).into_iter().map(|it| csv_line(it.cells.iter().map(String::as_str)));
    std::iter::once(csv_line(HEAD.into_iter())).chain(lines).collect()
}

fn dns_csv(records: &[Record]) -> String {
    let head = csv_line(["name", "type", "value", "what for"].into_iter());
    let line = |it: &Record| csv_line([it.name.as_str(), it.kind, &it.value, &it.about].into_iter());
    std::iter::once(head).chain(records.iter().map(line)).collect()
}

fn markdown(road: &Road, rows: &[Row], records: &[Record], dns: bool) -> String {
    let row = |cells: &[&str]| {
        let safe: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", safe.join(" | "))
    };
    let rule = |columns: usize| format!("|{}\n", "---|".repeat(columns));
    let mut text = String::new();
    if !dns {
        let _ = write!(text, "# {}: what reaches what\n\n{}{}", road.inventory().name, row(&HEAD), rule(7));
        for opening in openings(road, rows) {
            text.push_str(&row(&opening.cells.each_ref().map(String::as_str)));
        }
        text.push_str("\nEverything else is dropped by the hosts themselves.\n\n");
    }
    if !records.is_empty() {
        let head = ["name", "type", "value", "what for"];
        let _ = write!(text, "# {}: DNS records\n\n{}{}", road.inventory().name, row(&head), rule(4));
        for it in records {
            text.push_str(&row(&[&it.name, it.kind, &it.value, &it.about]));
        }
    }
    text
}

fn human(road: &Road, rows: &[Row], records: &[Record]) -> String {
    let widest = |cells: &mut dyn Iterator<Item = String>, least: usize| {
        cells.map(|it| console::measure_text_width(&it)).max().unwrap_or(0).max(least)
    };
    let wide = widest(&mut rows.iter().map(|row| row.host.to_string()), 4);
    let from_wide = widest(&mut rows.iter().map(|row| from(&row.rule)), 8);
    let column = |text: &str, width: usize| pad_str(text, width, console::Alignment::Left, None).into_owned();
    let mut text = String::new();
    let mut line = |cells: [&str; 4], about: &str| {
        let [host, port, from, component] = cells;
        let cells = [column(host, wide), column(port, 10), column(from, from_wide), column(component, 12)];
        let _ = writeln!(text, "{}  {about}", cells.join("  "));
    };
    line(["host", "port", "open to", "component"], "what for");
    for Row { host, rule } in rows {
        let port = format!("{}/{}", rule.port, word(rule.protocol));
        line([host.as_str(), &port, &from(rule), rule.component.as_str()], &rule.about);
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
    if !records.is_empty() {
        let _ = write!(text, "\nDNS records that clients need to find every host:\n{}", zone(records));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_with_a_comma_or_a_quote_stays_one_cell() {
        assert_eq!(csv_line(["a", "b, c", "\"d\""].into_iter()), "a,\"b, c\",\"\"\"d\"\"\"\r\n");
    }
}
