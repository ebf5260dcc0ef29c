//! `imctl report`: the acceptance report, one page that a customer signs. It is made of what was recorded alone and contacts
//! nobody.

mod gather;
mod installed;
mod judged;
mod places;
mod scan;

use super::road::Road;
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::{Exit, Language};
use crate::report::{self, AcceptanceView, Style};
use crate::state::operator;
use gather::Gathered;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Arguments of `imctl report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  imctl report -i acme.yml                              .imctl/acme/report.html, and report.json beside it
  imctl report -i acme.yml --lang zh -o acceptance.html
  imctl report -i acme.yml --output json > acceptance.json

It is made of what check, verify, load, scan and install recorded in .imctl/NAME; no host is contacted.
What was not tested is said plainly, and the rule of the overall result is printed in the page.

Exit codes: 0 accepted, also with remarks; 3 not accepted.")]
pub(super) struct Args {
    /// Where the page goes; the data go beside it, as .json [default: .imctl/NAME/report.html]
    #[arg(short = 'o', long = "out", value_name = "FILE.html")]
    out: Option<PathBuf>,
}

/// Makes the report and shows what comes of it.
pub(super) fn run(args: &Args, global: &Global) -> Result<Exit, Failure> {
    if !global.on.is_empty() {
        return Err(Failure::Usage("a report is of the whole deployment; --on has no place here".to_owned()));
    }
    if let Some(out) = args.out.as_ref().filter(|out| out.extension().is_some_and(|it| it == "json")) {
        let name = out.display();
        return Err(Failure::Usage(format!("`{name}` is where the data would go: name the page, FILE.html")));
    }
    let road = Road::without_bundle(global)?;
    let view = view(&road, global)?;
    let page = save(&road, &view, args.out.as_deref())?;
    match global.shape() {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            let page = page.display().to_string();
            stdout::write(|out| report::acceptance_lines(out, &view, &page, style));
        }
    }
    Ok(view.exit())
}

/// Writes the report of a deployment after a command that proved it, and tells where the page is.
pub(super) fn write_after(road: &Road, global: &Global) -> Result<PathBuf, Failure> {
    let view = view(road, global)?;
    save(road, &view, None)
}

/// Everything that was recorded, as the report shows it.
fn view(road: &Road, global: &Global) -> Result<AcceptanceView, Failure> {
    let language = Language::of(&global.lang);
    let gathered = Gathered::read(road)?;
    if gathered.nothing() {
        return Err(Failure::NothingRecorded {
            deployment: road.inventory().name.clone(),
            inventory: road.typed(),
        });
    }
    let now = Timestamp::now();
    let sizing = installed::sizing(road, &gathered)?;
    let (overall, reasons) = gathered.judge(road, &sizing, now);
    let translated = judged::Told { road, language, today: gather::day(now) };
    let scan = gathered.scan.as_ref().map(|kept| scan::view(&translated, "S1", &kept.value));
    Ok(AcceptanceView {
        language: global.lang.clone(),
        deployment: road.inventory().name.clone(),
        domain: road.inventory().domain.clone(),
        stack: road.topology.stack.file.name.clone(),
        made: (now.to_string(), operator()),
        imctl: env!("CARGO_PKG_VERSION").to_owned(),
        inventory: (
            road.inventory().path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            road.inventory_digest.clone(),
        ),
        overall,
        reasons: reasons.iter().map(judged::reason).collect(),
        hosts: installed::hosts(road, gathered.machines()),
        topology: places::topology(road),
        targets: installed::targets(road)?,
        sizing,
        release: gathered.release.as_ref().map(|kept| ("R1".to_owned(), kept.value.clone())),
        check: judged::part(&translated, "C1", gathered.check.as_ref())?,
        verify: judged::part(&translated, "V1", gathered.verify.as_ref())?,
        loads: judged::loads(language, &gathered),
        scan,
        untested: judged::untested(&translated, &gathered)?,
        runs: gathered.runs(),
        passed_over: gathered.passed_over,
    })
}

/// Writes page and data; the page's path.
fn save(road: &Road, view: &AcceptanceView, out: Option<&Path>) -> Result<PathBuf, Failure> {
    let mut data = serde_json::to_vec_pretty(&view.json()).expect("a view is plain data");
    data.push(b'\n');
    let page = report::acceptance(view, &hex::encode(Sha256::digest(&data)));
    let Some(out) = out else {
        road.state.write("report.json", &data)?;
        road.state.write("report.html", page.as_bytes())?;
        return Ok(road.state.path("report.html"));
    };
    written(&out.with_extension("json"), &data)?;
    written(out, page.as_bytes())?;
    Ok(out.to_owned())
}

/// Writes a file whole; it names hosts and ports, so its owner alone can read it until he passes it on.
fn written(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed =
        |cause: std::io::Error| Failure::Usage(format!("cannot write `{}`: {cause}", path.display()));
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&new, path).map_err(failed)
}
