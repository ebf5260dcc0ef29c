//! `imctl rollback`: back to what was installed before, as a plan like any other.

use super::change::Change;
use super::hold::ChangeArgs;
use super::road::{Road, inventory_path};
use super::survey::Aim;
use super::{Failure, Global, install};
use crate::base::{Exit, HostName};
use crate::inventory::{self, Edit, Inventory};
use crate::state::{Release, State};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The file of the operator's folder that holds the digest of the inventory that a rollback leads to, while it is under way.
const UNDER_WAY: &str = "rollback";

/// Arguments of `imctl rollback`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The release to go back to: its number or its time, as the error without a fitting one lists them; without it the one
    /// before what the inventory says now
    #[arg(long, value_name = "RELEASE")]
    to: Option<String>,
    /// Apply exactly this saved plan; refused when anything changed since
    #[arg(long, value_name = "FILE.plan")]
    plan: Option<PathBuf>,
    #[command(flatten)]
    change: ChangeArgs,
}

/// Plans, asks, rolls back, proves, tells.
pub(super) async fn run(args: Args, global: &Global) -> Result<Exit, Failure> {
    let road = road(global, args.to.as_deref())?.without(&args.change.lost)?;
    let saved = args.plan.as_deref().map(super::plan::load).transpose()?;
    let done = format!("back on {} {}", road.topology.stack.file.name, road.topology.version);
    let change = Change {
        road: &road,
        global,
        asked: &args.change,
        aim: Aim::Inventory,
        verb: "rollback",
        done: &done,
        skip: None,
    };
    let Some(applied) = change.apply(saved).await? else { return Ok(Exit::Done) };
    install::prove_and_tell(&change, applied).await
}

/// The road to a release: its inventory takes the place of the present one.
pub(super) fn road(global: &Global, to: Option<&str>) -> Result<Road, Failure> {
    let path = inventory_path(global)?;
    let now = inventory::load(&path)?;
    let state = State::open(&now.path, &now.name)?;
    let releases = state.releases()?;
    let says = super::road::digest_of(&path)?;
    if to.is_none() && under_way(&state)?.as_ref() == Some(&says) {
        return Ok(Road { back: true, ..Road::open(global)? });
    }
    let release = chosen(&releases, to, &says)?;
    let text = state.released_inventory(release)?;
    let text = text.ok_or_else(|| {
        Failure::Refused(format!(
            "the release of {} was made by an imctl that kept no inventory",
            release.time
        ))
    })?;
    same_hosts(&now, &inventory::parse(&path, &text)?)?;
    let mut road = match Edit::whole(&path, text)? {
        Some(edit) => Road::after(global, edit)?,
        None => Road::open(global)?,
    };
    if road.inventory().version.is_none() && road.topology.version != release.version {
        // The stack's default was another one then.
        let edit = Edit::set_version(&path, &release.version)?;
        road = edit.map_or_else(|| Road::open(global), |edit| Road::after(global, edit))?;
    }
    road.back = true;
    Ok(road)
}

/// Digest of the inventory that a rollback leads to which has not come to its end; it may have taken the file's place already.
fn under_way(state: &State) -> Result<Option<String>, Failure> {
    let text = state.read(UNDER_WAY)?.filter(|text| !text.is_empty());
    Ok(text.map(|text| String::from_utf8_lossy(&text).trim().to_owned()))
}

/// Notes where a rollback leads, before it changes anything.
pub(super) fn begins(road: &Road) -> Result<(), Failure> {
    if road.back {
        road.state.write(UNDER_WAY, format!("{}\n", road.inventory_digest).as_bytes())?;
    }
    Ok(())
}

/// A release stands: nothing is under way any longer.
pub(super) fn ended(road: &Road) -> Result<(), Failure> {
    match under_way(&road.state)? {
        Some(_) => Ok(road.state.write(UNDER_WAY, b"")?),
        None => Ok(()),
    }
}

/// The release that is meant.
fn chosen<'a>(releases: &'a [Release], to: Option<&str>, now: &str) -> Result<&'a Release, Failure> {
    let list: Vec<String> = releases
        .iter()
        .enumerate()
        .map(|(at, it)| format!("{} ({} {}, {})", at + 1, it.stack, it.version, it.time.strftime("%F %T")))
        .collect();
    let known = if list.is_empty() { "there is none".to_owned() } else { list.join("; ") };
    let found = if let Some(to) = to {
        releases.iter().enumerate().find(|(at, it)| {
            let time = it.time.strftime("%F %T").to_string();
            [(at + 1).to_string(), time, it.time.to_string()].iter().any(|name| name == to)
        })
    } else {
        // What came after the present state was first installed is no way back.
        let first = releases.iter().position(|it| it.inventory == now).unwrap_or(releases.len());
        releases.iter().enumerate().take(first).next_back()
    };
    found.map(|(_, release)| release).ok_or_else(|| {
        let what = to.map_or_else(
            || {
                "there is no release before the one that the inventory says now; name one with --to"
                    .to_owned()
            },
            |to| format!("no release is called `{to}`"),
        );
        Failure::Refused(format!("{what}; releases: {known}"))
    })
}

/// Hosts come and go by `scale`, which moves what they keep; a rollback leaves them as they are.
fn same_hosts(now: &Inventory, then: &Inventory) -> Result<(), Failure> {
    let names =
        |it: &Inventory| -> BTreeSet<HostName> { it.hosts.iter().map(|host| host.name.clone()).collect() };
    let (now, then) = (names(now), names(then));
    if now == then {
        return Ok(());
    }
    let list: Vec<String> = now.symmetric_difference(&then).map(|host| format!("`{host}`")).collect();
    Err(Failure::Refused(format!(
        "that release had other hosts ({}): bring the hosts to what they were first, with  imctl scale out|in",
        list.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn release(second: i64, inventory: &str) -> Release {
        Release {
            format: 1,
            stack: "relay".into(),
            version: "1".into(),
            time: Timestamp::from_second(second).unwrap(),
            who: String::new(),
            plan: String::new(),
            changed: None,
            imctl: String::new(),
            hosts: Vec::new(),
            inventory: inventory.into(),
            kept: None,
            bundle: None,
        }
    }

    #[test]
    fn what_is_under_way_is_known_until_it_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("acme.yml"), "acme").unwrap();
        assert_eq!(under_way(&state).unwrap(), None);
        state.write(UNDER_WAY, b"abc\n").unwrap();
        assert_eq!(under_way(&state).unwrap().as_deref(), Some("abc"));
        state.write(UNDER_WAY, b"").unwrap();
        assert_eq!(under_way(&state).unwrap(), None);
    }

    #[test]
    fn without_a_word_it_is_the_release_before_the_present_one() {
        let all = [release(1, "a"), release(2, "b"), release(3, "c"), release(4, "c")];
        assert_eq!(chosen(&all, None, "c").unwrap().time.as_second(), 2);
        assert_eq!(chosen(&all, None, "new").unwrap().time.as_second(), 4);
        let back = [release(1, "a"), release(2, "b"), release(3, "a")];
        assert!(chosen(&back, None, "a").is_err(), "going back twice does not go forth");
        assert_eq!(chosen(&all, Some("1"), "c").unwrap().inventory, "a");
        assert!(chosen(&all[2..], None, "c").is_err());
        let none = chosen(&all, Some("9"), "c").unwrap_err().to_string();
        assert!(
            none.contains("no release is called `9`; releases: 1 (relay 1, 1970-01-01 00:00:01)"),
            "{none}"
        );
    }
}
