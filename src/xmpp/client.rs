//! One session of one user: login, requests with their answers, and what arrives in between. It knows nothing of
//! what people do with a session; that is `acts`.

use super::managed::{self, Counted};
use super::sasl::{Exchange, Proof};
use super::stream::{CLIENT, Door, Stream, condition};
use super::xml::Element;
use super::{Wrong, tls};
use crate::base::Secret;
use base64::{Engine, engine::general_purpose::STANDARD};
use rand::Rng;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
const CHANNEL_BINDING: &str = "urn:xmpp:sasl-cb:0";
const PING: &str = "urn:xmpp:ping";
/// Stanzas kept for later while something else is awaited; the oldest go first.
const INBOX: usize = 1024;

/// Who logs in.
#[derive(Clone)]
pub struct Login {
    /// Account name, without domain.
    pub user: String,
    /// What proves it.
    pub proof: Proof,
    /// Resource wished for; the server may choose another.
    pub resource: String,
}

/// One session.
pub struct Client {
    stream: Stream,
    jid: String,
    mechanism: &'static str,
    inbox: VecDeque<Element>,
    serial: u32,
    run: String,
    /// Stanzas since both sides count them.
    pub(super) counted: Option<Counted>,
}

impl Client {
    /// Connects, logs in and binds a resource. No presence is sent yet.
    pub async fn login(door: &Door, login: &Login, within: Duration) -> Result<Self, Wrong> {
        let (mut stream, features) = Stream::open(door, within).await?;
        let mechanism = authenticate(&mut stream, &features, login).await?;
        stream.restart().await?;
        let mut client = Self {
            stream,
            jid: String::new(),
            mechanism,
            inbox: VecDeque::new(),
            serial: 0,
            run: format!("{:08x}", rand::rng().random::<u32>()),
            counted: None,
        };
        // Two sessions under one name would end each other, and in a cluster not always the older one goes.
        let resource = format!("{}-{}", login.resource, client.run);
        let wish = Element::new("bind", BIND).child(Element::new("resource", BIND).text(resource));
        let answer = client.request("set", None, wish).await?;
        let jid = answer.find("bind", BIND).and_then(|bind| bind.own("jid")).map(Element::inner);
        client.jid =
            jid.filter(|jid| !jid.is_empty()).ok_or_else(|| Wrong::Answer("no JID was bound".to_owned()))?;
        Ok(client)
    }

    /// Full address of this session.
    pub fn jid(&self) -> &str {
        &self.jid
    }

    /// Address of the account.
    pub fn bare(&self) -> &str {
        self.jid.split('/').next().unwrap_or_default()
    }

    /// Resource of this session.
    pub fn resource(&self) -> &str {
        self.jid.split_once('/').map_or("", |(_, resource)| resource)
    }

    /// The mechanism that was used.
    pub fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// What TLS was agreed on.
    pub fn agreed(&self) -> Option<tls::Agreed> {
        self.stream.agreed()
    }

    /// An id that no other stanza of this or another run has.
    pub fn fresh_id(&mut self) -> String {
        self.serial += 1;
        format!("imctl-{}-{}", self.run, self.serial)
    }

    /// Says that this session takes messages.
    pub async fn available(&mut self) -> Result<(), Wrong> {
        self.send(&Element::new("presence", CLIENT)).await
    }

    /// Asks the server a trifle and waits for the answer: what was sent before has been handled.
    pub async fn round_trip(&mut self) -> Result<(), Wrong> {
        match self.request("get", None, Element::new("ping", PING)).await {
            Ok(_) | Err(Wrong::Condition { .. }) => Ok(()),
            Err(wrong) => Err(wrong),
        }
    }

    /// Sends a stanza.
    pub async fn send(&mut self, stanza: &Element) -> Result<(), Wrong> {
        self.stream.send(stanza).await?;
        self.count_sent(managed::is_counted(stanza));
        Ok(())
    }

    /// Sends one stanza as it stands on the wire, with what goes out in the same write.
    pub async fn send_text(&mut self, text: &str) -> Result<(), Wrong> {
        self.stream.send_text(text).await?;
        self.count_sent(true);
        Ok(())
    }

    /// The next thing of the first level that arrives, counted.
    async fn arrive(&mut self, what: &str, until: Option<Instant>) -> Result<Element, Wrong> {
        let stanza = self.stream.arrive(what, until).await?;
        self.count_came(managed::is_counted(&stanza));
        Ok(stanza)
    }

    /// Sends bytes as they are, which need not be a stanza.
    pub async fn throw(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        self.stream.write(bytes).await
    }

    /// Asks and waits for the answer; an error is `Wrong::Condition`. What arrives in between is kept.
    pub async fn request(
        &mut self,
        kind: &str,
        to: Option<&str>,
        question: Element,
    ) -> Result<Element, Wrong> {
        let id = self.fresh_id();
        let what = question.name.clone();
        let mut iq = Element::new("iq", CLIENT).attr("type", kind).attr("id", &*id);
        if let Some(to) = to {
            iq = iq.attr("to", to);
        }
        self.send(&iq.child(question)).await?;
        let own = self.jid.clone();
        let answers = |stanza: &Element| {
            stanza.is("iq", CLIENT)
                && stanza.get("id") == Some(&id)
                && matches!(stanza.get("type"), Some("result" | "error"))
                && comes_from(stanza.get("from"), to, &own)
        };
        let answer = self.wait(&format!("answer to `{what}`"), answers).await?;
        if answer.get("type") == Some("result") {
            return Ok(answer);
        }
        let condition = answer.own("error").map_or_else(|| "no reason given".to_owned(), condition);
        Err(Wrong::Condition { what, condition })
    }

    /// Waits, within the stream's limit, for a stanza that fits; others are kept for later, pings are answered.
    pub async fn wait(&mut self, what: &str, fits: impl Fn(&Element) -> bool) -> Result<Element, Wrong> {
        if let Some(at) = self.inbox.iter().position(&fits) {
            return self.inbox.remove(at).ok_or_else(|| Wrong::Answer("the inbox shrank".to_owned()));
        }
        let until = Instant::now() + self.stream.within();
        loop {
            let stanza = self.arrive(what, Some(until)).await?;
            if fits(&stanza) {
                return Ok(stanza);
            }
            self.keep(stanza).await?;
        }
    }

    /// Takes in what has arrived until `until`, and returns everything kept so far that fits.
    pub async fn gather(
        &mut self,
        until: Instant,
        fits: impl Fn(&Element) -> bool,
    ) -> Result<Vec<Element>, Wrong> {
        loop {
            match self.arrive("more", Some(until)).await {
                Ok(stanza) => self.keep(stanza).await?,
                Err(Wrong::Late { .. }) => break,
                Err(other) => return Err(other),
            }
        }
        let (taken, left): (Vec<_>, Vec<_>) = self.inbox.drain(..).partition(|stanza| fits(stanza));
        self.inbox = left.into();
        Ok(taken)
    }

    /// The next stanza, whatever it is, whenever it comes; it may be given up at any moment without losing anything.
    pub async fn next(&mut self) -> Result<Element, Wrong> {
        match self.inbox.pop_front() {
            Some(stanza) => Ok(stanza),
            None => self.arrive("stanza", None).await,
        }
    }

    /// Answers what wants an answer, such as a ping or the question how many stanzas came; whether it was that.
    pub async fn answered(&mut self, stanza: &Element) -> Result<bool, Wrong> {
        if managed::asks(stanza) {
            self.say_how_many_came().await?;
            return Ok(true);
        }
        let asks = stanza.is("iq", CLIENT) && matches!(stanza.get("type"), Some("get" | "set"));
        if asks {
            self.answer(stanza).await?;
        }
        Ok(asks)
    }

    async fn keep(&mut self, stanza: Element) -> Result<(), Wrong> {
        if self.answered(&stanza).await? {
            return Ok(());
        }
        if self.inbox.len() == INBOX {
            self.inbox.pop_front();
        }
        self.inbox.push_back(stanza);
        Ok(())
    }

    /// Answers a ping; says of anything else that it is not known here.
    async fn answer(&mut self, asked: &Element) -> Result<(), Wrong> {
        let ping = asked.find("ping", PING).is_some();
        let mut answer = Element::new("iq", CLIENT).attr("id", asked.get("id").unwrap_or_default());
        if let Some(from) = asked.get("from") {
            answer = answer.attr("to", from);
        }
        if ping {
            return self.send(&answer.attr("type", "result")).await;
        }
        let why = Element::new("service-unavailable", "urn:ietf:params:xml:ns:xmpp-stanzas");
        let error = Element::new("error", CLIENT).attr("type", "cancel").child(why);
        self.send(&answer.attr("type", "error").child(error)).await
    }

    /// Ends the session cleanly.
    pub async fn close(mut self) {
        // Being gone already is as good as saying goodbye.
        let _ = self.send(&Element::new("presence", CLIENT).attr("type", "unavailable")).await;
        self.stream.close().await;
    }
}

/// Whether an answer comes from whom was asked. Our own server answers for itself without a sender, or as our account.
fn comes_from(from: Option<&str>, asked: Option<&str>, own: &str) -> bool {
    match (from, asked) {
        (Some(from), Some(asked)) => from == asked,
        (None, None) => true,
        (Some(from), None) => {
            own.starts_with(from) || own.split(['@', '/']).any(|part| part == from) || own.is_empty()
        }
        (None, Some(_)) => false,
    }
}

async fn authenticate(stream: &mut Stream, features: &Element, login: &Login) -> Result<&'static str, Wrong> {
    let offered: Vec<String> = features
        .find("mechanisms", SASL)
        .map(|list| list.children().filter(|one| one.name == "mechanism").map(Element::inner).collect())
        .unwrap_or_default();
    if let Proof::Plain(password) = &login.proof {
        return give(stream, &offered, &login.user, password).await;
    }
    let exporter_offered = features
        .find("sasl-channel-binding", CHANNEL_BINDING)
        .is_some_and(|list| list.children().any(|one| one.get("type") == Some("tls-exporter")));
    let plus = exporter_offered && offered.iter().any(|name| name == "SCRAM-SHA-256-PLUS");
    let binding = if plus { stream.exporter() } else { None };
    let mut exchange = Exchange::new(&login.user, binding);
    if !offered.iter().any(|name| name == exchange.mechanism()) {
        return Err(Wrong::Refused(format!("no {} among {}", exchange.mechanism(), offered.join(", "))));
    }
    let first = STANDARD.encode(exchange.first());
    stream.send(&Element::new("auth", SASL).attr("mechanism", exchange.mechanism()).text(first)).await?;
    let challenge = sasl_step(stream, "challenge").await?;
    let answer = exchange.answer(&challenge, &login.proof)?;
    stream.send(&Element::new("response", SASL).text(STANDARD.encode(answer))).await?;
    let last = sasl_step(stream, "success").await?;
    exchange.verify(&last)?;
    Ok(exchange.mechanism())
}

/// Gives the server the password as it is; the stream is TLS already, as every stream here.
async fn give(
    stream: &mut Stream,
    offered: &[String],
    user: &str,
    password: &Secret<String>,
) -> Result<&'static str, Wrong> {
    if !offered.iter().any(|name| name == "PLAIN") {
        return Err(Wrong::Refused(format!("no PLAIN among {}", offered.join(", "))));
    }
    let text = STANDARD.encode(format!("\0{user}\0{}", password.expose()));
    stream.send(&Element::new("auth", SASL).attr("mechanism", "PLAIN").text(text)).await?;
    sasl_step(stream, "success").await.map(|_| "PLAIN")
}

async fn sasl_step(stream: &mut Stream, wanted: &str) -> Result<String, Wrong> {
    let until = Instant::now() + stream.within();
    let stanza = stream.stanza("login answer", until).await?;
    if stanza.is("failure", SASL) {
        return Err(Wrong::Refused(condition(&stanza)));
    }
    if !stanza.is(wanted, SASL) {
        return Err(Wrong::Impostor(format!("`{}` where `{wanted}` belongs", stanza.name)));
    }
    let bytes =
        STANDARD.decode(stanza.inner().trim()).map_err(|_| Wrong::Impostor("bad base64".to_owned()))?;
    String::from_utf8(bytes).map_err(|_| Wrong::Impostor("its message is no text".to_owned()))
}
