//! What somebody who means no good would try, done once and without harm by two test users and by somebody without an account. Each try
//! is bounded, and what is sent asks or refuses; nothing is exploited.

mod doors;
mod files;
mod stanzas;
mod strangers;
mod web;

use super::proof::{People, Service};
use crate::base::HostName;
use crate::checks::{Outcome, Said};
use crate::xmpp::{Door, Wrong};

/// Everything that is tried with accounts; `People` must be able to log in.
pub async fn with_accounts(service: &Service, people: &People) -> Vec<Said> {
    let mut said = Vec::new();
    let Some(entrance) = service.entrances.first() else { return said };
    said.extend(stanzas::try_all(service, &entrance.door, people).await);
    said.extend(strangers::try_all(service, &entrance.door, people).await);
    said.extend(files::try_all(service, &entrance.door, people).await);
    said.extend(doors::logins(service, &entrance.door, people).await);
    said
}

/// Everything that is tried without an account.
pub async fn without_accounts(service: &Service) -> Vec<Said> {
    let mut said = doors::try_all(service).await;
    said.extend(web::try_all(service).await);
    said
}

/// Rules that need two test users.
pub const NEED_ACCOUNTS: [&str; 21] = [
    "AUTH-05",
    "AUTH-06",
    "CHAT-02",
    "CHAT-03",
    "CHAT-04",
    "CHAT-05",
    "CHAT-06",
    "CHAT-07",
    "CHAT-08",
    "CHAT-09",
    "CHAT-12",
    "CHAT-14",
    "CHAT-15",
    "UPLOAD-01",
    "UPLOAD-02",
    "UPLOAD-03",
    "UPLOAD-04",
    "UPLOAD-06",
    "UPLOAD-07",
    "UPLOAD-08",
    "UPLOAD-10",
];

fn of(id: &str, outcome: Outcome) -> Said {
    Said::of_service(id, outcome)
}

fn on(id: &str, host: &HostName, outcome: Outcome) -> Said {
    Said::of(id, host, outcome)
}

/// What could not be tried, by what stood in the way.
fn untried(ids: &[&str], wrong: &Wrong) -> Vec<Said> {
    ids.iter().map(|id| of(id, Outcome::Unknown(format!("could not be tried: {wrong}")))).collect()
}

/// Whether the service takes a login after something was tried.
async fn stands(door: &Door, people: &People, service: &Service) -> Result<(), Wrong> {
    let client = super::Client::login(door, &people.other, service.within).await?;
    client.close().await;
    Ok(())
}
