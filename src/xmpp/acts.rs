//! What people do with a session: send and confirm messages, sit in rooms, read history, ask where to put a file.

use super::Wrong;
use super::client::Client;
use super::stream::CLIENT;
use super::xml::Element;
use tokio::time::Instant;

const RECEIPTS: &str = "urn:xmpp:receipts";
const MUC: &str = "http://jabber.org/protocol/muc";
const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";
const MUC_CONFIG: &str = "http://jabber.org/protocol/muc#roomconfig";
const FORMS: &str = "jabber:x:data";
const MAM: &str = "urn:xmpp:mam:2";
const RSM: &str = "http://jabber.org/protocol/rsm";
const FORWARD: &str = "urn:xmpp:forward:0";
const UPLOAD: &str = "urn:xmpp:http:upload:0";

/// A room as its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room(pub String);

/// One page of history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ArchivePage {
    /// Messages as they were sent, oldest first.
    pub messages: Vec<Element>,
    /// Where the next page begins; none when this was the last.
    pub next: Option<String>,
    /// Place of its last message; none when it is empty.
    pub last: Option<String>,
}

/// Where to put a file and where to fetch it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Address to put to.
    pub put: String,
    /// Address to fetch from.
    pub get: String,
    /// Headers that the put must carry.
    pub headers: Vec<(String, String)>,
}

impl Client {
    /// Sends a chat message and asks for a receipt; returns its id.
    pub async fn say(&mut self, to: &str, body: &str) -> Result<String, Wrong> {
        let id = self.fresh_id();
        let message = Element::new("message", CLIENT)
            .attr("type", "chat")
            .attr("to", to)
            .attr("id", &*id)
            .child(Element::new("body", CLIENT).text(body))
            .child(Element::new("request", RECEIPTS));
        self.send(&message).await?;
        Ok(id)
    }

    /// Waits for a message with this body and confirms it when it asks to be; returns it.
    pub async fn hear(&mut self, body: &str) -> Result<Element, Wrong> {
        let heard = self
            .wait("message", |stanza| {
                stanza.is("message", CLIENT) && stanza.own("body").is_some_and(|text| text.inner() == body)
            })
            .await?;
        if let (Some(from), Some(id), true) =
            (heard.get("from"), heard.get("id"), heard.find("request", RECEIPTS).is_some())
        {
            let receipt = Element::new("message", CLIENT)
                .attr("type", "chat")
                .attr("to", from)
                .child(Element::new("received", RECEIPTS).attr("id", id));
            self.send(&receipt).await?;
        }
        Ok(heard)
    }

    /// Waits until the other side confirmed the message of this id.
    pub async fn confirmed(&mut self, id: &str) -> Result<(), Wrong> {
        let confirms = |stanza: &Element| {
            stanza.is("message", CLIENT)
                && stanza.find("received", RECEIPTS).is_some_and(|received| received.get("id") == Some(id))
        };
        self.wait("receipt", confirms).await.map(|_| ())
    }

    /// Enters a room, makes it when it is not there, and opens a room just made with these settings beside the defaults.
    pub async fn enter(&mut self, room: &Room, nick: &str, settings: &[(&str, &str)]) -> Result<(), Wrong> {
        let seat = format!("{}/{nick}", room.0);
        let no_history = Element::new("history", MUC).attr("maxstanzas", "0");
        let presence = Element::new("presence", CLIENT)
            .attr("to", &*seat)
            .child(Element::new("x", MUC).child(no_history));
        self.send(&presence).await?;
        let own = self
            .wait("own presence in the room", |stanza| {
                stanza.is("presence", CLIENT) && stanza.get("from") == Some(&seat)
            })
            .await?;
        if own.get("type") == Some("error") {
            let condition = own.own("error").map(super::stream::condition).unwrap_or_default();
            return Err(Wrong::Condition { what: "enter the room".to_owned(), condition });
        }
        let made = own.find("x", MUC_USER).is_some_and(|x| {
            x.children().any(|status| status.name == "status" && status.get("code") == Some("201"))
        });
        if made {
            let mut form = Element::new("x", FORMS).attr("type", "submit");
            if !settings.is_empty() {
                form = form.child(field("FORM_TYPE", MUC_CONFIG).attr("type", "hidden"));
            }
            let form = settings.iter().fold(form, |form, (name, value)| form.child(field(name, value)));
            let question = Element::new("query", MUC_OWNER).child(form);
            self.request("set", Some(&room.0), question).await?;
        }
        Ok(())
    }

    /// Says something in a room.
    pub async fn tell(&mut self, room: &Room, body: &str) -> Result<(), Wrong> {
        let id = self.fresh_id();
        let message = Element::new("message", CLIENT)
            .attr("type", "groupchat")
            .attr("to", &*room.0)
            .attr("id", id)
            .child(Element::new("body", CLIENT).text(body));
        self.send(&message).await
    }

    /// Takes a room of one's own away.
    pub async fn destroy(&mut self, room: &Room) -> Result<(), Wrong> {
        let question = Element::new("query", MUC_OWNER).child(Element::new("destroy", MUC_OWNER));
        self.request("set", Some(&room.0), question).await.map(|_| ())
    }

    /// Fetches a page of one's own history, with somebody or all of it, oldest first, after the place given.
    pub async fn history(
        &mut self,
        with: Option<&str>,
        after: Option<&str>,
        page: usize,
    ) -> Result<ArchivePage, Wrong> {
        self.archived(None, (with, after), page).await
    }

    /// Asks for the first page of somebody else's history.
    pub async fn history_of(&mut self, owner: &str) -> Result<ArchivePage, Wrong> {
        self.archived(Some(owner), (None, None), 20).await
    }

    async fn archived(
        &mut self,
        owner: Option<&str>,
        (with, after): (Option<&str>, Option<&str>),
        page: usize,
    ) -> Result<ArchivePage, Wrong> {
        let query = self.fresh_id();
        let form = Element::new("x", FORMS)
            .attr("type", "submit")
            .child(field("FORM_TYPE", MAM).attr("type", "hidden"));
        let form = with.iter().fold(form, |form, with| form.child(field("with", with)));
        let mut window = Element::new("set", RSM).child(Element::new("max", RSM).text(page.to_string()));
        if let Some(after) = after {
            window = window.child(Element::new("after", RSM).text(after));
        }
        let question = Element::new("query", MAM).attr("queryid", &*query).child(form).child(window);
        let answer = self.request("set", owner, question).await?;
        let end = answer.find("fin", MAM).ok_or_else(|| Wrong::Answer("history has no end".to_owned()))?;
        let complete = end.get("complete") == Some("true");
        let last = end.find("set", RSM).and_then(|set| set.own("last")).map(Element::inner);
        let of_query = |stanza: &Element| {
            stanza.find("result", MAM).is_some_and(|result| result.get("queryid") == Some(&query))
        };
        let found = self.gather(Instant::now(), of_query).await?;
        let messages = found.iter().filter_map(forwarded).collect();
        Ok(ArchivePage { messages, next: if complete { None } else { last.clone() }, last })
    }

    /// Asks the upload service where a file may be put.
    pub async fn slot(&mut self, service: &str, name: &str, size: u64) -> Result<Slot, Wrong> {
        let answer = self.request("get", Some(service), Slot::question(name, size)).await?;
        Slot::read(&answer)
    }
}

impl Slot {
    /// Asks where a file of so many bytes may be put.
    pub fn question(name: &str, size: u64) -> Element {
        Element::new("request", UPLOAD)
            .attr("filename", name)
            .attr("size", size.to_string())
            .attr("content-type", "application/octet-stream")
    }

    /// Reads the answer.
    pub fn read(answer: &Element) -> Result<Self, Wrong> {
        let slot =
            answer.find("slot", UPLOAD).ok_or_else(|| Wrong::Answer("no slot was given".to_owned()))?;
        let address = |name: &str| slot.own(name).and_then(|part| part.get("url")).map(ToOwned::to_owned);
        let (Some(put), Some(get)) = (address("put"), address("get")) else {
            return Err(Wrong::Answer("the slot lacks an address".to_owned()));
        };
        let headers = slot.own("put").map(headers).unwrap_or_default();
        Ok(Self { put, get, headers })
    }
}

fn field(name: &str, value: &str) -> Element {
    Element::new("field", FORMS).attr("var", name).child(Element::new("value", FORMS).text(value))
}

fn forwarded(stanza: &Element) -> Option<Element> {
    let result = stanza.find("result", MAM)?;
    result.find("forwarded", FORWARD)?.find("message", CLIENT).cloned()
}

/// XEP-0363 allows three headers and no line breaks in them.
fn headers(put: &Element) -> Vec<(String, String)> {
    put.children()
        .filter(|header| header.name == "header")
        .filter_map(|header| Some((header.get("name")?.to_owned(), header.inner().replace(['\r', '\n'], ""))))
        .filter(|(name, _)| {
            ["authorization", "cookie", "expires"].contains(&name.to_ascii_lowercase().as_str())
        })
        .collect()
}
