//! The run: logins that come at a rate, then messages that come at a rate, then what is still under way.

use super::ledger::Ledger;
use super::session::{Member, Order, Session, Shared};
use super::watch::spent;
use crate::xmpp::{Door, Login, Wrong};
use hdrhistogram::Histogram;
use rand::Rng as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender, UnboundedSender};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// Messages that may wait for one session.
const WAITING: usize = 256;
/// What is still under way when the last message was sent is waited for so long.
const SETTLE: Duration = Duration::from_secs(20);
/// Sessions that do not end by themselves are ended after this.
const GOODBYE: Duration = Duration::from_secs(20);

/// What is to be made.
pub struct Load {
    /// Users that log in, two and two partners.
    pub logins: Vec<Login>,
    /// Where they come in, one after the other.
    pub doors: Vec<Door>,
    /// Domain of their addresses.
    pub domain: String,
    /// Logins a second.
    pub login_rate: f64,
    /// Messages a second; none = sessions only.
    pub rate: f64,
    /// How long messages are sent, or sessions stand.
    pub duration: Duration,
    /// Bytes of a message's text.
    pub body: usize,
    /// How long a login may take.
    pub within: Duration,
}

/// What is told while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many of so many logins are through, and so many failed.
    LoggingIn(usize, usize, usize),
    /// So many of so many messages are sent.
    Chatting(usize, usize),
    /// What is under way is waited for.
    Settling,
}

/// What came of it.
pub struct Outcome {
    /// Times of logins, microseconds from the moment each was meant to begin.
    pub logins: Histogram<u64>,
    /// Logins that failed, by reason.
    pub failed: BTreeMap<String, u64>,
    /// Sessions that broke later, by reason.
    pub broken: BTreeMap<String, u64>,
    /// Messages that were to be sent.
    pub planned: usize,
    /// Messages that no session had room for.
    pub unsent: u64,
    /// What became of the messages.
    pub counts: super::Counts,
    /// Times of deliveries, microseconds from the moment each message was meant to go.
    pub deliveries: Histogram<u64>,
    /// How late the generator itself was, microseconds.
    pub late: Histogram<u64>,
    /// Processor time until all had logged in, and after that.
    pub cpu: (Duration, Duration),
    /// KiB that the sessions take.
    pub memory: u64,
    /// Wall time of logins, and of messages.
    pub took: (Duration, Duration),
    /// It was ended before its time.
    pub cut: bool,
}

/// A histogram of times up to ten minutes, three digits.
pub(super) fn times() -> Histogram<u64> {
    let mut times = Histogram::new_with_bounds(1, 600_000_000, 3).expect("these bounds are right");
    times.auto(true);
    times
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

/// A session that stands: where it takes orders, and how long its login took.
type Stands = Result<(usize, Sender<Order>, Duration), Wrong>;

/// Makes the load on a thread of its own, which costs less than threads that wake each other; `tell` hears how far it is. It
/// ends early, and in order, when `stop` is cancelled.
pub async fn run(
    load: Load,
    tell: impl Fn(Progress) + Send + Sync + 'static,
    stop: CancellationToken,
) -> std::io::Result<Outcome> {
    let alone = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(here(load, &tell, stop)))
    });
    alone.await?
}

async fn here(load: Load, tell: &(dyn Fn(Progress) + Sync), stop: CancellationToken) -> Outcome {
    let planned = messages(&load);
    let shared = Arc::new(Shared {
        run: format!("imctl-load-{:08x}", rand::rng().random::<u32>()),
        ledger: Ledger::new(planned),
        body: "x".repeat(load.body),
        within: load.within,
    });
    let mut sessions = JoinSet::new();
    let (begun, before) = (Instant::now(), spent());
    let (mut logins, mut failed, mut late) = (times(), BTreeMap::new(), times());
    let senders =
        log_in(&load, &shared, &mut sessions, (&mut logins, &mut failed, &mut late), tell, &stop).await;
    let (logged_in, after) = (Instant::now(), spent());
    let unsent = chat(&load, &shared, &senders, planned, &mut late, tell, &stop).await;
    tell(Progress::Settling);
    // Some may wait in a session that is still busy: what counts is what was handed over, not what went out.
    let handed = u64::try_from(planned).unwrap_or(u64::MAX).saturating_sub(unsent);
    let until = Instant::now() + SETTLE;
    while Instant::now() < until && !shared.ledger.settled(handed) && !stop.is_cancelled() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = (logged_in - begun, logged_in.elapsed());
    let cpu = (after.0.saturating_sub(before.0), spent().0.saturating_sub(after.0));
    let memory = after.1.saturating_sub(before.1);
    drop(senders);
    let broken = end(sessions).await;
    let mut deliveries = times();
    for time in shared.ledger.deliveries() {
        deliveries.saturating_record(micros(time));
    }
    Outcome {
        logins,
        failed,
        broken,
        planned,
        unsent,
        counts: shared.ledger.counts(),
        deliveries,
        late,
        cpu,
        memory,
        took,
        cut: stop.is_cancelled(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rates and times are checked before"
)]
fn messages(load: &Load) -> usize {
    (load.rate * load.duration.as_secs_f64()) as usize
}

type LoginsSeen<'a> = (&'a mut Histogram<u64>, &'a mut BTreeMap<String, u64>, &'a mut Histogram<u64>);

/// Lets everybody come in at the rate; returns where those that stand take orders, by number.
async fn log_in(
    load: &Load,
    shared: &Arc<Shared>,
    sessions: &mut JoinSet<Result<(), Wrong>>,
    (logins, failed, late): LoginsSeen<'_>,
    tell: &(dyn Fn(Progress) + Sync),
    stop: &CancellationToken,
) -> BTreeMap<usize, Sender<Order>> {
    let (say, mut hear) = mpsc::unbounded_channel::<Stands>();
    let all = load.logins.len();
    let start = Instant::now();
    let (mut senders, mut begun, mut done) = (BTreeMap::new(), 0, 0);
    while done < all {
        let due = start + Duration::from_secs_f64(real(begun) / load.login_rate);
        tokio::select! {
            () = stop.cancelled() => break,
            () = sleep_until(due), if begun < all => {
                late.saturating_record(micros(due.elapsed()));
                let member = member(load, begun);
                sessions.spawn(come_in(member, Arc::clone(shared), begun, due, say.clone()));
                begun += 1;
            }
            Some(stands) = hear.recv() => {
                done += 1;
                match stands {
                    Ok((number, orders, took)) => {
                        logins.saturating_record(micros(took));
                        senders.insert(number, orders);
                    }
                    Err(wrong) => *failed.entry(wrong.to_string()).or_default() += 1,
                }
                if done % 50 == 0 || done == all {
                    tell(Progress::LoggingIn(senders.len(), all, done - senders.len()));
                }
            }
        }
    }
    senders
}

/// One user comes in, says how that went, and stays.
async fn come_in(
    member: Member,
    shared: Arc<Shared>,
    number: usize,
    due: Instant,
    say: UnboundedSender<Stands>,
) -> Result<(), Wrong> {
    // Who asked may have gone: then nobody tells this session anything, and it ends.
    let session = match Session::begin(member, shared).await {
        Ok(session) => session,
        Err(wrong) => {
            let _ = say.send(Err(wrong));
            return Ok(());
        }
    };
    let (orders, told) = mpsc::channel(WAITING);
    let _ = say.send(Ok((number, orders, due.elapsed())));
    drop(say);
    session.live(told).await
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn real(number: usize) -> f64 {
    number as f64
}

/// The user of a number; he writes to the one beside him.
fn member(load: &Load, number: usize) -> Member {
    let partner = number ^ 1;
    let partner = if partner < load.logins.len() { partner } else { number };
    Member {
        door: load.doors[number % load.doors.len()].clone(),
        login: load.logins[number].clone(),
        other: format!("{}@{}", load.logins[partner].user, load.domain),
    }
}

/// Sends messages at the rate, each by the next user; how many found no room.
async fn chat(
    load: &Load,
    shared: &Shared,
    senders: &BTreeMap<usize, Sender<Order>>,
    planned: usize,
    late: &mut Histogram<u64>,
    tell: &(dyn Fn(Progress) + Sync),
    stop: &CancellationToken,
) -> u64 {
    let start = Instant::now();
    // Who has nobody to write to listens only.
    let able: Vec<&Sender<Order>> = senders
        .iter()
        .filter(|(number, _)| senders.contains_key(&(**number ^ 1)))
        .map(|(_, it)| it)
        .collect();
    if planned == 0 || able.is_empty() {
        tokio::select! { () = stop.cancelled() => {}, () = sleep_until(start + load.duration) => {} }
        return u64::try_from(planned).unwrap_or(u64::MAX);
    }
    let mut unsent = 0;
    for number in 0..planned {
        let due = start + Duration::from_secs_f64(real(number) / load.rate);
        if due > Instant::now() {
            tokio::select! { () = stop.cancelled() => {}, () = sleep_until(due) => {} }
        }
        if stop.is_cancelled() {
            break;
        }
        late.saturating_record(micros(due.elapsed()));
        shared.ledger.meant(number, due.into_std());
        if able[number % able.len()].try_send(Order { number }).is_err() {
            unsent += 1;
        }
        if number % 100 == 99 {
            tell(Progress::Chatting(number + 1, planned));
        }
    }
    unsent
}

/// Waits for the sessions to end; what broke, by reason.
async fn end(mut sessions: JoinSet<Result<(), Wrong>>) -> BTreeMap<String, u64> {
    let mut broken = BTreeMap::new();
    let all = async {
        while let Some(ended) = sessions.join_next().await {
            if let Ok(Err(wrong)) = ended {
                *broken.entry(wrong.to_string()).or_default() += 1;
            }
        }
    };
    let _ = timeout(GOODBYE, all).await;
    sessions.abort_all();
    broken
}
