//! How a deployment is, as an operator looks at it: first whether all is well, then what is not and what helps, then a table
//! a component, the hosts, and what was done last.

use super::status_view::{ComponentStatus, Health, HostStatus, InstanceStatus, Problem, StatusView};
use super::style::{Style, Tone, counted, spoken, wrapped};
use super::table::table;
use std::io::{self, Write};
use std::time::Duration;

impl StatusView {
    fn count(&self, broken: bool) -> usize {
        self.problems.iter().filter(|it| it.broken == broken).count()
    }
}

/// Writes it; `full` adds the diffs.
pub fn status(out: &mut impl Write, view: &StatusView, full: bool, style: Style) -> io::Result<()> {
    write_head(out, view, style)?;
    for problem in &view.problems {
        write_problem(out, problem, style)?;
    }
    for note in &view.notes {
        writeln!(out, "{}  {note}", style.paint(Tone::Quiet, "·"))?;
    }
    for component in &view.components {
        writeln!(out)?;
        write_component(out, component, style)?;
    }
    writeln!(out)?;
    write_hosts(out, view, style)?;
    if full {
        write_differences(out, view, style)?;
    }
    writeln!(out)?;
    let last: Vec<String> = view.last.iter().map(|(what, when)| format!("{what} {when}")).collect();
    for line in wrapped(&format!("last  {}", last.join(" · ")), style.width) {
        writeln!(out, "{}", style.paint(Tone::Quiet, &line))?;
    }
    Ok(())
}

fn write_head(out: &mut impl Write, view: &StatusView, style: Style) -> io::Result<()> {
    let (broken, odd) = (view.count(true), view.count(false));
    let looks = format!("{} worth a look", counted(odd, "thing"));
    let (tone, word) = match (broken, odd) {
        (0, 0) => (Tone::Good, "healthy".to_owned()),
        (0, _) => (Tone::Warn, format!("healthy, {looks}")),
        (_, 0) => (Tone::Bad, counted(broken, "problem")),
        _ => (Tone::Bad, format!("{}, {looks}", counted(broken, "problem"))),
    };
    let name = style.paint(Tone::Strong, &format!("{} · {}", view.name, view.release));
    let hosts = match view.hosts.len() {
        all if all == view.answered => format!("{} seen", counted(all, "host")),
        all => format!("{} of {} seen", view.answered, counted(all, "host")),
    };
    let took = spoken(Duration::from_secs_f64(view.seconds));
    writeln!(
        out,
        "{name}: {}  {}",
        style.paint(tone, &word),
        style.paint(Tone::Quiet, &format!("{hosts} in {took}"))
    )
}

fn write_problem(out: &mut impl Write, problem: &Problem, style: Style) -> io::Result<()> {
    let (sign, tone) = if problem.broken { ("✗", Tone::Bad) } else { ("!", Tone::Warn) };
    let text = format!("{}: {}", problem.place, problem.says);
    for (at, line) in wrapped(&text, style.width.saturating_sub(3)).iter().enumerate() {
        let sign = if at == 0 { style.paint(tone, sign) } else { " ".to_owned() };
        writeln!(out, "{sign}  {line}")?;
    }
    for line in wrapped(&problem.help, style.width.saturating_sub(5)).iter().filter(|line| !line.is_empty()) {
        writeln!(out, "     {}", style.paint(Tone::Quiet, line))?;
    }
    Ok(())
}

fn write_component(out: &mut impl Write, component: &ComponentStatus, style: Style) -> io::Result<()> {
    let versions = component.instances.iter().any(|it| !it.version.is_empty());
    let mut head = vec![component.component.clone(), "health".to_owned()];
    if versions {
        head.push("version".to_owned());
    }
    head.extend(component.figures.iter().cloned());
    let row = |it: &InstanceStatus| {
        let mut cells = vec![it.host.clone(), format!("{} {}", sign(it.health), word(it.health))];
        if versions {
            cells.push(it.version.clone());
        }
        cells.extend(it.figures.iter().map(|(shown, _)| shown.clone()));
        cells
    };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(component.instances.iter().map(row)).collect();
    for (at, lines) in table(&rows, 2, style.width.min(100)).iter().enumerate() {
        let tone = at.checked_sub(1).map(|at| tone(component.instances[at].health));
        for line in lines {
            match tone {
                None => writeln!(out, "{}", style.paint(Tone::Strong, line))?,
                Some(Tone::Good) => {
                    writeln!(out, "{}", line.replacen('●', &style.paint(Tone::Good, "●"), 1))?;
                }
                Some(tone) => writeln!(out, "{}", style.paint(tone, line))?,
            }
        }
    }
    Ok(())
}

fn sign(health: Health) -> char {
    match health {
        Health::Healthy | Health::Running => '●',
        Health::Unhealthy => '✗',
        Health::NotInstalled => '○',
        Health::Unknown => '?',
    }
}

fn word(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Running => "running",
        Health::Unhealthy => "unhealthy",
        Health::NotInstalled => "not installed",
        Health::Unknown => "unknown",
    }
}

fn tone(health: Health) -> Tone {
    match health {
        Health::Healthy | Health::Running => Tone::Good,
        Health::Unhealthy => Tone::Bad,
        Health::NotInstalled | Health::Unknown => Tone::Warn,
    }
}

fn write_hosts(out: &mut impl Write, view: &StatusView, style: Style) -> io::Result<()> {
    let head = ["hosts", "load/cpu", "memory", "disk", "up", "certificate", "differs"].map(str::to_owned);
    let rows: Vec<Vec<String>> =
        std::iter::once(head.to_vec()).chain(view.hosts.iter().map(host_row)).collect();
    for (at, lines) in table(&rows, 6, style.width.min(100)).iter().enumerate() {
        let host = at.checked_sub(1).map(|at| &view.hosts[at]);
        for line in lines {
            match host {
                None => writeln!(out, "{}", style.paint(Tone::Strong, line))?,
                Some(host) if host.unreachable.is_some() => {
                    writeln!(out, "{}", style.paint(Tone::Bad, line))?;
                }
                Some(_) => writeln!(out, "{line}")?,
            }
        }
    }
    Ok(())
}

fn host_row(host: &HostStatus) -> Vec<String> {
    let dash = || "-".to_owned();
    let percent = |value: Option<u64>| value.map_or_else(dash, |value| format!("{value} %"));
    let differs = match (&host.unreachable, &host.differs) {
        (Some(_), _) => "unreachable".to_owned(),
        (None, None) => "not known".to_owned(),
        (None, Some(all)) if all.is_empty() => "nothing".to_owned(),
        (None, Some(all)) if host.by_hand > 0 => {
            format!("{}, {} by hand", counted(all.len(), "thing"), host.by_hand)
        }
        (None, Some(all)) => counted(all.len(), "thing"),
    };
    vec![
        host.host.clone(),
        host.load.map_or_else(dash, |load| format!("{load:.2}")),
        percent(host.memory),
        host.disk.as_ref().map_or_else(dash, |(path, used)| format!("{used} % {path}")),
        host.uptime.map_or_else(dash, up),
        host.certificate_days.map_or_else(dash, |days| format!("{days} d")),
        differs,
    ]
}

fn up(seconds: u64) -> String {
    match seconds {
        0..3600 => format!("{} m", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn write_differences(out: &mut impl Write, view: &StatusView, style: Style) -> io::Result<()> {
    for host in &view.hosts {
        for it in host.differs.iter().flatten() {
            writeln!(out, "\n{}  {}", style.paint(Tone::Strong, &host.host), it.what)?;
            for line in &it.lines {
                let tone = match line.chars().next() {
                    Some('+') => Tone::Good,
                    Some('-') => Tone::Bad,
                    _ => Tone::Quiet,
                };
                writeln!(out, "    {}", style.paint(tone, line))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Exit;
    use serde_json::Value;

    fn view() -> StatusView {
        let instance = |host: &str, health, sessions: &str| InstanceStatus {
            host: host.to_owned(),
            version: "24.12-3".to_owned(),
            health,
            figures: vec![(sessions.to_owned(), Value::Null)],
        };
        let host = |name: &str| HostStatus {
            host: name.to_owned(),
            load: Some(0.5),
            memory: Some(38),
            disk: Some(("/".to_owned(), 33)),
            uptime: Some(90_000),
            certificate_days: Some(61),
            differs: Some(Vec::new()),
            ..HostStatus::default()
        };
        StatusView {
            format: 1,
            name: "acme-im".to_owned(),
            release: "chat 1".to_owned(),
            seconds: 0.6,
            healthy: true,
            answered: 2,
            components: vec![ComponentStatus {
                component: "server".to_owned(),
                figures: vec!["sessions".to_owned()],
                instances: vec![
                    instance("app1", Health::Healthy, "743"),
                    instance("数据库1", Health::Healthy, "9"),
                ],
            }],
            hosts: vec![host("app1"), host("数据库1")],
            last: vec![("install".to_owned(), "2026-11-23 16:00 UTC".to_owned())],
            ..StatusView::default()
        }
    }

    fn text(view: &StatusView) -> String {
        let mut out = Vec::new();
        status(&mut out, view, true, Style::plain(100)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_healthy_deployment_says_so_first_and_fits_a_hundred_columns() {
        let seen = text(&view());
        assert!(
            seen.starts_with(
                "acme-im · chat 1: healthy  2 hosts seen in 0.6 s\n\nserver   health     version"
            ),
            "{seen}"
        );
        assert!(seen.contains("\napp1     ● healthy  24.12-3  743\n数据库1  ● healthy"), "{seen}");
        assert!(seen.lines().all(|line| super::super::style::wide(line) <= 100), "{seen}");
        assert_eq!(view().exit(), Exit::Done);
    }

    #[test]
    fn problems_come_before_the_tables_with_what_helps() {
        let mut view = view();
        view.healthy = false;
        let problem = |broken, says: &str, help: &str| Problem {
            broken,
            place: "server".to_owned(),
            says: says.to_owned(),
            help: help.to_owned(),
        };
        view.problems = vec![
            problem(true, "split cluster: app1 sees app1; app2 sees app2", "restart one side"),
            problem(false, "odd", ""),
        ];
        view.hosts[1] = HostStatus {
            host: "db1".to_owned(),
            unreachable: Some("no answer".to_owned()),
            ..HostStatus::default()
        };
        view.answered = 1;
        let seen = text(&view);
        assert!(seen.starts_with("acme-im · chat 1: 1 problem, 1 thing worth a look  1 of 2 hosts seen in 0.6 s\n✗  server: split cluster: app1 sees app1; app2 sees app2\n     restart one side\n!  server: odd\n"), "{seen}");
        assert!(seen.contains("\ndb1    -         -       -       -     -            unreachable"), "{seen}");
        assert_eq!(view.exit(), Exit::CheckFailed);
        view.answered = 0;
        assert_eq!(view.exit(), Exit::Unreachable);
    }
}
