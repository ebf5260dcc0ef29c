//! Two operators on one deployment: never both, never neither; a holder that lost its lease does not act; a dead host
//! does not hold up the others.

use super::child::{begin, end, in_a_step, signal};
use super::world::{World, edit, may_run, text};
use std::path::PathBuf;
use std::process::Command;

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");

/// A relay that is installed, and a second operator's folder with a copy of everything.
fn two_operators(name: &str) -> (World, PathBuf, PathBuf) {
    let world = World::new(name);
    let first = world.up(TEMPLATE);
    world.imctl(&["install", "-y", "-i", text(&first)]);
    let second = world.path("second");
    std::fs::create_dir(&second).expect("a folder can be made");
    let copied =
        Command::new("cp").args(["-a", text(&first), text(&world.path(".imctl")), text(&second)]).status();
    assert!(copied.expect("cp can be started").success());
    (world, first, second.join("lab.yml"))
}

#[test]
fn of_two_operators_at_once_one_gets_through() {
    if !may_run() {
        return;
    }
    let (world, first, second) = two_operators("pair");
    for round in 0..10 {
        for host in ["one", "two"] {
            world.host(host, &format!("echo {round} >/etc/relay/greeting"));
        }
        let children = [&first, &second].map(|file| begin(&["install", "-y", "-i", text(file)]));
        let ends = children.map(end);
        let changed = ends.iter().filter(|(code, said)| *code == 0 && said.contains("is installed")).count();
        assert_eq!(changed, 1, "round {round}: {ends:#?}");
        for (code, said) in &ends {
            let late = *code == 0 && said.contains("0 changes");
            let kept_out =
                *code == 6 && said.contains("IM2401") && said.contains("is changing relay-test since");
            assert!(late || kept_out || said.contains("is installed"), "round {round}: {code} {said}");
        }
        world.say(&format!("round {round}: {} and {}", ends[0].0, ends[1].0));
    }
    assert_eq!(world.imctl(&["lock", "show", "-i", text(&first)]), "one  free\ntwo  free\n");
}

#[test]
fn a_holder_that_lost_its_lease_does_not_act() {
    if !may_run() {
        return;
    }
    let (world, first, second) = two_operators("stopped");
    edit(&first, |text| text + "version: \"2\"\n");
    edit(&second, |text| text + "settings: { relay: { greeting: second } }\n");
    let child = in_a_step(&world, &first);
    signal(&child, "STOP");
    let (code, said) = world.imctl_ends(&["install", "-y", "-i", text(&second)]);
    assert!(code == 6 && said.contains("a test"), "{code} {said}");
    assert!(world.imctl(&["lock", "show", "-i", text(&second)]).contains("install (\"a test\")"));
    world.imctl(&["install", "-y", "--lock-wait", "2m", "-i", text(&second)]);
    signal(&child, "CONT");
    let (code, said) = end(child);
    // A step that waited meanwhile may have run out of its own time first.
    assert_eq!(code, 5, "{said}");
    let (code, said) = world.imctl_ends(&["plan", "--detailed-exitcode", "-i", text(&second)]);
    assert_eq!(code, 0, "nothing was done after the lease was lost:\n{said}");

    let child = in_a_step(&world, &first);
    signal(&child, "STOP");
    let release = ["lock", "release", "-i", text(&second)];
    assert_eq!(world.imctl_ends(&release).0, 12);
    let said = world.imctl(&[&release[..], &["--confirm", "relay-test", "--reason", "gone home"]].concat());
    assert!(said.contains("released; `"), "{said}");
    let history = std::fs::read_to_string(second.with_file_name(".imctl").join("relay-test/history.jsonl"));
    assert!(history.expect("there is a history").contains("gone home"));
    world.imctl(&["install", "-y", "-i", text(&second)]);
    signal(&child, "CONT");
    let (code, said) = end(child);
    assert_eq!(code, 5, "{said}");
    let (code, said) = world.imctl_ends(&["plan", "--detailed-exitcode", "-i", text(&second)]);
    assert_eq!(code, 0, "nothing was done after the lease was released:\n{said}");
}

#[test]
fn a_dead_host_is_left_out_by_name_and_brought_up_to_date_when_it_is_back() {
    if !may_run() {
        return;
    }
    let world = World::new("dead");
    let file = world.up(TEMPLATE);
    let on = |words: &[&str]| world.imctl_ends(&[words, &["--timeout", "5s", "-i", text(&file)]].concat());
    assert_eq!(on(&["install", "-y"]).0, 0);
    let (code, said) = on(&["install", "-y", "--lost", "two", "--confirm", "relay-test"]);
    assert!(code == 12 && said.contains("answers, so it is not lost"), "{code} {said}");
    world.imctl(&["lab", "kill", "--name", &world.lab, "two"]);
    edit(&file, |text| text + "settings: { relay: { greeting: alone } }\n");
    assert_eq!(on(&["install", "-y"]).0, 7);
    assert_eq!(on(&["install", "-y", "--lost", "two"]).0, 12);
    let (code, said) = on(&["install", "-y", "--lost", "one", "--confirm", "relay-test"]);
    assert!(code == 12 && said.contains("`store`"), "the only store cannot be left out: {code} {said}");
    let (code, said) =
        on(&["install", "-y", "--lost", "two", "--confirm", "relay-test", "--reason", "burnt"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(world.host("one", "cat /etc/relay/greeting").1, "alone\n");
    let on_host = world.host("one", "cat /var/lib/imctl/relay-test/lost.json").1;
    assert!(on_host.contains("\"two\"") && on_host.contains("burnt"), "{on_host}");
    world.imctl(&["lab", "start", "--name", &world.lab, "two"]);
    let (_, said) = on(&["plan"]);
    assert!(said.contains("`two` was declared lost on"), "{said}");
    assert_eq!(on(&["install", "-y"]).0, 0);
    assert_eq!(world.host("two", "cat /etc/relay/greeting").1, "alone\n");
    assert!(!on(&["plan"]).1.contains("declared lost"));
}
