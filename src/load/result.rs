//! From an outcome to what is kept of it.

use super::run::Outcome;
use super::shared::Tried;
use crate::record::{Attempts, Generator, LoadResult, Logins, Messages, Times};
use hdrhistogram::Histogram;
use std::time::Duration;

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn of_u64(number: u64) -> f64 {
    number as f64
}

/// A count as a number to compute with.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(super) fn real(number: usize) -> f64 {
    number as f64
}

/// A histogram of times up to ten minutes in microseconds, three digits.
pub(super) fn times() -> Histogram<u64> {
    let mut times = Histogram::new_with_bounds(1, 600_000_000, 3).expect("these bounds are right");
    times.auto(true);
    times
}

/// A time as a histogram takes it.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// Times of a histogram of microseconds, in milliseconds.
fn read(histogram: &Histogram<u64>) -> Times {
    let ms = |micros: u64| of_u64(micros) / 1000.0;
    if histogram.is_empty() {
        return Times::default();
    }
    Times {
        count: histogram.len(),
        mean: (histogram.mean() / 10.0).round() / 100.0,
        p50: ms(histogram.value_at_quantile(0.5)),
        p95: ms(histogram.value_at_quantile(0.95)),
        p99: ms(histogram.value_at_quantile(0.99)),
        max: ms(histogram.max()),
    }
}

fn attempts(tried: &Tried) -> Attempts {
    Attempts { times: read(&tried.times), failed: tried.failed.clone() }
}

/// What is kept of an outcome.
pub fn result(outcome: &Outcome, scenario: &str, time: String, (logins, rate): (usize, f64)) -> LoadResult {
    let seen = &outcome.seen;
    LoadResult {
        format: 1,
        time,
        scenario: scenario.to_owned(),
        logins: Logins {
            planned: logins as u64,
            rate: (of_u64(outcome.logins.times.len()) / outcome.took.0.as_secs_f64().max(0.001) * 10.0)
                .round()
                / 10.0,
            first_ms: outcome.first.map_or(0.0, |first| (first.as_secs_f64() * 1e4).round() / 10.0),
            times: read(&outcome.logins.times),
            failed: outcome.logins.failed.clone(),
            broken: outcome.broken.clone(),
        },
        messages: messages(outcome, rate),
        groups: read(&outcome.groups),
        history: attempts(&seen.history),
        history_pages: seen.pages,
        uploads: attempts(&seen.uploads),
        put: read(&seen.put.times),
        get: read(&seen.get.times),
        gaps: attempts(&seen.gaps),
        generator: generator(outcome),
        cut: outcome.cut,
        ..LoadResult::default()
    }
}

fn messages(outcome: &Outcome, rate: f64) -> Messages {
    let counts = outcome.counts;
    Messages {
        planned: outcome.planned as u64,
        rate,
        sent: counts.sent,
        acknowledged: counts.acknowledged,
        delivered: counts.delivered,
        duplicated: counts.duplicated,
        out_of_order: counts.out_of_order,
        lost: counts.lost,
        unknown: counts.unknown,
        returned: counts.returned,
        expected: counts.expected,
        arrived: counts.arrived,
        found: counts.found,
        unkept: outcome.audited.then_some(counts.unkept),
        unsent: outcome.unsent,
        times: read(&outcome.deliveries),
    }
}

fn generator(outcome: &Outcome) -> Generator {
    let share = |all: f64, of: u64| if of == 0 { 0.0 } else { (all / of_u64(of) * 1000.0).round() / 1000.0 };
    let standing = outcome.logins.times.len();
    Generator {
        login_cpu_ms: share(outcome.cpu.0.as_secs_f64() * 1000.0, standing),
        message_cpu_ms: share(outcome.cpu.1.as_secs_f64() * 1000.0, outcome.counts.sent),
        session_kib: share(of_u64(outcome.memory), standing),
        late_p99_ms: read(&outcome.late).p99,
    }
}
