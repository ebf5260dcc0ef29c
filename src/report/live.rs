//! What happens while it happens: a bar for each host on a terminal, plain lines in a pipe, JSON lines for
//! programs. All of it goes to standard error; standard output is for the answer.

use super::live_bars::Bars;
use super::style::{Style, Tone};
use crate::base::{Event, HostName, Sink};
use crate::state::event_line;
use jiff::{Timestamp, Zoned};
use std::io::{IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// In which shape events are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Bars on a terminal.
    Bars,
    /// One line a step.
    Lines,
    /// One JSON object a line.
    Json,
    /// Nothing.
    Silent,
}

impl Shape {
    /// JSON when the answer is JSON, bars on a terminal, lines elsewhere.
    pub fn fitting(json: bool) -> Self {
        match (json, std::io::stderr().is_terminal()) {
            (true, _) => Self::Json,
            (false, true) => Self::Bars,
            (false, false) => Self::Lines,
        }
    }
}

/// Shows the events of a run. Clones share one display.
#[derive(Clone)]
pub struct Live {
    shape: Shape,
    style: Style,
    bars: Arc<Mutex<Bars>>,
}

impl Live {
    /// Opens the display.
    pub fn new(shape: Shape, style: Style) -> Self {
        Self { shape, style, bars: Arc::new(Mutex::new(Bars::new(style))) }
    }

    /// Where events go to be shown.
    pub fn sink(&self) -> Sink {
        let live = self.clone();
        Sink::new(move |event| live.show(&event))
    }

    /// Shows one event.
    pub fn show(&self, event: &Event) {
        match self.shape {
            Shape::Bars => self.locked().show(event),
            Shape::Lines => {
                let time = Zoned::now().strftime("%H:%M:%S").to_string();
                if let Some(line) = plain_line(event, &time, self.style) {
                    write_line(&line);
                }
            }
            Shape::Json => write_line(&event_line(event, Timestamp::now()).to_string()),
            Shape::Silent => {}
        }
    }

    /// Takes the bars off the screen while something else is shown or asked.
    pub fn pause<T>(&self, show: impl FnOnce() -> T) -> T {
        if self.shape != Shape::Bars {
            return show();
        }
        self.locked().pause(show)
    }

    /// Ends the display; finished bars stay where they are.
    pub fn finish(&self) {
        if self.shape == Shape::Bars {
            self.locked().finish();
        }
    }

    fn locked(&self) -> MutexGuard<'_, Bars> {
        // A panic in one host's task must not take the display from the others.
        self.bars.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a line; a reader that went away is no reason to stop an install.
fn write_line(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// An event as one line: `12:03:41 app2 + package server (8.1 s)`; none when a person need not see it.
pub(super) fn plain_line(event: &Event, time: &str, style: Style) -> Option<String> {
    let of = |host: &Option<HostName>| host.as_ref().map(|host| format!("{host} ")).unwrap_or_default();
    match event {
        Event::Phase { what } => Some(format!("{time} {what}")),
        Event::StepDone { host, step, took } => {
            Some(format!("{time} {host} {step} ({:.1} s)", took.as_secs_f64()))
        }
        Event::StepFailed { host, step, error } => {
            let failed = style.paint(Tone::Bad, "failed");
            Some(format!("{time} {host} {step} {failed}: {}", error.trim().replace('\n', "\n    ")))
        }
        Event::HostDone { host } => Some(format!("{time} {host} done")),
        Event::Note { host, text } => Some(format!("{time} {}{text}", of(host))),
        Event::Warning { host, text } => {
            Some(format!("{time} {}{} {text}", of(host), style.paint(Tone::Warn, "warning:")))
        }
        Event::Connected { .. }
        | Event::Planned { .. }
        | Event::StepStarted { .. }
        | Event::Progress { .. } => None,
    }
}

/// Seconds since something began, as the end of a bar shows them.
pub(super) fn clock(took: Duration) -> String {
    match took.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {:02} m", seconds / 3600, seconds % 3600 / 60),
    }
}
