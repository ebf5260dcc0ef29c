//! Changing what the vault keeps while hosts use it: a secret has two values for a while, a certificate is issued before it
//! is agreed. What is planned here changes nothing until it is entered.

use super::authority::{self, Identity};
use super::contents::{Hidden, Kept, KeptOther, KeptTurn};
use super::shape::{self, Shape};
use super::vault::issued;
use super::{Issued, StateError, Vault};
use crate::base::{HostName, Secret};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A certificate that was issued and not agreed within this time is issued anew.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// How far a change of secrets has come. What is here is entered before hosts are brought to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The new value is made, and no host has it.
    Planned,
    /// The old value is in use, the new one is accepted as well.
    Accept,
    /// The new value is in use, the old one is accepted as well.
    Use,
    /// Only the new value is left on hosts.
    Forget,
}

impl Phase {
    /// The phases in which hosts are changed, in order.
    pub const ALL: [Self; 3] = [Self::Accept, Self::Use, Self::Forget];

    /// What holds on hosts in this phase, for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Accept => "old and new accepted",
            Self::Use => "new in use",
            Self::Forget => "old forgotten",
        }
    }
}

/// What hosts hold of a secret.
#[derive(Debug, Clone)]
pub struct Sides {
    /// The value in use.
    pub used: Secret<String>,
    /// The value that is accepted besides.
    pub also: Option<Secret<String>>,
}

impl Vault {
    /// How far a change of secrets has come, and their names; none when none is planned or under way.
    pub fn turning(&self) -> Option<(Phase, Vec<String>)> {
        let turn = self.contents.turn.as_ref()?;
        Some((turn.phase, turn.others.keys().cloned().collect()))
    }

    /// The same once hosts may hold something of it.
    pub fn under_way(&self) -> Option<(Phase, Vec<String>)> {
        self.turning().filter(|(phase, _)| *phase > Phase::Planned)
    }

    /// Makes a new value for each of these, which nobody uses before `enter`. What was planned for the same names before
    /// keeps its values; what is under way is left as it is.
    pub fn plan_turn(&mut self, wanted: &[(String, Shape)]) -> Result<(), StateError> {
        let same =
            |names: &[String]| names.len() == wanted.len() && wanted.iter().all(|it| names.contains(&it.0));
        if self.turning().is_some_and(|(phase, names)| phase > Phase::Planned || same(&names)) {
            return Ok(());
        }
        let now = Timestamp::now();
        let mut others = BTreeMap::new();
        for (name, shape) in wanted {
            shape.must_be_strong(name)?;
            // A secret that nobody has yet needs no other value.
            self.secret(name, shape)?;
            let value = match shape {
                Shape::Alphanumeric(count) => shape::alphanumeric(*count),
                Shape::Hex(bytes) => shape::hex_of(*bytes),
                Shape::Ed25519(_) => continue,
            };
            others.insert(name.clone(), KeptOther { value: Hidden(value), made: now });
        }
        self.contents.turn = (!others.is_empty()).then_some(KeptTurn { phase: Phase::Planned, others });
        self.changed = true;
        Ok(())
    }

    /// What hosts hold of a secret in a phase; none when it is no text.
    pub fn sides(&self, name: &str, phase: Phase) -> Option<Sides> {
        let kept = self.kept(name)?.clone();
        let turn = self.contents.turn.as_ref();
        let Some((now, other)) = turn.and_then(|turn| Some((turn.phase, turn.others.get(name)?))) else {
            return Some(Sides { used: kept, also: None });
        };
        let other = other.value.0.clone();
        let (old, new) = if now < Phase::Use { (kept, other) } else { (other, kept) };
        Some(match phase {
            Phase::Planned => Sides { used: old, also: None },
            Phase::Accept => Sides { used: old, also: Some(new) },
            Phase::Use => Sides { used: new, also: Some(old) },
            Phase::Forget => Sides { used: new, also: None },
        })
    }

    /// Goes on to a phase: from here on every command brings hosts to it. There is no way back.
    pub fn enter(&mut self, phase: Phase) {
        let Some(turn) = &mut self.contents.turn else { return };
        if turn.phase >= phase {
            return;
        }
        if turn.phase < Phase::Use && phase >= Phase::Use {
            for (name, other) in &mut turn.others {
                if let Some(Kept::Text { value, made }) = self.contents.secrets.get_mut(name) {
                    std::mem::swap(value, &mut other.value);
                    std::mem::swap(made, &mut other.made);
                }
            }
        }
        turn.phase = phase;
        self.changed = true;
    }

    /// Forgets the old values once no host has them.
    pub fn forget_old(&mut self) {
        if self.under_way().is_some() {
            self.enter(Phase::Forget);
            self.contents.turn = None;
            self.changed = true;
        }
    }

    /// Issues a certificate anew, which nobody uses before `agree`. One that was issued for the same names within a day and
    /// not agreed is taken again.
    pub fn reissue(
        &mut self,
        name: &str,
        host: &HostName,
        wanted: &Identity,
        now: Timestamp,
    ) -> Result<Issued, StateError> {
        let ca = self.authority(now)?;
        let kept = self.contents.renewed.get(name).and_then(|hosts| hosts.get(host));
        let young = kept.filter(|kept| authority::serves(kept, wanted, now) && now < kept.from + FRESH);
        if let Some(kept) = young {
            return Ok(issued(kept, ca));
        }
        let signer = self.contents.authority.as_ref().expect("`authority` has just made it");
        let fresh = authority::issue(signer, wanted, now)?;
        let answer = issued(&fresh, ca);
        self.changed = true;
        self.contents.renewed.entry(name.to_owned()).or_default().insert(host.clone(), fresh);
        Ok(answer)
    }

    /// Drops certificates that were issued anew and never agreed, but for those that are wanted.
    pub fn drop_renewed(&mut self, wanted: impl Fn(&str, &HostName) -> bool) {
        let count =
            |all: &BTreeMap<String, BTreeMap<HostName, _>>| all.values().map(BTreeMap::len).sum::<usize>();
        let before = count(&self.contents.renewed);
        for (name, hosts) in &mut self.contents.renewed {
            hosts.retain(|host, _| wanted(name, host));
        }
        self.contents.renewed.retain(|_, hosts| !hosts.is_empty());
        self.changed |= count(&self.contents.renewed) != before;
    }

    /// Puts the certificates that were issued anew in the place of the old ones.
    pub fn agree(&mut self) {
        for (name, hosts) in std::mem::take(&mut self.contents.renewed) {
            self.made.extend(hosts.keys().map(|host| format!("certificate {name} of {host}")));
            self.contents.certificates.entry(name).or_default().extend(hosts);
            self.changed = true;
        }
    }

    /// When the certificate of a host ends; none when there is none.
    pub fn until(&self, name: &str, host: &HostName) -> Option<Timestamp> {
        Some(self.contents.certificates.get(name)?.get(host)?.until)
    }
}
