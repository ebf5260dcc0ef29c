//! The bars: one a host while it works, one for the whole when there are more hosts than lines.

use super::live::clock;
use super::style::{Style, Tone, cut, padded, wide};
use crate::base::{Event, HostName};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often a bar that works is drawn.
const TICK: Duration = Duration::from_millis(200);
/// Columns of `12 m 41 s`.
const CLOCK: usize = 9;

/// The bars of a run.
pub(super) struct Bars {
    all: MultiProgress,
    style: Style,
    hosts: BTreeMap<HostName, Lane>,
    /// What is being done before the hosts' bars begin.
    phase: Option<ProgressBar>,
    amounts: BTreeMap<String, ProgressBar>,
    /// Only when the hosts do not fit on the screen.
    whole: Option<ProgressBar>,
}

struct Lane {
    bar: ProgressBar,
    steps: usize,
    shown: bool,
}

/// Columns of a bar's parts for a terminal and its longest host name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) host: usize,
    pub(super) bar: usize,
    pub(super) text: usize,
}

impl Layout {
    /// Host, bar and text share the line after the counts (`12/128`, 9) and the clock; the bar gives way first.
    pub(super) fn new(width: usize, longest_host: usize) -> Self {
        let host = longest_host.clamp(4, 20);
        let left = width.saturating_sub(host + 9 + CLOCK + 2 * 4 + 1);
        let bar = (left / 2).clamp(6, 33);
        Self { host, bar, text: left.saturating_sub(bar).clamp(8, 60) }
    }
}

/// Hosts that fit on the screen.
fn room() -> usize {
    console::Term::stderr().size_checked().map_or(20, |(rows, _)| usize::from(rows).saturating_sub(4).max(2))
}

impl Bars {
    pub(super) fn new(style: Style) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(12));
        Self { all, style, hosts: BTreeMap::new(), phase: None, amounts: BTreeMap::new(), whole: None }
    }

    pub(super) fn show(&mut self, event: &Event) {
        match event {
            Event::Phase { what } => self.phase(what),
            Event::Planned { host, steps } => self.planned(host, *steps),
            Event::StepStarted { host, step } => self.started(host, step),
            Event::StepDone { host, .. } => {
                if let Some(lane) = self.hosts.get(host) {
                    lane.bar.inc(1);
                }
            }
            Event::StepFailed { host, step, error } => self.failed(host, step, error),
            Event::HostDone { host } => self.done(host),
            Event::Progress { what, done, total } => self.amount(what, *done, *total),
            Event::Note { host, text } => self.say(Tone::Quiet, host.as_ref(), text),
            Event::Warning { host, text } => self.say(Tone::Warn, host.as_ref(), text),
            Event::Connected { .. } => {}
        }
    }

    fn phase(&mut self, what: &str) {
        self.clear_small();
        let bar = self.all.add(ProgressBar::new_spinner());
        bar.set_style(style("{spinner} {msg}"));
        bar.set_message(cut(what, self.style.width.saturating_sub(4)));
        bar.enable_steady_tick(TICK);
        self.phase = Some(bar);
    }

    /// Takes away what belongs to the phase before.
    fn clear_small(&mut self) {
        let small = self.phase.take().into_iter().chain(std::mem::take(&mut self.amounts).into_values());
        small.for_each(|bar| bar.finish_and_clear());
    }

    fn layout(&self) -> Layout {
        let longest = self.hosts.keys().map(|host| wide(host.as_str())).max().unwrap_or(0);
        Layout::new(
            console::Term::stderr().size_checked().map_or(self.style.width, |(_, c)| usize::from(c)),
            longest,
        )
    }

    fn planned(&mut self, host: &HostName, steps: usize) {
        self.clear_small();
        let bar = ProgressBar::hidden();
        let known = self.hosts.insert(host.clone(), Lane { bar, steps, shown: false });
        if let Some(known) = known {
            known.bar.finish_and_clear();
        }
        if self.hosts.len() > room() && self.whole.is_none() {
            let whole = self.all.insert(0, ProgressBar::new(0));
            whole.set_style(style("{pos} of {len} hosts done"));
            whole.enable_steady_tick(TICK);
            self.whole = Some(whole);
        }
        if let Some(whole) = &self.whole {
            whole.set_length(self.hosts.len() as u64);
        }
        if self.whole.is_none() {
            self.reveal(host);
        }
    }

    /// Puts a host's bar on the screen, between those of its neighbours in the order of names.
    fn reveal(&mut self, host: &HostName) {
        let layout = self.layout();
        let shown = self.hosts.values().filter(|lane| lane.shown).count();
        let before = self.hosts.range::<HostName, _>(..host).filter(|(_, lane)| lane.shown).count();
        let place = before + usize::from(self.whole.is_some());
        let colour = self.style.colour;
        let Some(lane) = self.hosts.get_mut(host) else { return };
        if lane.shown || shown >= room() {
            return;
        }
        let done = lane.bar.position();
        lane.bar = self.all.insert(place, ProgressBar::new(lane.steps as u64).with_position(done));
        lane.shown = true;
        lane.bar.set_style(bar_style(layout, colour));
        lane.bar.set_message(padded("waits", layout.text));
        // Names that came later may be longer: all prefixes follow.
        for (name, lane) in self.hosts.iter().filter(|(_, lane)| lane.shown) {
            lane.bar.set_style(bar_style(layout, colour));
            lane.bar.set_prefix(padded(&cut(name.as_str(), layout.host), layout.host));
        }
    }

    fn started(&mut self, host: &HostName, step: &str) {
        self.reveal(host);
        let layout = self.layout();
        let Some(lane) = self.hosts.get(host) else { return };
        if lane.bar.position() == 0 {
            lane.bar.reset_elapsed();
        }
        lane.bar.set_message(padded(&cut(step, layout.text), layout.text));
        lane.bar.enable_steady_tick(TICK);
    }

    fn done(&mut self, host: &HostName) {
        self.end(host, Tone::Good, "done");
    }

    fn end(&mut self, host: &HostName, tone: Tone, word: &str) {
        let layout = self.layout();
        let Some(lane) = self.hosts.get_mut(host) else { return };
        lane.bar.disable_steady_tick();
        match &self.whole {
            Some(whole) => {
                lane.bar.finish_and_clear();
                lane.shown = false;
                whole.inc(1);
            }
            None => lane.bar.abandon_with_message(self.style.paint(tone, &padded(word, layout.text))),
        }
    }

    fn failed(&mut self, host: &HostName, step: &str, error: &str) {
        let first = error.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        self.say(Tone::Bad, Some(host), &format!("{step} failed: {first}"));
        self.end(host, Tone::Bad, "failed");
    }

    fn amount(&mut self, what: &str, done: u64, total: u64) {
        let all = &self.all;
        let bar = self.amounts.entry(what.to_owned()).or_insert_with(|| {
            let bar = all.add(ProgressBar::new(total));
            let shape =
                if total == 0 { "  {msg}  {bytes}" } else { "  {msg}  {bar:20}  {bytes} of {total_bytes}" };
            bar.set_style(style(shape).progress_chars(CHARS));
            bar.set_message(cut(what, 36));
            bar
        });
        bar.set_length(total);
        bar.set_position(done);
        if total > 0 && done >= total {
            bar.finish_and_clear();
            self.amounts.remove(what);
        }
    }

    /// A line above the bars.
    fn say(&mut self, tone: Tone, host: Option<&HostName>, text: &str) {
        let host = host.map(|host| format!("{host} ")).unwrap_or_default();
        let line = self.style.paint(tone, &format!("{host}{text}"));
        self.all.suspend(|| {
            use std::io::Write as _;
            // The display is a courtesy: an install goes on without it.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        });
    }

    pub(super) fn pause<T>(&mut self, show: impl FnOnce() -> T) -> T {
        self.clear_small();
        self.all.suspend(show)
    }

    pub(super) fn finish(&mut self) {
        self.clear_small();
        if let Some(whole) = self.whole.take() {
            whole.finish();
        }
        for lane in self.hosts.values().filter(|lane| lane.shown && !lane.bar.is_finished()) {
            lane.bar.abandon();
        }
        self.hosts.clear();
    }
}

/// Filled, the tip, the rest: readable without colours too.
const CHARS: &str = "━╸ ";

fn bar_style(layout: Layout, colour: bool) -> ProgressStyle {
    let paint = if colour { ".cyan" } else { "" };
    let template = format!("{{prefix}}  {{bar:{}{paint}}}  {{counts}}  {{msg}}  {{took}}", layout.bar);
    style(&template)
        .with_key("counts", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let counts = format!("{}/{}", state.pos(), state.len().unwrap_or(0));
            let _ = write!(out, "{counts:>7}");
        })
        .with_key("took", |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let took =
                if state.pos() == 0 && !state.is_finished() { String::new() } else { clock(state.elapsed()) };
            let _ = write!(out, "{took:>CLOCK$}");
        })
        .progress_chars(CHARS)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates of this file are well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fits_terminals_of_every_width() {
        for (width, host) in [(60, 6), (80, 6), (80, 30), (110, 10), (200, 12)] {
            let layout = Layout::new(width, host);
            let line = layout.host + 2 + layout.bar + 2 + 7 + 2 + layout.text + 2 + CLOCK;
            assert!(line < width, "{width}: {layout:?} takes {line}");
        }
    }
}
