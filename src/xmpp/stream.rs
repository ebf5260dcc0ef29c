//! A stream to the service: connect to a given address, TLS with the domain's name, stanzas out and in. Every wait
//! has a deadline. It knows nothing of logins.

use super::framer::{Framer, Incoming};
use super::xml::Element;
use super::{Wrong, tls};
use rustls::ClientConfig;
use std::io::ErrorKind;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::client::TlsStream;

/// The namespace of stanzas.
pub(super) const CLIENT: &str = "jabber:client";
pub(super) const STREAMS: &str = "http://etherx.jabber.org/streams";
const STARTTLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
/// More than any server's own limit; what is larger is not meant well.
const MAX_STANZA: usize = 1 << 20;

/// Where and how to come in: an address, and the domain whose name the certificate must carry.
#[derive(Clone)]
pub struct Door {
    /// Address to connect to, whatever the domain's DNS says.
    pub address: SocketAddr,
    /// Domain of the service.
    pub domain: String,
    /// TLS from the first byte; else the stream is upgraded.
    pub direct_tls: bool,
    /// Roots that are trusted.
    pub tls: Arc<ClientConfig>,
}

enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Closed,
}

impl Socket {
    async fn read(&mut self, framer: &mut Framer) -> std::io::Result<usize> {
        match self {
            Self::Plain(socket) => some_bytes(socket, framer).await,
            Self::Tls(socket) => some_bytes(socket, framer).await,
            Self::Closed => Ok(0),
        }
    }
}

/// An open stream: stanzas out, stanzas in.
pub struct Stream {
    socket: Socket,
    framer: Framer,
    domain: String,
    within: Duration,
}

impl Stream {
    /// Connects, secures the stream, opens it, and returns it with the server's features. `within` is the limit of
    /// this and of every later wait.
    pub async fn open(door: &Door, within: Duration) -> Result<(Self, Element), Wrong> {
        let until = Instant::now() + within;
        let address = door.address;
        let tcp = timeout_at(until, TcpStream::connect(address))
            .await
            .map_err(|_| Wrong::Late { what: format!("connection to {address}"), within })?
            .map_err(|cause| Wrong::Network(format!("cannot connect to {address}: {cause}")))?;
        tcp.set_nodelay(true).map_err(|cause| Wrong::Network(cause.to_string()))?;
        let mut stream = Self {
            socket: Socket::Plain(tcp),
            framer: Framer::new(MAX_STANZA),
            domain: door.domain.clone(),
            within,
        };
        if door.direct_tls {
            stream.secure(door, until).await?;
        } else {
            stream.upgrade(door, until).await?;
        }
        let features = stream.header(until).await?;
        Ok((stream, features))
    }

    async fn upgrade(&mut self, door: &Door, until: Instant) -> Result<(), Wrong> {
        let features = self.header(until).await?;
        if features.find("starttls", STARTTLS).is_none() {
            return Err(Wrong::Tls(format!("{} offers no STARTTLS", door.address)));
        }
        self.send(&Element::new("starttls", STARTTLS)).await?;
        let answer = self.stanza("STARTTLS answer", until).await?;
        if !answer.is("proceed", STARTTLS) {
            return Err(Wrong::Tls(format!("STARTTLS was answered by `{}`", answer.name)));
        }
        self.secure(door, until).await
    }

    /// What came before TLS is worth nothing: a fresh cutter, so that nothing can be slipped in.
    async fn secure(&mut self, door: &Door, until: Instant) -> Result<(), Wrong> {
        let Socket::Plain(tcp) = std::mem::replace(&mut self.socket, Socket::Closed) else {
            return Err(Wrong::Tls("the stream is secured already".to_owned()));
        };
        self.framer = Framer::new(MAX_STANZA);
        let name = tls::name(&door.domain)?;
        let connecting = tokio_rustls::TlsConnector::from(Arc::clone(&door.tls)).connect(name, tcp);
        let stream = timeout_at(until, connecting)
            .await
            .map_err(|_| Wrong::Late { what: "TLS handshake".to_owned(), within: self.within })?
            .map_err(|cause| Wrong::Tls(tls::reason(&cause)))?;
        self.socket = Socket::Tls(Box::new(stream));
        Ok(())
    }

    /// Opens the stream (again) and returns the features; a login starts a stream anew.
    pub(super) async fn restart(&mut self) -> Result<Element, Wrong> {
        self.framer = Framer::new(MAX_STANZA);
        self.header(Instant::now() + self.within).await
    }

    async fn header(&mut self, until: Instant) -> Result<Element, Wrong> {
        let mut to = String::new();
        Element::new("to", "").text(&self.domain).write("", &mut to);
        let to = to.trim_start_matches("<to>").trim_end_matches("</to>");
        let header = format!(
            "<?xml version='1.0'?><stream:stream to='{to}' version='1.0' xml:lang='en' xmlns='{CLIENT}' xmlns:stream='{STREAMS}'>"
        );
        self.write(header.as_bytes()).await?;
        match self.incoming("stream header", Some(until)).await? {
            Incoming::Open(open) if open.is("stream", STREAMS) => {}
            _ => return Err(Wrong::Xml("no stream header".to_owned())),
        }
        let features = self.stanza("stream features", until).await?;
        if !features.is("features", STREAMS) {
            return Err(Wrong::Xml(format!("`{}` where stream features belong", features.name)));
        }
        Ok(features)
    }

    /// The limit of each wait.
    pub fn within(&self) -> Duration {
        self.within
    }

    /// Sends a stanza.
    pub async fn send(&mut self, element: &Element) -> Result<(), Wrong> {
        let mut text = String::new();
        element.write(CLIENT, &mut text);
        self.write(text.as_bytes()).await
    }

    /// Sends stanzas as they stand on the wire, in one write.
    pub(super) async fn send_text(&mut self, text: &str) -> Result<(), Wrong> {
        self.write(text.as_bytes()).await
    }

    /// The next stanza; `what` names it in the error should it not come in time. An error of the stream is an error.
    pub async fn stanza(&mut self, what: &str, until: Instant) -> Result<Element, Wrong> {
        self.arrive(what, Some(until)).await
    }

    /// The next stanza, in time or whenever it comes.
    pub(super) async fn arrive(&mut self, what: &str, until: Option<Instant>) -> Result<Element, Wrong> {
        match self.incoming(what, until).await? {
            Incoming::Stanza(element) if element.is("error", STREAMS) => {
                Err(Wrong::Ended(condition(&element)))
            }
            Incoming::Stanza(element) => Ok(element),
            Incoming::Close => Err(Wrong::Ended("without a reason".to_owned())),
            Incoming::Open(_) => Err(Wrong::Xml("a stream header within the stream".to_owned())),
        }
    }

    async fn incoming(&mut self, what: &str, until: Option<Instant>) -> Result<Incoming, Wrong> {
        let late = || Wrong::Late { what: what.to_owned(), within: self.within };
        loop {
            if let Some(incoming) = self.framer.pull()? {
                return Ok(incoming);
            }
            let reading = self.socket.read(&mut self.framer);
            let read = match until {
                Some(until) => timeout_at(until, reading).await.map_err(|_| late())?,
                None => reading.await,
            };
            match read {
                Ok(0) => return Err(closed()),
                Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => return Err(closed()),
                Ok(_) => {}
                Err(cause) => return Err(Wrong::Network(format!("the connection broke: {cause}"))),
            }
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        let until = Instant::now() + self.within;
        let sent = match &mut self.socket {
            Socket::Plain(socket) => timeout_at(until, all_bytes(socket, bytes)).await,
            Socket::Tls(socket) => timeout_at(until, all_bytes(socket, bytes)).await,
            Socket::Closed => return Err(Wrong::Network("the connection is closed".to_owned())),
        };
        sent.map_err(|_| Wrong::Late { what: "room to send".to_owned(), within: self.within })?
            .map_err(|cause| Wrong::Network(format!("the connection broke: {cause}")))
    }

    /// The value that binds a login to this TLS connection (RFC 9266); none without TLS.
    pub(super) fn exporter(&self) -> Option<Vec<u8>> {
        let Socket::Tls(socket) = &self.socket else { return None };
        let (_, connection) = socket.get_ref();
        connection.export_keying_material(vec![0u8; 32], b"EXPORTER-Channel-Binding", Some(b"")).ok()
    }

    /// What TLS was agreed on, and the certificate shown; none without TLS.
    pub fn agreed(&self) -> Option<tls::Agreed> {
        let Socket::Tls(socket) = &self.socket else { return None };
        let (_, connection) = socket.get_ref();
        Some(tls::Agreed::of(connection))
    }

    /// Ends the stream as the protocol asks, and waits a moment for the other side to do so.
    pub async fn close(mut self) {
        let until = Instant::now() + self.within.min(Duration::from_secs(2));
        if self.write(b"</stream:stream>").await.is_ok() {
            while let Ok(Incoming::Stanza(_)) = self.incoming("stream end", Some(until)).await {}
        }
        if let Socket::Tls(socket) = &mut self.socket {
            // A peer that is gone already needs no farewell.
            let _ = timeout_at(until, socket.shutdown()).await;
        }
    }
}

/// Reads what is there, through memory on the stack that nobody clears: an idle session holds no buffer of ours.
async fn some_bytes(socket: &mut (impl AsyncRead + Unpin), framer: &mut Framer) -> std::io::Result<usize> {
    std::future::poll_fn(|context| {
        let mut space = [MaybeUninit::uninit(); 8192];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut *socket).poll_read(context, &mut buffer))?;
        framer.push(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}

async fn all_bytes(socket: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> std::io::Result<()> {
    socket.write_all(bytes).await?;
    socket.flush().await
}

/// The condition and text of an error element, in a few words.
pub fn condition(error: &Element) -> String {
    let mut words: Vec<String> = Vec::new();
    for child in error.children().take(3) {
        let text = child.inner();
        let word = if child.name == "text" { text } else { child.name.clone() };
        words.push(word.chars().filter(|c| !c.is_control()).take(200).collect());
    }
    if words.is_empty() { "no reason given".to_owned() } else { words.join(", ") }
}
fn closed() -> Wrong {
    Wrong::Network("the server closed the connection".to_owned())
}
