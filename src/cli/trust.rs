//! `imctl trust`: which host keys are recorded, and what a host shows; recording and forgetting them.

use super::stdout::answer;
use super::ways::{confirm, options, ways};
use super::{Failure, Global, OutputFormat};
use crate::base::{Exit, HostName};
use crate::inventory;
use crate::transport::{Hop, KnownHosts, Marker, PublicKey, Target, fingerprint, forget, record, shown_key};
use comfy_table::{Table, presets};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Arguments of `imctl trust`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Shows which keys are recorded for the hosts; contacts nobody
    List,
    /// Shows the recorded keys of a host beside the one it shows now; does not log in
    Show {
        /// The host
        host: String,
    },
    /// Removes the recorded keys of a host that was rebuilt
    Forget {
        /// The host
        host: String,
    },
    /// Looks at a host's key, asks, and records it
    Accept {
        /// The host
        host: String,
        /// Accept without asking, if the key has this fingerprint (SHA256:...)
        #[arg(long, value_name = "SHA256:...")]
        fingerprint: Option<String>,
    },
}

/// A recorded key.
struct Recorded {
    marker: Marker,
    kind: String,
    fingerprint: String,
    place: String,
}

/// Runs `imctl trust`.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let path = global.inventory.as_deref();
    let path = path.ok_or_else(|| Failure::Usage("which inventory? Name it with -i FILE".to_owned()))?;
    let inventory = inventory::load_alone(path)?;
    let asked = match &args.verb {
        Verb::List => global.on.clone(),
        Verb::Show { host } | Verb::Forget { host } | Verb::Accept { host, .. } => vec![host.clone()],
    };
    let ways = ways(&inventory, &inventory::select(&inventory, &asked)?).await?;
    match args.verb {
        Verb::List => list(&ways, global)?,
        Verb::Show { .. } => show(&ways, global).await?,
        Verb::Forget { .. } => {
            ways.iter().try_for_each(|(host, way)| forget_host(host, way.last(), global))?;
        }
        Verb::Accept { fingerprint, .. } => {
            for (host, way) in &ways {
                accept(host, way, fingerprint.as_deref(), global).await?;
            }
        }
    }
    Ok(Exit::Done)
}

fn recorded(hop: &Hop) -> Result<Vec<Recorded>, Failure> {
    let name = hop.known_as();
    let mut found = Vec::new();
    for file in &hop.known_hosts {
        let text = match std::fs::read(file) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(unusable(file, &cause)),
        };
        found.extend(KnownHosts::parse(file, &text).about(&name).map(|entry| Recorded {
            marker: entry.marker,
            kind: entry.key.algorithm().to_string(),
            fingerprint: fingerprint(&entry.key),
            place: entry.place.clone(),
        }));
    }
    Ok(found)
}

fn list(ways: &[(HostName, Target)], global: &Global) -> Result<(), Failure> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "host",
        "known as",
        "",
        "key",
        "fingerprint",
        "recorded in",
    ]);
    let mut hosts = Vec::new();
    for (host, way) in ways {
        let (name, keys) = (way.last().known_as(), recorded(way.last())?);
        if keys.is_empty() {
            table.add_row([host.as_str(), &name, "unknown", "", "", ""]);
        }
        for key in &keys {
            table.add_row([host.as_str(), &name, word(key.marker), &key.kind, &key.fingerprint, &key.place]);
        }
        hosts.push(
            json!({ "host": host, "known-as": name, "keys": keys.iter().map(value).collect::<Vec<_>>() }),
        );
    }
    say(global, &table.to_string(), json!({ "hosts": hosts }));
    Ok(())
}

async fn show(ways: &[(HostName, Target)], global: &Global) -> Result<(), Failure> {
    let options = options(global)?;
    for (host, way) in ways {
        let keys = recorded(way.last())?;
        let key = look(host, way, &options).await?;
        let shown = fingerprint(&key);
        let mut text = String::new();
        for one in &keys {
            let _ =
                writeln!(text, "{:<9} {} {} ({})", word(one.marker), one.fingerprint, one.kind, one.place);
        }
        let verdict = verdict(&keys, &shown);
        let _ = writeln!(
            text,
            "{:<9} {shown} {}\n{host} at {}: {verdict}",
            "shown",
            key.algorithm(),
            way.last().label()
        );
        let keys: Vec<Value> = keys.iter().map(value).collect();
        say(global, &text, json!({ "host": host, "shown": shown, "keys": keys, "verdict": verdict }));
    }
    Ok(())
}

fn forget_host(host: &HostName, hop: &Hop, global: &Global) -> Result<(), Failure> {
    let mut gone = 0;
    if let Some(file) = hop.known_hosts.first() {
        gone = forget(file, &hop.known_as()).map_err(|cause| unusable(file, &cause))?;
    }
    let left = recorded(hop)?;
    let mut text = match gone {
        0 => format!("Nothing of {host} was recorded as {}.", hop.known_as()),
        1 => format!("1 key of {host} is forgotten. The next connection asks."),
        more => format!("{more} keys of {host} are forgotten. The next connection asks."),
    };
    if !left.is_empty() {
        text.push('\n');
    }
    for key in &left {
        let _ = writeln!(
            text,
            "Left: {} {} in {}; edit that file by hand.",
            word(key.marker),
            key.fingerprint,
            key.place
        );
    }
    say(
        global,
        &text,
        json!({ "host": host, "forgotten": gone, "left": left.iter().map(value).collect::<Vec<_>>() }),
    );
    Ok(())
}

async fn accept(host: &HostName, way: &Target, wanted: Option<&str>, global: &Global) -> Result<(), Failure> {
    let (hop, key) = (way.last(), look(host, way, &options(global)?).await?);
    let shown = fingerprint(&key);
    let keys = recorded(hop)?;
    if keys.iter().any(|one| one.marker == Marker::Host && one.fingerprint == shown) {
        say(
            global,
            &format!("{host} is known already by {shown}."),
            json!({ "host": host, "shown": shown, "recorded": false }),
        );
        return Ok(());
    }
    if keys.iter().any(|one| one.marker == Marker::Revoked && one.fingerprint == shown) {
        return Err(Failure::Refused(format!("the key that `{host}` shows is revoked; it is not recorded")));
    }
    if keys.iter().any(|one| one.marker == Marker::Host) {
        return Err(Failure::Refused(format!(
            "`{host}` is recorded with another key than {shown}; if it was rebuilt: imctl trust forget {host}"
        )));
    }
    let agreed = match wanted {
        Some(wanted) if wanted.trim() == shown => true,
        Some(wanted) => {
            return Err(Failure::Refused(format!(
                "`{host}` shows {shown}, not {wanted}; it is not recorded"
            )));
        }
        None if global.accept_new_host_keys => true,
        None => confirm(&format!(
            "{host} at {} shows this {} key:\n  {shown}\nTrust it and record it?",
            hop.label(),
            key.algorithm()
        )),
    };
    if !agreed {
        return Err(Failure::Refused(format!(
            "the key of `{host}` was not accepted; without a terminal: imctl trust accept {host} --fingerprint {shown}"
        )));
    }
    let Some(file) = hop.known_hosts.first() else {
        return Err(Failure::Usage(format!("no known_hosts file is configured for `{host}`")));
    };
    record(file, &hop.known_as(), &key).map_err(|cause| unusable(file, &cause))?;
    let text = format!("{host} is recorded with {shown} in {}.", file.display());
    say(global, &text, json!({ "host": host, "shown": shown, "recorded": true }));
    Ok(())
}

async fn look(
    host: &HostName,
    way: &Target,
    options: &crate::transport::Options,
) -> Result<PublicKey, Failure> {
    shown_key(way, options).await.map_err(|error| Failure::Link(host.clone(), error))
}

fn verdict(keys: &[Recorded], shown: &str) -> &'static str {
    let has = |marker| keys.iter().any(|key| key.marker == marker && key.fingerprint == shown);
    if has(Marker::Revoked) {
        "revoked, connections are refused"
    } else if has(Marker::Host) {
        "known"
    } else if keys.iter().any(|key| key.marker == Marker::Host) {
        "shows another key than the recorded one, connections are refused"
    } else {
        "not known yet"
    }
}

fn word(marker: Marker) -> &'static str {
    match marker {
        Marker::Host => "recorded",
        Marker::Revoked => "revoked",
        Marker::Authority => "authority",
    }
}

fn value(key: &Recorded) -> Value {
    json!({ "marker": word(key.marker), "kind": key.kind, "fingerprint": key.fingerprint, "place": key.place })
}

fn unusable(file: &Path, cause: &std::io::Error) -> Failure {
    Failure::Usage(format!("`{}` cannot be used: {cause}", file.display()))
}

fn say(global: &Global, text: &str, mut value: Value) {
    match global.shape() {
        OutputFormat::Human => answer(&format!("{}\n", text.trim_end())),
        OutputFormat::Json => {
            value["format"] = json!(1);
            answer(&format!("{value}\n"));
        }
    }
}
