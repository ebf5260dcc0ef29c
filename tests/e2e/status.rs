//! The status of a real deployment: well, sick, split, changed by hand, and with a host that is gone.

use super::world::{World, may_run, text};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");

#[test]
fn the_status_tells_what_is_wrong_and_where() {
    if !may_run() {
        return;
    }
    let world = World::new("status");
    let file = world.up(TEMPLATE);
    let status = |more: &[&str]| world.imctl_ends(&[&["status", "-i", text(&file)], more].concat());
    let expect = |(code, said): (i32, String), wanted: i32, parts: &[&str]| {
        assert_eq!(code, wanted, "{said}");
        for part in parts {
            assert!(said.contains(part), "`{part}` is missing:\n{said}");
        }
    };
    let (code, said) = status(&[]);
    assert!(code == 2 && said.contains("is not installed on one, two"), "{code}: {said}");
    assert!(!world.path(".imctl/relay-test/secrets.age").exists(), "looking makes no secrets");
    world.imctl(&["install", "-y", "-i", text(&file)]);
    let well = ["relay-test · relay 1: healthy  2 hosts seen", "● healthy  2 of 2", " lines", "nothing"];
    expect(status(&[]), 0, &well);
    let (_, json) = status(&["--output", "json"]);
    assert!(json.contains("\"format\":1") && json.contains("\"healthy\":true"), "{json}");

    world.host("two", "echo by hand >/etc/relay/greeting; rm -f /var/log/wtmp");
    let changed =
        ["1 thing worth a look", "two: changed by hand: file /etc/relay/greeting", "1 thing, 1 by hand"];
    expect(status(&[]), 0, &changed);
    expect(status(&["-v"]), 0, &["-by hand", "+welcome", "who logged in there last is unknown"]);
    let planned = world.imctl(&["plan", "-i", text(&file)]);
    assert!(planned.contains("Changed by hand on `two`: file /etc/relay/greeting"), "{planned}");

    world.host("two", "systemctl stop relay.service");
    expect(status(&[]), 3, &["two: relay: relay.service is inactive", "imctl install", "✗ unhealthy"]);
    world.host("two", "sed -i '/^one /d' /var/lib/relay/members; systemctl start relay.service");
    expect(status(&[]), 3, &["relay: split cluster: one sees one, two; two sees two"]);

    world.imctl(&["lab", "kill", "--name", &world.lab, "two"]);
    expect(
        status(&["--timeout", "3s"]),
        3,
        &["two: unreachable", "1 of 2 hosts seen", "? unknown", "● healthy"],
    );
    world.imctl(&["lab", "kill", "--name", &world.lab, "one"]);
    expect(status(&["--timeout", "3s"]), 7, &["0 of 2 hosts seen"]);
}
