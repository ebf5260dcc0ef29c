//! What a load test means: goals that were missed, what is used up first, and whether the run says anything at all.

use super::goal;
use crate::record::{LoadResult, Times};
use serde::Serialize;
use std::collections::BTreeMap;

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
/// A resource is used up beyond this, percent.
const BUSY: f64 = 85.0;

/// Judges a load test.
pub fn judge_load(result: &LoadResult) -> Judgement {
    let mut missed = counted(result);
    let goals = goal::of_run(result);
    let problem =
        result.outage.as_ref().and_then(|it| Some(format!("{}: {}", it.host, it.problem.as_ref()?)));
    missed.extend(problem);
    missed.extend(goals.iter().filter_map(|goal| goal::missed(goal, result)));
    let (generator, unsent) = (&result.generator, result.messages.unsent);
    let invalid = if result.cut {
        Some("it was ended before its time".to_owned())
    } else if generator.late_p99_ms > LATE_MS || unsent > 0 {
        Some(format!(
            "the generator was the limit: it began things {:.0} ms late (99 of 100), {unsent} things found no room",
            generator.late_p99_ms
        ))
    } else {
        None
    };
    Judgement { invalid, missed, bottleneck: bottleneck(result) }
}

/// What must not happen even once.
fn counted(result: &LoadResult) -> Vec<String> {
    let sum = |reasons: &BTreeMap<String, u64>| reasons.values().sum::<u64>();
    let messages = &result.messages;
    // Who loses his node in the middle of sending learns nothing; what was acknowledged must be there all the same.
    let stopped = !result.gaps.times.eq(&Times::default());
    let all = [
        (sum(&result.logins.failed), format!("of {} logins failed", result.logins.planned)),
        (sum(&result.logins.broken), "sessions broke".to_owned()),
        (messages.lost, "messages that the server took did not arrive with everybody".to_owned()),
        (if stopped { 0 } else { messages.unknown }, "messages: nobody knows what became of them".to_owned()),
        (messages.unkept.unwrap_or(0), "messages that the server took are missing in a history".to_owned()),
        (messages.returned, "messages were given back as errors".to_owned()),
        (messages.duplicated, "copies arrived more than once".to_owned()),
        (messages.out_of_order, "copies came out of order".to_owned()),
        (sum(&result.history.failed), "who came back could not read their history".to_owned()),
        (sum(&result.uploads.failed), "files failed".to_owned()),
        (sum(&result.gaps.failed), "users whose session broke did not come back".to_owned()),
    ];
    all.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}

/// The resource that is nearest to its end, or beyond what its stack calls high.
fn bottleneck(result: &LoadResult) -> Option<String> {
    let machine = result.hosts.iter().flat_map(|(host, load)| {
        [
            (load.cpu.0, host, "processors", "give it more vCPU, or more hosts of its role"),
            (load.memory, host, "memory", "give it more memory, or more hosts of its role"),
            (load.disk, host, "disk", "give it a faster disk"),
        ]
    });
    let (percent, host, what, helps) = machine.max_by(|one, other| one.0.total_cmp(&other.0))?;
    if percent > BUSY {
        return Some(format!("{what} of {host}: {percent:.0} % in use; {helps}"));
    }
    let asked = result.hosts.iter().flat_map(|(host, load)| {
        load.samples.iter().filter_map(move |(name, sample)| {
            let high = sample.high.filter(|high| *high > 0.0)?;
            Some((sample.most / high, host, name, sample))
        })
    });
    let (share, host, name, sample) = asked.max_by(|one, other| one.0.total_cmp(&other.0))?;
    (share > 1.0).then(|| {
        let (most, unit, helps) = (sample.most, &sample.unit, &sample.helps);
        format!(
            "{name} of {host}: {most:.0} {unit} at most, {:.0} is much; {helps}",
            sample.high.unwrap_or(0.0)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{HostLoad, HostSample};

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

    #[test]
    fn a_question_of_the_stack_is_used_up_first_when_no_machine_is() {
        let mut result = LoadResult::default();
        let sample = HostSample {
            unit: "queries".to_owned(),
            mean: 3.0,
            most: 9.0,
            high: Some(4.0),
            helps: "more connections".to_owned(),
        };
        let samples = BTreeMap::from([("waiting".to_owned(), sample)]);
        result.hosts.insert("db1".to_owned(), HostLoad { samples, ..HostLoad::default() });
        let said = judge_load(&result).bottleneck.unwrap();
        assert_eq!(said, "waiting of db1: 9 queries at most, 4 is much; more connections");
        result.hosts.get_mut("db1").unwrap().cpu.0 = 99.0;
        assert!(judge_load(&result).bottleneck.unwrap().starts_with("processors"));
    }

    #[test]
    fn a_lost_node_may_leave_messages_unknown_but_loses_none_that_it_took() {
        let mut result = LoadResult::default();
        result.messages.unknown = 3;
        assert_eq!(judge_load(&result).missed.len(), 1);
        result.gaps.times = Times { count: 4, max: 12.0, ..Times::default() };
        assert!(judge_load(&result).missed.is_empty());
        result.messages.lost = 1;
        assert_eq!(judge_load(&result).missed.len(), 1);
    }

    #[test]
    fn a_result_of_an_earlier_version_is_still_read() {
        let old = r#"{"format":1,"time":"t","scenario":"chat",
            "logins":{"planned":2,"rate":1.0,"times":{"count":2,"mean":1.0,"p50":1.0,"p95":1.0,"p99":1.0,"max":1.0},"failed":{},"broken":{}},
            "messages":{"planned":1,"rate":1.0,"sent":1,"acknowledged":1,"delivered":1,"duplicated":0,"out-of-order":0,"lost":0,
            "unknown":0,"unsent":0,"times":{"count":1,"mean":1.0,"p50":1.0,"p95":1.0,"p99":1.0,"max":1.0}},
            "generator":{"login-cpu-ms":1.0,"message-cpu-ms":1.0,"session-kib":1.0,"late-p99-ms":1.0},
            "hosts":{"a":{"cpu":[1.0,2.0],"memory":1.0,"disk":1.0,"network-mbit":1.0}},"cut":false}"#;
        let result: LoadResult = serde_json::from_str(old).unwrap();
        assert_eq!(judge_load(&result), Judgement::default());
    }
}
