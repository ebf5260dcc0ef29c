//! Destroying: after it nothing of ours is on the hosts but what was said, no link was followed, and install works again.

use super::world::{World, may_run, text};
use std::collections::BTreeSet;

const RELAY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");
/// Every path of a host but what the system writes by itself or keeps of packages and logs, which is said.
const PATHS: &str = r"find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /dev \
    -o -path /var/log -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/systemd \
    -o -path /var/lib/ucf -o -path /srv -o -path /var/www \) -prune -o -name '*-' -prune -o ! -type d -print";

fn paths(world: &World, host: &str) -> BTreeSet<String> {
    world.host(host, PATHS).1.lines().map(str::to_owned).collect()
}

#[test]
fn a_destroyed_service_leaves_nothing_but_what_was_said_and_comes_back() {
    if !may_run() {
        return;
    }
    let world = World::new("destroy");
    let file = world.up("single");
    let bundle = world.path("bundle");
    let on = |words: &[&str]| world.imctl(&[words, &["-i", text(&file), "--bundle", text(&bundle)]].concat());
    world.imctl(&["bundle", "build", "-i", text(&file), "-o", text(&bundle), "--trust"]);
    let before = paths(&world, "im1");
    on(&["install", "-y"]);
    let links = "mkdir /srv/outside && echo kept >/srv/outside/file && ln -s /srv/outside /var/lib/garage/data/away \
        && ln -s /srv/outside/file /var/lib/postgresql/alias";
    assert_eq!(world.host("im1", links).0, 0);
    let (code, shown) = world.imctl_ends(&["destroy", "-i", text(&file)]);
    assert!(
        code == 12 && shown.contains("- data      /var/lib/postgresql"),
        "it shows what would go:\n{shown}"
    );

    let said = on(&["destroy", "--confirm", "acme-im"]);
    let left: Vec<String> = paths(&world, "im1").difference(&before).cloned().collect();
    let told = |path: &String| said.contains(path.as_str());
    let hidden: Vec<&String> = left.iter().filter(|path| !told(path)).collect();
    assert!(hidden.is_empty(), "left and not said: {hidden:#?}\n{said}");
    assert_eq!(world.host("im1", "cat /srv/outside/file").1, "kept\n", "no link was followed");

    on(&["install", "-y"]);
    on(&["verify"]);
}

#[test]
fn data_stay_when_asked_and_a_link_in_the_way_stops_the_removal() {
    if !may_run() {
        return;
    }
    let world = World::new("keep");
    let file = world.up(RELAY);
    let on = |words: &[&str]| world.imctl(&[words, &["-i", text(&file)]].concat());
    on(&["install", "-y"]);
    let (code, said) =
        world.imctl_ends(&["destroy", "--confirm", "relay-test", "--on", "one", "-i", text(&file)]);
    assert!(code == 12 && said.contains("is the last host of `store`"), "{code}: {said}");

    world.host(
        "one",
        "mkdir /srv/other && mv /etc/relay /srv/other/relay && ln -s /srv/other/relay /etc/relay",
    );
    let (code, said) =
        world.imctl_ends(&["destroy", "--confirm", "relay-test", "--keep-data", "-i", text(&file)]);
    assert!(code == 5 && said.contains("imctl follows no link"), "{code}: {said}");
    assert_eq!(world.host("one", "ls /srv/other/relay").1, "greeting\ntokens\n");
    world.host("one", "rm /etc/relay && mv /srv/other/relay /etc/relay");
    let said = on(&["destroy", "--confirm", "relay-test", "--keep-data"]);
    assert!(said.contains("/var/lib/relay-store: data: the history"), "{said}");
    assert_eq!(world.host("one", "ls /var/lib/relay-store | wc -l").0, 0);
    on(&["install", "-y"]);
    assert_eq!(world.host("one", "relayctl healthy 1").0, 0);
    on(&["destroy", "--confirm", "relay-test"]);
    let ours = "ls -d /etc/relay* /var/lib/relay* /var/lib/imctl /etc/imctl /etc/systemd/system/relay* 2>/dev/null; \
        getent passwd relay relay-store";
    for host in ["one", "two"] {
        assert_eq!(world.host(host, ours).1, "", "nothing of ours is left on {host}");
    }
}
