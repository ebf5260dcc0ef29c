//! `imctl backup create`: starts the unit on the backup host and follows it. The set is made there whether or not anybody
//! follows.

use super::{Depot, Type, view};
use crate::base::{Event, Exit, Sink, quote};
use crate::cli::{Failure, Global, OutputFormat};
use crate::record::{BackupEvent, BackupPart};
use crate::report::{Live, Shape, Style};
use crate::state::About;
use jiff::Timestamp;
use std::time::Duration;

/// Between two looks at the progress.
const PAUSE: Duration = Duration::from_millis(700);
/// One look takes no longer.
const WITHIN: Duration = Duration::from_mins(1);

/// Arguments of `imctl backup create`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How much of the database is read anew
    #[arg(long = "type", value_name = "TYPE", default_value = "auto")]
    kind: Type,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The ticket or change number it belongs to, for the record
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
}

/// How the unit stands, and what it has said since.
struct Look {
    active: bool,
    events: Vec<BackupEvent>,
    read: usize,
}

/// What came of it.
#[derive(Default)]
struct Made {
    set: Option<String>,
    took_ms: u64,
    parts: Vec<BackupPart>,
    failed: Option<String>,
}

/// Starts, follows, tells.
pub(super) async fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    let shape = Shape::fitting(global.shape() == OutputFormat::Json);
    let live = Live::new(shape, Style::stderr(global.no_color));
    let sink = live.sink();
    let depot = Depot::open(global).await?;
    let made = follow(&depot, args.kind, &sink).await;
    depot.fleet.close().await;
    live.finish();
    let made = made?;
    let about = About { reason: args.reason.clone(), ticket: args.ticket.clone(), ..About::default() };
    let outcome = match (&made.set, &made.failed) {
        (Some(set), None) => format!("done: set {set}"),
        _ => "failed".to_owned(),
    };
    depot.road.state.record(("backup create", &outcome), about, Timestamp::now())?;
    match (made.set, made.failed) {
        (Some(set), None) => {
            view::made(&depot, (&set, made.took_ms), &made.parts, global);
            Ok(Exit::Done)
        }
        (_, Some(why)) => Err(depot.failed(&why)),
        (None, None) => Err(depot.failed(&format!(
            "it ended without a set; journalctl -u {} there",
            depot.spec.unit.replace("KIND", args.kind.kind().word())
        ))),
    }
}

/// Makes a set; its name.
pub(in crate::cli) async fn follow_to_end(depot: &Depot, sink: &Sink) -> Result<String, Failure> {
    let made = follow(depot, Type::Auto, sink).await?;
    match (made.set, made.failed) {
        (Some(set), None) => Ok(set),
        (_, why) => Err(depot.failed(&why.unwrap_or_else(|| "it ended without a set".to_owned()))),
    }
}

async fn follow(depot: &Depot, kind: Type, sink: &Sink) -> Result<Made, Failure> {
    let word = kind.kind().word();
    let unit = depot.spec.unit.replace("KIND", word);
    start(depot, &unit).await?;
    sink.phase(format!("making a set on {}", depot.host));
    let mut made = Made::default();
    let mut read = 0;
    loop {
        tokio::time::sleep(PAUSE).await;
        let look = look(depot, &unit, read).await?;
        read += look.read;
        for event in look.events {
            tell(&mut made, event, sink, depot);
        }
        if !look.active {
            return Ok(made);
        }
    }
}

/// Starts the unit unless one of its kind is at work.
async fn start(depot: &Depot, unit: &str) -> Result<(), Failure> {
    let all: Vec<String> = ["full", "diff", "incr", "auto"]
        .iter()
        .map(|kind| quote(&depot.spec.unit.replace("KIND", kind)))
        .collect();
    let script = format!(
        "[ -x {} ] || exit 4\nfor it in {}; do case $(systemctl is-active \"$it\") in active|activating|reloading) echo \"$it\"; exit 3 ;; esac; done\n\
         rm -f {}\nsystemctl reset-failed {unit} 2>/dev/null || :\nsystemctl start --no-block {unit}\n",
        quote(&depot.spec.program),
        all.join(" "),
        quote(&depot.spec.progress),
        unit = quote(unit),
    );
    let output = depot.exec(script, WITHIN).await?;
    match output.status {
        0 => Ok(()),
        3 => Err(Failure::BackupAtWork { host: depot.host.clone(), unit: output.text() }),
        4 => Err(depot.failed("what makes backups is not installed there yet")),
        _ => Err(depot.failed(&output.text())),
    }
}

async fn look(depot: &Depot, unit: &str, from: usize) -> Result<Look, Failure> {
    let script = format!(
        "systemctl show -P ActiveState {}\ntail -c +{} {} 2>/dev/null || :\n",
        quote(unit),
        from + 1,
        quote(&depot.spec.progress)
    );
    let output = depot.exec(script, WITHIN).await?;
    let end = output.stdout.iter().position(|byte| *byte == b'\n').unwrap_or(output.stdout.len());
    let state = String::from_utf8_lossy(&output.stdout[..end]).into_owned();
    let rest = output.stdout.get(end + 1..).unwrap_or_default();
    // A line that is not whole yet is read the next time.
    let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let lines = rest[..whole].split(|byte| *byte == b'\n');
    let events = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let active = matches!(state.trim(), "active" | "activating" | "reloading" | "deactivating");
    Ok(Look { active, events, read: whole })
}

fn tell(made: &mut Made, event: BackupEvent, sink: &Sink, depot: &Depot) {
    let note = |text: String| sink.send(Event::Note { host: Some(depot.host.clone()), text });
    match event {
        BackupEvent::Began { set } => note(format!("set {set}")),
        BackupEvent::Step { part, what } => note(format!("{part}: {what}")),
        BackupEvent::Line { part, text } if depot.loud => note(format!("{part}: {text}")),
        BackupEvent::Line { .. } => {}
        BackupEvent::Part { part } => made.parts.push(part),
        BackupEvent::Done { set, took_ms } => (made.set, made.took_ms) = (Some(set), took_ms),
        BackupEvent::Failed { why } => made.failed = Some(why),
    }
}
