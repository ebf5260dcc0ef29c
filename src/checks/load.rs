//! What a load test means: goals that were missed, what is used up first, and whether the run says anything at all.

use crate::record::LoadResult;
use serde::Serialize;

/// What a run means.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judgement {
    /// The run says nothing about the service: why.
    pub invalid: Option<String>,
    /// Goals that were missed.
    pub missed: Vec<String>,
    /// What is used up first, with the evidence.
    pub bottleneck: Option<String>,
}

/// Things began so late, 99 of 100, that the generator was the limit.
const LATE_MS: f64 = 100.0;
/// A login may take so long, 99 of 100.
pub const LOGIN_MS: f64 = 2000.0;
/// A message may take so long, 99 of 100.
pub const DELIVERY_MS: f64 = 1000.0;
/// A resource is used up beyond this, percent.
const BUSY: f64 = 85.0;

/// Judges a load test.
pub fn judge_load(result: &LoadResult) -> Judgement {
    let mut missed = Vec::new();
    let mut miss = |bad: bool, text: String| {
        if bad {
            missed.push(text);
        }
    };
    let failed: u64 = result.logins.failed.values().sum();
    let broken: u64 = result.logins.broken.values().sum();
    let messages = &result.messages;
    miss(failed > 0, format!("{failed} of {} logins failed", result.logins.planned));
    miss(broken > 0, format!("{broken} sessions broke"));
    let times = &result.logins.times;
    miss(times.p99 > LOGIN_MS, format!("login p99 {:.0} ms, at most {LOGIN_MS:.0}", times.p99));
    miss(messages.lost > 0, format!("{} messages that the server took did not arrive", messages.lost));
    miss(messages.unknown > 0, format!("of {} messages nobody knows what became", messages.unknown));
    miss(messages.duplicated > 0, format!("{} messages arrived more than once", messages.duplicated));
    miss(messages.out_of_order > 0, format!("{} messages came out of order", messages.out_of_order));
    let p99 = messages.times.p99;
    miss(p99 > DELIVERY_MS, format!("delivery p99 {p99:.0} ms, at most {DELIVERY_MS:.0}"));
    let generator = &result.generator;
    let invalid = if result.cut {
        Some("it was ended before its time".to_owned())
    } else if generator.late_p99_ms > LATE_MS || messages.unsent > 0 {
        Some(format!(
            "the generator was the limit: it began things {:.0} ms late (99 of 100), {} messages found no room",
            generator.late_p99_ms, messages.unsent
        ))
    } else {
        None
    };
    Judgement { invalid, missed, bottleneck: bottleneck(result) }
}

/// The resource that is nearest to its end.
fn bottleneck(result: &LoadResult) -> Option<String> {
    let all = result.hosts.iter().flat_map(|(host, load)| {
        [
            (load.cpu.0, host, "processors", "give it more vCPU, or more hosts of its role"),
            (load.memory, host, "memory", "give it more memory, or more hosts of its role"),
            (load.disk, host, "disk", "give it a faster disk"),
        ]
    });
    let (percent, host, what, helps) = all.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (percent > BUSY).then(|| format!("{what} of {host}: {percent:.0} % in use; {helps}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::HostLoad;

    #[test]
    fn a_run_is_judged_by_what_it_missed_and_a_late_generator_makes_it_void() {
        let mut result = LoadResult::default();
        assert_eq!(judge_load(&result), Judgement::default());
        result.messages.lost = 2;
        result.logins.failed.insert("no".to_owned(), 3);
        result.hosts.insert("app1".to_owned(), HostLoad { cpu: (97.0, 100.0), ..HostLoad::default() });
        result.hosts.insert("db1".to_owned(), HostLoad { cpu: (40.0, 99.0), ..HostLoad::default() });
        let judged = judge_load(&result);
        assert_eq!(judged.missed.len(), 2);
        assert!(judged.bottleneck.is_some_and(|it| it.starts_with("processors of app1: 97 %")));
        assert_eq!(judged.invalid, None);
        result.generator.late_p99_ms = 400.0;
        assert!(judge_load(&result).invalid.is_some_and(|it| it.contains("400 ms late")));
    }
}
