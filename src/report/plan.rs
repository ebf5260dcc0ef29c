//! A plan as text that a stranger can approve: stages, batches, hosts, each change with its reason, totals.

use super::plan_view::{HostView, Mark, PlanView, StageView, StepView};
use super::style::{Style, Tone, counted, padded, wide, wrapped};
use crate::base::HostName;
use std::io::{self, Write};

/// Columns of a step before its kind: indent and sign.
const INDENT: usize = 4;
/// Columns a kind is padded to.
const KIND: usize = 10;

/// Writes a plan. `took` is how long looking took, in words, for the one line of a plan without changes.
pub fn plan(out: &mut impl Write, view: &PlanView, took: &str, style: Style) -> io::Result<()> {
    if view.is_empty() {
        let hosts = counted(view.hosts, "host");
        return writeln!(out, "{}: {hosts} as planned, 0 changes ({took})", view.name);
    }
    let mut head = vec![style.paint(Tone::Strong, &view.name)];
    head.extend(view.about.iter().cloned());
    for line in wrapped_parts(&head, style.width) {
        writeln!(out, "{line}")?;
    }
    for stage in &view.stages {
        writeln!(out)?;
        write_stage(out, stage, style)?;
    }
    writeln!(out)?;
    for line in wrapped(&totals_line(view), style.width) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Parts joined by ` · `, broken between parts where the line would be too long.
fn wrapped_parts(parts: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for part in parts {
        match lines.last_mut() {
            Some(line) if wide(line) + 3 + wide(part) <= width => {
                line.push_str(" · ");
                line.push_str(part);
            }
            Some(_) => lines.push(format!("  {part}")),
            None => lines.push(part.clone()),
        }
    }
    lines
}

fn write_stage(out: &mut impl Write, stage: &StageView, style: Style) -> io::Result<()> {
    let title = format!("Stage {}/{}  {}", stage.number, stage.of, stage.title);
    let order = order(&stage.batches);
    let painted = style.paint(Tone::Strong, &title);
    let gap = style.width.min(100).saturating_sub(wide(&title) + wide(&order));
    if gap >= 2 {
        writeln!(out, "{painted}{}{}", " ".repeat(gap), style.paint(Tone::Quiet, &order))?;
    } else {
        writeln!(out, "{painted}")?;
        for line in wrapped(&order, style.width.saturating_sub(INDENT)) {
            writeln!(out, "    {}", style.paint(Tone::Quiet, &line))?;
        }
    }
    for (names, host) in alike(&stage.hosts) {
        for line in wrapped(&names.join(" "), style.width.saturating_sub(2)) {
            writeln!(out, "  {}", style.paint(Tone::Strong, &line))?;
        }
        write_host(out, host, style)?;
    }
    Ok(())
}

/// In which order the hosts go: `app1 app2, together`, `app1, then app2`.
fn order(batches: &[Vec<HostName>]) -> String {
    let words = |batch: &Vec<HostName>| batch.iter().map(HostName::as_str).collect::<Vec<_>>().join(" ");
    match batches {
        [one] if one.len() > 1 => format!("{}, together", words(one)),
        _ => batches.iter().map(words).collect::<Vec<_>>().join(", then "),
    }
}

/// Hosts on which exactly the same happens are shown once, under all their names.
fn alike(hosts: &[HostView]) -> Vec<(Vec<&str>, &HostView)> {
    let mut groups: Vec<(Vec<&str>, &HostView)> = Vec::new();
    for host in hosts.iter().filter(|host| !host.steps.is_empty() || host.right > 0) {
        let same =
            |(_, first): &&mut (Vec<&str>, &HostView)| first.steps == host.steps && first.right == host.right;
        match groups.iter_mut().find(same) {
            Some((names, _)) => names.push(host.host.as_str()),
            None => groups.push((vec![host.host.as_str()], host)),
        }
    }
    groups
}

fn write_host(out: &mut impl Write, host: &HostView, style: Style) -> io::Result<()> {
    let longest = host.steps.iter().map(|step| wide(&step.name)).max().unwrap_or_default();
    let name = longest.clamp(12, style.width.saturating_sub(50).clamp(12, 44));
    for step in &host.steps {
        write_step(out, step, name, style)?;
    }
    if host.right > 0 {
        let more = if host.steps.is_empty() { "" } else { "more " };
        let verb = if host.right == 1 { "is" } else { "are" };
        let line = format!("= {} {more}{verb} already right", host.right);
        writeln!(out, "    {}", style.paint(Tone::Quiet, &line))?;
    }
    Ok(())
}

fn write_step(out: &mut impl Write, step: &StepView, name: usize, style: Style) -> io::Result<()> {
    let tone = tone(step.mark);
    let kind = padded(&step.kind, KIND);
    let head = format!("{} {kind}{}", step.mark.sign(), step.name);
    let start = INDENT + 2 + wide(&kind);
    let painted = format!("    {} {kind}{}", style.paint(tone, &step.mark.sign().to_string()), step.name);
    let used = INDENT + wide(&head);
    let column = used.max(start + name) + 2;
    if step.summary.is_empty() {
        writeln!(out, "{painted}")?;
    } else if column + wide(&step.summary) <= style.width {
        writeln!(out, "{painted}{}{}", " ".repeat(column - used), step.summary)?;
    } else {
        writeln!(out, "{painted}")?;
        for line in wrapped(&step.summary, style.width.saturating_sub(start)) {
            writeln!(out, "{}{line}", " ".repeat(start))?;
        }
    }
    for line in &step.lines {
        writeln!(out, "        {}", style.paint(line_tone(line), line))?;
    }
    Ok(())
}

fn tone(mark: Mark) -> Tone {
    match mark {
        Mark::Create => Tone::Good,
        Mark::Update => Tone::Warn,
        Mark::Remove => Tone::Bad,
        Mark::Restart | Mark::Reload | Mark::Hook => Tone::Act,
        Mark::Later => Tone::Quiet,
    }
}

fn line_tone(line: &str) -> Tone {
    match line.as_bytes().first() {
        Some(b'+') => Tone::Good,
        Some(b'-') => Tone::Bad,
        _ => Tone::Quiet,
    }
}

/// `73 to create, 4 to change, 0 to remove, 6 restarts, 3 hooks on 4 hosts.` and what else the operator should know.
fn totals_line(view: &PlanView) -> String {
    let totals = view.totals();
    let mut parts = vec![
        format!("{} to create", totals.create),
        format!("{} to change", totals.change),
        format!("{} to remove", totals.remove),
        counted(totals.restarts, "restart"),
    ];
    if totals.reloads > 0 {
        parts.push(counted(totals.reloads, "reload"));
    }
    parts.push(counted(totals.hooks, "hook"));
    if totals.later > 0 {
        parts.push(format!("{} known later", totals.later));
    }
    let line = format!("{} on {}.", parts.join(", "), counted(totals.hosts, "host"));
    std::iter::once(line).chain(view.notes.iter().cloned()).collect::<Vec<_>>().join(" ")
}
