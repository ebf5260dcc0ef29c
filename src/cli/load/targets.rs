//! What a load follows from when nobody types it: the inventory's targets and the stack's formulas.

use super::super::Failure;
use super::super::road::Road;
use super::scenario::Scenario;
use crate::base::Bytes;
use crate::load::Rates;
use crate::sizing::{self, Asked};
use crate::stack::SizingFile;

/// A user comes back so often on a day: in the morning and after lunch.
const RETURNS: f64 = 2.0;
/// More than the busiest moment of small targets: a test of seconds must show something.
const FEW: f64 = 10.0;

/// What is expected of the service.
pub(super) struct Targets {
    pub(super) online: Option<u64>,
    pub(super) message_bytes: Option<u64>,
    /// Messages a second at the busiest moment.
    peak: Option<f64>,
    /// Receivers a message.
    fan_out: f64,
    /// Messages and bytes of files, a user and day.
    day: (f64, f64),
}

impl Targets {
    /// Reads them.
    pub(super) fn of(road: &Road) -> Result<Self, Failure> {
        let targets = road.inventory().targets.clone();
        let mut known = Self {
            online: targets.as_ref().and_then(|it| it.online),
            message_bytes: targets.as_ref().and_then(|it| it.message_bytes),
            peak: None,
            fan_out: 1.6,
            day: (60.0, 2e6),
        };
        let stack = &road.topology.stack;
        let Some(file) = &stack.file.sizing else { return Ok(known) };
        let file: SizingFile = stack.data(file)?;
        let asked = Asked::of_inventory(road.inventory(), &file);
        let worked = sizing::machines(&file, &asked).map_err(|cause| cause.of_stack(&stack.file.name))?;
        let input = |name: &str| worked.inputs.iter().find(|it| it.name == name).map(|it| it.value);
        known.fan_out = file.constants.get("fan_out").map_or(known.fan_out, |it| it.value);
        known.day.0 = input("messages_per_user_day").filter(|it| *it > 0.0).unwrap_or(known.day.0);
        known.day.1 = input("files_mb_user_day").map_or(known.day.1, |megabytes| megabytes * 1e6);
        if targets.is_some() {
            let peak = worked.terms.iter().find(|term| term.name == "peak_messages");
            known.peak = peak.map(|term| term.value.max(1.0));
        }
        Ok(known)
    }

    /// How often a second things happen when nobody says it.
    pub(super) fn usual_rate(&self, kind: Option<Scenario>) -> f64 {
        match kind {
            Some(Scenario::Upload) => 1.0,
            Some(Scenario::Muc) => (self.peak.unwrap_or(FEW) / 10.0).max(1.0),
            _ => self.peak.unwrap_or(FEW),
        }
    }

    /// What happens how often in a scenario, at so many messages (or files) a second.
    pub(super) fn rates(&self, kind: Option<Scenario>, rate: f64, (members, file): (usize, Bytes)) -> Rates {
        let none = Rates::default();
        match kind {
            None | Some(Scenario::Login) => none,
            Some(Scenario::Chat | Scenario::History | Scenario::Reconnect) => Rates { chat: rate, ..none },
            Some(Scenario::Muc) => Rates { groups: rate, ..none },
            Some(Scenario::Upload) => Rates { uploads: rate, ..none },
            Some(Scenario::Mixed) => shares(rate, group_share(self.fan_out, members), self.day, file),
        }
    }
}

/// The share of messages to groups at which a message has so many receivers on average.
#[expect(clippy::cast_precision_loss, reason = "groups have few members")]
fn group_share(fan_out: f64, members: usize) -> f64 {
    let others = members.saturating_sub(1) as f64;
    if others > 1.0 { ((fan_out - 1.0) / (others - 1.0)).clamp(0.0, 1.0) } else { 0.0 }
}

/// A message brings so many returns and files with it as on an ordinary day.
#[expect(clippy::cast_precision_loss, reason = "files are far below 2^52 bytes")]
fn shares(rate: f64, groups: f64, (messages, files): (f64, f64), size: Bytes) -> Rates {
    Rates {
        chat: rate * (1.0 - groups),
        groups: rate * groups,
        history: rate * RETURNS / messages,
        uploads: rate * files / (size.0.max(1) as f64) / messages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_mixed_load_follow_from_an_ordinary_day() {
        let share = group_share(1.6, 20);
        assert!((share - 0.6 / 18.0).abs() < 1e-9);
        let rates = shares(60.0, share, (60.0, 2e6), Bytes(1_000_000));
        assert!((rates.messages() - 60.0).abs() < 1e-9);
        assert!((rates.history - 2.0).abs() < 1e-9 && (rates.uploads - 2.0).abs() < 1e-9);
        // Receivers: one of a chat, nineteen others of a group.
        assert!(((rates.chat + rates.groups * 19.0) / 60.0 - 1.6).abs() < 1e-9);
        assert!(group_share(1.6, 2) < 1e-9);
    }
}
