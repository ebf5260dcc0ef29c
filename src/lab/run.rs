//! Runs the programs of this machine that the lab is made with; an answer, or the command with its last words.

use super::LabError;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Runs a program and returns its standard output.
pub(super) async fn run(program: &str, args: &[&str]) -> Result<String, LabError> {
    run_with(program, args, "").await
}

/// Runs a program with something on its standard input and returns its standard output.
pub(super) async fn run_with(program: &str, args: &[&str], input: &str) -> Result<String, LabError> {
    let failed = |said: String| LabError::Program { command: format!("{program} {}", args.join(" ")), said };
    let mut child = Command::new(program)
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|cause| failed(cause.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input says so by its exit code.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = child.wait_with_output().await.map_err(|cause| failed(cause.to_string()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(last_words(&output.stderr, &output.stdout)))
}

/// The last three lines of the error stream, or of the output when it is silent.
fn last_words(stderr: &[u8], stdout: &[u8]) -> String {
    let text = String::from_utf8_lossy(if stderr.is_empty() { stdout } else { stderr }).into_owned();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_failing_program_is_named_with_its_last_words() {
        let error = run("sh", &["-c", "echo one >&2; echo two >&2; exit 3"]).await.expect_err("it exits 3");
        assert_eq!(error.to_string(), "`sh -c echo one >&2; echo two >&2; exit 3` failed: one; two");
    }
}
