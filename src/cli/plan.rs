//! `imctl plan`: what would change, exactly; saved on request, to be applied as it is.

use super::hold::holder_words;
use super::road::Road;
use super::survey::{Aim, survey};
use super::upgrade::AimArgs;
use super::view::survey_view;
use super::{Failure, Global, OutputFormat, stdout};
use crate::base::{Exit, quote};
use crate::report::{self, Live, Shape, Style, spoken};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Arguments of `imctl plan`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Save the plan, to apply exactly this with `imctl install --plan FILE`
    #[arg(short = 'o', long = "out", value_name = "FILE.plan")]
    out: Option<PathBuf>,
    /// Plan without this host, as if it were declared lost; may be given several times
    #[arg(long, value_name = "HOST")]
    lost: Vec<String>,
    #[command(flatten)]
    aim: AimArgs,
    /// Plan the way back to this release, or to the last one with `last`
    #[arg(long, value_name = "RELEASE", conflicts_with = "to")]
    back_to: Option<String>,
    /// Exit with 10 when there are changes
    #[arg(long)]
    detailed_exitcode: bool,
}

/// Plans and shows.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let (road, verb) = road(&args, global)?;
    let road = road.without(&args.lost)?;
    let live = Live::new(Shape::Silent, Style::stderr(global.no_color));
    let mut survey = survey(&road, global, &live.sink(), Aim::Inventory).await?;
    survey.fleet.close().await;
    if let Some((host, lease)) = survey.kept_out(&road.state.id()).first() {
        let who = holder_words(&road.inventory().name, lease);
        survey
            .plan
            .notes
            .push(format!("{who}; the lease is on {host}. What is shown may change under your eyes."));
    }
    let view = survey_view(&road, &survey, global.verbose > 0 || global.shape() == OutputFormat::Json);
    match global.shape() {
        OutputFormat::Json => stdout::line(&view.json().to_string()),
        OutputFormat::Human => {
            let style = Style::stdout(global.no_color);
            stdout::write(|out| report::plan(out, &view, &spoken(survey.took), style));
        }
    }
    if let Some(path) = &args.out {
        save(path, &survey.plan)?;
        let again = format!(
            "Saved {0}. Apply exactly this with:  imctl {verb} -i {1} --plan {0}",
            path.display(),
            road.typed()
        );
        stdout::note(&again);
    }
    let changes = args.detailed_exitcode && !survey.plan.is_empty();
    Ok(if changes { Exit::Changes } else { Exit::Done })
}

/// Where the plan leads, and the command that applies it.
fn road(args: &Args, global: &Global) -> Result<(Road, String), Failure> {
    if let Some(to) = &args.back_to {
        let to = Some(to.as_str()).filter(|to| *to != "last");
        let verb = to.map_or_else(|| "rollback".to_owned(), |to| format!("rollback --to {}", quote(to)));
        return Ok((super::rollback::road(global, to)?, verb));
    }
    match &args.aim.to {
        Some(to) => Ok((args.aim.road(global)?, format!("upgrade --to {}", quote(to)))),
        None => Ok((Road::open(global)?, "install".to_owned())),
    }
}

/// Writes a plan file that its owner alone can read.
fn save(path: &Path, plan: &crate::plan::Plan) -> Result<(), Failure> {
    let failed =
        |cause: std::io::Error| Failure::Usage(format!("cannot write `{}`: {cause}", path.display()));
    let text = serde_json::to_vec_pretty(plan).map_err(|cause| failed(cause.into()))?;
    let new = path.with_extension("plan-new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(failed)?;
    std::io::Write::write_all(&mut file, &text).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&new, path).map_err(failed)
}

/// Reads a saved plan.
pub(super) fn load(path: &Path) -> Result<crate::plan::Plan, Failure> {
    let wrong = |cause: String| Failure::Usage(format!("`{}` is no plan of imctl: {cause}", path.display()));
    let text = std::fs::read(path).map_err(|cause| wrong(cause.to_string()))?;
    let plan: crate::plan::Plan = serde_json::from_slice(&text).map_err(|cause| wrong(cause.to_string()))?;
    if plan.format == 1 {
        return Ok(plan);
    }
    Err(wrong(format!("its format is {}, this imctl reads 1", plan.format)))
}
