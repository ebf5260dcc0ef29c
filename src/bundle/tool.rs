//! Programs of the building machine (apt-get, dpkg-deb, cargo): run, checked, their last words kept for the error.

use super::BundleError;
use std::process::{Command, Output, Stdio};

/// Runs a program to its end and returns its standard output.
pub(super) fn output(command: &mut Command) -> Result<Vec<u8>, BundleError> {
    let done = run(command)?;
    if done.status.success() { Ok(done.stdout) } else { Err(failed(command, &done)) }
}

/// Runs a program to its end and returns its standard output as text.
pub(super) fn text(command: &mut Command) -> Result<String, BundleError> {
    Ok(String::from_utf8_lossy(&output(command)?).into_owned())
}

fn run(command: &mut Command) -> Result<Output, BundleError> {
    command.stdin(Stdio::null()).output().map_err(|cause| BundleError::Tool {
        program: name(command),
        cause: format!("{cause}; it must be installed on the machine that builds the bundle"),
    })
}

fn failed(command: &Command, done: &Output) -> BundleError {
    let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    let telling: Vec<&str> =
        said.lines().filter(|line| line.starts_with("E:") || line.starts_with("error")).collect();
    let last: Vec<&str> = said.lines().rev().filter(|line| !line.trim().is_empty()).take(4).collect();
    let cause = if telling.is_empty() { last.into_iter().rev().collect() } else { telling };
    BundleError::Tool { program: name(command), cause: cause.join("; ") }
}

fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
