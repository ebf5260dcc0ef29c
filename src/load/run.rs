//! The run: everybody comes in, the groups fill, deeds come at their rates, the absent come back, and what is still under way is
//! waited for.

use super::crowd::Crowd;
use super::history::Absent;
use super::ledger::{Ledger, Meant};
use super::result::{micros, times};
use super::schedule::{Kind, Next, Rates, Schedule};
use super::session::Order;
use super::shared::{FilePlace, Seen, Shared, Tried};
use super::watch::{Spent, spent_here};
use crate::xmpp::Wrong;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

/// Sessions that do not end by themselves are ended after this.
const GOODBYE: Duration = Duration::from_secs(20);
/// When for so long nothing more arrived, nothing more will.
const STILL: Duration = Duration::from_secs(20);
/// The same where everybody reads the history once more at the end.
const STILL_THEN_READ: Duration = Duration::from_secs(5);

/// What is to be made.
pub struct Load {
    /// Who takes part.
    pub crowd: Crowd,
    /// What happens how often.
    pub rates: Rates,
    /// Logins a second.
    pub login_rate: f64,
    /// How long deeds are done, or sessions stand.
    pub duration: Duration,
    /// Bytes of a message's text.
    pub body: usize,
    /// How long a login may take.
    pub within: Duration,
    /// Where files go; none = there are none.
    pub files: Option<FilePlace>,
    /// Users whose session breaks come back.
    pub come_back: bool,
}

/// What is told while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many of so many logins are through, and so many failed.
    LoggingIn(usize, usize, usize),
    /// So many members enter their groups.
    Joining(usize),
    /// So many of so many deeds have begun.
    Busy(usize, usize),
    /// So many absent users come back and read.
    Returning(usize),
    /// What is under way is waited for.
    Settling,
}

/// What came of it.
pub struct Outcome {
    /// Logins, from the moment each was meant to begin.
    pub logins: Tried,
    /// From the start to the first session that stood.
    pub first: Option<Duration>,
    /// Sessions that broke later and users who did not get into their group, by reason.
    pub broken: BTreeMap<String, u64>,
    /// Messages that were to be sent.
    pub planned: usize,
    /// Everybody's whole history was read.
    pub audited: bool,
    /// Deeds that no session had room for.
    pub unsent: u64,
    /// What became of the messages.
    pub counts: super::Counts,
    /// Times of deliveries to one, microseconds from the moment each message was meant to go.
    pub deliveries: Histogram<u64>,
    /// The same to each member of a group.
    pub groups: Histogram<u64>,
    /// History, files, gaps.
    pub seen: Seen,
    /// How late the generator itself was, microseconds.
    pub late: Histogram<u64>,
    /// Processor time until all had logged in, and after that.
    pub cpu: (Duration, Duration),
    /// KiB that the sessions take.
    pub memory: u64,
    /// Wall time of logins, and of what came after.
    pub took: (Duration, Duration),
    /// It was ended before its time.
    pub cut: bool,
}

/// Makes the load on a thread of its own, which costs less than threads that wake each other; `tell` hears how far it is. It
/// ends early, and in order, when `stop` is cancelled.
pub async fn run(
    load: Load,
    tell: impl Fn(Progress) + Send + Sync + 'static,
    stop: CancellationToken,
) -> std::io::Result<Outcome> {
    let alone = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // A task among the others: waking the runtime's own future at each deed costs another round of waiting for events.
        let done = runtime.spawn(Run::new(load, Box::new(tell), stop).go());
        Ok(runtime.block_on(done)?)
    });
    alone.await?
}

/// A run under way.
pub(super) struct Run {
    pub(super) load: Load,
    pub(super) tell: Box<dyn Fn(Progress) + Send + Sync>,
    pub(super) stop: CancellationToken,
    pub(super) crowd: Arc<Crowd>,
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: JoinSet<Result<(), Wrong>>,
    /// Where those who stand take orders, by number.
    pub(super) senders: BTreeMap<usize, Sender<Order>>,
    /// Who sits in each group.
    pub(super) members: Vec<Vec<usize>>,
    pub(super) not_joined: BTreeMap<String, u64>,
    pub(super) logins: Tried,
    pub(super) first: Option<Duration>,
    pub(super) late: Histogram<u64>,
    planned: usize,
    unsent: u64,
    /// Messages that were handed to a session.
    handed: u64,
}

impl Run {
    fn new(load: Load, tell: Box<dyn Fn(Progress) + Send + Sync>, stop: CancellationToken) -> Self {
        let count = |kind| load.rates.count(kind, load.duration);
        let planned = count(Kind::Chat) + count(Kind::Group);
        let members = if count(Kind::Group) > 0 { load.crowd.members } else { 1 };
        let mut shared = Shared::new(Ledger::new(planned, members), load.body, load.within);
        shared.come_back = load.come_back;
        shared.files.clone_from(&load.files);
        if load.come_back {
            // What was taken when a session breaks must be known to the message.
            shared.ask_after = 1;
        }
        Self {
            tell,
            stop,
            crowd: Arc::new(load.crowd.clone()),
            load,
            shared: Arc::new(shared),
            sessions: JoinSet::new(),
            senders: BTreeMap::new(),
            members: Vec::new(),
            not_joined: BTreeMap::new(),
            logins: Tried::default(),
            first: None,
            late: times(),
            planned,
            unsent: 0,
            handed: 0,
        }
    }

    async fn go(mut self) -> Outcome {
        let (begun, before) = (Instant::now(), spent_here());
        self.log_in().await;
        let (logged_in, after) = (Instant::now(), spent_here());
        if self.load.rates.groups > 0.0 {
            self.fill_groups().await;
        }
        let absent = Absent::new(Arc::clone(&self.crowd), Arc::clone(&self.shared));
        self.deeds(&absent).await;
        self.ask_all();
        self.settle(self.for_absent()).await;
        if self.load.come_back {
            self.order_all(&Order::Read);
            self.settle(0).await;
            self.order_all(&Order::Audit);
            self.settle(0).await;
        }
        self.all_return(&absent).await;
        let took = (logged_in - begun, logged_in.elapsed());
        let last = spent_here();
        self.end(took, [before, after, last]).await
    }

    /// Begins all deeds at their times.
    async fn deeds(&mut self, absent: &Arc<Absent>) {
        let start = Instant::now();
        let schedule = Schedule::new(&self.load.rates, self.load.duration);
        let all = schedule.count_all();
        let mut next = Next::default();
        (self.tell)(Progress::Busy(0, all));
        for (done, (after, kind)) in schedule.enumerate() {
            let due = start + after;
            if due > Instant::now() {
                tokio::select! { () = self.stop.cancelled() => {}, () = sleep_until(due) => {} }
            }
            if self.stop.is_cancelled() {
                return;
            }
            self.late.saturating_record(micros(due.elapsed()));
            let due = due.into_std();
            let begun = match kind {
                Kind::Chat => self.chat(&mut next, due),
                Kind::Group => self.tell_group(&mut next, due),
                Kind::Upload => self.upload(&mut next, due),
                Kind::Return => {
                    next.back += 1;
                    absent.return_of(next.back - 1, due)
                }
            };
            self.unsent += u64::from(!begun);
            if done % 20 == 19 {
                (self.tell)(Progress::Busy(done + 1, all));
            }
        }
        let end = start + self.load.duration;
        tokio::select! { () = self.stop.cancelled() => {}, () = sleep_until(end) => {} }
    }

    /// The next user with somebody to write to writes to him.
    fn chat(&mut self, next: &mut Next, due: std::time::Instant) -> bool {
        let nth = next.chat;
        next.chat += 1;
        let pair = if self.crowd.goes_to_absent(nth) {
            next.absent += 1;
            self.crowd.absent_pair(next.absent - 1)
        } else {
            let able = |user: usize| Some((user, self.crowd.partner(user)?));
            let there = |(one, other): &(usize, usize)| {
                self.senders.contains_key(one) && self.senders.contains_key(other)
            };
            let online = self.crowd.online.max(1);
            (0..online).filter_map(|more| able((nth + more) % online)).find(there)
        };
        // Who did not get in is counted among the logins.
        let Some((from, to)) = pair else { return true };
        self.hand(next, Meant { due, sender: sender(from), needed: 1 }, |number| Order::Say { number, to })
    }

    /// The next member of the next group writes to it.
    fn tell_group(&mut self, next: &mut Next, due: std::time::Instant) -> bool {
        let nth = next.group;
        next.group += 1;
        let groups = self.members.len().max(1);
        let Some(members) = self.members.get(nth % groups).filter(|members| members.len() > 1) else {
            return true;
        };
        let from = members[nth / groups % members.len()];
        let needed = u16::try_from(members.len()).unwrap_or(u16::MAX);
        self.hand(next, Meant { due, sender: sender(from), needed }, Order::Tell)
    }

    fn hand(&mut self, next: &mut Next, meant: Meant, order: impl Fn(usize) -> Order) -> bool {
        let number = next.message;
        next.message += 1;
        self.shared.ledger.meant(number, meant);
        self.order(meant.sender as usize, order(number)).is_none_or(|handed| {
            self.handed += u64::from(handed);
            handed
        })
    }

    fn upload(&mut self, next: &mut Next, due: std::time::Instant) -> bool {
        let number = next.upload;
        next.upload += 1;
        let user = number.checked_rem(self.senders.len()).and_then(|at| self.senders.keys().nth(at)).copied();
        let Some(handed) = user.and_then(|user| self.order(user, Order::Upload { number, due })) else {
            return true;
        };
        self.shared.under_way.fetch_add(usize::from(handed), Relaxed);
        handed
    }

    /// Tells a user what to do; whether he has room. None when his session broke, which is counted where it ends.
    fn order(&self, user: usize, order: Order) -> Option<bool> {
        match self.senders.get(&user)?.try_send(order) {
            Ok(()) => Some(true),
            Err(TrySendError::Full(_)) => Some(false),
            Err(TrySendError::Closed(_)) => None,
        }
    }

    /// The server is asked what it took, of all.
    fn ask_all(&self) {
        for orders in self.senders.values() {
            // Who has no room is asked by his next message.
            let _ = orders.try_send(Order::Ask);
        }
    }

    /// Everybody reads the history: since he came back, for a message that was taken while he did may have missed him and waits for
    /// his next return; then all of it, for each message must stand there.
    fn order_all(&self, order: &Order) {
        for user in self.senders.keys() {
            let told = self.order(*user, order.clone()) == Some(true);
            self.shared.under_way.fetch_add(usize::from(told), Relaxed);
        }
    }

    /// Waits for what is under way, until nothing more arrives; so many messages may be missing.
    async fn settle(&mut self, missing: u64) {
        (self.tell)(Progress::Settling);
        let still = if self.load.come_back { STILL_THEN_READ } else { STILL };
        let (mut last, mut moved) = ((0, 0, 0), Instant::now());
        loop {
            let ledger = &self.shared.ledger;
            let now = (ledger.complete(), ledger.taken(), self.shared.under_way.load(Relaxed));
            let waits = self.handed.saturating_sub(now.0) > missing || now.1 < self.handed || now.2 > 0;
            if now != last {
                (last, moved) = (now, Instant::now());
            }
            if !waits || moved.elapsed() > still || self.stop.is_cancelled() || self.sessions.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Messages that only somebody absent can find.
    fn for_absent(&self) -> u64 {
        let chats = self.load.rates.count(Kind::Chat, self.load.duration);
        if self.crowd.absent() == 0 {
            return 0;
        }
        (0..chats).filter(|nth| self.crowd.goes_to_absent(*nth)).count() as u64
    }

    /// All absent users come back at the rate of logins; what was written to them must be there.
    async fn all_return(&mut self, absent: &Arc<Absent>) {
        let start = Instant::now();
        for nth in 0..absent.len() {
            let due = start + Duration::from_secs_f64(super::result::real(nth) / self.load.login_rate);
            tokio::select! { () = self.stop.cancelled() => return, () = sleep_until(due) => {} }
            self.late.saturating_record(micros(due.elapsed()));
            if !absent.return_of(nth, due.into_std()) {
                self.unsent += 1;
            }
            (self.tell)(Progress::Returning(absent.len()));
        }
        if absent.len() > 0 {
            self.settle(0).await;
        }
    }

    /// Everybody goes; what broke is counted.
    async fn end(mut self, took: (Duration, Duration), [before, after, last]: [Spent; 3]) -> Outcome {
        if !self.members.is_empty() {
            for orders in self.members.iter().filter_map(|group| self.senders.get(group.first()?)) {
                let _ = orders.try_send(Order::Leave);
            }
        }
        self.senders.clear();
        let mut broken = std::mem::take(&mut self.not_joined);
        let all = async {
            while let Some(ended) = self.sessions.join_next().await {
                if let Ok(Err(wrong)) = ended {
                    *broken.entry(wrong.to_string()).or_default() += 1;
                }
            }
        };
        let _ = timeout(GOODBYE, all).await;
        self.sessions.abort_all();
        let (deliveries, groups) = self.shared.ledger.deliveries();
        let seen = self.shared.seen().clone();
        Outcome {
            logins: self.logins,
            first: self.first,
            broken,
            planned: self.planned,
            audited: self.load.come_back,
            unsent: self.unsent,
            counts: self.shared.ledger.counts(),
            deliveries,
            groups,
            seen,
            late: self.late,
            cpu: (after.cpu.saturating_sub(before.cpu), last.cpu.saturating_sub(after.cpu)),
            memory: after.memory.saturating_sub(before.memory),
            took,
            cut: self.stop.is_cancelled(),
        }
    }
}

fn sender(user: usize) -> u32 {
    u32::try_from(user).unwrap_or(u32::MAX)
}
