//! Edits keep comments, layout and line breaks, or are refused.

use super::edit::{Edit, EditError, NewHost};
use crate::base::{HostName, Role};
use std::path::{Path, PathBuf};

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const HEAD: &str = "# ours\nname: a   # the name\ndomain: a.example\nstack: s\n";

struct Kept {
    folder: tempfile::TempDir,
}

impl Kept {
    fn file(text: &str) -> (Self, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.yml");
        std::fs::write(&path, format!("{HEAD}{text}")).expect("written");
        (Self { folder }, path)
    }
}

fn host(name: &str, address: &str) -> NewHost {
    let roles = vec![Role::new("app").expect("a role"), Role::new("balancer").expect("a role")];
    NewHost {
        name: HostName::new(name).expect("a name"),
        address: address.to_owned(),
        roles,
        port: Some(2222),
        limits: Vec::new(),
    }
}

fn added(path: &Path, new: &NewHost) -> Result<Edit, EditError> {
    Edit::hosts(path, std::slice::from_ref(new), &[]).map(|edit| edit.expect("it is new"))
}

fn removed(path: &Path, name: &HostName) -> Result<Edit, EditError> {
    Edit::hosts(path, &[], std::slice::from_ref(name)).map(|edit| edit.expect("it goes"))
}

/// The lines that the diff adds or removes.
fn changed(edit: &Edit) -> Vec<String> {
    edit.diff().lines().filter(|line| line.starts_with(['+', '-'])).map(str::to_owned).collect()
}

const BLOCK: &str = "hosts:\n  app1: { address: 10.0.0.1, roles: [app] }   # first\n  # the next one is old\n  \
                     app2:\n    address: 10.0.0.2   # to be replaced\n    roles:\n      - app\n      - balancer # too\n\ntls: { ca: private }\n";

#[test]
fn a_host_is_added_after_the_last_one_and_everything_else_stays() {
    let (_kept, path) = Kept::file(BLOCK);
    let edit = added(&path, &host("应用3", "2001:db8::3")).expect("it can be added");
    let line = r#"+  应用3: { address: "2001:db8::3", roles: [app, balancer], ssh: { port: 2222 } }"#;
    assert_eq!(changed(&edit), [line]);
    let backup = edit.write().expect("it can be written");
    assert_eq!(std::fs::read_to_string(backup).expect("kept"), format!("{HEAD}{BLOCK}"));
    let inventory = super::load_alone(&path).expect("it loads");
    assert_eq!(inventory.hosts.len(), 3);
    assert!(matches!(edit.write(), Err(EditError::Changed(_))), "a second write would undo the first");
}

#[test]
fn a_host_is_added_to_hosts_in_braces_and_to_a_file_with_crlf() {
    let (_kept, path) = Kept::file("hosts: { app1: { address: 10.0.0.1, roles: [app] } }\n");
    let edit = added(&path, &host("app2", "10.0.0.2")).expect("it can be added");
    assert!(
        changed(&edit)[1]
            .ends_with("[app] }, app2: { address: 10.0.0.2, roles: [app, balancer], ssh: { port: 2222 } } }")
    );
    let (kept, path) = Kept::file(&BLOCK.replace('\n', "\r\n"));
    added(&path, &host("app3", "10.0.0.3")).and_then(|edit| edit.write()).expect("it can be added");
    let text = std::fs::read_to_string(kept.folder.path().join("a.yml")).expect("there");
    assert!(text.contains("ssh: { port: 2222 } }\r\n"));
}

#[test]
fn a_host_is_removed_with_its_lines_only() {
    let (_kept, path) = Kept::file(BLOCK);
    let edit = removed(&path, &HostName::new("app2").expect("a name")).expect("it can be removed");
    assert_eq!(changed(&edit).len(), 5, "{}", edit.diff());
    let edit = removed(&path, &HostName::new("app1").expect("a name")).expect("it can be removed");
    assert_eq!(changed(&edit), ["-  app1: { address: 10.0.0.1, roles: [app] }   # first"]);
    assert!(removed(&path, &HostName::new("app9").expect("a name")).is_err());
}

#[test]
fn the_last_host_and_a_host_others_refer_to_are_not_removed() {
    let name = HostName::new("app1").expect("a name");
    let (_kept, path) = Kept::file("hosts:\n  app1: { address: 10.0.0.1, roles: [app] }\n");
    assert!(matches!(removed(&path, &name), Err(EditError::ByHand { .. })));
    let (_kept, path) = Kept::file(
        "hosts:\n  app1: { address: 10.0.0.1, roles: &r [app] }\n  app2: { address: 10.0.0.2, roles: *r }\n",
    );
    assert!(matches!(removed(&path, &name), Err(EditError::ByHand { .. })));
}

#[test]
fn a_key_is_trusted_wherever_the_keys_stand() {
    let other = "RWTE3c5kdfFNQ4lLQVMwHTA9x5mZsA5nJIYBAFnYaU0jXQzFxSWxyK9C";
    let hosts = "hosts:\n  app1: { address: 10.0.0.1, roles: [app] }";
    let cases = [
        (String::new(), format!("bundle: {{ trusted-keys: [{KEY}] }}")),
        ("\nbundle: { path: b }\n".to_owned(), format!("bundle: {{ path: b, trusted-keys: [{KEY}] }}")),
        ("\nbundle:\n  path: b   # here\n".to_owned(), format!("  trusted-keys: [{KEY}]")),
        ("\nbundle: { trusted-keys: [] }\n".to_owned(), format!("bundle: {{ trusted-keys: [{KEY}] }}")),
        (
            format!("\nbundle: {{ trusted-keys: [{other}] }}\n"),
            format!("bundle: {{ trusted-keys: [{other}, {KEY}] }}"),
        ),
        (format!("\nbundle:\n  trusted-keys:\n    - {other} # old\n"), format!("    - {KEY}")),
    ];
    for (bundle, line) in cases {
        let (_kept, path) = Kept::file(&format!("{hosts}{bundle}"));
        let edit = Edit::trust_key(&path, KEY).expect("it can be trusted").expect("it is new");
        assert!(changed(&edit).contains(&format!("+{line}")), "{bundle}: {}", edit.diff());
        edit.write().expect("written");
        assert!(Edit::trust_key(&path, KEY).is_ok_and(|edit| edit.is_none()), "it is trusted already");
    }
}

#[test]
fn an_own_certificate_is_named_and_the_comments_stay() {
    let names = ["tls/a.crt", "tls/a.key", "tls/a.chain.crt"].map(str::to_owned);
    for (tail, wanted) in [
        (
            "",
            "domain: im.example   # ours\ntls: { certificate: tls/a.crt, key: tls/a.key, chain: tls/a.chain.crt }\n",
        ),
        (
            "tls: { ca: private }   # for now\n",
            "tls: { certificate: tls/a.crt, key: tls/a.key, chain: tls/a.chain.crt }   # for now\n",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acme.yml");
        let text = format!(
            "name: acme\ndomain: im.example   # ours\nstack: s\nhosts:\n  app1: {{ address: 10.0.0.1, roles: [app] }}\n{tail}"
        );
        std::fs::write(&path, &text).unwrap();
        let edit = Edit::own_tls(&path, &names).unwrap();
        assert!(edit.after().contains(wanted), "{}", edit.after());
        assert!(edit.after().contains("# ours"));
    }
}
