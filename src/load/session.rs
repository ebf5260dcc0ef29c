//! One user: logs in, stays, does what he is told to, hears what others say, and comes back when his session breaks.

use super::crowd::Crowd;
use super::history::{Place, audit, read};
use super::shared::Shared;
use crate::xmpp::{Client, Element, Slot, Wrong, condition};
use rand::Rng as _;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{Receiver, UnboundedSender};

const CLIENT: &str = "jabber:client";
const DELAY: &str = "urn:xmpp:delay";
/// A user whose session broke tries so long to come back.
const GIVE_UP: Duration = Duration::from_mins(2);
/// And each time at most so long.
const ATTEMPT: Duration = Duration::from_secs(10);

/// What a user is told to do.
#[derive(Debug, Clone)]
pub(super) enum Order {
    /// Write to a user.
    Say {
        /// Number of the message.
        number: usize,
        /// Number of the user.
        to: usize,
    },
    /// Write to the group.
    Tell(usize),
    /// Put a file.
    Upload {
        /// Number of the file.
        number: usize,
        /// When it is meant to begin.
        due: Instant,
    },
    /// Enter the group's room and say how that went.
    Join(UnboundedSender<Result<usize, Wrong>>),
    /// Take the group's room away.
    Leave,
    /// Ask the server what it took.
    Ask,
    /// Read the history since the last return.
    Read,
    /// Read the whole history and note what stands in it.
    Audit,
}

/// A session that stands.
pub(super) struct Session {
    number: usize,
    client: Client,
    crowd: Arc<Crowd>,
    shared: Arc<Shared>,
    /// Messages that the server has not said it took, by the count of stanzas.
    open: VecDeque<(u32, usize)>,
    unasked: usize,
    counts: bool,
    /// The last message of each sender.
    last: Vec<(u32, usize)>,
    /// Files that wait for a slot: number and when each was meant to begin.
    files: Vec<(usize, Instant)>,
    /// Where the history ends that this user knows, and where it ended when he last came back.
    place: Place,
    caught_up: Place,
    longest_gap: Option<Duration>,
    text: String,
}

impl Session {
    /// Logs in, asks the server to count stanzas, and takes messages from now on.
    pub(super) async fn begin(number: usize, crowd: Arc<Crowd>, shared: Arc<Shared>) -> Result<Self, Wrong> {
        let client = Client::login(crowd.door(number), &crowd.logins[number], shared.within).await?;
        let mut session = Self {
            number,
            client,
            crowd,
            shared,
            open: VecDeque::new(),
            unasked: 0,
            counts: false,
            last: Vec::new(),
            files: Vec::new(),
            place: Place::default(),
            caught_up: Place::default(),
            longest_gap: None,
            text: String::new(),
        };
        session.stand().await?;
        Ok(session)
    }

    async fn stand(&mut self) -> Result<(), Wrong> {
        self.counts = self.client.manage_available().await?;
        self.open.clear();
        self.unasked = 0;
        Ok(())
    }

    /// Does what it is told until nobody tells any more, then says goodbye.
    pub(super) async fn live(mut self, mut orders: Receiver<Order>) -> Result<(), Wrong> {
        let mut again = None;
        while let Err(wrong) = self.serve(&mut orders, &mut again).await {
            if !self.shared.come_back {
                return Err(wrong);
            }
            // Seldom, and large: it must not weigh on every session.
            Box::pin(self.come_back(&mut again)).await?;
        }
        if let Some(gap) = self.longest_gap {
            self.shared.seen().gaps.note(Ok(gap));
        }
        self.client.close().await;
        Ok(())
    }

    /// `again` is an order that a break kept from being done.
    async fn serve(&mut self, orders: &mut Receiver<Order>, again: &mut Option<Order>) -> Result<(), Wrong> {
        loop {
            if let Some(order) = again.clone() {
                self.act(order).await?;
                *again = None;
            }
            // Both can be given up at any moment: what has come stays in the client.
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => *again = Some(order),
                    None => return Ok(()),
                },
                stanza = self.client.next() => self.hear(&stanza?).await?,
            }
        }
    }

    /// Logs in again, reads what came meanwhile, and stands as before.
    async fn come_back(&mut self, again: &mut Option<Order>) -> Result<(), Wrong> {
        let broke = Instant::now();
        // Everybody at once would be no crowd but one blow; people's clients wait a moment, each another one.
        let mut wait = rand::rng().random_range(0..1000);
        for tried in 0.. {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            match self.try_again(tried).await {
                Ok(()) => break,
                Err(wrong) if broke.elapsed() > GIVE_UP => {
                    self.shared.seen().gaps.note(Err(wrong.clone()));
                    return Err(wrong);
                }
                Err(_) => wait = rand::rng().random_range(1000..3000),
            }
        }
        self.longest_gap = self.longest_gap.max(Some(broke.elapsed()));
        if matches!(again, Some(Order::Ask | Order::Leave)) {
            *again = None;
        }
        Ok(())
    }

    /// By the way it had, then by the next one, as a client does that finds several in the DNS.
    async fn try_again(&mut self, tried: usize) -> Result<(), Wrong> {
        let within = self.shared.within.min(ATTEMPT);
        let login = &self.crowd.logins[self.number];
        self.client = Client::login(self.crowd.door(self.number + tried), login, within).await?;
        read(&mut self.client, &mut self.place, &self.shared).await?;
        self.caught_up = self.place.clone();
        self.stand().await
    }

    async fn act(&mut self, order: Order) -> Result<(), Wrong> {
        match order {
            Order::Say { number, to } => {
                let to = self.crowd.address(to);
                self.write(number, "chat", &to).await
            }
            Order::Tell(number) => {
                let group = self.crowd.seat(self.number).map_or(0, |seat| seat.group);
                self.write(number, "groupchat", &self.crowd.room(group).0).await
            }
            Order::Upload { number, due } => self.ask_slot(number, due).await,
            Order::Join(say) => {
                let joined = Box::pin(self.join()).await;
                let broken = matches!(&joined, Err(wrong) if !matches!(wrong, Wrong::Condition { .. }));
                let result = if broken { joined.clone() } else { Ok(()) };
                // Who asked may have been told to stop.
                let _ = say.send(joined.map(|()| self.number));
                result
            }
            Order::Leave => Box::pin(self.leave()).await,
            Order::Ask if self.counts && !self.open.is_empty() => self.client.ask_now().await,
            Order::Ask => Ok(()),
            Order::Audit => {
                Box::pin(audit(&mut self.client, &self.shared)).await?;
                self.shared.under_way.fetch_sub(1, Relaxed);
                Ok(())
            }
            Order::Read => {
                let mut place = self.caught_up.clone();
                Box::pin(read(&mut self.client, &mut place, &self.shared)).await?;
                self.shared.under_way.fetch_sub(1, Relaxed);
                Ok(())
            }
        }
    }

    async fn join(&mut self) -> Result<(), Wrong> {
        let Some(seat) = self.crowd.seat(self.number) else { return Ok(()) };
        let (room, nick) = (self.crowd.room(seat.group), format!("n{}", seat.seat));
        // It must go by itself when a test is killed.
        self.client.enter(&room, &nick, &[("muc#roomconfig_persistentroom", "0")]).await
    }

    async fn leave(&mut self) -> Result<(), Wrong> {
        match self.crowd.seat(self.number) {
            Some(seat) if seat.seat == 0 => match self.client.destroy(&self.crowd.room(seat.group)).await {
                // It went with its last member.
                Err(Wrong::Condition { .. }) => Ok(()),
                done => done,
            },
            _ => Ok(()),
        }
    }

    /// Sends a message; with it, once in a while, the question what the server took.
    async fn write(&mut self, number: usize, kind: &str, to: &str) -> Result<(), Wrong> {
        self.text.clear();
        let (run, body) = (&self.shared.run, &self.shared.body);
        let _ = write!(
            self.text,
            "<message type='{kind}' to='{to}' id='{run}-{number}'><body>{body}</body></message>"
        );
        let asks = self.counts && self.unasked + 1 >= self.shared.ask_after;
        if asks {
            self.text.push_str(Client::ask());
        }
        self.unasked = if asks { 0 } else { self.unasked + 1 };
        self.client.send_text(&self.text).await?;
        self.shared.ledger.sent(number);
        if let Some(sent) = self.client.sent() {
            self.open.push_back((sent, number));
        }
        Ok(())
    }

    async fn ask_slot(&mut self, number: usize, due: Instant) -> Result<(), Wrong> {
        let Some(place) = &self.shared.files else { return Ok(()) };
        let iq = Element::new("iq", CLIENT)
            .attr("type", "get")
            .attr("to", &*place.service)
            .attr("id", format!("{}-{number}", self.shared.run))
            .child(Slot::question(&format!("{}-{number}.bin", self.shared.run), place.size as u64));
        self.client.send(&iq).await?;
        self.files.push((number, due));
        Ok(())
    }

    async fn hear(&mut self, stanza: &Element) -> Result<(), Wrong> {
        if let Some(taken) = Client::taken(stanza) {
            while self.open.front().is_some_and(|(count, _)| taken.wrapping_sub(*count) < 1 << 31) {
                if let Some((_, number)) = self.open.pop_front() {
                    self.shared.ledger.acknowledged(number);
                }
            }
            return Ok(());
        }
        let number = stanza.get("id").and_then(|id| self.shared.number(id));
        match (stanza.name.as_str(), number) {
            ("message", Some(number)) if stanza.get("type") == Some("error") => {
                self.shared.ledger.returned(number);
            }
            ("message", Some(number)) => self.arrived(number, stanza),
            ("iq", Some(number)) => self.slot(number, stanza),
            _ => {}
        }
        self.client.answered(stanza).await.map(|_| ())
    }

    fn arrived(&mut self, number: usize, message: &Element) {
        let group = message.get("type") == Some("groupchat");
        let seat = if group { self.crowd.seat(self.number).map_or(0, |seat| seat.seat) } else { 0 };
        if self.shared.come_back {
            self.place.seen(message, self.client.bare());
        }
        if !self.shared.ledger.delivered(number, seat) {
            return;
        }
        // What waited for its reader says when it was sent; clients sort by that.
        if message.find("delay", DELAY).is_some() {
            return;
        }
        let sender = self.shared.ledger.sender(number);
        match self.last.iter_mut().find(|(known, _)| *known == sender) {
            Some((_, last)) if number < *last => self.shared.ledger.out_of_order(),
            Some((_, last)) => *last = number,
            None => self.last.push((sender, number)),
        }
    }

    /// The rest of a file goes on beside the session.
    fn slot(&mut self, number: usize, answer: &Element) {
        let Some(at) = self.files.iter().position(|(open, _)| *open == number) else { return };
        let (_, due) = self.files.swap_remove(at);
        let slot = match answer.get("type") {
            Some("error") => Err(Wrong::Condition {
                what: "slot".to_owned(),
                condition: answer.own("error").map(condition).unwrap_or_default(),
            }),
            _ => Slot::read(answer),
        };
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let done = match slot {
                Ok(slot) => shared.move_file(number, slot).await,
                Err(wrong) => Err(wrong),
            };
            shared.seen().uploads.note(done.map(|()| due.elapsed()));
            shared.under_way.fetch_sub(1, Relaxed);
        });
    }
}
