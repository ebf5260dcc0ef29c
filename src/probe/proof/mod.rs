//! The proof: everything a user relies on, done once by two test users through the doors that clients use. Yields
//! findings; it makes and removes no account.

mod doors;
mod history;
mod nodes;
mod share;
mod talk;

use super::{Client, Login, Wrong};
use crate::base::{Finding, HostName};
use crate::checks::{Rule, rule};
use crate::xmpp::Door;
use futures_util::future::BoxFuture;
use std::net::SocketAddr;
use std::time::Duration;

/// A door with the host it is on.
#[derive(Clone)]
pub struct Entrance {
    /// The host.
    pub host: HostName,
    /// The door.
    pub door: Door,
}

/// A service as clients see it.
#[derive(Clone)]
pub struct Service {
    /// Domain of the accounts.
    pub domain: String,
    /// Ways in; the first is used where any will do.
    pub entrances: Vec<Entrance>,
    /// Where HTTPS is answered, with the hosts.
    pub https: Vec<(HostName, SocketAddr)>,
    /// Trusted roots, PEM.
    pub roots: Vec<String>,
    /// Domain of group chats.
    pub conference: String,
    /// Domain of the upload service.
    pub upload: Option<String>,
    /// Nodes that hold sessions.
    pub nodes: usize,
    /// Limit of each wait.
    pub within: Duration,
}

/// Where a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// Account name.
    pub user: String,
    /// Resource.
    pub resource: String,
    /// Node.
    pub node: String,
}

/// Somebody inside who can tell on which node a session is.
pub trait Witness: Send + Sync {
    /// The sessions of these users.
    fn whereabouts<'a>(&'a self, users: &'a [String]) -> BoxFuture<'a, Result<Vec<Whereabouts>, String>>;
}

/// Two test users whose accounts exist.
pub struct People {
    /// One.
    pub one: Login,
    /// The other.
    pub other: Login,
}

/// Proves the service. Never fails itself: what went wrong is in the findings.
pub async fn prove(service: &Service, people: &People, witness: Option<&dyn Witness>) -> Vec<Finding> {
    let mut findings = doors::prove(service, &people.one).await;
    let pair = match nodes::pair(service, people, witness).await {
        Ok(pair) => pair,
        Err(wrong) => {
            findings.push(known("TALK-01").judged(None, Err::<String, _>(wrong)));
            findings.extend(unreached(service));
            return findings;
        }
    };
    findings.extend(talk::prove(service, people, pair).await);
    findings.extend(share::prove(service, people).await);
    findings.sort_by(|a, b| a.id.cmp(&b.id));
    findings
}

/// What can be proved without an account: certificate and TLS of every door.
pub async fn doors(service: &Service) -> Vec<Finding> {
    doors::look(service).await
}

/// What could not be tried because nobody could log in: said, not left out.
fn unreached(service: &Service) -> Vec<Finding> {
    let ids: &[&str] = if service.upload.is_some() {
        &["ROOM-01", "HISTORY-01", "OFFLINE-01", "FILE-01", "FILE-02"]
    } else {
        &["ROOM-01", "HISTORY-01", "OFFLINE-01"]
    };
    ids.iter().map(|id| known(id).judged(None, Err::<String, _>("not tried: no two sessions"))).collect()
}

fn known(id: &str) -> &'static Rule {
    rule(id).expect("each id of the proof stands in the table of rules; a test runs them all")
}

impl Service {
    fn entrance(&self, at: usize) -> Result<&Door, Wrong> {
        let count = self.entrances.len().max(1);
        let entrance = self.entrances.get(at % count).map(|entrance| &entrance.door);
        entrance.ok_or_else(|| Wrong::Network("the service has no door".to_owned()))
    }
}

async fn present(door: &Door, login: &Login, within: Duration) -> Result<Client, Wrong> {
    let mut client = Client::login(door, login, within).await?;
    client.available().await?;
    Ok(client)
}
