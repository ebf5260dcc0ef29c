//! Stanzas that no client sends: too large, too deep, no text, entities, another's name. The service must stand afterwards.

use super::super::proof::{People, Service};
use super::{of, stands, untried};
use crate::checks::{Outcome, Said};
use crate::xmpp::{Client, Door, Element, Login, Wrong};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

const LARGE: usize = 1 << 20;
/// Deep enough to tell whether nesting is bounded, and far from what has ended servers: a try must do no harm.
const DEEP: usize = 1_000;
/// A server slows senders down; it must have refused by then.
const PATIENCE: Duration = Duration::from_secs(12);

pub(super) async fn try_all(service: &Service, door: &Door, people: &People) -> Vec<Said> {
    let large = format!("<message to='{}'><body>{}</body></message>", service.domain, "a".repeat(LARGE));
    let deep =
        format!("<message to='{}'>{}{}</message>", service.domain, "<a>".repeat(DEEP), "</a>".repeat(DEEP));
    let garbled = [&b"<message><body>"[..], &[0xff, 0xfe, 0xc0, 0x80], b"</body></message>"].concat();
    let entity = b"<!DOCTYPE m [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><message><body>&b;</body></message>";
    let tries: [(&str, &[u8], bool); 4] = [
        ("CHAT-02", large.as_bytes(), true),
        ("CHAT-03", deep.as_bytes(), false),
        ("CHAT-04", &garbled, true),
        ("CHAT-05", entity, true),
    ];
    let mut said = Vec::new();
    let each = tries.map(|(id, bytes, must_end)| async move {
        let outcome = match thrown(service, door, people, bytes).await {
            Ok(ended) => match stands(door, people, service).await {
                Ok(()) => {
                    Outcome::judged(ended.is_some() || !must_end, ended.unwrap_or_else(|| "taken".to_owned()))
                }
                Err(wrong) => Outcome::Bad(format!("afterwards nobody gets in: {wrong}")),
            },
            Err(wrong) => Outcome::Unknown(format!("could not be tried: {wrong}")),
        };
        of(id, outcome)
    });
    said.extend(futures_util::future::join_all(each).await);
    match forged(service, door, people).await {
        Ok(outcome) => said.push(of("CHAT-06", outcome)),
        Err(wrong) => said.extend(untried(&["CHAT-06"], &wrong)),
    }
    said
}

fn late() -> Wrong {
    Wrong::Late { what: "answer".to_owned(), within: PATIENCE }
}

/// How the stream ended after these bytes; none when it goes on.
async fn thrown(
    service: &Service,
    door: &Door,
    people: &People,
    bytes: &[u8],
) -> Result<Option<String>, Wrong> {
    let login = Login { resource: format!("scan-{}", bytes.len()), ..people.one.clone() };
    let mut client = Client::login(door, &login, service.within).await?;
    let until = Instant::now() + PATIENCE;
    if let Err(wrong) = client.throw(bytes).await {
        return Ok(Some(wrong.to_string()));
    }
    let ping = Element::new("iq", "jabber:client")
        .attr("type", "get")
        .attr("id", "still-there")
        .attr("to", service.domain.clone())
        .child(Element::new("ping", "urn:xmpp:ping"));
    if let Err(wrong) = client.send(&ping).await {
        return Ok(Some(wrong.to_string()));
    }
    loop {
        match timeout_at(until, client.next()).await.unwrap_or_else(|_| Err(late())) {
            Ok(answer) if answer.get("id") == Some("still-there") => {
                client.close().await;
                return Ok(None);
            }
            Ok(_) => {}
            // Nobody refused in time: it was taken, however slowly.
            Err(Wrong::Late { .. }) => return Ok(None),
            Err(wrong) => return Ok(Some(wrong.to_string())),
        }
    }
}

/// A message that says it is from the other user, sent to that user.
async fn forged(service: &Service, door: &Door, people: &People) -> Result<Outcome, Wrong> {
    let mut other = Client::login(door, &people.other, service.within).await?;
    other.available().await?;
    let mut one = Client::login(door, &people.one, service.within).await?;
    let victim = other.bare().to_owned();
    let message = Element::new("message", "jabber:client")
        .attr("from", victim.clone())
        .attr("to", victim.clone())
        .attr("type", "chat")
        .child(Element::new("body", "jabber:client").text("imctl scan: from nobody"));
    one.send(&message).await?;
    let until = Instant::now() + Duration::from_secs(3);
    let outcome = loop {
        match timeout_at(until, other.next()).await.unwrap_or_else(|_| Err(late())) {
            Ok(stanza) if stanza.name == "message" && stanza.own("body").is_some() => {
                let from = stanza.get("from").unwrap_or_default().to_owned();
                break Outcome::judged(!from.starts_with(&victim), format!("delivered as from {from}"));
            }
            Ok(_) => {}
            Err(_) => break Outcome::Good("refused".to_owned()),
        }
    };
    // The sender's stream may be gone: that is how it is refused.
    one.close().await;
    other.close().await;
    Ok(outcome)
}
