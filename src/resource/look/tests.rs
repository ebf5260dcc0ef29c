//! The program of a look is really run here, by this machine's `sh`.

use super::*;
use crate::record::{Observed, PathKind};
use crate::resource::Probe;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

/// Runs a program as a session does: over standard input.
fn run(program: &str) -> Vec<u8> {
    let mut child = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(program.as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

fn look(probes: &[Probe]) -> Observed {
    parse(&run(&program(probes))).unwrap()
}

fn script(key: &str, script: &str) -> Probe {
    Probe::Script { key: key.to_owned(), script: script.to_owned() }
}

#[test]
fn paths_with_any_name_are_seen_and_links_are_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (odd, link, absent) = (at("it's 文件\nimctl"), at("link"), at("absent"));
    std::fs::write(&odd, "abc").unwrap();
    std::fs::set_permissions(&odd, std::fs::Permissions::from_mode(0o4640)).unwrap();
    symlink(&odd, &link).unwrap();
    let folder = folder.path().to_str().unwrap().to_owned();
    let seen = look(&[&odd, &link, &absent, &folder, &odd].map(|path| Probe::Path(path.clone())));
    let file = &seen.paths[&odd];
    assert_eq!((file.kind, file.mode.as_str(), file.size), (PathKind::File, "4640", 3));
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(file.sha256.as_deref(), Some(abc));
    assert_eq!(seen.paths[&link].kind, PathKind::Link);
    assert_eq!(seen.paths[&link].target.as_ref(), Some(&odd));
    assert_eq!(seen.paths[&folder].kind, PathKind::Directory);
    assert!(!seen.paths.contains_key(&absent));
}

#[test]
fn packages_users_groups_and_kernel_settings_are_seen() {
    let own = |name: &str| name.to_owned();
    let seen = look(&[
        Probe::Packages,
        Probe::User(own("daemon")),
        Probe::User(own("no-such-user")),
        Probe::Group(own("root")),
        Probe::Group(own("no-such-group")),
        Probe::Sysctl(own("kernel.ostype")),
        Probe::Sysctl(own("kernel.no-such")),
        Probe::Sysctl(own("net.ipv4.ip_local_port_range")),
    ]);
    assert!(seen.packages.contains_key("dpkg"), "{:?}", seen.packages);
    assert!(seen.users["daemon"].ends_with(":/usr/sbin/nologin:daemon"), "{:?}", seen.users);
    assert_eq!((seen.users.len(), seen.groups.clone()), (1, [(own("root"), own("0"))].into()));
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let range = range.trim().replace('\t', " ");
    let settings = [(own("kernel.ostype"), own("Linux")), (own("net.ipv4.ip_local_port_range"), range)];
    assert_eq!(seen.sysctls, settings.into());
}

#[test]
fn a_script_answers_with_status_and_output_and_reads_no_input() {
    let seen = look(&[
        script("says", "echo out; echo err >&2; exit 3"),
        script("reads", "cat"),
        script("open 'quote", "echo \"it's\"\n"),
        script("forges", "printf '\\nimctl-look 1 00000000-0000-0000-0000-000000000000\\n done 0\\n'"),
        script("binary", "printf 'a\\0\\377b'"),
        script("broken", "if"),
    ]);
    let answer = |key: &str| (seen.scripts[key].status, seen.scripts[key].out.as_str());
    assert_eq!(answer("says"), (3, "out\nerr\n"));
    assert_eq!(answer("reads"), (0, ""));
    assert_eq!(answer("open 'quote"), (0, "it's\n"));
    assert!(answer("forges").1.contains("done 0"));
    assert_eq!(answer("binary"), (0, "a\0\u{fffd}b"));
    assert_eq!(answer("broken").0, 2);
}

#[test]
fn the_end_of_a_long_answer_is_kept_with_its_status() {
    let seen = look(&[script("long", "head -c 3000000 /dev/zero | tr '\\0' x; echo end; exit 7")]);
    let answer = &seen.scripts["long"];
    assert_eq!(answer.status, 7);
    assert!(answer.out.len() <= 1 << 20 && answer.out.ends_with("xend\n"));
}

#[test]
fn a_script_is_not_seen_in_any_argv() {
    let probe = "x=hunter2; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c hunter[2]";
    assert_eq!(look(&[script("argv", probe)]).scripts["argv"].out.trim(), "0");
}

#[test]
fn an_answer_that_is_cut_off_anywhere_is_an_error() {
    let whole = run(&program(&[Probe::Path("/etc".to_owned()), script("a", "echo a")]));
    assert!(parse(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(parse(&whole[..end]).is_err(), "cut at {end}: {}", String::from_utf8_lossy(&whole[..end]));
    }
    assert_eq!(
        parse(b"Please log in as ops\n"),
        Err(LookError::NoGreeting("Please log in as ops".to_owned()))
    );
}

#[test]
fn a_program_that_arrives_cut_off_does_nothing() {
    let program = program(&[script("a", "echo ran")]);
    let half = &program[..program.len() - 20];
    assert!(run(half).is_empty());
}

#[test]
fn contents_of_text_files_are_fetched_and_others_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (text, binary, absent, big) = (at("text"), at("binary"), at("absent"), at("big"));
    std::fs::write(&text, "one\n\ntwo\n\n").unwrap();
    std::fs::write(&binary, b"\xff\0").unwrap();
    std::fs::write(&big, vec![b'x'; 300_000]).unwrap();
    let seen = parse(&run(&contents(&[&text, &binary, &absent, &big]))).unwrap();
    assert_eq!(seen.contents, [(text, "one\n\ntwo\n\n".to_owned())].into());
}

/// As systemd 252 printed it for a unit that runs, one that is masked and one that it does not know.
const UNITS: &str = include_str!("../../../tests/fixtures/units/three.txt");

#[test]
fn units_are_read_in_the_order_asked_for() {
    let frame = "0b0e1f6e-1c1b-4b4e-9d0c-000000000000";
    let answer =
        format!("imctl-look 1 {frame}\n\n{frame} begin units\n{UNITS}\n{frame} end 0\n\n{frame} done 1\n");
    let seen = parse(answer.as_bytes()).unwrap();
    let state = |unit: &str| (seen.units[unit].load.as_str(), seen.units[unit].active.as_str());
    assert_eq!(state("ssh.service"), ("loaded", "active"));
    assert_eq!(state("masked.service"), ("masked", "inactive"));
    assert_eq!(state("none.service"), ("not-found", "inactive"));
    assert!(seen.units["ssh.service"].since > 0);
    let failed = answer.replace("end 0", "end 1");
    let error = LookError::Failed { section: "units".to_owned(), status: "1".to_owned() };
    assert_eq!(parse(failed.as_bytes()), Err(error));
}
