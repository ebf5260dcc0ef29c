//! Everybody comes in at a rate, whether those before are through or not; then the groups fill.

use super::crowd::Crowd;
use super::result::{micros, real};
use super::run::{Progress, Run};
use super::session::{Order, Session};
use super::shared::Shared;
use crate::xmpp::Wrong;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, sleep_until, timeout};

/// Orders that may wait for one session.
const WAITING: usize = 256;
/// Between two who enter rooms.
const STEP: Duration = Duration::from_millis(5);

/// A session that stands: where it takes orders, and how long its login took.
type Stands = Result<(usize, Sender<Order>, Duration), Wrong>;

impl Run {
    /// Lets everybody come in at the rate.
    pub(super) async fn log_in(&mut self) {
        let (say, mut hear) = mpsc::unbounded_channel::<Stands>();
        let all = self.load.crowd.online;
        let start = Instant::now();
        let (mut begun, mut done) = (0, 0);
        while done < all {
            let due = start + Duration::from_secs_f64(real(begun) / self.load.login_rate);
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = sleep_until(due), if begun < all => {
                    self.late.saturating_record(micros(due.elapsed()));
                    let (crowd, shared) = (Arc::clone(&self.crowd), Arc::clone(&self.shared));
                    self.sessions.spawn(come_in(begun, due, (crowd, shared), say.clone()));
                    begun += 1;
                }
                Some(stands) = hear.recv() => {
                    done += 1;
                    match stands {
                        Ok((number, orders, took)) => {
                            self.first.get_or_insert(start.elapsed());
                            self.logins.note(Ok(took));
                            self.senders.insert(number, orders);
                        }
                        Err(wrong) => self.logins.note(Err(wrong)),
                    }
                    if done % 50 == 0 || done == all {
                        (self.tell)(Progress::LoggingIn(self.senders.len(), all, done - self.senders.len()));
                    }
                }
            }
        }
    }

    /// Fills the groups: first those who make the rooms, then the others.
    pub(super) async fn fill_groups(&mut self) {
        let (say, mut hear) = mpsc::unbounded_channel();
        let seated = self.senders.keys().filter_map(|user| Some((*user, self.crowd.seat(*user)?.seat)));
        let (makers, others): (Vec<_>, Vec<_>) = seated.partition(|(_, seat)| *seat == 0);
        let all = makers.len() + others.len();
        let mut joined = BTreeSet::new();
        for users in [makers, others] {
            let users: Vec<usize> = users.into_iter().map(|(user, _)| user).collect();
            self.ask_to_join(&users, &say, all).await;
            self.wait_for(users.len(), &mut hear, &mut joined).await;
        }
        self.members = (0..self.crowd.groups()).map(|_| Vec::new()).collect();
        for user in joined {
            if let Some(seat) = self.crowd.seat(user) {
                self.members[seat.group].push(user);
            }
        }
    }

    async fn ask_to_join(&self, users: &[usize], say: &UnboundedSender<Result<usize, Wrong>>, all: usize) {
        for user in users {
            if self.stop.is_cancelled() {
                return;
            }
            if let Some(orders) = self.senders.get(user) {
                // A session that broke is counted where it ends.
                let _ = orders.try_send(Order::Join(say.clone()));
            }
            (self.tell)(Progress::Joining(all));
            tokio::time::sleep(STEP).await;
        }
    }

    async fn wait_for(
        &mut self,
        count: usize,
        hear: &mut UnboundedReceiver<Result<usize, Wrong>>,
        joined: &mut BTreeSet<usize>,
    ) {
        for _ in 0..count {
            match timeout(self.load.within, hear.recv()).await {
                Ok(Some(Ok(user))) => {
                    joined.insert(user);
                }
                Ok(Some(Err(wrong))) => *self.not_joined.entry(wrong.to_string()).or_default() += 1,
                // Who does not answer at all has broken or is late: his group does without him.
                Ok(None) | Err(_) => return,
            }
        }
    }
}

/// One user comes in, says how that went, and stays.
async fn come_in(
    number: usize,
    due: Instant,
    (crowd, shared): (Arc<Crowd>, Arc<Shared>),
    say: UnboundedSender<Stands>,
) -> Result<(), Wrong> {
    // Who asked may have gone: then nobody tells this session anything, and it ends.
    // What a login needs goes when it is through: a session that stands is to be small.
    let session = match Box::pin(Session::begin(number, crowd, shared)).await {
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
