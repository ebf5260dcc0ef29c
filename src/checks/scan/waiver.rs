//! Waivers: somebody answers, by name and until a day, for a rule that fails. After that day it counts again.

use crate::base::HostName;
use crate::base::Verdict;
use crate::inventory::Waiver;
use crate::record::{Scanned, Waived};
use jiff::civil::Date;
use thiserror::Error;

/// Waivers of the inventory and of the command line.
#[derive(Debug, Clone, Default)]
pub struct Waivers(Vec<Waiver>);

/// What is wrong with `--waive`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WaiverMistake {
    /// Not in its form.
    #[error("--waive {0}: write it as  --waive ID='reason',until=2027-03-31,owner=NAME")]
    Form(String),
    /// No day.
    #[error("--waive {0}: `{1}` is no day; write it as 2027-03-31")]
    Day(String, String),
}

impl Waivers {
    /// Those of the inventory, and those of the command line: `ID[@HOST]=reason,until=DATE,owner=NAME`.
    pub fn read(inventory: &[Waiver], typed: &[String]) -> Result<Self, WaiverMistake> {
        let mut all = inventory.to_vec();
        for word in typed {
            all.push(one(word)?);
        }
        Ok(Self(all))
    }

    /// Ids that are waived, for a check that each is known.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|it| it.id.as_str())
    }

    /// Marks the findings that somebody answers for on that day; says which waivers have ended although their rule still fails.
    pub fn mark(&self, findings: &mut [Scanned], today: Date) -> Vec<String> {
        let mut ended = Vec::new();
        for scanned in findings {
            let fails = matches!(scanned.finding.verdict, Verdict::Failed | Verdict::Warning);
            let fits = |it: &&Waiver| {
                it.id == scanned.finding.id
                    && it.host.as_ref().is_none_or(|host| Some(host) == scanned.finding.host.as_ref())
            };
            let Some(waiver) = self.0.iter().filter(fits).max_by_key(|it| it.until) else { continue };
            if !fails {
                continue;
            }
            if waiver.until < today {
                ended.push(said(waiver, scanned.finding.host.as_ref()));
                continue;
            }
            scanned.waived = Some(Waived {
                reason: waiver.reason.clone(),
                owner: waiver.owner.clone(),
                until: waiver.until.to_string(),
            });
        }
        ended.sort();
        ended.dedup();
        ended
    }
}

fn said(waiver: &Waiver, host: Option<&HostName>) -> String {
    let on = host.map(|host| format!(" on {host}")).unwrap_or_default();
    format!("the waiver of {}{on} by {} ended on {}", waiver.id, waiver.owner, waiver.until)
}

fn one(word: &str) -> Result<Waiver, WaiverMistake> {
    let form = || WaiverMistake::Form(word.to_owned());
    let (id, rest) = word.split_once('=').ok_or_else(form)?;
    let (id, host) = match id.split_once('@') {
        Some((id, host)) => (id, Some(HostName::new(host).map_err(|_| form())?)),
        None => (id, None),
    };
    // The reason is free text and may hold commas; the two others stand at the end in any order.
    let (mut reason, mut until, mut owner) = (rest, None, None);
    while let Some((before, last)) = reason.rsplit_once(',') {
        match last.trim().split_once('=') {
            Some(("until", day)) if until.is_none() => until = Some(day.trim()),
            Some(("owner", name)) if owner.is_none() => owner = Some(name.trim()),
            _ => break,
        }
        reason = before;
    }
    let (Some(day), Some(owner)) = (until, owner.filter(|owner| !owner.is_empty())) else {
        return Err(form());
    };
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(form());
    }
    let until = day.parse().map_err(|_| WaiverMistake::Day(id.to_owned(), day.to_owned()))?;
    Ok(Waiver { id: id.to_ascii_uppercase(), host, reason, owner: owner.to_owned(), until })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::scan::{Outcome, scan_rule};

    #[test]
    fn a_waiver_needs_a_reason_a_day_and_somebody_who_answers() {
        let waivers = Waivers::read(
            &[],
            &["host-25@db1=the log server comes, in May,until=2027-05-31,owner=Li Wei".to_owned()],
        );
        let waiver = &waivers.unwrap().0[0];
        assert_eq!((waiver.id.as_str(), waiver.reason.as_str()), ("HOST-25", "the log server comes, in May"));
        assert_eq!((waiver.owner.as_str(), waiver.until.to_string().as_str()), ("Li Wei", "2027-05-31"));
        for bad in [
            "HOST-25",
            "HOST-25=x",
            "HOST-25=x,until=2027-05-31",
            "HOST-25=,until=2027-05-31,owner=a",
            "HOST-25=x,until=May,owner=a",
        ] {
            assert!(Waivers::read(&[], &[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_waiver_counts_until_its_last_day_and_on_its_host_only() {
        let rule = scan_rule("HOST-25").unwrap();
        let host = |name: &str| HostName::new(name).unwrap();
        let bad = |name: &str| rule.scanned(Some(&host(name)), &Outcome::Bad("none".to_owned()));
        let waivers = Waivers::read(&[], &["HOST-25@db1=soon,until=2027-05-31,owner=Li".to_owned()]).unwrap();
        let mut findings = [bad("db1"), bad("app1")];
        assert!(waivers.mark(&mut findings, "2027-05-31".parse().unwrap()).is_empty());
        assert!(findings[0].waived.is_some() && findings[1].waived.is_none());
        let mut findings = [bad("db1")];
        let ended = waivers.mark(&mut findings, "2027-06-01".parse().unwrap());
        assert_eq!(ended, ["the waiver of HOST-25 on db1 by Li ended on 2027-05-31"]);
        assert!(findings[0].waived.is_none());
    }
}
