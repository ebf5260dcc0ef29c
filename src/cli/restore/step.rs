//! One step on one host: its script, and where it brings a part back, the part's files on their way there.

use super::Aim;
use super::relay::Relay;
use crate::backup::Given;
use crate::base::{Bytes, Event, Secret, Sink, quote};
use crate::cli::Failure;
use crate::cli::backup::Depot;
use crate::desired::{RenderedHook, RestoreWork};
use crate::exec::Fleet;
use crate::report::{counted, spoken};
use crate::transport::{Exec, Output, Session};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

/// Does it.
pub(super) async fn run(
    depot: &Depot,
    (aim, work, hook): (&Aim, &RestoreWork, &RenderedHook),
    (fleet, sink): (&Fleet, &Sink),
) -> Result<(), Failure> {
    let failed = |why: String| Failure::Backup { host: hook.on.clone(), why, inventory: depot.road.typed() };
    let link = fleet.link(&hook.on).ok_or_else(|| failed("there is no connection to it".to_owned()))?;
    let note = |text: String| sink.send(Event::Note { host: Some(hook.on.clone()), text });
    note(hook.about.clone());
    let began = Instant::now();
    let output = match &work.part {
        None => link.exec(Exec::new(hook.script.clone(), hook.within)).await,
        Some(part) => {
            let (output, given) = brought(depot, (aim, work, hook), (link, part)).await?;
            if let (Ok(_), Some(given)) = (&output, given) {
                let there = if given.there == 0 {
                    String::new()
                } else {
                    format!(
                        ", {} were there",
                        counted(usize::try_from(given.there).unwrap_or(usize::MAX), "file")
                    )
                };
                let files = counted(usize::try_from(given.files).unwrap_or(usize::MAX), "file");
                note(format!("{part}: {files}, {} came{there}", Bytes(given.bytes)));
            }
            output
        }
    };
    let output = output.map_err(|cause| Failure::Link(hook.on.clone(), cause))?;
    if output.status != 0 {
        return Err(failed(format!("{}: {}", hook.about, last(&output))));
    }
    note(format!("done in {}", spoken(began.elapsed())));
    Ok(())
}

/// The last words of a program: those that name a cause, where there are any.
fn last(output: &Output) -> String {
    let text = output.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let grave = |line: &&&str| ["FATAL", "PANIC", "ERROR", "rror:"].iter().any(|word| line.contains(word));
    let causes: Vec<&str> = lines.iter().filter(grave).copied().collect();
    let (lines, most) = if causes.is_empty() { (lines, 3) } else { (causes, 2) };
    lines[lines.len().saturating_sub(most)..].join("; ")
}

type Ended = Result<Output, crate::transport::LinkError>;

/// Runs the sender on the backup host, the receiver with the script on the other, and the relay between them.
async fn brought(
    depot: &Depot,
    (aim, work, hook): (&Aim, &RestoreWork, &RenderedHook),
    (link, part): (&Arc<dyn Session>, &str),
) -> Result<(Ended, Option<Given>), Failure> {
    let here = |cause: std::io::Error| {
        Failure::Usage(format!("no port of this machine can be listened on: {cause}"))
    };
    let relay = Arc::new(Relay::open().await.map_err(here)?);
    let address = relay.listener.local_addr().map_err(here)?;
    let broken = |host: &crate::base::HostName| {
        let host = host.clone();
        move |cause| Failure::Link(host, cause)
    };
    let from = depot.link().forward(0, address).await.map_err(broken(&depot.host))?;
    let to = link.forward(0, address).await.map_err(broken(&hook.on))?;
    let task = {
        let relay = relay.clone();
        tokio::spawn(async move { relay.run().await })
    };
    let stop = task.abort_handle();
    let input = input(aim, work, &relay);
    let receiver = async {
        let mut exec = Exec::new(receiver(aim, (work, hook), (part, to.port)), hook.within);
        exec.input = input;
        let output = link.exec(exec).await;
        // Whoever still sends is told by the end of the connection.
        stop.abort();
        output
    };
    let sender = async {
        let door = from.port.to_string();
        let mut words = vec!["send", &aim.set.id, part, &door];
        if aim.at.is_some() {
            words.push("--onward");
        }
        let given: Result<Given, Failure> =
            depot.tell(&words, relay.sender.expose().as_bytes(), hook.within).await;
        if given.is_err() {
            stop.abort();
        }
        given
    };
    let (output, given) = tokio::join!(receiver, sender);
    whose_fault(output, given)
}

/// Of two ends of which one broke off because the other failed, the one that failed tells why.
fn whose_fault(output: Ended, given: Result<Given, Failure>) -> Result<(Ended, Option<Given>), Failure> {
    let own = output.as_ref().is_ok_and(|it| it.status != 0 && !it.text().contains("broke off"));
    match given {
        Ok(given) => Ok((output, Some(given))),
        Err(_) if own => Ok((output, None)),
        Err(why) => Err(why),
    }
}

/// The receiver's word and the secrets that the step needs, a line each.
fn input(aim: &Aim, work: &RestoreWork, relay: &Relay) -> Secret<Vec<u8>> {
    let mut lines = Secret::new(format!("{}\n", relay.receiver.expose()));
    for name in &work.secrets {
        if let Some(value) = aim.secrets.get(name) {
            lines = Secret::new(format!("{}{name} {}\n", lines.expose(), value.expose()));
        }
    }
    Secret::new(lines.expose().clone().into_bytes())
}

/// What runs on the host that takes a part.
fn receiver(aim: &Aim, (work, hook): (&RestoreWork, &RenderedHook), (part, door): (&str, u16)) -> String {
    let figures = aim.part(part).map(|part| &part.figures);
    let figure = |name: &str| figures.and_then(|it| it.get(name)?.as_str()).unwrap_or_default().to_owned();
    let target = aim.at.map_or_else(|| figure("restore_point"), |at| at.to_string());
    let kib = if work.unpack { aim.part(part).map_or(0, |part| part.bytes.div_ceil(1024)) } else { 0 };
    let mut text = RECEIVER.replace("%KIB%", &kib.to_string());
    for (name, value) in [("set", aim.set.id.clone()), ("label", figure("label")), ("target", target)] {
        let _ = writeln!(text, "export {name}={}", quote(&value));
    }
    let _ = write!(
        text,
        "cat >\"$base/receive.pl\" <<'RECEIVE_OF_IMCTL'\n{}RECEIVE_OF_IMCTL\n",
        include_str!("receive.pl")
    );
    let _ = write!(text, "cat >\"$base/script\" <<'SCRIPT_OF_IMCTL'\n{}\nSCRIPT_OF_IMCTL\n", hook.script);
    let take = if work.unpack {
        "export repo=\"$base/repo\"\nprintf '%s\\n' \"$word\" | perl \"$base/receive.pl\" PORT unpack \"$repo\"\nsh \"$base/script\" </dev/null\n"
    } else {
        "printf '%s\\n' \"$word\" | perl \"$base/receive.pl\" PORT pass | sh \"$base/script\"\n"
    };
    text + &take.replace("PORT", &door.to_string())
}

/// A folder of its own, that goes with the program, whatever came of it; the word and the secrets come on standard input.
const RECEIVER: &str = r#"set -eu
umask 077
cd /
export base=/var/lib/imctl-restore
export secrets="$base/secrets"
[ ! -L "$base" ] || { echo "$base is a link: imctl follows none" >&2; exit 1; }
rm -rf --one-file-system "$base"
trap 'cd /; rm -rf --one-file-system "$base"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$base" "$secrets"
free=$(df -Pk "$base" | awk 'NR == 2 { print $4 }')
[ "$free" -ge $((%KIB% + %KIB% / 10)) ] || { echo "$base needs %KIB% KiB for the files of the set, and $free KiB are free" >&2; exit 1; }
chmod 711 "$base"
IFS= read -r word
while IFS=' ' read -r name value; do printf %s "$value" >"$secrets/$name"; done
"#;
