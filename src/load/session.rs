//! One user: logs in, stays, sends what he is told to, hears what the other one says.

use super::ledger::Ledger;
use crate::xmpp::{Client, Door, Element, Login, Wrong};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;

const MANAGEMENT: &str = "urn:xmpp:sm:3";
const CLIENT: &str = "jabber:client";

/// What a user is told to do.
pub(super) struct Order {
    /// Number of the message to send.
    pub(super) number: usize,
}

/// One user of the test.
pub(super) struct Member {
    /// Where he comes in.
    pub(super) door: Door,
    /// Who he is.
    pub(super) login: Login,
    /// Whom he writes to.
    pub(super) other: String,
}

/// What all users share.
pub(super) struct Shared {
    /// Letters and digits that no other run has; they begin the ids of messages.
    pub(super) run: String,
    /// What became of each message.
    pub(super) ledger: Ledger,
    /// Text of each message.
    pub(super) body: String,
    /// How long a login or a wait may take.
    pub(super) within: Duration,
}

/// A session that stands.
pub(super) struct Session {
    client: Client,
    other: String,
    shared: Arc<Shared>,
    /// Stanzas sent since the server counts, and the messages among them that it has not taken yet.
    sent: u32,
    open: VecDeque<(u32, usize)>,
    /// Stanzas that came since.
    came: u32,
    counts: bool,
    /// Number of the last message that came.
    last: Option<usize>,
}

impl Session {
    /// Logs in, asks the server to count stanzas, and takes messages from now on.
    pub(super) async fn begin(member: Member, shared: Arc<Shared>) -> Result<Self, Wrong> {
        let client = Client::login(&member.door, &member.login, shared.within).await?;
        let mut session = Self {
            client,
            other: member.other,
            shared,
            sent: 0,
            open: VecDeque::new(),
            came: 0,
            counts: false,
            last: None,
        };
        session.client.send(&Element::new("enable", MANAGEMENT)).await?;
        let until = Instant::now() + session.shared.within;
        loop {
            let answer = session.client.next(until).await?;
            if answer.is("enabled", MANAGEMENT) {
                session.counts = true;
                break;
            }
            if answer.is("failed", MANAGEMENT) {
                break;
            }
            session.client.answered(&answer).await?;
        }
        session.client.available().await?;
        session.sent += 1;
        Ok(session)
    }

    /// Does what it is told until nobody tells any more, then says goodbye.
    pub(super) async fn live(mut self, mut orders: Receiver<Order>) -> Result<(), Wrong> {
        loop {
            let far = Instant::now() + Duration::from_hours(24);
            // Both can be given up at any moment: what has come stays in the client.
            let stanza = tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => {
                        self.say(order.number).await?;
                        continue;
                    }
                    None => break,
                },
                stanza = self.client.next(far) => stanza?,
            };
            self.hear(&stanza).await?;
        }
        self.client.close().await;
        Ok(())
    }

    async fn say(&mut self, number: usize) -> Result<(), Wrong> {
        let id = format!("{}-{number}", self.shared.run);
        let message = Element::new("message", CLIENT)
            .attr("type", "chat")
            .attr("to", &*self.other)
            .attr("id", id)
            .child(Element::new("body", CLIENT).text(&*self.shared.body));
        self.client.send(&message).await?;
        self.shared.ledger.sent(number);
        self.sent += 1;
        if self.counts {
            self.open.push_back((self.sent, number));
            self.client.send(&Element::new("r", MANAGEMENT)).await?;
        }
        Ok(())
    }

    async fn hear(&mut self, stanza: &Element) -> Result<(), Wrong> {
        if stanza.is("r", MANAGEMENT) {
            let came = self.came.to_string();
            return self.client.send(&Element::new("a", MANAGEMENT).attr("h", came)).await;
        }
        if stanza.is("a", MANAGEMENT) {
            let taken: u32 = stanza.get("h").and_then(|text| text.parse().ok()).unwrap_or(0);
            while self.open.front().is_some_and(|(count, _)| *count <= taken) {
                if let Some((_, number)) = self.open.pop_front() {
                    self.shared.ledger.acknowledged(number);
                }
            }
            return Ok(());
        }
        self.came = self.came.wrapping_add(1);
        if stanza.is("message", CLIENT)
            && let Some(number) = self.number(stanza)
        {
            self.shared.ledger.delivered(number);
            if self.last.is_some_and(|last| number < last) {
                self.shared.ledger.out_of_order();
            }
            self.last = self.last.max(Some(number));
        }
        self.client.answered(stanza).await.map(|_| ())
    }

    /// The number of a message of this run; others, such as those of an earlier run, are none of ours.
    fn number(&self, message: &Element) -> Option<usize> {
        message.get("id")?.strip_prefix(&*self.shared.run)?.strip_prefix('-')?.parse().ok()
    }
}
