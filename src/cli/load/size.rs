//! How big the load is and what happens in it: what was typed, else what the scenario's file says, else what the inventory's
//! targets say.

use super::super::Failure;
use super::super::road::Road;
use super::scenario::Scenario;
use super::{Args, targets::Targets};
use crate::base::{Bytes, duration};
use crate::checks::{goals, read_goal};
use crate::load::{Rates, ScenarioFile};
use crate::record::Goal;
use std::time::Duration;

/// More messages than this are no test but a mistake.
const MOST_MESSAGES: f64 = 20e6;
/// Files stay until the service's retention takes them: not more than this in one test.
const MOST_FILES: u64 = 4 << 30;
/// Members of a group, unless somebody says otherwise.
const MEMBERS: u64 = 20;

/// What is asked for, in numbers.
pub(super) struct Size {
    pub(super) name: String,
    pub(super) online: usize,
    /// Accounts: those online, and those absent.
    pub(super) users: usize,
    pub(super) rates: Rates,
    pub(super) to_absent: f64,
    pub(super) members: usize,
    pub(super) login_rate: f64,
    pub(super) duration: Duration,
    pub(super) body: usize,
    pub(super) file: usize,
    pub(super) goals: Vec<Goal>,
}

impl Size {
    /// What was typed, else what the scenario's file says, else what the inventory's targets say.
    pub(super) fn of(args: &Args, road: &Road) -> Result<Self, Failure> {
        let targets = Targets::of(road)?;
        let (kind, file) = args.scenario.open()?;
        let online = count(args.online.or(file.online).or(targets.online).unwrap_or(100));
        let file_size = args.file_size.as_ref().or(file.file_size.as_ref());
        let bytes = file_size.map_or(Ok(Bytes(1 << 20)), |text| Bytes::parse(text)).map_err(wrong)?;
        let members = count(args.members.or(file.members).unwrap_or(MEMBERS));
        let rate = args.rate.unwrap_or_else(|| targets.usual_rate(kind));
        let wishes = targets.rates(kind, rate, (members, bytes));
        let size = Self {
            name: kind.map_or_else(|| file.name.clone(), |kind| kind.name().to_owned()),
            online,
            users: args.users.or(file.users).map_or_else(|| users(kind, online, &file), count),
            rates: if kind.is_some() { wishes } else { file.rates.into() },
            to_absent: file.to_absent.unwrap_or_else(|| to_absent(kind, &file)),
            members,
            login_rate: args
                .login_rate
                .or(file.login_rate)
                .unwrap_or_else(|| (real(online) / 60.0).clamp(5.0, 50.0)),
            duration: time(args, &file)?,
            body: count(file.message_bytes.or(targets.message_bytes).unwrap_or(120)).clamp(1, 60_000),
            file: usize::try_from(bytes.0).unwrap_or(usize::MAX),
            goals: asked_goals(args, &file)?,
        };
        if kind.is_none() && args.rate.is_some() {
            return Err(Failure::Usage("--rate: the scenario's file says the rates".to_owned()));
        }
        size.possible()?;
        Ok(size)
    }

    fn possible(&self) -> Result<(), Failure> {
        let wrong = |what: &str| Err(Failure::Usage(what.to_owned()));
        let seconds = self.duration.as_secs_f64();
        let all = [self.rates.chat, self.rates.groups, self.rates.history, self.rates.uploads];
        if !(2..=1_000_000).contains(&self.online) {
            return wrong("--online: two users at least, a million at most");
        }
        if !(self.online..=1_000_000).contains(&self.users) {
            return wrong("--users: at least as many as are online, a million at most");
        }
        if !all.iter().all(|rate| (0.0..=100_000.0).contains(rate)) || !possible(self.login_rate) {
            return wrong("--rate and --login-rate: more than 0, at most 100,000 a second");
        }
        if !(2..=1000).contains(&self.members) {
            return wrong("--members: 2 to 1,000");
        }
        if self.duration > Duration::from_hours(24) || self.rates.messages() * seconds > MOST_MESSAGES {
            return wrong("--duration: at most a day, and 20 million messages");
        }
        if self.rates.history > 0.0 && self.users == self.online {
            return wrong("--users: more than are online, or nobody is absent and comes back");
        }
        if self.file == 0 || self.file > 64 << 20 || self.file_bytes() > MOST_FILES {
            return wrong(
                "files: 1 byte to 64 MiB each, 4 GiB in one test, for they stay until their retention ends",
            );
        }
        Ok(())
    }

    /// Files that are put at most, and their bytes.
    pub(super) fn files(&self) -> u64 {
        self.rates.count(crate::load::Kind::Upload, self.duration) as u64
    }

    fn file_bytes(&self) -> u64 {
        self.files().saturating_mul(self.file as u64)
    }

    /// Seconds that everything takes at most.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rates and times are checked before"
    )]
    pub(super) fn seconds(&self) -> u64 {
        (real(self.users) / self.login_rate) as u64 * 2 + self.duration.as_secs() + 300
    }
}

fn time(args: &Args, file: &ScenarioFile) -> Result<Duration, Failure> {
    let text = args.duration.as_deref().or(file.duration.as_deref()).unwrap_or("60s");
    duration(text).map_err(|cause| Failure::Usage(format!("duration: {cause}")))
}

fn asked_goals(args: &Args, file: &ScenarioFile) -> Result<Vec<Goal>, Failure> {
    let of_file = file.goals.iter().map(|(name, time)| format!("{name}={time}"));
    let all: Result<Vec<Goal>, String> =
        of_file.chain(args.goal.iter().cloned()).map(|text| read_goal(&text)).collect();
    Ok(goals(&all.map_err(Failure::Usage)?, args.chaos || args.during_change))
}

/// Accounts when nobody says how many.
fn users(kind: Option<Scenario>, online: usize, file: &ScenarioFile) -> usize {
    let tenth = online.div_ceil(10);
    let absent = match kind {
        Some(Scenario::History) => online,
        Some(Scenario::Mixed) => tenth,
        None if file.rates.history > 0.0 || file.to_absent.is_some_and(|share| share > 0.0) => tenth,
        _ => 0,
    };
    online + absent
}

fn to_absent(kind: Option<Scenario>, file: &ScenarioFile) -> f64 {
    match kind {
        Some(Scenario::History) => 1.0,
        Some(Scenario::Mixed | Scenario::Chat) => 0.1,
        None if file.rates.history > 0.0 => 0.1,
        _ => 0.0,
    }
}

fn wrong(cause: impl std::fmt::Display) -> Failure {
    Failure::Usage(cause.to_string())
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn possible(rate: f64) -> bool {
    rate > 0.0 && rate <= 100_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn real(number: usize) -> f64 {
    number as f64
}
