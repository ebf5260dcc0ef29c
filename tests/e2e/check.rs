//! `imctl check` finds faults that are really on a host, each by its own id and nothing else; clean hosts pass.

use super::faults::{FAULTS, Fault, RIGHTS, SIZES, WAYS};
use super::lab::number;
use super::world::{World, edit, may_run, text, until};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Three small hosts, so that this machine's disk is enough for them.
const TEMPLATE: &str = "name: ck\ndomain: im.ck.example\nstack: ejabberd\n\
    targets: { users: 50, online: 20, retention: 30d, file-retention: 10d }\n\
    ssh: { user: root }\nhosts:\n  app1: { address: 192.0.2.11, roles: [app, balancer] }\n  \
    db1: { address: 192.0.2.21, roles: [database] }\n  file1: { address: 192.0.2.31, roles: [files] }\n";

/// What two hosts share is told of both.
const SHARED: [&str; 2] = ["NAME-03", "NAME-04"];

/// Failures and warnings: id and host.
fn wrong(world: &World, file: &str) -> Vec<String> {
    let (_, said) = world.imctl_ends(&["check", "-i", file, "--output", "json"]);
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no answer: {said}"));
    let answer: Value = serde_json::from_str(line).expect("the answer is JSON");
    let findings = answer["findings"].as_array().expect("it holds findings").clone();
    let bad = findings.iter().filter(|it| it["verdict"] == "failed" || it["verdict"] == "warning");
    bad.map(|it| format!("{} {}", it["id"].as_str().expect("an id"), it["host"].as_str().unwrap_or("-")))
        .collect()
}

/// Plants each fault on `db1`, takes it away again; what was found instead of it.
fn planted(world: &World, file: &str, faults: &[Fault], other: &str) -> Vec<String> {
    let mut missed = Vec::new();
    for (id, plant, undo) in faults {
        let plant = plant.replace("OTHER", other);
        let (code, said) = world.host("db1", &plant);
        assert_eq!(code, 0, "{id} is planted: {said}");
        let mut found = wrong(world, file);
        let (code, said) = world.host("db1", undo);
        assert_eq!(code, 0, "{id} is taken away: {said}");
        if SHARED.contains(id) {
            found.retain(|it| !it.ends_with("app1"));
        }
        if found != [format!("{id} db1")] {
            missed.push(format!("{id}: found {found:?}"));
        }
    }
    missed
}

/// The same with rules on what reaches `db1` over the network.
fn planted_on_the_way(world: &World, file: &str) -> Vec<String> {
    let number = number(world);
    let nft = |words: &str| {
        let namespace = format!("imlab{number}-2");
        let output = Command::new("ip").args(["netns", "exec", &namespace, "nft", words]).output();
        let output = output.expect("ip can be started");
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let mut missed = Vec::new();
    for (id, rule) in WAYS {
        let rule = rule.replace("CALLER", &format!("10.213.{number}.11"));
        nft("add table inet planted");
        nft("add chain inet planted input { type filter hook input priority -10; }");
        nft(&format!("add rule inet planted input {rule}"));
        let found = wrong(world, file);
        nft("delete table inet planted");
        if found != [format!("{id} db1")] {
            missed.push(format!("{id}: found {found:?}"));
        }
    }
    missed
}

/// Mends what is safe to mend, once, and takes it back with the deployment.
fn what_is_safe_is_mended(world: &World, file: &str) {
    let plant =
        "cp /etc/hosts /root/hosts; grep -v \"$(cat /proc/sys/kernel/hostname)\" /root/hosts >/etc/hosts";
    assert_eq!(world.host("db1", plant).0, 0);
    assert_eq!(wrong(world, file), ["NAME-01 db1"]);
    let (code, said) = world.imctl_ends(&["check", "-i", file, "--fix"]);
    assert!(code == 12 && said.contains("nothing was changed"), "nobody said yes: {said}");
    let said = world.imctl(&["check", "-i", file, "--fix", "-y"]);
    assert!(said.contains("remedy-own-name") && said.contains("is mended"), "{said}");
    assert_eq!(wrong(world, file), Vec::<String>::new());
    let said = world.imctl(&["check", "-i", file, "--fix", "-y"]);
    assert!(
        said.contains("Nothing of this is safe to mend by itself") || said.contains("0 changes"),
        "{said}"
    );
    let (code, said) = world.imctl_ends(&["destroy", "-i", file, "--confirm", "ck"]);
    assert_eq!(code, 0, "{said}");
    let (_, hosts) = world.host("db1", "cat /etc/hosts; cat /root/hosts >/etc/hosts");
    assert!(!hosts.contains("imctl"), "{hosts}");
}

/// Sockets that listen on `db1`, and what a check may leave in the folders of its data.
fn traces(world: &World) -> String {
    let (code, said) = world.host("db1", "grep -c ' 0A ' /proc/net/tcp; grep -c ' 0A ' /proc/net/tcp6; grep -c ' 07 ' /proc/net/udp6; ls -A /var/lib | grep imctl; ls -A /run | grep imctl; pgrep -x perl; true");
    assert_eq!(code, 0, "{said}");
    said
}

/// Ends a check with -9 at moments when listeners stand and the disk is tried.
fn killed_leaves_nothing(world: &World, file: &str) {
    let before = traces(world);
    for millis in [400, 700, 1000, 1400] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_imctl"))
            .args(["check", "-i", file])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("imctl can be started");
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().expect("it can be ended");
        child.wait().expect("it ends");
        until("nothing is left on the host", Duration::from_secs(10), || traces(world) == before);
    }
}

#[test]
fn planted_faults_are_found_by_their_id_and_nothing_else_is() {
    if !may_run() {
        return;
    }
    let world = World::new("check");
    let template = world.path("small.yml");
    std::fs::write(&template, TEMPLATE).expect("a file");
    let small = world.up(text(&template));
    let whole = world.path("whole.yml");
    std::fs::copy(&small, &whole).expect("a copy");
    edit(&whole, |text| text.replace(", size]", "]"));
    let (file, whole) = (text(&small), text(&whole));
    assert_eq!(wrong(&world, whole), Vec::<String>::new(), "clean hosts pass");

    let (_, other) = world.host("app1", "cat /etc/machine-id");
    let mut missed = planted(&world, file, FAULTS, other.trim());
    missed.extend(planted_on_the_way(&world, file));
    missed.extend(planted(&world, whole, SIZES, ""));
    let ops = world.path("ops.yml");
    std::fs::copy(file, &ops).expect("a copy");
    edit(&ops, |text| text.replace("roles: [database]", "roles: [database], ssh: { user: ops, sudo: true }"));
    world.host("db1", "umask 226; echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops");
    missed.extend(planted(&world, text(&ops), RIGHTS, ""));
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert_eq!(wrong(&world, file), Vec::<String>::new(), "nothing is left of them");
    killed_leaves_nothing(&world, whole);
    what_is_safe_is_mended(&world, file);

    let (code, said) = world.imctl_ends(&["check", "-i", file, "--skip", "DISK-99=why"]);
    assert!(code == 2 && said.contains("there is no such check"), "{said}");
    let (code, said) = world.imctl_ends(&["check", "-i", file, "--skip", "DISK-01="]);
    assert!(code == 2 && said.contains("a reason belongs to it"), "{said}");
    world.host("db1", "touch /run/reboot-required");
    assert_eq!(world.imctl_ends(&["check", "-i", file]).0, 0, "a warning is no failure");
    assert_eq!(world.imctl_ends(&["check", "-i", file, "--fail-on", "warn"]).0, 4);
    let (code, said) =
        world.imctl_ends(&["check", "-i", file, "--fail-on", "warn", "--skip", "os-04=tonight"]);
    assert!(code == 0 && said.contains("left out: tonight"), "{said}");
}

#[test]
fn an_installation_stops_at_hosts_that_are_not_good_enough() {
    if !may_run() {
        return;
    }
    let world = World::new("unfit");
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stacks/relay.yml");
    let file = world.up(template);
    let file = text(&file);
    world.host("one", "mv /etc/machine-id /root/id");
    let (code, said) = world.imctl_ends(&["install", "-y", "-i", file]);
    assert!(code == 3 && said.contains("NAME-04") && said.contains("nothing was changed"), "{code} {said}");
    assert_ne!(world.host("one", "test -e /var/lib/imctl").0, 0, "nothing was put there");
    let said = world.imctl(&["install", "-y", "-i", file, "--skip", "NAME-04=a copy, put right tonight"]);
    assert!(said.contains("installed"), "{said}");
    let history = std::fs::read_to_string(world.path(".imctl/relay-test/history.jsonl")).expect("it is kept");
    assert!(history.contains("a copy, put right tonight"), "{history}");
    let said = world.imctl(&["install", "-y", "-i", file]);
    assert!(said.contains("0 changes"), "what stands is not judged again: {said}");
}
