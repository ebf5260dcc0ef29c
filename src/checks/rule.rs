//! The rules that are code: what a client must be able to do, whatever the product. One table drives `verify`, the
//! docs and `explain`.

use crate::base::{Finding, HostName, Verdict};

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Area and number.
    pub id: &'static str,
    /// What is judged.
    pub what: &'static str,
    /// What is wanted.
    pub needed: &'static str,
    /// Why it matters.
    pub because: &'static str,
    /// What helps.
    pub fix: &'static str,
}

/// All rules, ordered by id.
pub const RULES: &[Rule] = &[
    Rule {
        id: "FILE-01",
        what: "a file put and fetched",
        needed: "equal SHA-256",
        because: "files shared in chats go this way",
        fix: "imctl verify --all; then the log of the file gateway on the hosts with the role of files",
    },
    Rule {
        id: "FILE-02",
        what: "a file put without a slot",
        needed: "refused",
        because: "anybody could fill the store",
        fix: "the gateway does not check the slot's signature: imctl plan shows a file changed by hand",
    },
    Rule {
        id: "HISTORY-01",
        what: "history, page by page",
        needed: "every message sent, in order",
        because: "a new phone shows the old messages from here",
        fix: "look for archive errors in the server's log; the database may be down or older than the server",
    },
    Rule {
        id: "LOGIN-01",
        what: "login with the right password",
        needed: "SCRAM-SHA-256, the server proves itself too",
        because: "nobody gets in otherwise",
        fix: "imctl verify --all: is the database up, do all app hosts answer?",
    },
    Rule {
        id: "LOGIN-02",
        what: "login with a wrong password",
        needed: "refused",
        because: "anybody could read everything otherwise",
        fix: "check the authentication settings of the server at once",
    },
    Rule {
        id: "OFFLINE-01",
        what: "a message to somebody who is away",
        needed: "delivered at the next login",
        because: "phones are away most of the time",
        fix: "look for offline or database errors in the server's log",
    },
    Rule {
        id: "ROOM-01",
        what: "group chat",
        needed: "everybody hears everybody",
        because: "rooms span the nodes of the cluster",
        fix: "imctl verify --all: is the cluster whole on every node?",
    },
    Rule {
        id: "TALK-01",
        what: "messages between two users, with receipts",
        needed: "both ways",
        because: "this is what the service is for",
        fix: "look in the server's log for the names of the test users, imctl-verify-…",
    },
    Rule {
        id: "TALK-02",
        what: "messages between users on different app nodes",
        needed: "both ways",
        because: "a cluster in halves looks healthy from each side",
        fix: "every node must list all members:  imctl heal",
    },
    Rule {
        id: "TLS-01",
        what: "certificate: chain and name",
        needed: "leads to the trusted root, carries the domain",
        because: "clients refuse to connect, or warn",
        fix: "imctl install renews certificates; are the host's clock and the domain right?",
    },
    Rule {
        id: "TLS-02",
        what: "certificate: time left",
        needed: ">= 60 days",
        because: "all clients are locked out the day it ends",
        fix: "imctl install renews certificates of the private CA; your own ones come from who issued them",
    },
    Rule {
        id: "TLS-03",
        what: "TLS version and cipher",
        needed: "TLS 1.2 or 1.3, authenticated, forward secret",
        because: "what is recorded today must not be readable tomorrow",
        fix: "check the TLS settings of the server",
    },
];

/// The rule of that id. The ids in code are constants of this table; a test keeps it so.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

impl Rule {
    /// The finding of this rule with a verdict.
    pub fn finding(&self, verdict: Verdict, host: Option<&HostName>, seen: impl Into<String>) -> Finding {
        Finding {
            id: self.id.to_owned(),
            verdict,
            host: host.cloned(),
            what: self.what.to_owned(),
            seen: seen.into(),
            needed: self.needed.to_owned(),
            because: self.because.to_owned(),
            fix: if matches!(verdict, Verdict::Failed | Verdict::Warning) {
                self.fix.to_owned()
            } else {
                String::new()
            },
        }
    }

    /// Passed when `seen` is good news, failed when it is bad news.
    pub fn judged<E: std::fmt::Display>(&self, host: Option<&HostName>, seen: Result<String, E>) -> Finding {
        match seen {
            Ok(seen) => self.finding(Verdict::Passed, host, seen),
            Err(wrong) => self.finding(Verdict::Failed, host, wrong.to_string()),
        }
    }

    /// The rule does not apply, and why.
    pub fn not_applicable(&self, why: impl Into<String>) -> Finding {
        Finding { because: why.into(), ..self.finding(Verdict::NotApplicable, None, "-") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_in_order() {
        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert_eq!(rule("TLS-02").map(|rule| rule.needed), Some(">= 60 days"));
    }

    #[test]
    fn only_what_needs_help_carries_a_fix() {
        let tls = rule("TLS-01").unwrap();
        assert!(tls.judged::<String>(None, Ok("fine".to_owned())).fix.is_empty());
        assert!(!tls.judged(None, Err("expired")).fix.is_empty());
        assert_eq!(tls.not_applicable("one app node").because, "one app node");
    }
}
