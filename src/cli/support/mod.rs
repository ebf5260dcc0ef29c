//! `imctl support-bundle`: what somebody who helps needs to see, in one archive that may leave the site: secrets, texts and
//! people are taken out. Hosts that do not answer are told inside.

mod collect;
mod hush;

use super::road::Road;
use super::survey::{Aim, survey};
use super::view::survey_view;
use super::{Failure, Global, OutputFormat, connect, material, stdout};
use crate::base::{Exit, Sink, duration};
use crate::report::{self, Style, counted, spoken};
use crate::state::{Redactor, State, StateError, write_private};
use flate2::{Compression, write::GzEncoder};
use hush::Hush;
use jiff::Timestamp;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Of a file of the operator's folder at most its last so many bytes.
const TAIL: usize = 512 << 10;
/// The newest so many runs.
const RUNS: usize = 3;

/// Arguments of `imctl support-bundle`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  imctl support-bundle -i acme.yml                         logs of the last day, as acme-im-support-TIME.tar.gz
  imctl support-bundle -i acme.yml --since 2h -o x.tar.gz  less of them, elsewhere
  imctl support-bundle -i acme.yml --hide-addresses        without IP addresses")]
pub(super) struct Args {
    /// The archive to write
    #[arg(short = 'o', long = "out", value_name = "FILE.tar.gz")]
    out: Option<PathBuf>,
    /// How far back logs go, such as 24h
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,
    /// Hide IP addresses too; equal ones stay equal
    #[arg(long)]
    hide_addresses: bool,
}

/// What goes into the archive: name and text, cleaned; and what was left out.
#[derive(Default)]
struct Content {
    files: Vec<(String, String)>,
    left_out: Vec<String>,
}

/// Gathers, cleans, writes, tells.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let since = duration(&args.since).map_err(|cause| Failure::Usage(format!("--since: {cause}")))?;
    let road = Road::whatever_happened(global)?;
    let known = secrets(&road)?;
    let hush = Hush::new(known, args.hide_addresses);
    let mut content = Content::default();
    let (fleet, silent) = connect::some(&road, global, &road.hosts, &Sink::none()).await?;
    for (host, answer) in collect::from_hosts(&road, &fleet, since.as_secs()).await {
        match answer {
            Ok(sections) => {
                content
                    .files
                    .extend(sections.into_iter().map(|(name, text)| (format!("hosts/{host}/{name}"), text)));
            }
            Err(why) => content.left_out.push(format!("{host}: {why}")),
        }
    }
    fleet.close().await;
    content.left_out.extend(silent.iter().map(|it| format!("{}: not reached: {}", it.host, it.cause)));
    drift(&road, global, &mut content).await;
    folder(&road.state, &mut content)?;
    content.files.push(("inventory.yml".to_owned(), road.text.clone()));
    content.files.push(("versions.txt".to_owned(), versions(&road)));
    content.left_out.push("configuration files that hold secrets, and certificates' keys".to_owned());
    for (_, text) in &mut content.files {
        *text = hush.clean(text);
    }
    let index = index(&road, &content, args.hide_addresses);
    content.files.insert(0, ("README.txt".to_owned(), hush.clean(&index)));
    let name =
        format!("{}-support-{}", road.inventory().name, Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S"));
    let out = args.out.unwrap_or_else(|| PathBuf::from(format!("{name}.tar.gz")));
    let bytes = archive(&name, &content.files);
    write_private(&out, &bytes)?;
    tell(global, &out, (&content, bytes.len()));
    Ok(Exit::Done)
}

/// What the vault knows, so that it is found wherever it stands.
fn secrets(road: &Road) -> Result<Redactor, Failure> {
    if road.state.recipients()?.is_empty() {
        return Ok(Redactor::default());
    }
    Ok(material::vault(road)?.redactor())
}

/// What differs from the inventory, where that can be told.
async fn drift(road: &Road, global: &Global, content: &mut Content) {
    match survey(road, global, &Sink::none(), Aim::Inventory).await {
        Ok(survey) => {
            survey.fleet.close().await;
            let view = survey_view(road, &survey, false);
            let mut text = Vec::new();
            let written = report::plan(&mut text, &view, &spoken(survey.took), Style::plain(160));
            written.expect("writing to memory does not fail");
            content.files.push(("plan.txt".to_owned(), String::from_utf8_lossy(&text).into_owned()));
        }
        Err(why) => content.left_out.push(format!("plan: {why}")),
    }
}

/// History, the newest runs and results of the operator's folder; no inventory of a release and no secret.
fn folder(state: &State, content: &mut Content) -> Result<(), StateError> {
    let mut names = vec!["history.jsonl".to_owned(), "lost.json".to_owned()];
    let mut runs = state.names("runs")?;
    for run in runs.split_off(runs.len().saturating_sub(RUNS)) {
        let inside = state.names(format!("runs/{run}"))?;
        let text = |name: &String| Path::new(name).extension().is_none_or(|it| it != "html");
        names.extend(inside.into_iter().filter(text).map(|name| format!("runs/{run}/{name}")));
    }
    for (within, end) in [("results", ".json"), ("releases", ".json")] {
        let all = state.names(within)?;
        let newest = all.into_iter().filter(|name| name.ends_with(end)).rev().take(6);
        names.extend(newest.map(|name| format!("{within}/{name}")));
    }
    for name in names {
        let Some(bytes) = state.read(&name)? else { continue };
        let cut = bytes.len().saturating_sub(TAIL);
        if cut > 0 {
            content.left_out.push(format!("folder/{name}: its first {cut} bytes"));
        }
        content.files.push((format!("folder/{name}"), String::from_utf8_lossy(&bytes[cut..]).into_owned()));
    }
    Ok(())
}

fn versions(road: &Road) -> String {
    let stack = &road.topology.stack;
    format!(
        "imctl {}\nstack {} {} ({})\nmade {}\n",
        env!("CARGO_PKG_VERSION"),
        stack.file.name,
        road.topology.version,
        stack.digest,
        Timestamp::now()
    )
}

fn index(road: &Road, content: &Content, addresses: bool) -> String {
    let names: Vec<String> =
        content.files.iter().map(|(name, text)| format!("  {name}  {} bytes", text.len())).collect();
    let out: Vec<String> = content.left_out.iter().map(|it| format!("  {it}")).collect();
    format!(
        "What `{}` looks like, for somebody who helps.\n\nTaken out: secrets, private keys, texts of messages; people are user-XXXXXXXX, \
         equal within this archive and meaningless elsewhere{}.\n\nIn it:\n{}\n\nLeft out:\n{}\n",
        road.inventory().name,
        if addresses { ", addresses likewise" } else { ". IP addresses stay" },
        names.join("\n"),
        out.join("\n")
    )
}

/// The files as one compressed tar archive, in a folder of that name.
fn archive(name: &str, files: &[(String, String)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (within, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        let added = archive.append_data(&mut header, format!("{name}/{within}"), text.as_bytes());
        added.expect("writing to memory does not fail");
    }
    let packed = archive.into_inner().and_then(GzEncoder::finish);
    packed.expect("writing to memory does not fail")
}

fn tell(global: &Global, out: &Path, (content, bytes): (&Content, usize)) {
    let file = out.display().to_string();
    if global.shape() == OutputFormat::Json {
        let files: Vec<&String> = content.files.iter().map(|(name, _)| name).collect();
        let answer = json!({ "format": 1, "file": file, "bytes": bytes, "files": files, "left-out": content.left_out });
        return stdout::line(&answer.to_string());
    }
    stdout::line(&format!(
        "{file}: {}, {} KiB, readable by you alone",
        counted(content.files.len(), "file"),
        bytes.div_ceil(1024)
    ));
    for (name, text) in &content.files {
        stdout::line(&format!("  {name}  {} bytes", text.len()));
    }
    for line in &content.left_out {
        stdout::line(&format!("  left out: {line}"));
    }
    stdout::line(
        "Secrets, texts and people are taken out. Look into it before you pass it on:  tar -tzf FILE, tar -xzf FILE",
    );
}
