//! `imctl completions`: completion scripts for shells.

use super::{Cli, Failure, Global, stdout};
use crate::base::Exit;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Arguments of `imctl completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "For bash: imctl completions bash > /etc/bash_completion.d/imctl")]
pub(super) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
#[expect(clippy::unnecessary_wraps, reason = "every command has the same shape")]
pub(super) fn run(args: &Args, _global: &Global) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "imctl", &mut script);
    stdout::answer(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
