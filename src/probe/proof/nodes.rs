//! Two sessions on different nodes: logs in again, through one door after the other, until somebody inside says that
//! the two are apart.

use super::{People, Service, Whereabouts, Witness, known, present};
use crate::base::Finding;
use crate::probe::{Client, Wrong};

/// Logins tried before giving up: a balancer that spreads evenly needs two, one that chooses by chance rarely more.
const ATTEMPTS: usize = 12;

/// Two sessions, and what is known of their nodes.
pub(super) struct Pair {
    pub(super) one: Client,
    pub(super) other: Client,
    pub(super) apart: Apart,
}

pub(super) enum Apart {
    /// On these two nodes.
    Nodes(String, String),
    /// It does not apply, and why.
    NotApplicable(String),
    /// It should be so and is not, and why.
    Failed(String),
}

impl Apart {
    /// The finding about nodes, once it is known how talking went.
    pub(super) fn finding(&self, talked: &Result<String, Wrong>) -> Finding {
        let rule = known("TALK-02");
        match (self, talked) {
            (Self::NotApplicable(why), _) => rule.not_applicable(why.clone()),
            (Self::Failed(why), _) => rule.judged::<&str>(None, Err(why)),
            (Self::Nodes(one, other), Ok(seen)) => {
                rule.judged::<String>(None, Ok(format!("{one}, {other}: {seen}")))
            }
            (Self::Nodes(one, other), Err(wrong)) => {
                rule.judged::<String>(None, Err(format!("{one}, {other}: {wrong}")))
            }
        }
    }
}

pub(super) async fn pair(
    service: &Service,
    people: &People,
    witness: Option<&dyn Witness>,
) -> Result<Pair, Wrong> {
    let one = present(service.entrance(0)?, &people.one, service.within).await?;
    let mut other = present(service.entrance(1)?, &people.other, service.within).await?;
    if service.nodes < 2 {
        return Ok(Pair { one, other, apart: Apart::NotApplicable("one app node".to_owned()) });
    }
    let Some(witness) = witness else {
        let why = "the stack does not tell which node a session is on".to_owned();
        return Ok(Pair { one, other, apart: Apart::NotApplicable(why) });
    };
    let users = [people.one.user.clone(), people.other.user.clone()];
    for attempt in 2..=ATTEMPTS {
        match witness.whereabouts(&users).await {
            Err(why) => return Ok(Pair { one, other, apart: Apart::Failed(why) }),
            Ok(seen) => match (node(&seen, &users[0], &one), node(&seen, &users[1], &other)) {
                (Some(here), Some(there)) if here != there => {
                    return Ok(Pair { one, other, apart: Apart::Nodes(here, there) });
                }
                (Some(_), Some(_)) => {}
                _ => {
                    let why = "the server does not list the sessions that are open".to_owned();
                    return Ok(Pair { one, other, apart: Apart::Failed(why) });
                }
            },
        }
        // The new session comes first: a balancer that counts would send the only one back to the same node.
        let fresh = present(service.entrance(attempt)?, &people.other, service.within).await?;
        std::mem::replace(&mut other, fresh).close().await;
    }
    let why = format!("{ATTEMPTS} logins all came to the same node");
    Ok(Pair { one, other, apart: Apart::Failed(why) })
}

fn node(seen: &[Whereabouts], user: &str, client: &Client) -> Option<String> {
    let own = |one: &&Whereabouts| one.user == user && one.resource == client.resource();
    seen.iter().find(own).map(|one| one.node.clone())
}
