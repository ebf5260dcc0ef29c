//! Preflight: whether the hosts are good enough, before anything is touched. Rules over facts; pure.

mod access;
mod between;
mod disk;
mod hardware;
mod limits;
mod mesh;
mod packages;
mod platform;
mod remedies;
mod system;

use crate::base::{Finding, HostName, Verdict};
use crate::facts::{DeepFacts, DiskSpeeds, HostFacts, Transport};
use crate::sizing::Amounts;
use std::collections::BTreeMap;

pub use limits::{LIMITS, unknown_limits};
pub use mesh::Pair;
pub use remedies::remedies;

/// What is known of one host, and what is wanted of it.
#[derive(Debug, Clone, Default)]
pub struct HostSeen {
    /// Its facts.
    pub facts: HostFacts,
    /// What goes beyond them.
    pub deep: DeepFacts,
    /// Its name.
    pub name: Option<HostName>,
    /// Address in the inventory.
    pub address: String,
    /// What its roles need together.
    pub needs: Amounts,
    /// Where data goes, with GiB.
    pub data: Vec<(String, f64)>,
    /// Whether what runs here must answer without pauses.
    pub no_pauses: bool,
    /// Ports that components will listen on, with the component.
    pub ports: Vec<(Transport, u16, String)>,
    /// What the inventory says that the host cannot do.
    pub limits: Vec<String>,
    /// imctl installed this deployment here already.
    pub ours: bool,
    /// It should have.
    pub awaited: bool,
    /// Packages of the stack that stand here although imctl did not put them here.
    pub foreign: Vec<String>,
    /// Kernel settings that the stack gives: setting, value, file.
    pub settings: Vec<(String, String, String)>,
    /// Mask of new files for programs of ours, such as `0022`.
    pub umask: Option<String>,
    /// Seconds that its clock is ahead of ours, and how unsure that is.
    pub clock: Option<(f64, f64)>,
    /// How fast the disks under its data are.
    pub disk: Trial<DiskSpeeds>,
    /// Milliseconds that a small write may take until it is on the disk, 99 of 100; none = any stack's number.
    pub sync_ms: Option<f64>,
    /// Milliseconds until a program that does nothing has ended, in a shell that was open.
    pub answer_ms: u64,
    /// The same with a new login shell.
    pub login_ms: u64,
}

/// What comes of a test that is not always made.
#[derive(Debug, Clone, PartialEq)]
pub enum Trial<T> {
    /// It was not made: why.
    Left(String),
    /// It was made.
    Made(T),
}

impl<T> Default for Trial<T> {
    fn default() -> Self {
        Self::Left("it was not tried".to_owned())
    }
}

/// All hosts, and what the deployment wants.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// Hosts in the order of the inventory.
    pub hosts: Vec<(HostName, HostSeen)>,
    /// Platforms the stack runs on.
    pub platforms: Vec<String>,
    /// Bytes of the bundle; none when none is at hand.
    pub bundle: Option<u64>,
    /// Numbers that the stack gives for rules, by id.
    pub limits: BTreeMap<String, f64>,
    /// Calls of hosts to each other on the planned ports.
    pub mesh: Trial<Vec<Pair>>,
}

/// What a rule says of a host.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    /// It is as it should be.
    Good(String),
    /// It is not: what was seen, and what was wanted when that depends on the host.
    Bad(String, Option<String>),
    /// Worth a look.
    Doubtful(String, Option<String>),
    /// It is not: what was seen, and what helps just here.
    Barred(String, String),
    /// It cannot be judged here; why.
    Open(String),
}

/// Rules that ask whether a host is big and fast enough.
const OF_SIZE: [&str; 6] = ["CPU-01", "DISK-01", "DISK-07", "DISK-08", "MEM-01", "NET-02"];

/// One rule. Every text is complete without the others.
pub struct PreflightRule {
    /// Area and number.
    pub id: &'static str,
    /// What is judged.
    pub what: &'static str,
    /// What is wanted, where it is the same everywhere.
    pub needed: &'static str,
    /// Why it matters.
    pub because: &'static str,
    /// What helps.
    pub fix: &'static str,
    judge: fn(&HostSeen, &Site) -> Judged,
}

/// All rules, area by area.
pub fn preflight_rules() -> impl Iterator<Item = &'static PreflightRule> {
    [
        access::RULES,
        hardware::RULES,
        disk::RULES,
        platform::RULES,
        system::RULES,
        packages::RULES,
        between::RULES,
        mesh::RULES,
    ]
    .into_iter()
    .flatten()
}

impl PreflightRule {
    /// The finding on one host.
    pub fn finding(&self, host: &HostName, seen: &HostSeen, site: &Site) -> Finding {
        let too_small = seen.limits.iter().any(|limit| limit == "size");
        if too_small && OF_SIZE.contains(&self.id) {
            let why = "`limits` says that this host is smaller than its roles need";
            return self.said(host, site, Judged::Open(why.to_owned()));
        }
        self.said(host, site, (self.judge)(seen, site))
    }

    /// The finding on a host that does not meet it, by what stood in the way.
    pub fn unmet(&self, host: &HostName, why: String) -> Finding {
        self.said(host, &Site::default(), Judged::Bad(why, None))
    }

    fn said(&self, host: &HostName, site: &Site, judged: Judged) -> Finding {
        let mut fix = self.fix.to_owned();
        let (verdict, seen, needed) = match judged {
            Judged::Barred(seen, helps) => {
                fix = format!("{fix}; on HOST itself: {helps}");
                (Verdict::Failed, seen, None)
            }
            Judged::Good(seen) => (Verdict::Passed, seen, None),
            Judged::Bad(seen, needed) => (Verdict::Failed, seen, needed),
            Judged::Doubtful(seen, needed) => (Verdict::Warning, seen, needed),
            Judged::Open(why) => (Verdict::NotApplicable, why, None),
        };
        let helps = matches!(verdict, Verdict::Failed | Verdict::Warning);
        Finding {
            id: self.id.to_owned(),
            verdict,
            host: Some(host.clone()),
            what: self.what.to_owned(),
            seen: if verdict == Verdict::NotApplicable { "-".to_owned() } else { seen.clone() },
            needed: needed.unwrap_or_else(|| site.with_limit(self.id, self.needed)),
            because: if verdict == Verdict::NotApplicable { seen } else { self.because.to_owned() },
            fix: if helps { fix.replace("HOST", host.as_str()) } else { String::new() },
        }
    }
}

/// Judges every rule on every host.
pub fn preflight(site: &Site) -> Vec<Finding> {
    let of_rule = |rule: &'static PreflightRule| {
        site.hosts.iter().map(move |(host, seen)| rule.finding(host, seen, site))
    };
    preflight_rules().flat_map(of_rule).collect()
}

/// A fact that was not found out is never a pass.
fn unknown(what: &str) -> Judged {
    Judged::Doubtful(format!("{what} could not be found out"), None)
}

#[expect(clippy::cast_precision_loss, reason = "amounts are far below 2^52")]
fn real(number: u64) -> f64 {
    number as f64
}

fn yes(seen: impl Into<String>) -> Judged {
    Judged::Good(seen.into())
}

fn no(seen: impl Into<String>) -> Judged {
    Judged::Bad(seen.into(), None)
}

fn hm(seen: impl Into<String>) -> Judged {
    Judged::Doubtful(seen.into(), None)
}

#[cfg(test)]
mod tests;
