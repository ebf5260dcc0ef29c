//! `imctl schema`: the inventory's JSON schema, for editors.

use super::{Failure, Global, stdout};
use crate::base::Exit;
use crate::inventory;

/// Arguments of `imctl schema`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Prints the schema.
#[expect(clippy::unnecessary_wraps, reason = "every command has the same shape")]
pub(super) fn run(_args: &Args, _global: &Global) -> Result<Exit, Failure> {
    stdout::answer(&text());
    Ok(Exit::Done)
}

/// The schema as it stands in `docs/inventory.schema.json`.
pub(super) fn text() -> String {
    format!("{:#}\n", inventory::json_schema())
}
