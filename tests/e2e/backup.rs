//! Backups on a lab: a set, a row that came after it, a restore, a moment in between; damage that is named.

use super::world::{World, may_run, text};
use serde_json::Value;
use std::time::Duration;

const HOSTS: &str = "name: keep\ndomain: im.keep.example\nstack: ejabberd\n\
    targets: { users: 500, online: 200, retention: 30d, file-retention: 10d }\nssh: { user: root }\nhosts:\n\
    \x20 im1: { address: 192.0.2.1, roles: [app, balancer, database, files] }\n  backup1: { address: 192.0.2.2, roles: [backup] }\n";
/// One bit of the largest content in the store.
const FLIP: &str = "f=$(find /srv/imctl-backup/store/blobs -type f -printf '%s %p\\n' | sort -n | tail -n 1 | cut -d' ' -f2)\n\
    printf '\\377' | dd of=\"$f\" bs=1 seek=100 conv=notrunc status=none";

#[test]
fn what_came_after_a_set_goes_and_what_was_there_comes_back() {
    if !may_run() {
        return;
    }
    let world = World::new("backup");
    std::fs::write(world.path("keep.yml"), HOSTS).expect("the folder can be written");
    let file = world.up("keep.yml");
    let bundle = world.path("bundle");
    let on = |words: &[&str]| world.imctl_ends(&[words, &["-i", text(&file)]].concat());
    world.imctl(&["bundle", "build", "-i", text(&file), "-o", text(&bundle), "--trust"]);
    let (code, said) = on(&["install", "-y", "--bundle", text(&bundle)]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = on(&["plan", "--bundle", text(&bundle)]);
    assert!(code == 0 && said.contains("0 changes"), "{said}");

    sql(&world, "create table proof (at text)");
    sql(&world, "insert into proof values ('before')");
    let made = made(&on);
    let set = made["set"].as_str().expect("it has a name").to_owned();
    sql(&world, "insert into proof values ('after')");
    sql(&world, "drop table vcard");

    let (code, said) = on(&["restore", &set]);
    assert!(code == 12 && said.contains("nothing was changed: what came after"), "{said}");
    assert_eq!(sql(&world, "select string_agg(at, ',') from proof"), "before,after", "nothing was changed");
    let (code, said) = on(&["restore", &set, "--confirm", "keep"]);
    assert!(code == 0 && said.contains("keep is restored"), "{said}");
    assert_eq!(sql(&world, "select string_agg(at, ',') from proof"), "before");
    assert_eq!(sql(&world, "select to_regclass('vcard')"), "vcard");

    sql(&world, "insert into proof values ('second')");
    std::thread::sleep(Duration::from_millis(1500));
    let moment = sql(&world, "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    std::thread::sleep(Duration::from_millis(1500));
    sql(&world, "insert into proof values ('third')");
    let (code, said) = on(&["restore", "--at", &moment, "--confirm", "keep"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(sql(&world, "select string_agg(at, ',') from proof"), "before,second");

    damage_is_named(&world, &on);
}

/// Runs a command with the inventory.
type On<'a> = &'a dyn Fn(&[&str]) -> (i32, String);

fn damage_is_named(world: &World, on: On<'_>) {
    let (code, said) = on(&["backup", "verify"]);
    assert!(code == 0 && said.contains("every byte is as it was kept"), "{said}");
    world.host("backup1", FLIP);
    let (code, said) = on(&["backup", "verify"]);
    assert!(code == 3 && said.contains("its content is another one than was kept"), "{said}");
    let (code, said) = on(&["restore", "2001-01-01T00-00-00"]);
    assert!(code == 2 && said.contains("there is no set"), "{said}");
    let (code, said) = on(&["verify"]);
    assert_eq!(code, 0, "{said}");
}

/// Makes a set; the first one, begun by the installation, may still be made.
fn made(on: On<'_>) -> Value {
    let made = (0..30).find_map(|_| {
        let (code, said) = on(&["backup", "create", "--output", "json"]);
        (code == 0).then_some(said).or_else(|| {
            std::thread::sleep(Duration::from_secs(1));
            None
        })
    });
    answer(&made.expect("a set can be made"))
}

fn sql(world: &World, words: &str) -> String {
    let query = format!(
        "cd / && runuser -u postgres -- psql -XAtq -d ejabberd -c \"{}\"",
        words.replace('"', "\\\"")
    );
    world.host("im1", &query).1.trim().to_owned()
}

fn answer(said: &str) -> Value {
    let line = said
        .lines()
        .find(|line| line.starts_with('{') && line.contains("\"set\""))
        .unwrap_or_else(|| panic!("{said}"));
    serde_json::from_str(line).expect("the answer is JSON")
}
