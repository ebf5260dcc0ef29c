//! The second stack, a whole product in a few data files: installed, changed, rolled and removed on real hosts.

use super::world::{World, edit, may_run, text};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");
/// What must not move when nothing changes: times of files, starts and first processes of units.
const STILL: &str = "stat -c '%n %Y %Z' /etc/relay/* /usr/local/lib/relay/* /etc/systemd/system/relay*; \
    systemctl show -p Id,MainPID,ActiveEnterTimestampMonotonic relay.service relay-store.service";

#[test]
fn the_relay_installs_changes_rolls_and_is_removed() {
    if !may_run() {
        return;
    }
    let world = World::new("relay");
    let file = world.up(TEMPLATE);
    let on = |words: &[&str]| world.imctl(&[words, &["-i", text(&file)]].concat());

    let (code, planned) = world.imctl_ends(&["plan", "--detailed-exitcode", "-i", text(&file)]);
    assert_eq!(code, 10, "a new deployment has changes:\n{planned}");
    on(&["install", "-y"]);
    for host in ["one", "two"] {
        assert_eq!(world.host(host, "relayctl healthy 1").0, 0, "{host} is healthy");
    }
    let before = ["one", "two"].map(|host| world.host(host, STILL).1);
    let again = on(&["install", "-y"]);
    assert!(again.contains("0 changes"), "{again}");
    assert_eq!(["one", "two"].map(|host| world.host(host, STILL).1), before, "nothing moved");

    world.host("two", "echo by hand >/etc/relay/greeting");
    let planned = on(&["plan"]);
    assert!(planned.contains("-by hand") && planned.contains("+welcome"), "the diff shows both:\n{planned}");
    edit(&file, |text| text + "settings: { relay: { greeting: good day } }\n");
    on(&["install", "-y"]);
    for host in ["one", "two"] {
        assert_eq!(world.host(host, "cat /etc/relay/greeting").1, "good day\n");
    }

    edit(&file, |text| text + "version: \"2\"\n");
    on(&["install", "-y"]);
    for host in ["one", "two"] {
        assert_eq!(world.host(host, "relayctl healthy 2").0, 0, "{host} is healthy at version 2");
    }
    let (code, said) = world.imctl_ends(&["destroy", "-i", text(&file)]);
    assert_eq!(code, 12, "destroy wants the name:\n{said}");
    on(&["destroy", "--confirm", "relay-test"]);
    for host in ["one", "two"] {
        let ours = "ls -d /etc/relay* /var/lib/relay* /usr/local/lib/relay* /etc/systemd/system/relay* /var/lib/imctl 2>/dev/null";
        assert_eq!(world.host(host, ours).1, "", "nothing of ours is left on {host}");
    }
}

#[test]
fn an_install_that_loses_a_host_ends_with_5_and_goes_on_when_it_is_back() {
    if !may_run() {
        return;
    }
    let world = World::new("lost");
    let file = world.up(TEMPLATE);
    world.imctl(&["install", "-y", "-i", text(&file)]);
    edit(&file, |text| text + "settings: { relay: { greeting: again } }\n");
    world.imctl(&["lab", "kill", "--name", &world.lab, "two"]);
    let (code, said) = world.imctl_ends(&["install", "-y", "--timeout", "5s", "-i", text(&file)]);
    assert_eq!(code, 7, "an unreachable host is named:\n{said}");
    assert!(said.contains("two"), "{said}");
    world.imctl(&["lab", "start", "--name", &world.lab, "two"]);
    world.imctl(&["install", "-y", "-i", text(&file)]);
    assert_eq!(world.host("two", "cat /etc/relay/greeting").1, "again\n");
    assert_eq!(world.host("two", "relayctl healthy 1").0, 0);
}
