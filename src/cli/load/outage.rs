//! One node goes in the middle of the load and comes back. The host itself is told beforehand to start it again, so that it
//! comes back also when this program is killed.

use super::super::Failure;
use super::super::road::Road;
use super::Phase;
use crate::base::{HostName, Sink, quote};
use crate::desired::Scope;
use crate::exec::Fleet;
use crate::record;
use crate::stack;
use crate::transport::{Exec, Session};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The unit of the host that starts the node again when nobody else does.
const UNIT: &str = "imctl-load-start";
/// How long the load runs before the node goes, at most.
const BEFORE: Duration = Duration::from_secs(10);
/// A node may take so long to go or to come.
const WITHIN: Duration = Duration::from_mins(2);
/// The host waits so much longer than we do before it acts by itself.
const LONGER: u64 = 60;

/// What is to be stopped and started.
pub(super) struct Outage {
    host: HostName,
    link: Arc<dyn Session>,
    words: stack::Outage,
    away: Duration,
}

/// When it is to begin, and when to end early.
pub(super) struct Moments {
    /// How far the load is.
    pub(super) phase: watch::Receiver<Phase>,
    /// The operator ends the test.
    pub(super) stop: CancellationToken,
    /// The load has ended by itself.
    pub(super) ended: CancellationToken,
}

impl Outage {
    /// The node that the stack names.
    pub(super) fn of(
        road: &Road,
        fleet: &Fleet,
        words: Option<&stack::Outage>,
        away: Duration,
    ) -> Result<Self, Failure> {
        let none = || Failure::Usage("the stack does not say how a node is stopped and started".to_owned());
        let words = words.ok_or_else(none)?;
        let instance = road.topology.present(&words.on).next().ok_or_else(none)?;
        let words = Scope::of(&road.topology, instance).all("checks: load", words)?;
        let link = fleet.link(&instance.host).ok_or_else(none)?;
        Ok(Self { host: instance.host.clone(), link: Arc::clone(link), words, away })
    }

    /// Stops the node while the load runs, and starts it whatever happens meanwhile.
    pub(super) async fn happens(
        self,
        load: Duration,
        moments: Moments,
        sink: Sink,
    ) -> Option<record::Outage> {
        let Moments { mut phase, stop, ended } = moments;
        let stopped = || async {
            tokio::select! { () = stop.cancelled() => {}, () = ended.cancelled() => {} }
        };
        tokio::select! { _ = phase.wait_for(|now| *now >= Phase::Busy) => {}, () = stopped() => return None }
        let before = BEFORE.min(load / 4);
        tokio::select! { () = tokio::time::sleep(before) => {}, () = stopped() => return None }
        sink.phase(format!("stopping the node on {}", self.host));
        let gone = Instant::now();
        let mut problem = self.run(&self.stop_script(), "stop").await.err();
        if problem.is_none() {
            tokio::select! { () = tokio::time::sleep(self.away) => {}, () = stopped() => {} }
        }
        sink.phase(format!("starting the node on {}", self.host));
        for attempt in 0..3 {
            match self.run(&self.start_script(), "start").await {
                Ok(()) => break,
                Err(why) if attempt == 2 => {
                    let by_itself = "; the host tries once more by itself within three minutes";
                    problem = Some(format!("it was not started again: {why}{by_itself}"));
                }
                Err(_) => tokio::time::sleep(Duration::from_secs(2)).await,
            }
        }
        let away_ms = (gone.elapsed().as_secs_f64() * 1000.0).round();
        Some(record::Outage { host: self.host.to_string(), away_ms, problem })
    }

    async fn run(&self, script: &str, what: &str) -> Result<(), String> {
        let output = self.link.exec(Exec::new(script, WITHIN)).await.map_err(|cause| cause.to_string())?;
        if output.status == 0 { Ok(()) } else { Err(format!("{what}: {}", output.text())) }
    }

    /// Nothing stops before the host has been told to start it again.
    fn stop_script(&self) -> String {
        let after = self.away.as_secs() + LONGER;
        format!(
            "systemctl stop {UNIT}.timer {UNIT}.service 2>/dev/null\nsystemctl reset-failed {UNIT}.service 2>/dev/null\n\
             systemd-run -q --collect --unit {UNIT} --on-active={after} /bin/sh -c {} || exit 1\n{}\n",
            quote(&self.words.start),
            self.words.stop
        )
    }

    /// The host's own promise is taken back only when the node serves.
    fn start_script(&self) -> String {
        // In a shell of its own: what the stack says may end with `exit`.
        format!("(\n{}\n) || exit 1\nsystemctl stop {UNIT}.timer 2>/dev/null || true\n", self.words.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Fake;

    fn outage() -> Outage {
        let words = stack::Outage {
            on: "server".to_owned().try_into().unwrap(),
            stop: "stop it".to_owned(),
            start: "start 'it'".to_owned(),
        };
        let host: HostName = "app1".to_owned().try_into().unwrap();
        Outage { host, link: Arc::new(Fake::new()), words, away: Duration::from_secs(9) }
    }

    #[test]
    fn the_host_is_told_to_start_the_node_before_it_is_stopped() {
        let script = outage().stop_script();
        let (told, stopped) = (script.find("--on-active=69").unwrap(), script.find("\nstop it").unwrap());
        assert!(told < stopped && script.contains("|| exit 1"), "{script}");
        let start = outage().start_script();
        assert!(start.find("start 'it'").unwrap() < start.find(".timer").unwrap());
    }

    #[tokio::test]
    async fn a_node_that_was_stopped_is_started_also_when_the_test_is_ended() {
        let (say, phase) = watch::channel(Phase::LoggingIn);
        say.send_replace(Phase::Busy);
        let moments = Moments { phase, stop: CancellationToken::new(), ended: CancellationToken::new() };
        let stop = moments.stop.clone();
        let happens = outage().happens(Duration::from_secs(1), moments, Sink::none());
        let end = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            stop.cancel();
        };
        let (seen, ()) = tokio::join!(happens, end);
        let seen = seen.expect("it was stopped");
        assert_eq!((seen.host.as_str(), seen.problem), ("app1", None));
    }
}
