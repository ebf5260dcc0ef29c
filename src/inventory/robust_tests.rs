//! Files that are no inventories at all: never a panic, always a place inside the file.

use super::{Mistakes, load, parse};
use proptest::prelude::*;
use std::path::Path;

const GOOD: &str = include_str!("../../tests/fixtures/inventory/full.yml");

fn numbers(mistakes: &Mistakes) -> Vec<&'static str> {
    mistakes.list.iter().map(|mistake| mistake.number).collect()
}

fn of_text(text: &str) -> Vec<&'static str> {
    parse(Path::new("a.yml"), text).map_or_else(|mistakes| numbers(&mistakes), |_| Vec::new())
}

fn of_bytes(bytes: &[u8]) -> (Vec<&'static str>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.yml");
    std::fs::write(&path, bytes).expect("written");
    load(&path)
        .map_or_else(|found| (numbers(&found), found.list[0].help.clone()), |_| (Vec::new(), String::new()))
}

#[test]
fn a_file_that_cannot_be_read_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = load(&folder.path().join("a.yml")).expect_err("not there");
    assert!(missing.list[0].message.ends_with("no such file or directory"), "{}", missing.list[0].message);
    assert_eq!(numbers(&missing), ["IM1201"]);
    assert_eq!(numbers(&load(folder.path()).expect_err("a folder")), ["IM1201"]);
    assert_eq!(of_bytes(b"").0, ["IM1204"]);
    assert_eq!(of_bytes(b"# only a comment\n").0, ["IM1204"]);
    assert_eq!(of_bytes("name: 名字\n".as_bytes()).0, ["IM1210"; 3]);
    assert_eq!(of_bytes(b"name: \xc3\xfb\xd7\xd6\n").0, ["IM1202"]);
    let (utf16, help) = of_bytes(&[0xff, 0xfe, b'n', 0, b'a', 0]);
    assert_eq!((utf16, help.as_str()), (vec!["IM1202"], "the file is UTF-16: save it as UTF-8"));
    assert_eq!(of_bytes(&vec![b'#'; (1 << 20) + 1]).0, ["IM1206"]);
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    let windows = format!("\u{feff}{}", GOOD.replace('\n', "\r\n"));
    assert_eq!(of_text(&windows), Vec::<&str>::new());
    let wrong = windows.replace("    address: 2001:db8::11", "    adress: 2001:db8::11");
    let mistakes = parse(Path::new("a.yml"), &wrong).expect_err("a misspelt key");
    let label = mistakes.list[0].label.as_ref().expect("a place");
    assert_eq!(&wrong[label.span.clone()], "adress");
    let line = wrong[..label.span.start].matches('\n').count() + 1;
    assert_eq!(mistakes.line_and_column(label.span.start), (line, 5));
}

#[test]
fn what_is_no_yaml_is_one_mistake_with_its_place() {
    for (text, number, help) in [
        ("name: a\n\tdomain: b\n", "IM1205", "spaces"),
        ("name: [a\n", "IM1205", "brackets"),
        ("name: \"a\n", "IM1205", "quotes"),
        ("name: @a\n", "IM1205", "quotes"),
        ("{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{", "IM1205", ""),
    ] {
        let mistakes = parse(Path::new("a.yml"), text).expect_err(text);
        assert_eq!(numbers(&mistakes), [number], "{text}");
        assert!(mistakes.list[0].help.contains(help), "{text}: {:?}", mistakes.list[0]);
        assert!(mistakes.list[0].label.is_some(), "{text}");
    }
}

#[test]
fn lists_in_place_of_keys_and_other_yaml_are_mistakes() {
    assert_eq!(of_text("- a\n- b\n"), ["IM1209"]);
    assert_eq!(of_text("hello\n"), ["IM1209"]);
    assert!(of_text(&format!("{GOOD}---\nname: b\n")).contains(&"IM1225"));
    assert_eq!(of_text(&GOOD.replace("site: berlin", "site: !secret berlin")), ["IM1226"]);
    assert_eq!(of_text(&GOOD.replace("site: berlin", "site: *nowhere")), ["IM1226"]);
    assert_eq!(of_text(&GOOD.replace("site: berlin", "site: &a [*a]")), ["IM1226"]);
    assert_eq!(of_text(&GOOD.replace("site: berlin", "[a, b]: berlin")), ["IM1209"]);
    assert_eq!(of_text(&GOOD.replace("  alpha:", "  Zeta:")), ["IM1211"]);
    assert_eq!(of_text(&GOOD.replace("\nhosts:", "\nhosts: {}\nHosts:")), ["IM1223", "IM1207"]);
}

#[test]
fn a_key_without_a_value_is_no_value() {
    assert_eq!(of_text("~\n"), ["IM1210"; 4]);
    assert_eq!(of_text("name: a\ndomain: a.example\nstack: s\nhosts:\n  a:\n"), ["IM1210"; 2]);
    assert_eq!(of_text(&GOOD.replace("certificate: tls/im.crt", "certificate: ~")), ["IM1210"]);
    assert_eq!(of_text(&GOOD.replace("roles: [files]", "roles: [files, ~]")), ["IM1209"]);
    assert_eq!(of_text(&GOOD.replace("limits: [clock, nofile]", "limits:")), Vec::<&str>::new());
}

#[test]
fn a_bomb_of_references_is_refused_at_once() {
    let mut bomb = String::from("variables:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        let whole = format!("  a{level}: &a{level} [{}]\n", before.trim_end_matches(", "));
        bomb.push_str(&whole);
    }
    let started = std::time::Instant::now();
    assert_eq!(of_text(&bomb), ["IM1206"]);
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn files_that_the_inventory_names_are_looked_at() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let text = "name: a\ndomain: a.example\nstack: s\nssh: { key: id, password-file: nowhere }\nhosts:\n  \
                a: { address: 10.0.0.1, roles: [x] }\n  b: { address: 10.0.0.2, roles: [x], ssh: { sudo: { password-file: pw } } }\n";
    let path = folder.path().join("a.yml");
    std::fs::write(&path, text).expect("written");
    std::fs::write(folder.path().join("id"), "key").expect("written");
    std::fs::write(folder.path().join("pw"), "secret").expect("written");
    let mode = |file: &str, mode| {
        std::fs::set_permissions(folder.path().join(file), std::fs::Permissions::from_mode(mode))
            .expect("set");
    };
    mode("id", 0o600);
    mode("pw", 0o644);
    let mistakes = load(&path).expect_err("two mistakes");
    assert_eq!(numbers(&mistakes), ["IM1221", "IM1222"]);
    let (line, column) =
        mistakes.line_and_column(mistakes.list[1].label.as_ref().expect("a place").span.start);
    assert_eq!((line, column), (7, 69));
    assert!(mistakes.list[1].help.starts_with("chmod 600 "));
}

/// Text made of the pieces inventories are made of, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("name: "),
        Just("hosts:\n"),
        Just("  app1: "),
        Just("{ "),
        Just(" }"),
        Just("["),
        Just("]"),
        Just(", "),
        Just("\n"),
        Just("address: "),
        Just("10.0.0.1"),
        Just("roles: "),
        Just("ssh: "),
        Just("sudo: "),
        Just("&a "),
        Just("*a"),
        Just("- "),
        Just("? "),
        Just(": "),
        Just("名"),
        Just("\t"),
        Just("#x"),
        Just("\""),
        Just("'"),
        Just("|\n"),
        Just("---\n"),
        Just("!t "),
        Just("\r\n"),
        Just("\u{feff}"),
        Just("~"),
        Just("  "),
        Just("tls: "),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn judged(text: &str) {
    if let Err(mistakes) = parse(Path::new("a.yml"), text) {
        assert!(!mistakes.list.is_empty());
        for mistake in &mistakes.list {
            for label in mistake.label.iter().chain(mistake.other.as_deref()) {
                assert!(text.get(label.span.clone()).is_some(), "{:?} in {text:?}", label.span);
            }
        }
        assert_eq!(mistakes.diagnostics().count(), mistakes.list.len());
    }
}

proptest! {
    #[test]
    fn any_pieces_end_in_an_inventory_or_in_mistakes_inside_the_file(text in pieces()) {
        judged(&text);
    }

    #[test]
    fn any_text_ends_so_too(text in "\\PC{0,80}") {
        judged(&text);
    }

    #[test]
    fn any_damage_to_a_good_file_ends_so_too(at in 0..GOOD.len(), cut in 0..40_usize, put in "\\PC{0,3}") {
        let start = GOOD.floor_char_boundary(at);
        let end = GOOD.floor_char_boundary((at + cut).min(GOOD.len())).max(start);
        judged(&format!("{}{put}{}", &GOOD[..start], &GOOD[end..]));
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        of_bytes(&bytes);
    }
}
