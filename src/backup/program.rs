//! The product's own programs: words from the job, lines as they come, an object at the end.

use super::BackupError;
use crate::record::BackupEvent;
use serde_json::{Map, Value};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

/// Who is told of what happens.
pub(super) type Told<'a> = &'a mut (dyn FnMut(BackupEvent) + Send);

/// What a program said: the lines, and the object of its last line.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) lines: Vec<String>,
    pub(super) object: Map<String, Value>,
}

/// Runs a program with one more argument. It ends with us.
pub(super) async fn run(
    part: &str,
    (words, argument): (&[String], &str),
    told: Option<Told<'_>>,
) -> Result<Said, BackupError> {
    let name = words.first().map_or("", String::as_str);
    let wrong = |cause: String| BackupError::Part { part: part.to_owned(), cause };
    let mut command = Command::new(name);
    command.args(&words[1..]).arg(argument);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|cause| wrong(format!("`{name}` does not start: {cause}")))?;
    let mut errors = child.stderr.take().expect("it is piped");
    let reader = tokio::spawn(async move {
        let mut text = String::new();
        // What cannot be read of a complaint does not change how it ended.
        let _ = errors.read_to_string(&mut text).await;
        text
    });
    let said = lines(part, child.stdout.take().expect("it is piped"), told).await.map_err(&wrong)?;
    let status = child.wait().await.map_err(|cause| wrong(format!("`{name}`: {cause}")))?;
    let errors = reader.await.unwrap_or_default();
    if status.success() {
        return Ok(said);
    }
    let told = said.object.get("error").and_then(Value::as_str).map(str::to_owned);
    let last = |text: &str| text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
    let why = told.or_else(|| last(&errors)).or_else(|| said.lines.last().cloned());
    Err(wrong(format!("`{name} {argument}` failed: {}", why.unwrap_or_else(|| status.to_string()))))
}

async fn lines(
    part: &str,
    out: tokio::process::ChildStdout,
    mut told: Option<Told<'_>>,
) -> Result<Said, String> {
    let mut lines = BufReader::new(out).lines();
    let mut said = Said::default();
    while let Some(line) = lines.next_line().await.map_err(|cause| cause.to_string())? {
        if let Ok(Value::Object(object)) = serde_json::from_str(&line) {
            said.object = object;
            continue;
        }
        if let Some(told) = told.as_mut() {
            told(BackupEvent::Line { part: part.to_owned(), text: line.clone() });
        }
        said.lines.push(line);
    }
    Ok(said)
}
