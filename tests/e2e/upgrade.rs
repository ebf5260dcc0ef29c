//! A change of version while people talk: nothing is lost, a host that fails is put back, the way back works until it is shut; and
//! the ledger would see it if messages were missing.

use super::world::{World, may_run, text};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const HOSTS: &str = "name: change\ndomain: im.change.example\nstack: ejabberd\nversion: \"23.01\"\n\
    targets: { users: 500, online: 200, retention: 30d, file-retention: 10d }\nssh: { user: root }\nhosts:\n\
    \x20 app1: { address: 192.0.2.1, roles: [app, balancer] }\n  app2: { address: 192.0.2.2, roles: [app, balancer] }\n\
    \x20 db1: { address: 192.0.2.3, roles: [database] }\n  file1: { address: 192.0.2.4, roles: [files] }\n";

/// The chat server of this host starts with the old version only.
const BREAK: &str = r#"mkdir -p /etc/systemd/system/ejabberd.service.d
printf '[Service]\nExecStartPre=/bin/sh -c "dpkg-query -W ejabberd | grep -q 23.01"\n' >/etc/systemd/system/ejabberd.service.d/zz.conf
systemctl daemon-reload"#;
const MEND: &str = "rm /etc/systemd/system/ejabberd.service.d/zz.conf; systemctl daemon-reload";
const FORGET: &str =
    "runuser -u postgres -- psql -q -d ejabberd -c 'alter table archive drop column origin_id'";

/// Runs a command with an inventory and the bundle.
type On<'a> = &'a dyn Fn(&Path, &[&str]) -> (i32, String);

#[test]
fn a_version_changes_while_people_talk_and_nothing_is_missing() {
    if !may_run() {
        return;
    }
    let world = World::new("upgrade");
    std::fs::write(world.path("change.yml"), HOSTS).expect("the folder can be written");
    let file = world.up("change.yml");
    let bundle = world.path("bundle");
    let on = |file: &Path, words: &[&str]| {
        world.imctl_ends(&[words, &["-y", "-i", text(file), "--bundle", text(&bundle)]].concat())
    };
    let versions = ["--versions", "23.01,24.12"];
    let build = ["bundle", "build", "-i", text(&file), "-o", text(&bundle), "--trust"];
    world.imctl(&[&build[..], &versions].concat());
    let (code, said) = on(&file, &["install"]);
    assert_eq!(code, 0, "{said}");

    world.host("app1", BREAK);
    let talk = talk(&world, &file, "100s");
    let up = ["upgrade", "--to", "24.12", "--pause"];
    let (code, said) = on(&file, &up);
    assert!(code == 9 && said.contains("put back    app1 is as it was before, and serves"), "{said}");
    assert_eq!((version(&world, "app1"), version(&world, "app2")), ("23.01".into(), "24.12".into()));
    world.host("app1", MEND);
    let (code, said) = on(&file, &up);
    assert_eq!(code, 0, "{said}");
    assert_eq!(version(&world, "app1"), "24.12");
    let kept = std::fs::read_to_string(&file).expect("the inventory is there");
    assert!(kept.contains("version: \"24.12\""), "{kept}");
    let messages = ended(talk);
    let count = |what: &str| messages[what].as_u64().unwrap_or(u64::MAX);
    assert_eq!((count("lost"), count("unkept")), (0, 0), "{messages}");

    let (code, said) = on(&file, &["rollback"]);
    assert!(code == 0 && said.contains("is back on ejabberd 23.01"), "{said}");
    assert_eq!((version(&world, "app1"), version(&world, "app2")), ("23.01".into(), "23.01".into()));
    let (_, said) = world.imctl_ends(&["plan", "-i", text(&file), "--bundle", text(&bundle)]);
    assert!(said.contains("0 changes"), "{said}");

    the_ledger_sees_what_is_missing(&world, &file, &on);
}

/// The same with a stack that takes no care of the tables: the first new node takes the others' history away, and shuts the
/// way back.
fn the_ledger_sees_what_is_missing(world: &World, file: &Path, on: On<'_>) {
    world.host("db1", FORGET);
    let careless = careless(world, file);
    let talk = talk(world, &careless, "70s");
    let (code, said) = on(&careless, &["upgrade", "--to", "24.12", "--pause"]);
    assert_eq!(code, 0, "{said}");
    let messages = ended(talk);
    assert!(messages["unkept"].as_u64().is_some_and(|count| count > 0), "{messages}");
    let (code, said) = on(file, &["rollback", "--to", "1"]);
    assert!(code == 12 && said.contains("/var/backups/imctl/change/before-24.12.dump"), "{said}");
    assert_eq!(version(world, "app1"), "24.12", "nothing was touched");
}

/// An inventory of the same hosts whose stack knows no `expand`, and lets nodes change tables.
fn careless(world: &World, file: &Path) -> PathBuf {
    let folder = world.path("careless/ejabberd");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/ejabberd");
    std::fs::create_dir_all(folder.parent().expect("it has one")).expect("the folder can be made");
    let copied = Command::new("cp").args(["-r", text(&source), text(&folder)]).status().expect("cp runs");
    assert!(copied.success());
    let cut = |name: &str, from: &str, to: &str| {
        let path = folder.join(name);
        let whole = std::fs::read_to_string(&path).expect("it is there");
        let (start, end) = (whole.find(from).expect(from), whole.find(to).expect(to));
        std::fs::write(&path, format!("{}{}", &whole[..start], &whole[end..])).expect("it can be written");
    };
    cut("stack.yml", "        expand:\n", "        contract:\n");
    cut("server/ejabberd.yml.j2", "# Tables are changed by imctl", "sql_type: pgsql");
    let open = folder.join("server/ejabberd.yml.j2");
    let whole = std::fs::read_to_string(&open).expect("it is there");
    std::fs::write(&open, whole.replace("{% if version != \"23.01\" %}\nsql_type", "sql_type"))
        .expect("it can be written");
    let careless = world.path("careless.yml");
    let whole = std::fs::read_to_string(file).expect("the inventory is there");
    let whole = whole.replace("stack: ejabberd", "stack: ./careless/ejabberd");
    std::fs::write(&careless, whole).expect("the folder can be written");
    careless
}

/// People who talk for a while; the change begins when they are in.
fn talk(world: &World, file: &Path, lasts: &str) -> Child {
    let words = ["--online", "40", "--rate", "20", "--login-rate", "20", "--goal", "delivery-max=90s"];
    let child = Command::new(env!("CARGO_BIN_EXE_imctl"))
        .args(["load", "-i", text(file), "--during-change", "--confirm", "change", "--output", "json"])
        .args(words)
        .args(["--duration", lasts])
        .current_dir(world.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("imctl can be started");
    std::thread::sleep(Duration::from_secs(8));
    child
}

/// What became of their messages.
fn ended(child: Child) -> Value {
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout);
    let answer =
        said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no answer: {said}"));
    let answer: Value = serde_json::from_str(answer).expect("the answer is JSON");
    answer["result"]["messages"].clone()
}

/// Version of the chat server on a host, as its package says.
fn version(world: &World, host: &str) -> String {
    let (_, said) = world.host(host, "dpkg-query -W -f '${Version}' ejabberd");
    said.trim().split('-').next().unwrap_or_default().to_owned()
}
