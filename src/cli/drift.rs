//! What somebody changed by hand: a thing that imctl put on a host and that differs, although inventory, stack and imctl are
//! those of the last installation.

use super::road::Road;
use crate::base::HostName;
use crate::facts::{LOGINS_KEY, LastLogin, logins_script, parse_logins};
use crate::plan::{Manifest, Plan, Step, Verb};
use crate::record::Observed;
use crate::resource::Probe;
use crate::state::{Release, StateError};
use std::collections::{BTreeMap, BTreeSet};

/// What hosts said of logins.
pub(super) type Logins = BTreeMap<HostName, String>;

/// The question who logged in last.
pub(super) fn logins_probe() -> Probe {
    Probe::Script { key: LOGINS_KEY.to_owned(), script: logins_script() }
}

/// Takes the answers out of what was seen: a plan is not made on them.
pub(super) fn take_logins(observed: &mut BTreeMap<HostName, Observed>) -> Logins {
    let answer =
        |(host, seen): (&HostName, &mut Observed)| Some((host.clone(), seen.scripts.remove(LOGINS_KEY)?.out));
    observed.iter_mut().filter_map(answer).collect()
}

/// Steps that put something on a host right, or take it away; what only follows from them is left out.
pub(super) fn differing<'a>(plan: &'a Plan, host: &'a HostName) -> impl Iterator<Item = &'a Step> {
    let own = |verb| matches!(verb, Verb::Create | Verb::Update | Verb::Remove);
    plan.steps().filter(move |step| step.on == *host && own(step.verb))
}

/// Things on a host that were changed by hand, by kind and name.
pub(super) fn by_hand(
    road: &Road,
    plan: &Plan,
    host: &HostName,
    seen: &Observed,
) -> Result<Vec<String>, StateError> {
    let Some(release) = road.state.releases()?.pop() else { return Ok(Vec::new()) };
    if !meant_the_same(road, &release) {
        return Ok(Vec::new());
    }
    let kept: BTreeSet<String> =
        Manifest::seen(seen).resources.iter().map(|kept| kept.resource.id().to_string()).collect();
    let told = |step: &Step| format!("{} {}", step.kind, step.name);
    let mut names: Vec<String> = differing(plan, host).map(told).filter(|name| kept.contains(name)).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// Whether the last installation was made from what would be installed now.
fn meant_the_same(road: &Road, release: &Release) -> bool {
    release.inventory == road.inventory_digest
        && release.plan == road.topology.stack.digest
        && release.imctl == env!("CARGO_PKG_VERSION")
}

/// Who logged in last on a host, as a sentence's end.
pub(super) fn last_login(answer: &str) -> String {
    match parse_logins(answer) {
        LastLogin::Was(login) => format!("last login there: {}", login.words()),
        LastLogin::Nobody => "nobody logged in there at a terminal since its record begins".to_owned(),
        LastLogin::NoRecord => "who logged in there last is unknown: it keeps no record".to_owned(),
    }
}

/// Sentences for a plan about hosts on which something was changed by hand.
pub(super) fn notes(
    road: &Road,
    plan: &Plan,
    (observed, logins): (&BTreeMap<HostName, Observed>, &Logins),
) -> Result<Vec<String>, StateError> {
    let mut notes = Vec::new();
    for (host, seen) in observed {
        let names = by_hand(road, plan, host, seen)?;
        let told = match &names[..] {
            [] => continue,
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        };
        let login = last_login(logins.get(host).map(String::as_str).unwrap_or_default());
        notes.push(format!("Changed by hand on `{host}`: {told}; {login}."));
    }
    Ok(notes)
}
