//! The plans of a deployment with a backup host: from the beginning, one that comes later, one that goes again.

use crate::hosts::{bare, installed, load, planned, text, wanted};
use imctl::base::{HostName, Role};
use imctl::inventory::Inventory;
use imctl::plan::{MANIFEST_KEY, Step, manifest_of};
use imctl::record::{Answer, Observed};
use imctl::stack::Stack;
use imctl::topology;

/// The inventory `three` with a backup host.
fn four() -> (Inventory, Stack) {
    let (mut inventory, stack) = load("three");
    let mut fourth = inventory.hosts.last().expect("a file host").clone();
    fourth.name = HostName::new("backup1").expect("a name");
    fourth.roles = [Role::new("backup").expect("a role")].into();
    "10.20.0.41".clone_into(&mut fourth.address);
    inventory.hosts.push(fourth);
    (inventory, stack)
}

#[test]
fn a_fresh_installation_with_a_backup_host_reads_well() {
    let (inventory, stack) = four();
    let topology = topology::build(&inventory, &stack).expect("they fit");
    let text = text(&planned(&topology, &bare(&topology)));
    assert!(!text.contains("secret of "), "no secret in a plan");
    insta::assert_snapshot!("backup_install", text);
    let left: Vec<String> = planned(&topology, &installed(&topology)).steps().map(Step::line).collect();
    assert!(left.iter().all(|line| line.contains("sysctl ")), "{left:#?}");
}

#[test]
fn a_backup_host_comes_later_and_goes_again() {
    let (inventory, stack) = four();
    let with = topology::build(&inventory, &stack).expect("they fit");
    let mut rest = inventory.clone();
    let last = rest.hosts.pop().expect("the backup host");
    let without = topology::build(&rest, &stack).expect("they fit");
    let mut observed = installed(&without);
    observed.insert(last.name.clone(), Observed::default());
    insta::assert_snapshot!("backup_host_comes", text(&planned(&with, &observed)));
    let mut observed = installed(&with);
    for (host, seen) in &mut observed {
        let manifest = manifest_of("ejabberd 24.12", wanted(&with).on(host));
        let out = serde_json::to_string(&manifest).expect("plain data");
        seen.scripts.insert(MANIFEST_KEY.to_owned(), Answer { status: 0, out });
    }
    observed.remove(&last.name);
    insta::assert_snapshot!("backup_host_goes", text(&planned(&without, &observed)));
}

#[test]
fn a_backup_host_stands_apart_from_what_it_saves() {
    for role in ["database", "files"] {
        let (mut inventory, stack) = four();
        inventory.hosts.pop();
        let role = Role::new(role).expect("a role");
        let host = inventory.hosts.iter_mut().find(|host| host.roles.contains(&role)).expect("it is there");
        host.roles.push(Role::new("backup").expect("a role"));
        let refused = topology::build(&inventory, &stack).expect_err("one fire would take both").to_string();
        assert!(refused.contains(&format!("cannot have both roles `backup` and `{role}`")), "{refused}");
    }
}
