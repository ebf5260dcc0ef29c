//! How this deployment keeps accounts: the stack's `users.yml` as its keeping host understands it, with the
//! connections that it needs.

use super::provision::{Provision, UserError};
use crate::base::HostName;
use crate::cli::Failure;
use crate::cli::road::Road;
use crate::desired::Scope;
use crate::exec::Fleet;
use crate::stack::{AppliedScript, ScramSpec, UsersFile};
use serde_json::Value;
use std::collections::BTreeSet;

/// `users.yml`, rendered, with the hosts it is about.
pub(in crate::cli) struct Keeper<'a> {
    users: UsersFile,
    elsewhere: Option<String>,
    at: HostName,
    told: Option<HostName>,
    fleet: &'a Fleet,
}

/// The hosts that accounts need, for connecting to no others.
pub(in crate::cli) fn hosts(road: &Road) -> Result<BTreeSet<HostName>, Failure> {
    let Some(raw) = raw(road)? else { return Ok(BTreeSet::new()) };
    let components = std::iter::once(&raw.on).chain(raw.applied.iter().map(|applied| &applied.on));
    Ok(components.filter_map(|component| Some(road.topology.of(component).next()?.host.clone())).collect())
}

fn raw(road: &Road) -> Result<Option<UsersFile>, Failure> {
    let stack = &road.topology.stack;
    Ok(stack.file.users.as_ref().map(|file| stack.data::<UsersFile>(file)).transpose()?)
}

impl<'a> Keeper<'a> {
    /// How accounts are kept; none when the stack does not say.
    pub(in crate::cli) fn of(road: &Road, fleet: &'a Fleet) -> Result<Option<Self>, Failure> {
        let Some(raw) = raw(road)? else { return Ok(None) };
        let Some(instance) = road.topology.of(&raw.on).next() else { return Ok(None) };
        let scope = Scope::of(&road.topology, instance);
        let here = match &raw.when {
            Some(when) => scope.holds("users: when", when, &Value::Null)?,
            None => true,
        };
        let mut users = scope.all("users", &UsersFile { applied: None, when: None, ..raw.clone() })?;
        let told = raw.applied.as_ref().and_then(|applied| road.topology.of(&applied.on).next());
        if let (Some(applied), Some(at)) = (&raw.applied, told) {
            let run = Scope::of(&road.topology, at).text("users: applied", &applied.run, &Value::Null)?;
            users.applied = Some(AppliedScript { on: applied.on.clone(), run });
        }
        let kept = || users.elsewhere.clone().unwrap_or_else(|| "not by this stack".to_owned());
        let elsewhere = if here { None } else { Some(kept()) };
        let told = told.map(|at| at.host.clone());
        Ok(Some(Self { elsewhere, at: instance.host.clone(), told, users, fleet }))
    }

    /// Where accounts are kept when not here.
    pub(in crate::cli) fn elsewhere(&self) -> Option<&str> {
        self.elsewhere.as_deref()
    }

    /// Account that the product's own rules make administrator.
    pub(in crate::cli) fn admin(&self) -> &str {
        &self.users.admin
    }

    /// How credentials are derived.
    pub(in crate::cli) fn scram(&self) -> &ScramSpec {
        &self.users.scram
    }

    /// Domain of the accounts.
    pub(in crate::cli) fn domain(&self) -> &str {
        &self.users.domain
    }

    /// The way to see and change accounts.
    pub(in crate::cli) fn provision(&self) -> Result<Provision<'_>, UserError> {
        let keeper = self.fleet.link(&self.at).ok_or_else(|| UserError::NotConnected(self.at.clone()))?;
        let told = self.told.as_ref().and_then(|host| self.fleet.link(host)).map(AsRef::as_ref);
        Ok(Provision { users: &self.users, keeper: keeper.as_ref(), told })
    }
}
