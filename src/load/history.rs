//! Reading what came while one was away, page by page (XEP-0313), as a client does that was switched on again.

use super::crowd::Crowd;
use super::shared::Shared;
use crate::xmpp::{Client, Element, Wrong};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Messages of a page.
const PAGE: usize = 50;
const STANZA_ID: &str = "urn:xmpp:sid:0";

/// Where the history ends that a user knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    after: Option<String>,
}

impl Place {
    /// A message came and says where it stands in the history of `own`.
    pub(super) fn seen(&mut self, message: &Element, own: &str) {
        let id = message.find("stanza-id", STANZA_ID).filter(|id| id.get("by") == Some(own));
        if let Some(id) = id.and_then(|id| id.get("id")) {
            self.after = Some(id.to_owned());
        }
    }
}

/// Reads everything after a place, and moves it on.
pub(super) async fn read(client: &mut Client, place: &mut Place, shared: &Shared) -> Result<(), Wrong> {
    loop {
        let page = client.history(None, place.after.as_deref(), PAGE).await?;
        shared.seen().pages += 1;
        let own = client.bare();
        let others = page.messages.iter().filter(|message| {
            message.get("type") == Some("chat")
                && !message.get("from").is_some_and(|from| from.starts_with(own))
        });
        for number in others.filter_map(|message| shared.number(message.get("id")?)) {
            shared.ledger.found(number, 0);
        }
        if page.last.is_some() {
            place.after = page.last;
        }
        if page.next.is_none() {
            return Ok(());
        }
    }
}

/// Reads the whole history and notes what stands in it: each message must be there for who sent it and for who was to have it.
pub(super) async fn audit(client: &mut Client, shared: &Shared) -> Result<(), Wrong> {
    let mut after = None;
    loop {
        let page = client.history(None, after.as_deref(), PAGE).await?;
        let own = client.bare();
        for message in page.messages.iter().filter(|message| message.get("type") == Some("chat")) {
            let sent = message.get("from").is_some_and(|from| from.starts_with(own));
            if let Some(number) = message.get("id").and_then(|id| shared.number(id)) {
                shared.ledger.kept(number, sent);
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// Users who are absent, each with where his history ends.
pub(super) struct Absent {
    crowd: Arc<Crowd>,
    shared: Arc<Shared>,
    places: Vec<Mutex<Place>>,
}

impl Absent {
    pub(super) fn new(crowd: Arc<Crowd>, shared: Arc<Shared>) -> Arc<Self> {
        let places = (0..crowd.absent()).map(|_| Mutex::default()).collect();
        Arc::new(Self { crowd, shared, places })
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// The `nth` of them comes back at a moment, reads, and goes again; whether he was away.
    pub(super) fn return_of(self: &Arc<Self>, nth: usize, due: Instant) -> bool {
        let Some(at) = nth.checked_rem(self.places.len()) else { return false };
        if self.places[at].try_lock().is_err() {
            return false;
        }
        self.shared.under_way.fetch_add(1, Relaxed);
        let all = Arc::clone(self);
        tokio::spawn(async move {
            let mut place = all.places[at].lock().await;
            let done = all.comes(at, &mut place, due).await;
            all.shared.seen().history.note(done);
            all.shared.under_way.fetch_sub(1, Relaxed);
        });
        true
    }

    /// How long it took until all was there.
    async fn comes(&self, at: usize, place: &mut Place, due: Instant) -> Result<Duration, Wrong> {
        let user = self.crowd.online + at;
        let login = &self.crowd.logins[user];
        let mut client = Client::login(self.crowd.door(user), login, self.shared.within).await?;
        read(&mut client, place, &self.shared).await?;
        let took = due.elapsed();
        client.close().await;
        Ok(took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_server_says_where_a_message_stands() {
        let mut place = Place::default();
        let id = |by: &str, id: &str| Element::new("stanza-id", STANZA_ID).attr("by", by).attr("id", id);
        let message = |child| Element::new("message", "jabber:client").child(child);
        place.seen(&message(id("other@im", "9")), "me@im");
        assert_eq!(place.after, None);
        place.seen(&message(id("me@im", "7")), "me@im");
        assert_eq!(place.after.as_deref(), Some("7"));
    }
}
