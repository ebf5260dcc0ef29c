//! From an outcome to what is kept of it.

use super::run::Outcome;
use crate::record::{Generator, LoadResult, Logins, Messages, Times};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn real(number: u64) -> f64 {
    number as f64
}

/// Times of a histogram of microseconds, in milliseconds.
fn times(histogram: &Histogram<u64>) -> Times {
    let ms = |micros: u64| real(micros) / 1000.0;
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

/// What is kept of an outcome.
pub fn result(outcome: &Outcome, scenario: &str, time: String, (logins, rate): (usize, f64)) -> LoadResult {
    let share = |all: f64, of: u64| if of == 0 { 0.0 } else { (all / real(of) * 1000.0).round() / 1000.0 };
    let counts = outcome.counts;
    let standing = outcome.logins.len();
    LoadResult {
        format: 1,
        time,
        scenario: scenario.to_owned(),
        logins: Logins {
            planned: logins as u64,
            rate: (real(standing) / outcome.took.0.as_secs_f64().max(0.001) * 10.0).round() / 10.0,
            times: times(&outcome.logins),
            failed: outcome.failed.clone(),
            broken: outcome.broken.clone(),
        },
        messages: Messages {
            planned: outcome.planned as u64,
            rate,
            sent: counts.sent,
            acknowledged: counts.acknowledged,
            delivered: counts.delivered,
            duplicated: counts.duplicated,
            out_of_order: counts.out_of_order,
            lost: counts.lost,
            unknown: counts.unknown,
            unsent: outcome.unsent,
            times: times(&outcome.deliveries),
        },
        generator: Generator {
            login_cpu_ms: share(outcome.cpu.0.as_secs_f64() * 1000.0, standing),
            message_cpu_ms: share(outcome.cpu.1.as_secs_f64() * 1000.0, counts.sent),
            session_kib: share(real(outcome.memory), standing),
            late_p99_ms: times(&outcome.late).p99,
        },
        hosts: BTreeMap::new(),
        cut: outcome.cut,
        ..LoadResult::default()
    }
}
