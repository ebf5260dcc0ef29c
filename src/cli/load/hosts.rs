//! What the hosts are busy with while the load lasts, over the connections that stand, with the stack's own questions.

use super::super::Failure;
use super::super::road::Road;
use crate::base::{HostName, quote};
use crate::desired::Scope;
use crate::exec::Fleet;
use crate::facts;
use crate::record::{HostLoad, HostSample};
use crate::stack::SampleSpec;
use crate::transport::{Exec, Session};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Seconds of one look: a test that ends early loses no more.
const PIECE: u64 = 5;

/// Questions of the stack to each host.
pub(super) type Questions = BTreeMap<HostName, Vec<SampleSpec>>;

/// What was seen of each host, or why nothing was.
pub(super) type Busy = BTreeMap<HostName, Result<HostLoad, String>>;

/// The stack's questions, in the words of each host.
pub(super) fn questions(road: &Road, samples: &[SampleSpec]) -> Result<Questions, Failure> {
    let mut all = Questions::new();
    for raw in samples {
        for instance in road.topology.present(&raw.on) {
            let words: SampleSpec = Scope::of(&road.topology, instance).all("checks: load", raw)?;
            all.entry(instance.host.clone()).or_default().push(words);
        }
    }
    Ok(all)
}

/// What every host is busy with until `stop`.
pub(super) async fn busy(
    fleet: &Fleet,
    questions: &Questions,
    seconds: u64,
    stop: CancellationToken,
) -> Busy {
    let one = |(host, link): (&HostName, &Arc<dyn Session>)| {
        let asked = questions.get(host).cloned().unwrap_or_default();
        let (host, link, stop) = (host.clone(), link.clone(), stop.clone());
        async move { (host, watch(&*link, &asked, seconds, stop).await) }
    };
    join_all(fleet.iter().map(one)).await.into_iter().collect()
}

async fn watch(
    link: &dyn Session,
    asked: &[SampleSpec],
    seconds: u64,
    stop: CancellationToken,
) -> Result<HostLoad, String> {
    let (mut said, mut left, mut broke) = (String::new(), seconds, None);
    while left > 0 && !stop.is_cancelled() {
        let piece = left.min(PIECE);
        match link.exec(Exec::new(script(asked, piece), Duration::from_secs(piece + 20))).await {
            Ok(output) => said.push_str(&String::from_utf8_lossy(&output.stdout)),
            Err(cause) => {
                broke = Some(cause.to_string());
                break;
            }
        }
        left -= piece;
    }
    let busy = facts::parse_samples(&said)
        .ok_or_else(|| broke.unwrap_or_else(|| "it was not watched for two seconds".to_owned()))?;
    let round = |number: f64| (number * 10.0).round() / 10.0;
    Ok(HostLoad {
        cpu: (round(busy.cpu_mean), round(busy.cpu_most)),
        memory: round(busy.memory_most),
        disk: round(busy.disk_most),
        network_mbit: round(busy.network_most),
        samples: answers(asked, &said),
    })
}

/// The questions beside the numbers that every host has; a question that hangs keeps nobody waiting.
fn script(asked: &[SampleSpec], seconds: u64) -> String {
    let mut script = String::new();
    for (at, question) in asked.iter().enumerate() {
        let run = quote(&question.run);
        let _ =
            writeln!(script, "(said=$(timeout {PIECE} sh -c {run} 2>/dev/null) && echo \"@{at} $said\") &");
    }
    script + &facts::sample_script(seconds) + "wait\n"
}

/// What was answered to each question; one that nobody answered is left out.
fn answers(asked: &[SampleSpec], said: &str) -> BTreeMap<String, HostSample> {
    let line = |line: &str| -> Option<(usize, f64)> {
        let (at, number) = line.strip_prefix('@')?.split_once(' ')?;
        Some((at.parse().ok()?, number.trim().parse().ok().filter(|it: &f64| it.is_finite())?))
    };
    let all: Vec<(usize, f64)> = said.lines().filter_map(line).collect();
    let one = |(at, question): (usize, &SampleSpec)| {
        let numbers: Vec<f64> = all.iter().filter(|(of, _)| *of == at).map(|(_, number)| *number).collect();
        let most = numbers.iter().copied().reduce(f64::max)?;
        let count = f64::from(u32::try_from(numbers.len()).unwrap_or(u32::MAX));
        let sample = HostSample {
            unit: question.unit.clone(),
            mean: (numbers.iter().sum::<f64>() / count * 100.0).round() / 100.0,
            most,
            high: question.high.as_ref().and_then(|text| text.trim().parse().ok()),
            helps: question.helps.clone(),
        };
        Some((question.name.clone(), sample))
    };
    asked.iter().enumerate().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(name: &str, run: &str) -> SampleSpec {
        SampleSpec {
            name: name.to_owned(),
            unit: "queries".to_owned(),
            on: "database".to_owned().try_into().unwrap(),
            run: run.to_owned(),
            high: Some("4".to_owned()),
            helps: String::new(),
        }
    }

    #[test]
    fn answers_of_a_stack_become_means_and_peaks() {
        let asked =
            [question("waiting", "echo 7"), question("broken", "exit 1"), question("odd", "echo it\\'s")];
        let said = std::process::Command::new("sh").args(["-c", &script(&asked, 1)]).output().unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned() + "@0 2\n@9 1\n";
        let found = answers(&asked, &said);
        assert_eq!(found.keys().collect::<Vec<_>>(), ["waiting"]);
        let waiting = &found["waiting"];
        assert_eq!((waiting.mean, waiting.most, waiting.high), (4.5, 7.0, Some(4.0)));
        assert!(facts::parse_samples(&said).is_some());
    }
}
