//! Talking: one to one with receipts, in a room, to somebody who is away.

use super::nodes::Pair;
use super::{People, Service, history, known, present};
use crate::base::Finding;
use crate::probe::{Client, Login, Room, Wrong};
use std::time::Instant;

pub(super) async fn prove(service: &Service, people: &People, pair: Pair) -> Vec<Finding> {
    let Pair { mut one, mut other, apart } = pair;
    let talked = both_ways(&mut one, &mut other).await;
    let apart = apart.finding(&talked);
    let mut findings = vec![known("TALK-01").judged(None, talked), apart];
    findings.push(known("ROOM-01").judged(None, room(service, &mut one, &mut other).await));
    findings.push(known("HISTORY-01").judged(None, history::prove(&mut one, &mut other).await));
    findings.push(known("OFFLINE-01").judged(None, away(service, &people.other, one, other).await));
    findings
}

async fn both_ways(one: &mut Client, other: &mut Client) -> Result<String, Wrong> {
    let started = Instant::now();
    let (here, there) = (one.jid().to_owned(), other.jid().to_owned());
    exchange(one, other, &there, "from one, 你好 <&>").await?;
    exchange(other, one, &here, "from the other, 👍🏽").await?;
    Ok(format!("2 of 2, both confirmed, in {} ms", started.elapsed().as_millis()))
}

async fn exchange(from: &mut Client, to: &mut Client, address: &str, body: &str) -> Result<(), Wrong> {
    let id = from.say(address, body).await?;
    to.hear(body).await?;
    from.confirmed(&id).await
}

async fn room(service: &Service, one: &mut Client, other: &mut Client) -> Result<String, Wrong> {
    let room = Room(format!("{}@{}", one.fresh_id(), service.conference));
    one.enter(&room, "one", &[]).await?;
    let outcome = in_room(&room, one, other).await;
    let cleared = one.destroy(&room).await;
    let seen = outcome?;
    cleared.map(|()| seen)
}

async fn in_room(room: &Room, one: &mut Client, other: &mut Client) -> Result<String, Wrong> {
    other.enter(room, "other", &[]).await?;
    one.tell(room, "one speaks 大家好").await?;
    other.hear("one speaks 大家好").await?;
    other.tell(room, "other speaks").await?;
    one.hear("other speaks").await?;
    Ok("2 of 2 heard".to_owned())
}

async fn away(service: &Service, login: &Login, mut one: Client, other: Client) -> Result<String, Wrong> {
    let address = other.bare().to_owned();
    other.close().await;
    let id = one.say(&address, "while away").await?;
    // The server answers in order: after this the message is stored.
    one.round_trip().await?;
    let mut back = present(service.entrance(1)?, login, service.within).await?;
    let heard = back.hear("while away").await;
    back.close().await;
    one.close().await;
    match heard?.get("id") {
        Some(same) if same == id => Ok("delivered at the next login".to_owned()),
        _ => Err(Wrong::Answer("another message with the same text came".to_owned())),
    }
}
