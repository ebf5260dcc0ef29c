//! A lost control machine: another one, with the inventory and the key alone, takes over what the hosts keep.

use super::world::{World, edit, may_run, text};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");

#[test]
fn a_new_control_machine_takes_over_what_the_hosts_keep() {
    if !may_run() {
        return;
    }
    let world = World::new("adopt");
    let file = world.up(TEMPLATE);
    let on = |words: &[&str]| world.imctl(&[words, &["-i", text(&file)]].concat());
    let ends = |words: &[&str]| world.imctl_ends(&[words, &["-i", text(&file)]].concat());
    on(&["install", "-y"]);
    let (code, said) = ends(&["adopt"]);
    assert!(code == 12 && said.contains("already holds the state"), "{code}: {said}");

    let folder = world.path(".imctl/relay-test");
    let (secrets, lost) = (std::fs::read(folder.join("secrets.age")).expect("secrets"), world.path("lost"));
    std::fs::rename(&folder, &lost).expect("the control machine is lost");
    edit(&file, |text| text + "# another hand\n");
    let said = on(&["adopt"]);
    assert!(said.contains("1 release") && said.contains("lab.yml.adopted"), "{said}");
    assert_eq!(std::fs::read(folder.join("secrets.age")).expect("secrets"), secrets);
    std::fs::rename(world.path("lab.yml.adopted"), &file).expect("taken");
    assert!(on(&["plan"]).contains("0 changes"));
    assert!(on(&["history", "verify"]).contains("follow from each other"));
    edit(&file, |text| text + "settings: { relay: { greeting: again } }\n");
    on(&["install", "-y"]);
    assert_eq!(world.host("two", "cat /etc/relay/greeting").1, "again\n");
    on(&["history", "verify"]);
}
