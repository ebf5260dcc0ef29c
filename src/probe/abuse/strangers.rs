//! What one user can learn of another, and of the service, without being asked in.

use super::super::proof::{People, Service};
use super::{of, untried};
use crate::checks::{Outcome, Said};
use crate::xmpp::{Client, Door, Element, Wrong};

const IDS: [&str; 6] = ["CHAT-07", "CHAT-08", "CHAT-09", "CHAT-12", "CHAT-14", "CHAT-15"];
const ITEMS: &str = "http://jabber.org/protocol/disco#items";
const INFO: &str = "http://jabber.org/protocol/disco#info";
/// Feature, and what it is called.
const WANTED: [(&str, &str); 4] = [
    ("urn:xmpp:carbons:2", "carbons"),
    ("urn:xmpp:mam:2", "history"),
    ("urn:xmpp:blocking", "blocking"),
    ("urn:xmpp:push:0", "push"),
];

pub(super) async fn try_all(service: &Service, door: &Door, people: &People) -> Vec<Said> {
    let mut client = match Client::login(door, &people.one, service.within).await {
        Ok(client) => client,
        Err(wrong) => return untried(&IDS, &wrong),
    };
    let other = format!("{}@{}", people.other.user, service.domain);
    let mut said = Vec::new();
    let private = match private(&mut client, &other).await {
        Ok(mut given) => history(&mut client, service, door, people).await.map(|read| {
            given.extend(read.then(|| "history".to_owned()));
            Outcome::none_of(&given, "all of it refused")
        }),
        Err(wrong) => Err(wrong),
    };
    said.push(of("CHAT-07", private.unwrap_or_else(|wrong| Outcome::Unknown(wrong.to_string()))));
    said.push(of("CHAT-08", search(&mut client, &service.domain).await));
    said.push(of("CHAT-09", system(&mut client, &service.domain).await));
    said.push(of("CHAT-12", commands(&mut client, &service.domain).await));
    said.push(of("CHAT-14", features(&mut client, &service.domain).await));
    said.push(of("CHAT-15", last_seen(&mut client, &other).await));
    client.close().await;
    said
}

/// A question; the answer, or the condition by which it was refused.
async fn ask(client: &mut Client, to: &str, kind: &str, child: Element) -> Result<Element, Wrong> {
    client.request(kind, Some(to), child).await
}

fn refused(wrong: &Wrong) -> bool {
    matches!(wrong, Wrong::Condition { .. })
}

/// Whether a message that the other user wrote down for himself can be read by asking for his history. An empty answer gives nothing
/// away: some servers answer so in place of a refusal.
async fn history(
    client: &mut Client,
    service: &Service,
    door: &Door,
    people: &People,
) -> Result<bool, Wrong> {
    let mut other = Client::login(door, &people.other, service.within).await?;
    let own = other.bare().to_owned();
    let note = Element::new("message", "jabber:client")
        .attr("to", own.clone())
        .attr("type", "chat")
        .child(Element::new("body", "jabber:client").text("imctl scan: for myself"));
    other.send(&note).await?;
    other.round_trip().await?;
    let kept = other.history(None, None, 20).await?;
    other.close().await;
    if kept.messages.is_empty() {
        return Err(Wrong::Answer("the other user's history stays empty".to_owned()));
    }
    match client.history_of(&own).await {
        Ok(page) => Ok(!page.messages.is_empty()),
        Err(wrong) if refused(&wrong) => Ok(false),
        Err(wrong) => Err(wrong),
    }
}

/// Private things of the other user that were given.
async fn private(client: &mut Client, other: &str) -> Result<Vec<String>, Wrong> {
    let pubsub = |node: &str| {
        Element::new("pubsub", "http://jabber.org/protocol/pubsub")
            .child(Element::new("items", "http://jabber.org/protocol/pubsub").attr("node", node))
    };
    let storage =
        Element::new("query", "jabber:iq:private").child(Element::new("storage", "storage:bookmarks"));
    let questions = [
        ("contacts", "get", Element::new("query", "jabber:iq:roster")),
        ("private data", "get", storage),
        ("bookmarks", "get", pubsub("urn:xmpp:bookmarks:1")),
        ("blocked users", "get", Element::new("blocklist", "urn:xmpp:blocking")),
    ];
    let mut given = Vec::new();
    for (what, kind, child) in questions {
        match ask(client, other, kind, child).await {
            Ok(_) => given.push(what.to_owned()),
            Err(wrong) if refused(&wrong) => {}
            Err(wrong) => return Err(wrong),
        }
    }
    Ok(given)
}

async fn items(client: &mut Client, of: &str) -> Result<Vec<String>, Wrong> {
    let answer = ask(client, of, "get", Element::new("query", ITEMS)).await?;
    let query = answer.find("query", ITEMS);
    let names = query.into_iter().flat_map(Element::children).filter_map(|item| item.get("jid"));
    Ok(names.map(str::to_owned).collect())
}

async fn info(client: &mut Client, of: &str) -> Result<Vec<String>, Wrong> {
    let answer = ask(client, of, "get", Element::new("query", INFO)).await?;
    let query = answer.find("query", INFO);
    let words = query.into_iter().flat_map(Element::children).filter_map(|child| child.get("var"));
    Ok(words.map(str::to_owned).collect())
}

async fn search(client: &mut Client, domain: &str) -> Outcome {
    let mut places = vec![domain.to_owned()];
    match items(client, domain).await {
        Ok(more) => places.extend(more.into_iter().take(20)),
        Err(wrong) => return Outcome::Unknown(wrong.to_string()),
    }
    let mut found = Vec::new();
    for place in &places {
        // A part that does not say what it is offers no search either.
        let features = info(client, place).await.unwrap_or_default();
        if features.iter().any(|it| it == "jabber:iq:search") {
            found.push(place.clone());
        }
    }
    Outcome::none_of(&found, format!("none of {} parts offers it", places.len()))
}

async fn system(client: &mut Client, domain: &str) -> Outcome {
    match ask(client, domain, "get", Element::new("query", "jabber:iq:version")).await {
        Ok(answer) => {
            let query = answer.find("query", "jabber:iq:version");
            let word =
                |name: &str| query.and_then(|query| query.own(name)).map(Element::inner).unwrap_or_default();
            match word("os") {
                os if os.is_empty() => Outcome::Good(format!("{} and nothing of the system", word("name"))),
                os => Outcome::Bad(os),
            }
        }
        Err(wrong) if refused(&wrong) => Outcome::Good("refused".to_owned()),
        Err(wrong) => Outcome::Unknown(wrong.to_string()),
    }
}

/// Commands that administrators have; those for users themselves do not count.
async fn commands(client: &mut Client, domain: &str) -> Outcome {
    let query = Element::new("query", ITEMS).attr("node", "http://jabber.org/protocol/commands");
    match ask(client, domain, "get", query).await {
        Ok(answer) => {
            let nodes = answer.find("query", ITEMS).into_iter().flat_map(Element::children);
            let nodes: Vec<String> = nodes.filter_map(|item| item.get("node")).map(str::to_owned).collect();
            let admin = |node: &&String| {
                ["protocol/admin", "config", "running nodes", "api-commands"]
                    .iter()
                    .any(|word| node.contains(word))
            };
            let admin: Vec<String> = nodes.iter().filter(admin).cloned().collect();
            Outcome::none_of(&admin, format!("{} commands, none of administration", nodes.len()))
        }
        Err(wrong) if refused(&wrong) => Outcome::Good("refused".to_owned()),
        Err(wrong) => Outcome::Unknown(wrong.to_string()),
    }
}

async fn features(client: &mut Client, domain: &str) -> Outcome {
    let own = client.bare().to_owned();
    let mut known = match info(client, domain).await {
        Ok(known) => known,
        Err(wrong) => return Outcome::Unknown(wrong.to_string()),
    };
    // Some features are the account's, some the server's.
    known.extend(info(client, &own).await.unwrap_or_default());
    let missing = WANTED.iter().filter(|(feature, _)| !known.iter().any(|it| it == feature));
    let missing: Vec<String> = missing.map(|(_, name)| format!("no {name}")).collect();
    Outcome::none_of(&missing, WANTED.map(|(_, name)| name).join(", "))
}

async fn last_seen(client: &mut Client, other: &str) -> Outcome {
    match ask(client, other, "get", Element::new("query", "jabber:iq:last")).await {
        Ok(_) => Outcome::Bad("told".to_owned()),
        Err(wrong) if refused(&wrong) => Outcome::Good("refused".to_owned()),
        Err(wrong) => Outcome::Unknown(wrong.to_string()),
    }
}
