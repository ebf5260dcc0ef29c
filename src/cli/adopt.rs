//! `imctl adopt`: a new control machine, with the inventory's host list and the operator's key, takes over what the hosts
//! keep: secrets, private CA, releases, history. It changes no host.

use super::road::{Road, inventory_path};
use super::unlock::unlocker;
use super::{Failure, Global, OutputFormat, connect, material, stdout};
use crate::base::{Exit, HostName, Sink, quote, unified};
use crate::exec;
use crate::inventory::{self, Inventory};
use crate::report::counted;
use crate::state::{Chain, Copied, HISTORY, KEEPSAKE, Keepsake, STATE_TAR, State};
use jiff::Timestamp;
use serde_json::json;
use std::io::Read as _;
use std::path::Path;

/// Arguments of `imctl adopt`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  imctl trust accept app1 -i acme.yml     record each host's key first, compared with a fingerprint you know
  imctl adopt -i acme.yml                 take the newest state that the hosts keep
  imctl adopt -i acme.yml --from app1     where hosts keep different histories: take that of app1
  imctl plan -i acme.yml                  afterwards: must say 0 changes")]
pub(super) struct Args {
    /// Take what this host keeps, where hosts disagree
    #[arg(long, value_name = "HOST")]
    from: Option<String>,
}

/// What a host keeps.
struct Offer {
    host: HostName,
    kept: Keepsake,
    chain: Chain,
}

/// Reads what the hosts keep, chooses, and builds the folder.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let path = inventory_path(global)?;
    let inventory = inventory::load_alone(&path)?;
    let state = State::open(&path, &inventory.name)?;
    let typed = quote(&path.display().to_string());
    if state.holds_anything()? {
        return Err(Failure::Refused(format!(
            "nothing was changed: `{0}` already holds the state of `{1}`; imctl plan -i {typed} goes on with it. To take what the \
             hosts keep instead, move it away first:  mv {0} {0}.old",
            state.folder().display(),
            inventory.name
        )));
    }
    let _folder = state.lock("adopt")?;
    let hosts: Vec<HostName> = inventory.hosts.iter().map(|host| host.name.clone()).collect();
    let (fleet, silent) = connect::to(&inventory, global, &hosts, &Sink::none()).await?;
    let kept = exec::kept(&inventory.name, &fleet, &[HISTORY, STATE_TAR, KEEPSAKE, "lost.json"]).await;
    fleet.close().await;
    if kept.is_empty() {
        return Err(Failure::Unreached(silent));
    }
    let mut told: Vec<String> =
        silent.iter().map(|it| format!("{} was not asked: {}", it.host, it.cause)).collect();
    let mut offers = Vec::new();
    for (host, bytes) in kept {
        let read = bytes.map_err(|cause| cause.to_string()).and_then(|bytes| read(host.clone(), &bytes));
        match read {
            Ok(offer) => offers.push(offer),
            Err(why) => told.push(format!("{host}: {why}")),
        }
    }
    let best = chosen(&inventory, offers, args.from.as_deref(), &mut told)?;
    let mut unlocker = unlocker(&inventory);
    if unlocker.ssh_key.is_none() && unlocker.passphrase_file.is_none() {
        // The key that logs in is often the one that opens.
        unlocker.usual_keys.extend(inventory.hosts.iter().filter_map(|host| host.ssh.key.clone()).take(1));
    }
    state.adopt(&best.kept, &unlocker)?;
    let outcome = format!("done: what {} kept, {}", best.host, counted(best.chain.lines.len(), "line"));
    state.remember("adopt", &outcome, Timestamp::now())?;
    beside(&state, &path, &mut told)?;
    tell(global, &state, (&inventory, &best), &told);
    Ok(Exit::Done)
}

/// The files of a host's answer; why it offers nothing.
fn read(host: HostName, bytes: &[u8]) -> Result<Offer, String> {
    let mut kept = Keepsake::default();
    for entry in tar::Archive::new(bytes).entries().map_err(|cause| cause.to_string())? {
        let mut entry = entry.map_err(|cause| cause.to_string())?;
        let name = entry.path().map_err(|cause| cause.to_string())?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(|cause| cause.to_string())?;
        match name.as_str() {
            HISTORY => kept.history = content,
            STATE_TAR => kept.secrets = content,
            KEEPSAKE => kept.folder = Some(content),
            "lost.json" => kept.lost = Some(content),
            _ => {}
        }
    }
    if kept.secrets.is_empty() {
        return Err("keeps no secrets of this deployment".to_owned());
    }
    let chain = Chain::of(&kept.history);
    match chain.faults().into_iter().next() {
        Some(fault) => Err(format!("keeps a history that is not whole: {}", fault.says)),
        None => Ok(Offer { host, kept, chain }),
    }
}

/// The newest of what the hosts keep. Those that keep another history are told; then the operator chooses.
fn chosen(
    inventory: &Inventory,
    mut offers: Vec<Offer>,
    from: Option<&str>,
    told: &mut Vec<String>,
) -> Result<Offer, Failure> {
    let name = &inventory.name;
    // A host with releases is preferred to one that an older imctl or a cut run left without.
    offers.sort_by_key(|it| (it.chain.lines.len(), it.kept.folder.is_some()));
    let at = match from {
        Some(from) => offers.iter().position(|it| it.host.as_str() == from),
        None => offers.len().checked_sub(1),
    };
    let Some(at) = at else {
        return Err(Failure::Refused(format!(
            "nothing was changed: {} keeps a whole state of `{name}`. {}",
            from.map_or_else(
                || "no host that answered".to_owned(),
                |from| format!("`{from}` is no host that")
            ),
            told.join("; ")
        )));
    };
    let best = offers.remove(at);
    let mut others = Vec::new();
    for it in &offers {
        match best.chain.copied(&it.chain) {
            Copied::Behind(0) => {}
            Copied::Behind(count) => told.push(format!("{} is {} behind", it.host, counted(count, "line"))),
            Copied::Ahead(more) => {
                told.push(format!("{} has {} more, left aside", it.host, counted(more.len(), "line")));
            }
            Copied::Differs { at, .. } => others.push(format!("{} from line {at} on", it.host)),
        }
    }
    if others.is_empty() {
        return Ok(best);
    }
    let words = format!("{} keeps another history than {}", best.host, others.join(", "));
    if from.is_none() {
        return Err(Failure::Refused(format!(
            "nothing was changed: {words}. Find out who wrote which, then say whose is right with --from HOST"
        )));
    }
    told.push(words);
    Ok(best)
}

/// The inventory of the last release: compared with the one at hand, written beside it where it differs.
fn beside(state: &State, path: &Path, told: &mut Vec<String>) -> Result<(), Failure> {
    let last = state.releases()?.pop();
    let text = last.as_ref().map(|it| state.released_inventory(it)).transpose()?.flatten();
    let Some(text) = text else {
        told.push("the hosts keep no release: the next imctl install records one".to_owned());
        return Ok(());
    };
    let here = std::fs::read_to_string(path).unwrap_or_default();
    if here == text {
        return Ok(());
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".adopted");
    crate::state::write_private(Path::new(&name), text.as_bytes())?;
    let name = Path::new(&name).display().to_string();
    let lines = unified(&here, &text);
    let changed = lines.lines().filter(|line| line.starts_with(['+', '-'])).count();
    told.push(format!(
        "the inventory of the last installation differs in {} and stands as {name}: it may hold passwords, so look yourself:  diff {} {}",
        counted(changed, "line"),
        quote(&path.display().to_string()),
        quote(&name)
    ));
    Ok(())
}

fn tell(global: &Global, state: &State, (inventory, best): (&Inventory, &Offer), told: &[String]) {
    let typed = quote(&inventory.path.display().to_string());
    let releases = state.releases().map(|it| it.len()).unwrap_or_default();
    if global.shape() == OutputFormat::Json {
        let lines = best.chain.lines.len();
        let answer = json!({ "format": 1, "name": inventory.name, "from": best.host, "lines": lines,
            "releases": releases, "folder": state.folder().display().to_string(), "remarks": told });
        return stdout::line(&answer.to_string());
    }
    stdout::line(&format!(
        "{}: adopted from {}: secrets open, {} of history, {}, in {}",
        inventory.name,
        best.host,
        counted(best.chain.lines.len(), "line"),
        counted(releases, "release"),
        state.folder().display()
    ));
    for line in told {
        stdout::line(&format!("  {line}"));
    }
    stdout::line(&format!(
        "No host was changed. Next:\n  imctl plan -i {typed}              must say 0 changes\n  imctl history verify -i {typed}    compares every host's copy\n\
         The key that signs bundles is on no host. Without a copy of it build anew:  imctl bundle build -i {typed} --trust"
    ));
}

/// Puts releases and host keys, encrypted, on the hosts after a change. They have what a plan needs without it, so a failure is told.
pub(super) async fn keep(road: &Road, global: &Global) {
    if let Err(why) = kept(road, global).await {
        stdout::note(&format!(
            "the hosts did not get their copy of this release: {why}; the next run gives it to them"
        ));
    }
}

async fn kept(road: &Road, global: &Global) -> Result<(), Failure> {
    if road.state.recipients()?.is_empty() {
        return Ok(());
    }
    let file = material::vault(road)?.keepsake()?;
    let (fleet, _) = connect::some(road, global, &road.hosts, &Sink::none()).await?;
    let written = exec::mirror(&road.inventory().name, &fleet, &file).await;
    fleet.close().await;
    for (host, result) in written {
        if let Err(why) = result {
            stdout::note(&format!(
                "{host} did not get its copy of this release: {why}; the next run gives it one"
            ));
        }
    }
    Ok(())
}
