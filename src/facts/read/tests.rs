//! The script is really run here, and recorded answers of other hosts are read.

use super::*;
use std::process::Command;

const LAB: &str = include_str!("../../../tests/fixtures/facts/nspawn.txt");
const ABSENT: &str = include_str!("../../../tests/fixtures/facts/bare.txt");

#[test]
fn a_recorded_host_is_read_in_full() {
    let facts = parse(LAB);
    assert_eq!((facts.os_id.as_deref(), facts.os_version.as_deref()), (Some("debian"), Some("12")));
    assert_eq!((facts.arch.as_deref(), facts.systemd), (Some("amd64"), Some(252)));
    assert_eq!((facts.cpus, facts.memory_mib, facts.swap_mib), (Some(2), Some(2048), Some(0)));
    assert_eq!(facts.time_zone.as_deref(), Some("Asia/Shanghai"));
    assert_eq!(facts.clock_synced, Some(false));
    assert_eq!(facts.mount("/var/lib/x").map(|mount| mount.path.as_str()), Some("/"));
    assert_eq!(facts.mount("/srv/files/a").map(|mount| mount.path.as_str()), Some("/srv/files"));
    assert_eq!(facts.mount("/srv/files2").map(|mount| mount.path.as_str()), Some("/"));
    let ssh = facts.ssh.clone().unwrap();
    assert_eq!((ssh.client.to_string().as_str(), ssh.port), ("10.99.0.1", 2222));
    let eth = &facts.interfaces[0];
    assert_eq!((eth.name.as_str(), eth.mtu, eth.speed, eth.up), ("host0", Some(1500), Some(10_000), true));
    let said: Vec<String> = facts.listeners.unwrap().iter().map(listener).collect();
    assert_eq!(
        said,
        ["tcp 0.0.0.0:22 sshd", "tcp :::22 sshd", "tcp 127.0.0.1:5432 -", "udp 0.0.0.0:123 chronyd"]
    );
}

fn listener(it: &Listener) -> String {
    let transport = if it.transport == Transport::Tcp { "tcp" } else { "udp" };
    format!("{transport} {}:{} {}", it.address, it.port, it.process.as_deref().unwrap_or("-"))
}

#[test]
fn what_is_not_said_is_unknown_and_never_0() {
    let facts = parse(ABSENT);
    assert_eq!(facts, HostFacts { kernel: Some("6.1.0".to_owned()), ..HostFacts::default() });
    assert_eq!(parse(""), HostFacts::default());
    assert_eq!(parse("cpus many\nMemTotal: lots\nmount x\nssh here"), HostFacts::default());
}

#[test]
fn the_script_runs_on_this_machine() {
    let output = Command::new("sh").arg("-c").arg(crate::facts::script_with_listeners()).output().unwrap();
    let facts = parse(&String::from_utf8(output.stdout).unwrap());
    assert!(output.stderr.is_empty());
    assert!(facts.cpus.is_some_and(|cpus| cpus > 0));
    assert!(facts.memory_mib.is_some_and(|memory| memory > 0));
    assert!(facts.time.is_some_and(|time| time > 1.7e9));
    assert!(facts.mount("/").is_some_and(|mount| mount.size > mount.free));
    assert!(facts.listeners.is_some());
}
