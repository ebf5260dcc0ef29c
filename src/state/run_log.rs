//! The log of one run under `runs/<time>/`: every event as a JSON line, and one plain log a host. Secrets are
//! blanked before anything is written.

use super::{Redactor, State, StateError, place};
use crate::base::{Event, Sink};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The log of one run. Clones write to the same files.
#[derive(Clone)]
pub struct RunLog {
    folder: PathBuf,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    events: File,
    redactor: Redactor,
    /// The first write that failed; told once, at the end.
    broken: Option<String>,
}

impl State {
    /// Begins the log of a run: `runs/2026-11-22T12-03-41/`, with a number behind it when two begin in one second.
    pub fn run_log(&self, now: Timestamp, redactor: Redactor) -> Result<RunLog, StateError> {
        let stem = now.strftime("%Y-%m-%dT%H-%M-%S").to_string();
        let runs = self.path("runs");
        place::private_folder(&runs)?;
        let mut folder = runs.join(&stem);
        for number in 2.. {
            match std::fs::create_dir(&folder) {
                Ok(()) => break,
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                    folder = runs.join(format!("{stem}-{number}"));
                }
                Err(cause) => return Err(place::io("make the folder", &folder)(cause)),
            }
        }
        place::private_folder(&folder)?;
        let path = folder.join("events.jsonl");
        let events = open(&path).map_err(place::io("write", &path))?;
        let shared = Arc::new(Mutex::new(Shared { events, redactor, broken: None }));
        Ok(RunLog { folder, shared })
    }

    /// The folders of past runs, oldest first.
    pub fn runs(&self) -> Result<Vec<PathBuf>, StateError> {
        let runs = self.path("runs");
        Ok(place::names(&runs)?.into_iter().map(|name| runs.join(name)).collect())
    }
}

impl RunLog {
    /// The run's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Learns more secrets to blank.
    pub fn hide(&self, redactor: Redactor) {
        self.locked().redactor = redactor;
    }

    /// Writes an event.
    pub fn record(&self, event: &Event) {
        let now = Timestamp::now();
        let line = event_line(event, now);
        let mut shared = self.locked();
        let text = shared.redactor.redact(&line.to_string());
        let written = writeln!(shared.events, "{text}");
        shared.keep(written);
        if let (Some(host), Some(text)) = (line["host"].as_str(), host_line(event)) {
            let text = shared.redactor.redact(&text);
            let time = now.strftime("%F %T");
            let path = self.folder.join(format!("{host}.log"));
            let written = open(&path).and_then(|mut file| writeln!(file, "{time} {text}"));
            shared.keep(written);
        }
    }

    /// A sink that writes each event here and hands it on.
    pub fn tee(&self, next: Sink) -> Sink {
        let log = self.clone();
        Sink::new(move |event| {
            log.record(&event);
            next.send(event);
        })
    }

    /// Puts a file into the run's folder, such as `report.html`; secrets are blanked.
    pub fn file(&self, name: &str, content: &str) -> Result<PathBuf, StateError> {
        let path = self.folder.join(name);
        let clean = self.locked().redactor.redact(content);
        place::write(&path, clean.as_bytes())?;
        Ok(path)
    }

    /// Why the log is not whole; none when it is.
    pub fn broken(&self) -> Option<String> {
        self.locked().broken.clone()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Shared> {
        // A panic elsewhere must not silence the log.
        self.shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Shared {
    fn keep(&mut self, written: std::io::Result<()>) {
        if let Err(cause) = written {
            self.broken.get_or_insert_with(|| cause.to_string());
        }
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// An event as one JSON object: `time`, `event`, and what belongs to it. `--output json` prints the same lines.
pub fn event_line(event: &Event, now: Timestamp) -> Value {
    let seconds = |took: &std::time::Duration| (took.as_secs_f64() * 1000.0).round() / 1000.0;
    let (kind, rest) = match event {
        Event::Phase { what } => ("phase", json!({ "what": what })),
        Event::Connected { host } => ("connected", json!({ "host": host })),
        Event::Planned { host, steps } => ("planned", json!({ "host": host, "steps": steps })),
        Event::StepStarted { host, step } => ("step-started", json!({ "host": host, "step": step })),
        Event::StepDone { host, step, took } => {
            ("step-done", json!({ "host": host, "step": step, "seconds": seconds(took) }))
        }
        Event::StepFailed { host, step, error } => {
            ("step-failed", json!({ "host": host, "step": step, "error": error }))
        }
        Event::HostDone { host } => ("host-done", json!({ "host": host })),
        Event::Progress { what, done, total } => {
            ("progress", json!({ "what": what, "done": done, "total": total }))
        }
        Event::Note { host, text } => ("note", json!({ "host": host, "text": text })),
        Event::Warning { host, text } => ("warning", json!({ "host": host, "text": text })),
    };
    let mut line =
        json!({ "format": 1, "time": now.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(), "event": kind });
    if let (Value::Object(line), Value::Object(rest)) = (&mut line, rest) {
        line.extend(rest);
    }
    line
}

/// An event as a host's own log tells it.
fn host_line(event: &Event) -> Option<String> {
    match event {
        Event::Connected { .. } => Some("connected".into()),
        Event::Planned { steps, .. } => Some(format!("{steps} steps planned")),
        Event::StepStarted { step, .. } => Some(format!("begin  {step}")),
        Event::StepDone { step, took, .. } => Some(format!("done   {step} ({:.1} s)", took.as_secs_f64())),
        Event::StepFailed { step, error, .. } => Some(format!("FAILED {step}\n{error}")),
        Event::HostDone { .. } => Some("all steps are done".into()),
        Event::Note { text, .. } => Some(format!("note   {text}")),
        Event::Warning { text, .. } => Some(format!("WARN   {text}")),
        Event::Phase { .. } | Event::Progress { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::HostName;

    #[test]
    fn a_secret_in_an_error_does_not_reach_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
        let mut redactor = Redactor::default();
        redactor.add("correct-horse-battery");
        let log = state.run_log(Timestamp::UNIX_EPOCH, redactor.clone()).unwrap();
        let second = state.run_log(Timestamp::UNIX_EPOCH, redactor).unwrap();
        assert!(second.folder().ends_with("runs/1970-01-01T00-00-00-2"));
        let host = HostName::new("数据库1").unwrap();
        let error = "psql: password correct-horse-battery is wrong".to_owned();
        log.record(&Event::StepFailed { host, step: "! hook join".into(), error });
        let events = std::fs::read_to_string(log.folder().join("events.jsonl")).unwrap();
        let own = std::fs::read_to_string(log.folder().join("数据库1.log")).unwrap();
        for text in [events, own] {
            assert!(text.contains("password [secret] is wrong"), "{text}");
        }
        assert_eq!((log.broken(), state.runs().unwrap().len()), (None, 2));
    }
}
