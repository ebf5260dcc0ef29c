//! `imctl bundle`: builds, checks and shows the offline bundle that hosts are installed from.

mod key;
mod order;
mod view;

use super::stdout::answer;
use super::{Failure, Global, OutputFormat};
use crate::base::{Event, Exit, Sink};
use crate::bundle::{self, Built, Workbench};
use crate::inventory::{self, Edit, Inventory};
use crate::state::State;
use jiff::Timestamp;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Arguments of `imctl bundle`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Fetches or builds all that the hosts need and signs it; the only command that asks the net for anything
    Build(Build),
    /// Checks every file against a signature by a key that the inventory trusts
    Verify {
        /// The bundle; the inventory's when left out
        dir: Option<PathBuf>,
    },
    /// Shows what a bundle says it holds, trusting nothing
    Inspect {
        /// The bundle; the inventory's when left out
        dir: Option<PathBuf>,
    },
    /// Makes a signing key when there is none, and prints the line that trusts it
    Keygen {
        /// Where the key is kept; the deployment's own folder when left out
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
struct Build {
    /// Where the bundle goes; what --bundle or the inventory names when left out
    #[arg(short = 'o', long = "out", value_name = "DIR")]
    out: Option<PathBuf>,
    /// A ready file for an artifact, instead of building it; may be given several times
    #[arg(long, value_name = "NAME=FILE", value_parser = order::given)]
    artifact: Vec<(String, PathBuf)>,
    /// Signing key (minisign); one is made in the deployment's own folder when left out
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Versions of the stack: all, or some with commas; the inventory's when left out
    #[arg(long, value_name = "all|V,V", value_delimiter = ',')]
    versions: Vec<String>,
    /// Add the key to the inventory's `bundle: trusted-keys:`
    #[arg(long)]
    trust: bool,
}

/// Runs `imctl bundle`.
pub(super) fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    match args.verb {
        Verb::Build(wanted) => build(&wanted, global),
        Verb::Verify { dir } => verify(dir, global),
        Verb::Inspect { dir } => inspect(dir, global),
        Verb::Keygen { key } => keygen(key.as_deref(), global),
    }
}

fn build(wanted: &Build, global: &Global) -> Result<Exit, Failure> {
    let started = Instant::now();
    let inventory = inventory::load_alone(&inventory_path(global)?)?;
    let order = order::order(&inventory, &wanted.versions, &wanted.artifact)?;
    let dir = match &wanted.out {
        Some(dir) => dir.clone(),
        None => folder(&inventory, global)?,
    };
    let key = key::signing_key(&inventory, wanted.key.as_deref())?;
    let bench = Workbench { cache: cache(), now: now()? };
    let built = bundle::build(&order, &key.key, &dir, &bench, &told())?;
    let line = key.key.public_line();
    let mut trusted = inventory.bundle.trusted_keys.contains(&line);
    if !trusted && wanted.trust {
        if let Some(edit) = Edit::trust_key(&inventory.path, &line).map_err(Failure::Edit)? {
            edit.write().map_err(Failure::Edit)?;
        }
        trusted = true;
    }
    let Built { manifest, changed, requests } = &built;
    match global.shape() {
        OutputFormat::Json => answer_json(json!({
            "bundle": dir, "changed": changed, "requests": requests, "key": line, "trusted": trusted,
            "key-made": key.made, "manifest": manifest, "seconds": started.elapsed().as_secs_f64(),
        })),
        OutputFormat::Human => {
            let mut text = view::built(&built, &dir, started.elapsed());
            if key.made {
                text += &view::new_key(&key.path);
            }
            text += &view::trust(&line, &inventory.path, trusted);
            answer(&text);
        }
    }
    Ok(Exit::Done)
}

fn verify(dir: Option<PathBuf>, global: &Global) -> Result<Exit, Failure> {
    let started = Instant::now();
    let inventory = inventory::load_alone(&inventory_path(global)?)?;
    let dir = dir.map_or_else(|| folder(&inventory, global), Ok)?;
    let verified = bundle::verify(&dir, &inventory.bundle.trusted_keys)?;
    let manifest = verified.manifest();
    match global.shape() {
        OutputFormat::Json => answer_json(json!({
            "bundle": dir, "signer": verified.signer(), "digest": verified.digest(),
            "files": manifest.files.len(), "bytes": manifest.size(),
        })),
        OutputFormat::Human => {
            let took = started.elapsed();
            answer(&view::verified(&verified, took));
        }
    }
    Ok(Exit::Done)
}

fn inspect(dir: Option<PathBuf>, global: &Global) -> Result<Exit, Failure> {
    let dir = match dir {
        Some(dir) => dir,
        None => folder(&inventory::load_alone(&inventory_path(global)?)?, global)?,
    };
    let (manifest, signer) = bundle::inspect(&dir)?;
    match global.shape() {
        OutputFormat::Json => {
            answer_json(json!({ "bundle": dir, "claims-signer": signer, "manifest": manifest }));
        }
        OutputFormat::Human => answer(&view::inspected(&manifest, &signer)),
    }
    Ok(Exit::Done)
}

fn keygen(file: Option<&Path>, global: &Global) -> Result<Exit, Failure> {
    let inventory = inventory::load_alone(&inventory_path(global)?)?;
    let key = key::signing_key(&inventory, file)?;
    let line = key.key.public_line();
    match global.shape() {
        OutputFormat::Json => answer_json(json!({ "key": key.path, "made": key.made, "public": line })),
        OutputFormat::Human => {
            let what = if key.made { "New key" } else { "Key" };
            let trusted = inventory.bundle.trusted_keys.contains(&line);
            answer(&format!(
                "{what} {}\n{}",
                key.path.display(),
                view::trust(&line, &inventory.path, trusted)
            ));
        }
    }
    Ok(Exit::Done)
}

fn inventory_path(global: &Global) -> Result<PathBuf, Failure> {
    let missing = "no inventory is named: give its file with `-i FILE` or in IMCTL_INVENTORY";
    global.inventory.clone().ok_or_else(|| Failure::Usage(missing.to_owned()))
}

/// Folder of the deployment's bundle: `--bundle`, what the inventory names, or the deployment's own.
pub(super) fn folder(inventory: &Inventory, global: &Global) -> Result<PathBuf, Failure> {
    if let Some(dir) = global.bundle.as_ref().or(inventory.bundle.path.as_ref()) {
        return Ok(dir.clone());
    }
    Ok(state(inventory)?.path("bundle"))
}

fn state(inventory: &Inventory) -> Result<State, Failure> {
    State::open(&inventory.path, &inventory.name).map_err(|cause| Failure::Usage(cause.to_string()))
}

/// What is kept between builds: shared by the machine where that is allowed, else the operator's own.
fn cache() -> PathBuf {
    if let Some(named) = std::env::var_os("IMCTL_CACHE") {
        return named.into();
    }
    let shared = PathBuf::from("/var/cache/imctl");
    let probe = shared.join("apt");
    if std::fs::create_dir_all(&probe).is_ok() && std::fs::File::create(probe.join(".writable")).is_ok() {
        return shared;
    }
    std::env::home_dir().unwrap_or_default().join(".cache/imctl")
}

/// The date that goes into the bundle; `SOURCE_DATE_EPOCH` makes builds repeatable.
fn now() -> Result<Timestamp, Failure> {
    let wrong = || Failure::Usage("SOURCE_DATE_EPOCH is not a number of seconds since 1970".to_owned());
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => {
            let seconds = seconds.parse().map_err(|_| wrong())?;
            Timestamp::from_second(seconds).map_err(|_| wrong())
        }
        Err(_) => Timestamp::from_second(Timestamp::now().as_second()).map_err(|_| wrong()),
    }
}

/// Says on standard error what takes long.
#[expect(clippy::print_stderr, reason = "this room prints")]
fn told() -> Sink {
    Sink::new(|event| match event {
        Event::Phase { what } => eprintln!("{what}"),
        Event::Note { text, .. } | Event::Warning { text, .. } => eprintln!("  {text}"),
        _ => {}
    })
}

fn answer_json(mut value: serde_json::Value) {
    value["format"] = json!(1);
    answer(&format!("{value}\n"));
}
