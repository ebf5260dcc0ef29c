//! The lab itself: hosts come, behave like machines, and leave nothing behind.

use super::world::{World, may_run, text, until};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Everything of a lab that this machine could still hold, by its number.
fn remains(number: u64) -> Vec<String> {
    let mut found = Vec::new();
    for folder in
        ["/run/netns", "/sys/class/net", "/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"]
    {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let ours =
            |name: &String| *name == format!("imlab{number}") || name.starts_with(&format!("imlab{number}-"));
        found.extend(names.filter(ours).map(|name| format!("{folder}/{name}")));
    }
    found
}

pub(crate) fn number(world: &World) -> u64 {
    let record = Path::new("/var/lib/imctl-lab").join(&world.lab).join("lab.json");
    let record = std::fs::read_to_string(record).expect("the lab is recorded");
    let record: serde_json::Value = serde_json::from_str(&record).expect("the record is JSON");
    record["number"].as_u64().expect("a lab has a number")
}

/// Whether one host of the lab reaches another's SSH server.
fn reaches(world: &World, from: &str, to: &str) -> bool {
    let listed = world.imctl(&["lab", "list", "--output", "json"]);
    let listed: serde_json::Value =
        serde_json::from_str(listed.lines().last().unwrap_or_default()).expect("it is JSON");
    let labs = listed["labs"].as_array().expect("a list").clone();
    let lab = labs.into_iter().find(|lab| lab["name"] == *world.lab).expect("our lab is listed");
    let hosts = lab["hosts"].as_array().expect("a list").clone();
    let address =
        hosts.iter().find(|host| host["name"] == *to).map(|host| host["address"].clone()).expect("the host");
    let address = address.as_str().expect("text").to_owned();
    world.host(from, &format!("timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/22'")).0 == 0
}

#[test]
fn three_hosts_are_up_soon_and_gone_without_a_trace() {
    if !may_run() {
        return;
    }
    let world = World::new("three");
    let started = Instant::now();
    world.up("three");
    let took = started.elapsed();
    let number = number(&world);
    let (code, seen) =
        world.host("db1", "systemctl is-system-running --wait; hostname; id -u; ip route show default");
    assert_eq!(
        (code, seen.as_str()),
        (0, "running\ndb1\n0\n"),
        "a host runs whole, as root, with no way out"
    );
    let ids: Vec<String> =
        ["app1", "db1", "file1"].map(|host| world.host(host, "cat /etc/machine-id").1).to_vec();
    assert!(
        ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2],
        "each host is its own machine: {ids:?}"
    );
    let seen = world.imctl(&["lab", "ssh", "--name", &world.lab, "app1", "--user", "ops", "--", "id -un"]);
    assert_eq!(seen, "ops\n");
    assert!(!remains(number).is_empty());
    world.imctl(&["lab", "down", "--name", &world.lab]);
    assert_eq!(remains(number), Vec::<String>::new());
    assert!(!Path::new("/var/lib/imctl-lab").join(&world.lab).exists());
    // The base may have had to be made first.
    assert!(took < Duration::from_secs(10) || took > Duration::from_secs(40), "three hosts took {took:?}");
}

#[test]
fn hosts_are_cut_parted_killed_and_rebooted_like_machines() {
    if !may_run() {
        return;
    }
    let world = World::new("life");
    world.up("three");
    let lab = |words: &[&str]| world.imctl(&[&["lab"], words, &["--name", &world.lab]].concat());
    assert!(reaches(&world, "app1", "db1"));
    lab(&["cut", "app1", "--from", "db1"]);
    assert!(
        !reaches(&world, "app1", "db1")
            && !reaches(&world, "db1", "app1")
            && reaches(&world, "app1", "file1")
    );
    lab(&["heal", "app1"]);
    lab(&["cut", "db1"]);
    assert!(!reaches(&world, "app1", "db1"));
    assert!(reaches(&world, "client", "app1"), "the client is on the network");
    lab(&["heal", "db1"]);
    until("db1 is back", Duration::from_secs(5), || reaches(&world, "app1", "db1"));
    world.host("file1", "echo kept >/var/kept; sync");
    lab(&["kill", "file1"]);
    assert_ne!(world.host("file1", "true").0, 0, "a dead host runs nothing");
    lab(&["start", "file1"]);
    assert_eq!(world.host("file1", "cat /var/kept").1, "kept\n");
    let boot = world.host("app1", "cut -d. -f1 /proc/1/stat | cut -d' ' -f22").1;
    world.host("app1", "systemctl reboot");
    until("app1 has rebooted", Duration::from_secs(30), || {
        let (code, now) = world.host("app1", "cut -d. -f1 /proc/1/stat | cut -d' ' -f22");
        code == 0 && now != boot
    });
}

#[test]
fn what_a_killed_up_left_half_made_is_removed_and_its_neighbour_stays() {
    if !may_run() {
        return;
    }
    let (neighbour, world) = (World::new("near"), World::new("half"));
    neighbour.up("single");
    for wait in [20, 60, 100, 150, 250, 400, 700] {
        let mut up = Command::new(env!("CARGO_BIN_EXE_imctl"))
            .args(["lab", "up", "--name", &world.lab, "-n", "2"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("imctl can be started");
        std::thread::sleep(Duration::from_millis(wait));
        up.kill().expect("it can be killed");
        up.wait().expect("it ends");
        if !Path::new("/var/lib/imctl-lab").join(&world.lab).join("lab.json").exists() {
            continue;
        }
        let number = number(&world);
        world.imctl(&["lab", "down", "--name", &world.lab]);
        assert_eq!(remains(number), Vec::<String>::new(), "killed after {wait} ms");
    }
    assert_eq!(neighbour.host("im1", "true").0, 0);
}

#[test]
fn a_lab_grows_by_the_hosts_its_template_has_more() {
    if !may_run() {
        return;
    }
    let world = World::new("grow");
    world.up("single");
    let boot = world.host("im1", "cat /etc/machine-id").1;
    let more = std::fs::read_to_string(world.path("lab.yml")).expect("the inventory is there");
    let one = more.lines().find(|line| line.starts_with("  im1:")).expect("the host has a line");
    let two = more.replace(one, &format!("{one}\n{}", one.replace("im1:", "数据库:")));
    std::fs::write(world.path("two.yml"), two).expect("it can be written");
    let grown = world.path("grown.yml");
    world.imctl(&[
        "lab",
        "up",
        "--name",
        &world.lab,
        "--template",
        text(&world.path("two.yml")),
        "--out",
        text(&grown),
    ]);
    assert_eq!(world.host("数据库", "hostname").1, "host2\n");
    assert_eq!(world.host("im1", "cat /etc/machine-id").1, boot);
    let (code, said) = world.imctl_ends(&["lab", "exec", "--name", &world.lab, "nobody", "--", "true"]);
    assert!(code == 2 && said.contains("its hosts are im1, 数据库"), "{said}");
}
