//! Ctrl-C: once finishes the running steps and tells how to go on, twice ends at once; either way the next run ends the work.

use super::child::{end, in_a_step, signal};
use super::world::{World, edit, may_run, text};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");

#[test]
fn ctrl_c_once_finishes_the_step_and_twice_ends_at_once() {
    if !may_run() {
        return;
    }
    let world = World::new("stop");
    let file = world.up(TEMPLATE);
    world.imctl(&["install", "-y", "-i", text(&file)]);

    edit(&file, |text| text + "version: \"2\"\n");
    let child = in_a_step(&world, &file);
    signal(&child, "INT");
    let (code, said) = end(child);
    assert_eq!(code, 130, "{said}");
    assert!(said.contains("Stopping after the running steps"), "{said}");
    assert!(said.contains(&format!("imctl install -i {}", text(&file))), "the way on is told: {said}");
    assert_eq!(world.imctl(&["lock", "show", "-i", text(&file)]), "one  free\ntwo  free\n");
    world.imctl(&["install", "-y", "-i", text(&file)]);

    edit(&file, |text| text.replace("version: \"2\"", "version: \"1\""));
    let child = in_a_step(&world, &file);
    signal(&child, "INT");
    std::thread::sleep(std::time::Duration::from_millis(50));
    signal(&child, "INT");
    let (code, said) = end(child);
    assert_eq!(code, 130, "{said}");
    world.imctl(&["install", "-y", "-i", text(&file)]);
    for host in ["one", "two"] {
        assert_eq!(world.host(host, "relayctl healthy 1").0, 0, "{host} is healthy");
    }
    assert!(world.imctl(&["install", "-y", "-i", text(&file)]).contains("0 changes"));
}
