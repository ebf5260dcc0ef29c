//! What a login, a delivery and a session cost the app hosts, beside what the stack's formulas take for it. It changes nothing.

use super::super::Failure;
use super::super::road::Road;
use super::Phase;
use crate::desired::Scope;
use crate::exec::Fleet;
use crate::record::{Calibrated, LoadResult};
use crate::stack::{LoadSpec, SizingFile, Spent};
use crate::transport::{Exec, Session};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What all instances together had used at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Used {
    cpu_ms: f64,
    memory_kib: f64,
}

/// Asks every instance what it has used.
pub(super) struct Meter {
    instances: Vec<(Arc<dyn Session>, Spent)>,
    constants: [(String, f64, String); 3],
}

/// Readings before the logins, after them, and after the messages.
pub(super) struct Readings {
    all: Vec<Used>,
    constants: [(String, f64, String); 3],
}

impl Meter {
    /// Whom to ask, and which constants of the stack it is about.
    pub(super) fn of(road: &Road, fleet: &Fleet, load: &LoadSpec) -> Result<Self, Failure> {
        let none = || Failure::Usage("the stack does not say what a calibration measures".to_owned());
        let (raw, stack) = (load.spent.as_ref().ok_or_else(none)?, &road.topology.stack);
        let sizing: SizingFile = stack.data(stack.file.sizing.as_ref().ok_or_else(none)?)?;
        let constant = |name: &String| {
            let found = sizing.constants.get(name).ok_or_else(none)?;
            Ok::<_, Failure>((name.clone(), found.value, found.unit.clone()))
        };
        let constants = [
            constant(&raw.constants.login_cpu)?,
            constant(&raw.constants.delivery_cpu)?,
            constant(&raw.constants.session_memory)?,
        ];
        let mut instances = Vec::new();
        for instance in road.topology.present(&raw.on) {
            let words: Spent = Scope::of(&road.topology, instance).all("checks: load", raw)?;
            instances.push((Arc::clone(fleet.link(&instance.host).ok_or_else(none)?), words));
        }
        Ok(Self { instances, constants })
    }

    /// Reads at the three moments.
    pub(super) async fn watch(
        self,
        mut phase: watch::Receiver<Phase>,
        ended: CancellationToken,
    ) -> Option<Readings> {
        let mut all = vec![self.used().await?];
        for moment in [Phase::Busy, Phase::Settling] {
            tokio::select! {
                came = phase.wait_for(|now| *now >= moment) => drop(came.ok()?),
                () = ended.cancelled() => return None,
            }
            all.push(self.used().await?);
        }
        Some(Readings { all, constants: self.constants })
    }

    async fn used(&self) -> Option<Used> {
        let one = |(link, words): &(Arc<dyn Session>, Spent)| {
            let script = format!("({})\n({})\n", words.cpu_ms, words.memory_kib);
            let link = Arc::clone(link);
            async move {
                let output = link.exec(Exec::new(script, Duration::from_secs(20))).await.ok()?;
                read(&String::from_utf8_lossy(&output.stdout))
            }
        };
        let all: Option<Vec<Used>> = join_all(self.instances.iter().map(one)).await.into_iter().collect();
        let sum = |sum: Used, one: Used| Used {
            cpu_ms: sum.cpu_ms + one.cpu_ms,
            memory_kib: sum.memory_kib + one.memory_kib,
        };
        Some(all?.into_iter().fold(Used::default(), sum))
    }
}

fn read(said: &str) -> Option<Used> {
    let mut numbers = said.split_whitespace().map(str::parse);
    Some(Used { cpu_ms: numbers.next()?.ok()?, memory_kib: numbers.next()?.ok()? })
}

impl Readings {
    /// Each constant beside what was measured; one that nothing was measured for is left out.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(super) fn beside(&self, result: &LoadResult) -> Vec<Calibrated> {
        let [before, stood, done] = self.all[..] else { return Vec::new() };
        let (sessions, copies) = (result.logins.times.count as f64, result.messages.arrived as f64);
        let measured = [
            (stood.cpu_ms - before.cpu_ms, sessions),
            (done.cpu_ms - stood.cpu_ms, copies),
            (stood.memory_kib - before.memory_kib, sessions),
        ];
        let one = |((constant, predicted, unit), (all, of)): (&(String, f64, String), (f64, f64))| {
            (of > 0.0).then(|| Calibrated {
                constant: constant.clone(),
                unit: unit.clone(),
                predicted: *predicted,
                measured: (all / of * 1000.0).round() / 1000.0,
            })
        };
        self.constants.iter().zip(measured).filter_map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_is_divided_among_those_who_used_it() {
        let used = |cpu_ms, memory_kib| Used { cpu_ms, memory_kib };
        let constant = |name: &str, value| (name.to_owned(), value, "ms".to_owned());
        let readings = Readings {
            all: vec![used(1000.0, 50_000.0), used(1400.0, 58_000.0), used(1600.0, 60_000.0)],
            constants: [constant("login", 3.5), constant("message", 1.2), constant("session", 80.0)],
        };
        let mut result = LoadResult::default();
        result.logins.times.count = 100;
        result.messages.arrived = 200;
        let found: Vec<f64> = readings.beside(&result).iter().map(|it| it.measured).collect();
        assert_eq!(found, [4.0, 1.0, 80.0]);
        result.messages.arrived = 0;
        assert_eq!(readings.beside(&result).len(), 2);
        assert_eq!(read("12.5\n300\n"), Some(used(12.5, 300.0)));
        assert_eq!(read("12.5\n"), None);
    }
}
