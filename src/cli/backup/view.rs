//! What `imctl backup` says, for people and for programs.

use super::Depot;
use super::host::{Gone, Judged, Sets};
use super::sets::Seen;
use crate::base::Bytes;
use crate::cli::{Global, OutputFormat, stdout};
use crate::record::{BackupPart, BackupSet};
use crate::report::{Style, Tone, counted, padded, spoken};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// A set that was just made.
pub(super) fn made(depot: &Depot, (set, took_ms): (&str, u64), parts: &[BackupPart], global: &Global) {
    let host = &depot.host;
    if global.shape() == OutputFormat::Json {
        let answer =
            json!({ "format": 1, "set": set, "host": host, "seconds": seconds(took_ms), "parts": parts });
        return stdout::line(&answer.to_string());
    }
    stdout::line(&format!(
        "Set {set} is whole on {host}, made in {}",
        spoken(Duration::from_millis(took_ms))
    ));
    print_parts(parts);
    stdout::line(&format!("  imctl backup verify {set} -i {}  reads all of it again", depot.road.typed()));
}

/// All sets.
pub(super) fn list(depot: &Depot, seen: &[Seen], sets: &Sets, global: &Global) {
    if global.shape() == OutputFormat::Json {
        let each = |(id, set): &Seen| match set {
            Ok(set) => json!({ "id": id, "usable": true, "set": set }),
            Err(why) => json!({ "id": id, "usable": false, "why": why }),
        };
        let all: Vec<Value> = seen.iter().map(each).collect();
        let answer = json!({ "format": 1, "host": depot.host, "sets": all, "state": sets.state, "free-mib": sets.free_mib });
        return stdout::line(&answer.to_string());
    }
    let style = Style::stdout(global.no_color);
    if seen.is_empty() {
        stdout::line(&format!(
            "There is no set on {} yet:  imctl backup create -i {}",
            depot.host,
            depot.road.typed()
        ));
    } else {
        let head = ["set", "brings back", "age", "holds", "new"];
        let rows: Vec<[String; 5]> = seen.iter().map(row).collect();
        let width = |at: usize| {
            rows.iter().map(|row| row[at].chars().count()).chain([head[at].len()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..4).map(width).collect();
        let line = |cells: &[&str]| {
            let first = cells.iter().zip(&widths).map(|(cell, width)| padded(cell, width + 2));
            first.collect::<String>() + cells.get(4).unwrap_or(&"")
        };
        stdout::line(&style.paint(Tone::Quiet, &line(&head)));
        for (row, (_, set)) in rows.iter().zip(seen) {
            let cells: Vec<&str> = row.iter().map(String::as_str).collect();
            match set {
                Ok(_) => stdout::line(&line(&cells)),
                Err(why) => {
                    stdout::line(&style.paint(Tone::Bad, &format!("{}  not to be used: {why}", row[0])));
                }
            }
        }
        let good = seen.iter().filter(|(_, set)| set.is_ok()).count();
        let free = Bytes(sets.free_mib << 20);
        stdout::line(&format!("{} on {}, {free} free there", counted(good, "set"), depot.host));
    }
    if let Some(failed) = sets.state.as_ref().and_then(|state| state.failed.as_ref()) {
        let text = format!("The last run failed, {}: {}", minute(failed.at), failed.why);
        stdout::line(&style.paint(Tone::Bad, &text));
    }
}

fn row((id, set): &Seen) -> [String; 5] {
    let Ok(set) = set else {
        return [id.clone(), String::new(), String::new(), String::new(), String::new()];
    };
    let total = |of: fn(&BackupPart) -> u64| Bytes(set.parts.iter().map(of).sum()).to_string();
    let age = Timestamp::now().duration_since(set.point);
    [
        id.clone(),
        format!("{} UTC", set.point.strftime("%F %T")),
        old(age.as_secs().unsigned_abs()),
        total(|part| part.bytes),
        total(|part| part.new_bytes),
    ]
}

/// An age in one unit, as people say it.
fn old(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86400),
    }
}

/// One set.
pub(super) fn set(set: &BackupSet, global: &Global) {
    if global.shape() == OutputFormat::Json {
        return stdout::line(&json!({ "format": 1, "set": set }).to_string());
    }
    stdout::line(&format!("Set {} of {} ({} {})", set.id, set.deployment, set.stack, set.version));
    stdout::line(&format!("  brings back  {} UTC", set.point.strftime("%F %T")));
    let took = set.ended.duration_since(set.began).unsigned_abs();
    stdout::line(&format!(
        "  made         {} – {} UTC ({}), imctl {}",
        set.began.strftime("%F %T"),
        set.ended.strftime("%T"),
        spoken(took),
        set.imctl
    ));
    stdout::line(&format!("  signed by    {}", set.signer));
    print_parts(&set.parts);
    for part in set.parts.iter().filter(|part| !part.figures.is_empty()) {
        stdout::line(&format!("  {}", part.name));
        for (name, value) in &part.figures {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            stdout::line(&format!("    {name}: {value}"));
        }
    }
}

fn print_parts(parts: &[BackupPart]) {
    let widest = parts.iter().map(|part| part.name.chars().count()).max().unwrap_or(0) + 2;
    for part in parts {
        let files = counted(usize::try_from(part.files).unwrap_or(usize::MAX), "file");
        stdout::line(&format!(
            "  {}{}: {files}, {}, of it {} new, in {}",
            padded(&part.name, widest),
            part.about,
            Bytes(part.bytes),
            Bytes(part.new_bytes),
            spoken(Duration::from_millis(part.took_ms))
        ));
    }
}

/// What a verification found.
pub(super) fn judged(depot: &Depot, judged: &Judged, global: &Global) {
    if global.shape() == OutputFormat::Json {
        let answer = json!({ "format": 1, "host": depot.host, "sets": judged.sets, "faults": judged.faults });
        return stdout::line(&answer.to_string());
    }
    let style = Style::stdout(global.no_color);
    for fault in &judged.faults {
        let place = match (&fault.part, &fault.file) {
            (Some(part), Some(file)) => format!("{part}: {file}: "),
            (Some(part), None) => format!("{part}: "),
            _ => String::new(),
        };
        let sets =
            if fault.sets.is_empty() { String::new() } else { format!("  (sets {})", fault.sets.join(", ")) };
        stdout::line(&style.paint(Tone::Bad, &format!("✗  {place}{}{sets}", fault.what)));
    }
    let sets = counted(judged.sets.len(), "set");
    if judged.faults.is_empty() {
        stdout::line(&format!(
            "{sets} on {}: every byte is as it was kept, and signed by this deployment",
            depot.host
        ));
    } else {
        stdout::line(&format!("{} in {sets} on {}", counted(judged.faults.len(), "fault"), depot.host));
        stdout::line(&format!(
            "  imctl backup create --type full -i {}  makes a whole one",
            depot.road.typed()
        ));
    }
}

/// What went, or would go.
pub(super) fn pruned(gone: &Gone, done: bool, global: &Global) {
    if global.shape() == OutputFormat::Json {
        return stdout::line(&json!({ "format": 1, "removed": done, "gone": gone.sets, "stay": gone.stay, "bytes": gone.bytes }).to_string());
    }
    for id in &gone.sets {
        stdout::line(&format!("- {id}"));
    }
    let free = Bytes(gone.bytes);
    let sets = counted(gone.sets.len(), "set");
    let stay = counted(gone.stay.len(), "set");
    stdout::line(&match (done, gone.sets.is_empty() && gone.bytes == 0) {
        (_, true) => format!("Nothing to remove: {stay} stay"),
        (true, _) => format!("{sets} removed, {free} free again; {stay} stay"),
        (false, _) => format!("{sets} would go, {free} would be free again; {stay} would stay"),
    });
}

fn minute(time: Timestamp) -> String {
    format!("{} UTC", time.strftime("%F %H:%M"))
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^52")]
fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}
