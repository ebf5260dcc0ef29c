//! The picture of a deployment: a column for clients and for each group of hosts with the same roles, and an arrow for each
//! pair that talks, with its ports. Any number of arrows stays readable, since each has a line of its own.

use super::drawing::{escaped, fitting, label, svg, width};
use super::view::{Group, Link, TopologyView};
use std::fmt::Write as _;

const LINE: f64 = 15.0;
const ARROW: f64 = 30.0;
/// Hosts that are named in a box.
const NAMED: usize = 6;

/// Draws it. `clients` is what clients are called, `more` what stands for hosts that are not named, with `{n}`.
pub(super) fn topology(view: &TopologyView, clients: &str, more: &str) -> String {
    let columns = view.groups.len() + 1;
    let spacing = (720.0 / real(columns)).max(120.0);
    let middle = |at: usize| spacing * (real(at) + 0.5);
    let boxes: Vec<Vec<String>> = std::iter::once(vec![clients.to_owned()])
        .chain(view.groups.iter().map(|group| words(group, more)))
        .collect();
    let tallest = boxes.iter().map(Vec::len).max().unwrap_or(1);
    let foot = real(tallest) * LINE + 16.0;
    let height = foot + real(view.links.len()) * ARROW + 24.0;
    let mut parts = String::from(HEAD);
    for at in 0..columns {
        let x = middle(at);
        let _ = write!(
            parts,
            "<line x1=\"{x:.1}\" y1=\"{foot:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" class=\"life\"/>",
            height - 4.0
        );
    }
    for (at, words) in boxes.iter().enumerate() {
        let roles = if at == 0 { 1 } else { view.groups[at - 1].roles.len() };
        parts.push_str(&group_box((middle(at), spacing - 14.0, foot), words, roles));
    }
    for (at, link) in view.links.iter().enumerate() {
        let y = foot + real(at) * ARROW + 28.0;
        parts.push_str(&arrow(link, (&middle, y), columns));
    }
    svg((spacing * real(columns), height), clients, &parts)
}

const HEAD: &str = "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
    markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0.8 L8,4 L0,7.2 z\" class=\"tip\"/></marker></defs>";

#[expect(clippy::cast_precision_loss, reason = "counts of hosts and links are small")]
fn real(number: usize) -> f64 {
    number as f64
}

/// Roles, then hosts, a line each.
fn words(group: &Group, more: &str) -> Vec<String> {
    let mut lines = group.roles.clone();
    lines.extend(group.hosts.iter().take(NAMED).cloned());
    if group.hosts.len() > NAMED {
        lines.push(more.replace("{n}", &(group.hosts.len() - NAMED).to_string()));
    }
    lines
}

fn group_box((x, wide, height): (f64, f64, f64), lines: &[String], roles: usize) -> String {
    let left = x - wide / 2.0;
    let mut text = format!(
        "<rect x=\"{left:.1}\" y=\"1\" width=\"{wide:.1}\" height=\"{:.1}\" rx=\"5\" class=\"box\"/>",
        height - 2.0
    );
    for (at, line) in lines.iter().enumerate() {
        let class = if at < roles { "mid strong" } else { "mid" };
        let y = 19.0 + real(at) * LINE;
        let _ = write!(
            text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{}<title>{}</title></text>",
            escaped(&fitting(line, wide - 8.0)),
            escaped(line)
        );
    }
    text
}

fn arrow(link: &Link, (middle, y): (&dyn Fn(usize) -> f64, f64), columns: usize) -> String {
    let (from, to) = (link.from.map_or(0, |from| from + 1), link.to + 1);
    let ports = link.ports.join(", ");
    let (start, end) = (middle(from), middle(to));
    if from == to {
        let last = to + 1 == columns;
        let (out, class) = if last { (-34.0, "end") } else { (34.0, "start") };
        let path = format!(
            "<path d=\"M{start:.1},{:.1} h{out} v14 H{:.1}\" class=\"arrow\" marker-end=\"url(#tip)\"/>",
            y - 12.0,
            start + if last { -2.0 } else { 2.0 }
        );
        return path + &label((start + out * 1.2, y - 1.0), class, &ports);
    }
    let tip = if end > start { end - 2.0 } else { end + 2.0 };
    let half = width(&ports) / 2.0 + 3.0;
    let centre = f64::midpoint(start, end);
    let back = format!(
        "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"14\" class=\"paper\"/>",
        centre - half,
        y - 17.0,
        half * 2.0
    );
    let shaft = format!(
        "<line x1=\"{start:.1}\" y1=\"{y:.1}\" x2=\"{tip:.1}\" y2=\"{y:.1}\" class=\"arrow\" marker-end=\"url(#tip)\"/>"
    );
    back + &shaft + &label((centre, y - 6.0), "mid", &ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(roles: &[&str], hosts: usize) -> Group {
        let hosts = (1..=hosts).map(|number| format!("host{number}")).collect();
        Group { roles: roles.iter().map(|&role| role.to_owned()).collect(), hosts }
    }

    fn link(from: Option<usize>, to: usize, port: &str) -> Link {
        Link { from, to, ports: vec![port.to_owned()] }
    }

    #[test]
    fn every_link_is_an_arrow_with_its_ports_and_many_hosts_are_counted() {
        let view = TopologyView {
            groups: vec![group(&["app", "balancer"], 2), group(&["database"], 9)],
            links: vec![link(None, 0, "5222"), link(Some(0), 1, "5432"), link(Some(0), 0, "4370")],
            everywhere: vec![],
        };
        let drawn = topology(&view, "clients", "and {n} more");
        assert_eq!(drawn.matches("class=\"arrow\"").count(), 3);
        for word in [">5222<", ">5432<", ">4370<", ">and 3 more<", ">balancer<", ">host6<"] {
            assert!(drawn.contains(word), "{word}: {drawn}");
        }
        assert!(!drawn.contains(">host7<") && drawn.starts_with("<svg viewBox=\"0 0 720 "));
    }

    #[test]
    fn a_name_cannot_leave_its_drawing() {
        let odd = Group { roles: vec!["<script>".into()], hosts: vec!["a\"b".into()] };
        let view = TopologyView { groups: vec![odd], ..TopologyView::default() };
        let drawn = topology(&view, "clients", "{n}");
        assert!(!drawn.contains("<script") && drawn.contains("&lt;script&gt;"), "{drawn}");
    }
}
