//! How big the load is: what was typed, else what the inventory's targets say.

use super::super::Failure;
use super::super::road::Road;
use super::Args;
use crate::base::duration;
use crate::sizing::{self, Asked};
use crate::stack::SizingFile;
use std::time::Duration;

/// More messages than this are no test but a mistake.
const MOST_MESSAGES: f64 = 20e6;

/// What is asked for, in numbers.
pub(super) struct Size {
    pub(super) online: usize,
    pub(super) rate: f64,
    pub(super) login_rate: f64,
    pub(super) duration: Duration,
    pub(super) body: usize,
}

impl Size {
    /// What was typed, else what the inventory's targets say.
    pub(super) fn of(args: &Args, road: &Road) -> Result<Self, Failure> {
        let wrong = |what: &str| Err(Failure::Usage(what.to_owned()));
        let targets = road.inventory().targets.clone().unwrap_or_default();
        let online = usize::try_from(args.online.or(targets.online).unwrap_or(100)).unwrap_or(usize::MAX);
        let time =
            duration(&args.duration).map_err(|cause| Failure::Usage(format!("--duration: {cause}")))?;
        let rate = match args.rate {
            Some(rate) => rate,
            None => peak(road)?.unwrap_or(10.0),
        };
        let login_rate = args.login_rate.unwrap_or_else(|| (real(online) / 60.0).clamp(5.0, 50.0));
        if !(2..=1_000_000).contains(&online) {
            return wrong("--online: two users at least, a million at most");
        }
        if !possible(rate) || !possible(login_rate) {
            return wrong("--rate and --login-rate: more than 0, at most 100,000 a second");
        }
        if time > Duration::from_hours(24) || rate * time.as_secs_f64() > MOST_MESSAGES {
            return wrong("--duration: at most a day, and 20 million messages");
        }
        let body = usize::try_from(targets.message_bytes.unwrap_or(120)).unwrap_or(120).clamp(1, 60_000);
        Ok(Self { online, rate, login_rate, duration: time, body })
    }

    /// Seconds that everything takes at most.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates and times are checked before"
    )]
    pub(super) fn seconds(&self) -> u64 {
        (real(self.online) / self.login_rate) as u64 + self.duration.as_secs() + 60
    }
}

fn possible(rate: f64) -> bool {
    rate > 0.0 && rate <= 100_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn real(number: usize) -> f64 {
    number as f64
}

/// Messages a second at the busiest moment, as the stack's formulas say.
fn peak(road: &Road) -> Result<Option<f64>, Failure> {
    let stack = &road.topology.stack;
    let (Some(file), Some(_)) = (&stack.file.sizing, &road.inventory().targets) else { return Ok(None) };
    let file: SizingFile = stack.data(file)?;
    let asked = Asked::of_inventory(road.inventory(), &file);
    let worked = sizing::machines(&file, &asked).map_err(|cause| cause.of_stack(&stack.file.name))?;
    let peak = worked.terms.iter().find(|term| term.name == "peak_messages");
    Ok(peak.map(|term| term.value.max(1.0)))
}
