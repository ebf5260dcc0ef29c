//! `imctl version`: which program this is and which formats it speaks.

use super::{Failure, Global, OutputFormat};
use crate::base::Exit;

/// Arguments of `imctl version`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Prints the version.
#[expect(clippy::print_stdout, reason = "this room prints")]
#[expect(clippy::unnecessary_wraps, reason = "every command has the same shape")]
pub(super) fn run(_args: &Args, global: &Global) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    match global.shape() {
        OutputFormat::Human => println!("imctl {version} (inventory 1, plan 1, bundle 1)"),
        OutputFormat::Json => println!("{}", serde_json::json!({ "format": 1, "version": version })),
    }
    Ok(Exit::Done)
}
