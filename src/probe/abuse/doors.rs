//! What the doors offer to somebody without an account: mechanisms, registration, and what passes before TLS.

use super::super::proof::{Entrance, People, Service};
use super::{of, on};
use crate::base::Secret;
use crate::checks::{Outcome, Said};
use crate::xmpp::{Client, Door, Element, Login, Proof, Stream, Wrong};
use futures_util::future::join_all;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// A server that says nothing for so long says nothing.
const QUIET: Duration = Duration::from_millis(1500);
/// Mechanisms that hand the password over, or need none.
const WEAK: [&str; 7] =
    ["PLAIN", "LOGIN", "DIGEST-MD5", "CRAM-MD5", "X-OAUTH2", "X-GOOGLE-TOKEN", "X-FACEBOOK-PLATFORM"];

pub(super) async fn try_all(service: &Service) -> Vec<Said> {
    let each = service.entrances.iter().map(|entrance| async move {
        let mut said = offered(entrance, service.within).await;
        if !entrance.door.direct_tls {
            said.extend(before_tls(entrance).await);
        }
        said
    });
    join_all(each).await.into_iter().flatten().collect()
}

fn place(entrance: &Entrance, words: &str) -> String {
    format!("port {}: {words}", entrance.door.address.port())
}

/// What is offered once TLS stands.
async fn offered(entrance: &Entrance, within: Duration) -> Vec<Said> {
    let host = &entrance.host;
    let ids = ["AUTH-01", "AUTH-02", "AUTH-03", "AUTH-04"];
    let (mut stream, features) = match Stream::open(&entrance.door, within).await {
        Ok(open) => open,
        Err(wrong) => {
            let unknown = |id: &&str| on(id, host, Outcome::Unknown(place(entrance, &wrong.to_string())));
            return ids.iter().map(unknown).collect();
        }
    };
    let names: Vec<String> = features
        .find("mechanisms", SASL)
        .map(|list| list.children().map(Element::inner).collect())
        .unwrap_or_default();
    let scram = names.iter().any(|name| name.starts_with("SCRAM-"));
    // A directory may need PLAIN; then it is the only way in, and TLS protects it.
    let weak = |name: &&String| WEAK.contains(&name.as_str()) && (scram || name.as_str() != "PLAIN");
    let weak: Vec<String> = names.iter().filter(weak).cloned().collect();
    let list = place(entrance, &names.join(", "));
    let bound = names.iter().any(|name| name == "SCRAM-SHA-256-PLUS" || name == "SCRAM-SHA-512-PLUS");
    let mut said =
        vec![on("AUTH-01", host, Outcome::judged(weak.is_empty() && !names.is_empty(), list.clone()))];
    said.push(on(
        "AUTH-02",
        host,
        if scram {
            Outcome::judged(bound, list)
        } else {
            Outcome::Open("accounts of a directory".to_owned())
        },
    ));
    let free: Vec<String> =
        names.into_iter().filter(|name| name == "ANONYMOUS" || name == "EXTERNAL").collect();
    said.push(on("AUTH-04", host, Outcome::none_of(&free, place(entrance, "neither is offered"))));
    said.push(on("AUTH-03", host, registration(entrance, &mut stream, &features).await));
    stream.close().await;
    said
}

async fn registration(entrance: &Entrance, stream: &mut Stream, features: &Element) -> Outcome {
    if features.find("register", "http://jabber.org/features/iq-register").is_some() {
        return Outcome::Bad(place(entrance, "offered"));
    }
    let query = Element::new("iq", "jabber:client")
        .attr("type", "get")
        .attr("id", "register")
        .attr("to", entrance.door.domain.clone())
        .child(Element::new("query", "jabber:iq:register"));
    if let Err(wrong) = stream.send(&query).await {
        return Outcome::Good(place(entrance, &wrong.to_string()));
    }
    match stream.stanza("an answer", Instant::now() + QUIET).await {
        Ok(answer) if answer.name == "iq" && answer.get("type") == Some("result") => {
            Outcome::Bad(place(entrance, "a form is given to anybody"))
        }
        Ok(_) => Outcome::Good(place(entrance, "not offered, refused")),
        Err(wrong) => Outcome::Good(place(entrance, &format!("not offered; {wrong}"))),
    }
}

/// What passes before TLS, and what is slipped in behind STARTTLS.
async fn before_tls(entrance: &Entrance) -> Vec<Said> {
    let login = match plain_login(&entrance.door).await {
        Ok(outcome) => outcome,
        Err(wrong) => Outcome::Unknown(wrong),
    };
    let slipped = match slipped_in(&entrance.door).await {
        Ok(outcome) => outcome,
        Err(wrong) => Outcome::Unknown(wrong),
    };
    vec![on("CRYPT-13", &entrance.host, login), on("CRYPT-12", &entrance.host, slipped)]
}

fn header(domain: &str) -> String {
    format!(
        "<?xml version='1.0'?><stream:stream to='{domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
    )
}

async fn opened(door: &Door) -> Result<(TcpStream, String), String> {
    let mut socket = timeout(Duration::from_secs(5), TcpStream::connect(door.address))
        .await
        .map_err(|_| "no connection in time".to_owned())?
        .map_err(|cause| cause.to_string())?;
    socket.write_all(header(&door.domain).as_bytes()).await.map_err(|cause| cause.to_string())?;
    let features = heard(&mut socket, "</stream:features>").await;
    if !features.contains("</stream:features>") {
        return Err("the server ended the stream before it said what it offers".to_owned());
    }
    Ok((socket, features))
}

/// What comes until a word, a pause or the end.
async fn heard(socket: &mut TcpStream, until: &str) -> String {
    let mut text = String::new();
    let mut piece = [0u8; 4096];
    while !text.contains(until) && text.len() < 1 << 16 {
        match timeout(QUIET, socket.read(&mut piece)).await {
            Ok(Ok(count)) if count > 0 => text.push_str(&String::from_utf8_lossy(&piece[..count])),
            _ => break,
        }
    }
    text
}

async fn plain_login(door: &Door) -> Result<Outcome, String> {
    let (mut socket, features) = opened(door).await?;
    if features.contains("<mechanisms") {
        return Ok(Outcome::Bad("mechanisms are offered before TLS".to_owned()));
    }
    // A name that no account has, so that nobody's failures are counted.
    let auth = format!(
        "<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>biwsbj1pbWN0bC1zY2FuLW5vYm9keSxyPWltY3Rs</auth>"
    );
    socket.write_all(auth.as_bytes()).await.map_err(|cause| cause.to_string())?;
    let answer = heard(&mut socket, "</stream:stream>").await;
    if answer.contains("<challenge") || answer.contains("<success") {
        return Ok(Outcome::Bad("a login is taken before TLS".to_owned()));
    }
    Ok(Outcome::Good("not offered, refused".to_owned()))
}

/// Plain text sent in one piece with STARTTLS must not be answered once TLS stands.
async fn slipped_in(door: &Door) -> Result<Outcome, String> {
    let (mut socket, features) = opened(door).await?;
    if !features.contains("urn:ietf:params:xml:ns:xmpp-tls") {
        return Ok(Outcome::Bad("STARTTLS is not offered".to_owned()));
    }
    let words = format!("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>{}", header(&door.domain));
    socket.write_all(words.as_bytes()).await.map_err(|cause| cause.to_string())?;
    let answer = heard(&mut socket, "<proceed").await;
    if !answer.contains("<proceed") {
        return Ok(Outcome::Good("the stream is ended".to_owned()));
    }
    let name =
        rustls::pki_types::ServerName::try_from(door.domain.clone()).map_err(|cause| cause.to_string())?;
    let connector = tokio_rustls::TlsConnector::from(door.tls.clone());
    let Ok(Ok(mut stream)) = timeout(Duration::from_secs(5), connector.connect(name, socket)).await else {
        return Ok(Outcome::Good("TLS does not come about".to_owned()));
    };
    let mut piece = [0u8; 256];
    match timeout(QUIET, stream.read(&mut piece)).await {
        Ok(Ok(count)) if count > 0 => Ok(Outcome::Bad("it is answered once TLS stands".to_owned())),
        _ => Ok(Outcome::Good("thrown away".to_owned())),
    }
}

/// An empty password, and whether unknown names are told from known ones.
pub(super) async fn logins(service: &Service, door: &Door, people: &People) -> Vec<Said> {
    let with = |user: &str, password: &str| Login {
        user: user.to_owned(),
        proof: Proof::Password(Secret::new(password.to_owned())),
        resource: "scan".to_owned(),
    };
    let unknown = Client::login(door, &with("imctl-scan-nobody", "not-the-password"), service.within).await;
    let known = Client::login(door, &with(&people.one.user, "not-the-password"), service.within).await;
    let empty = Client::login(door, &with(&people.one.user, ""), service.within).await;
    let word = |result: &Result<Client, Wrong>| match result {
        Ok(_) => "let in".to_owned(),
        Err(wrong) => wrong.to_string(),
    };
    let same = word(&unknown) == word(&known);
    let seen =
        if same { word(&known) } else { format!("unknown: {}; known: {}", word(&unknown), word(&known)) };
    let empty = match empty {
        Ok(client) => {
            client.close().await;
            Outcome::Bad("it was let in".to_owned())
        }
        Err(Wrong::Refused(why)) => Outcome::Good(why),
        Err(other) => Outcome::Unknown(other.to_string()),
    };
    let mut said = vec![of("AUTH-06", empty), of("AUTH-05", Outcome::judged(same, seen))];
    // A good login takes the failures of this address away again.
    if let Err(wrong) = super::stands(door, people, service).await {
        said.push(of("AUTH-06", Outcome::Unknown(format!("afterwards nobody gets in: {wrong}"))));
    }
    said
}
