//! Whole inventories: good ones become models, bad ones show every mistake in its place.

use super::{Inventory, Mistakes, Sudo, Tls, load_alone, parse};
use std::path::Path;

/// Mistakes as `number line:column message` lines.
fn told(mistakes: &Mistakes) -> String {
    let line = |mistake: &super::Mistake| match &mistake.label {
        Some(label) => {
            let (line, column) = mistakes.line_and_column(label.span.start);
            format!("{} {line}:{column} {}\n", mistake.number, mistake.message)
        }
        None => format!("{} {}\n", mistake.number, mistake.message),
    };
    mistakes.list.iter().map(line).collect()
}

fn wrong(text: &str) -> String {
    told(&parse(Path::new("acme.yml"), text).expect_err("the text has mistakes"))
}

fn right(text: &str) -> Inventory {
    parse(Path::new("/etc/imctl/acme.yml"), text).unwrap_or_else(|mistakes| panic!("{}", told(&mistakes)))
}

#[test]
fn the_examples_load() {
    for (file, hosts) in [("single", 1), ("three", 3), ("six", 6)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("inventories/{file}.yml"));
        let inventory = load_alone(&path).unwrap_or_else(|mistakes| panic!("{}", told(&mistakes)));
        assert_eq!(inventory.hosts.len(), hosts, "{file}");
        assert!(!inventory.stack.is_empty() && !inventory.stack.contains(std::path::MAIN_SEPARATOR));
        assert!(inventory.targets.is_some_and(|targets| targets.retention_days == Some(365)));
    }
}

#[test]
fn everything_that_can_be_said_is_read() {
    let inventory = right(include_str!("../../tests/fixtures/inventory/full.yml"));
    assert_eq!((inventory.version.as_deref(), inventory.domain.as_str()), (Some("24.10"), "im.acme.example"));
    let names: Vec<&str> = inventory.hosts.iter().map(|host| host.name.as_str()).collect();
    assert_eq!(names, ["zeta", "数据库1", "alpha"]);
    let [zeta, database, alpha] = &inventory.hosts[..] else { panic!("three hosts") };
    assert_eq!((zeta.ssh.user.as_deref(), zeta.ssh.port, zeta.ssh.agent), (Some("ops"), Some(2222), false));
    assert_eq!((database.ssh.user.as_deref(), database.ssh.port), (Some("root"), None));
    assert_eq!(database.ssh.sudo, Sudo::No);
    assert_eq!(zeta.ssh.sudo, Sudo::PasswordFile("/etc/imctl/sudo.password".into()));
    assert_eq!(alpha.ssh.sudo, Sudo::Ask);
    assert_eq!((alpha.address.as_str(), alpha.limits.join(" ").as_str()), ("2001:db8::11", "clock nofile"));
    assert!(matches!(&inventory.tls, Tls::Own { key, .. } if key == Path::new("/etc/imctl/tls/im.key")));
    let targets = inventory.targets.expect("there are targets");
    assert_eq!((targets.files_per_user_day, targets.file_retention_days), (Some(2_000_000), Some(180)));
    assert_eq!(inventory.settings["database"]["max-connections"], 300);
    assert_eq!(inventory.variables["phone"], "0301234");
    assert_eq!(inventory.variables["nested"], serde_json::json!({ "list": [1, true, "yes", null, 1.5] }));
    assert_eq!(inventory.bundle.mirror.as_deref(), Some("http://deb.acme.example/debian"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = "\
name: acme-im
domian: im.acme.example
stack: im-server
targets: { users: many, retention: 365 }
ssh: { user: ops, sudo: maybe, ask-password: yes, port: 70000 }
hosts:
  app1: { address: 10.20.0.300, roles: app }
  app/2: { address: 10.20.0.12, roles: [app] }
  db1: { adress: 10.20.0.21, roles: [database] }
  db2: { address: 10.20.0.12, roles: [] }
";
    insta::assert_snapshot!(wrong(text), @r"
    IM1207 2:1 there is no key `domian` here
    IM1215 4:19 `many` is not a whole number
    IM1215 4:36 `365` is not a duration such as `365d`
    IM1227 5:25 `maybe` is not `true` or `false` or `ask`
    IM1209 5:46 `yes` is not `true` or `false`
    IM1215 5:57 `70000` is not a port, 1 to 65535
    IM1212 7:20 `10.20.0.300` is not an address
    IM1209 7:40 `roles` must be a list, each a name, not a single value
    IM1211 8:3 `app/2` contains `/`; letters of any script, digits, `-`, `_` and `.` are allowed, and it starts with a letter or digit
    IM1207 9:10 there is no key `adress` here
    IM1210 10:31 host `db2` has no role
    ");
}

#[test]
fn equal_keys_are_a_mistake_with_both_places() {
    let mistakes = parse(Path::new("a.yml"), "name: a\nname: b\n").expect_err("twice");
    let twice = mistakes.list.iter().find(|mistake| mistake.number == "IM1208").expect("found");
    assert_eq!(twice.label.as_ref().map(|label| label.span.clone()), Some(8..12));
    assert_eq!(twice.other.as_ref().map(|label| label.span.clone()), Some(0..4));
}
