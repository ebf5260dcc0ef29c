//! Reads the answer of the facts script. A line it cannot read leaves its fact unknown.

use super::listener::endpoint;
use super::{HostFacts, Interface, Listener, Mount, SshEnds, Transport};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::str::FromStr;

/// Reads what the facts script printed.
pub fn parse(answer: &str) -> HostFacts {
    let mut facts = HostFacts::default();
    let mut sockets = Sockets::default();
    for line in answer.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        if !sockets.take(key, value) && !machine(&mut facts, key, value) {
            network_and_time(&mut facts, key, value);
        }
    }
    facts.listeners = sockets.listeners();
    facts
}

fn text(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

fn number<T: FromStr>(value: &str) -> Option<T> {
    value.split_whitespace().next()?.parse().ok()
}

fn machine(facts: &mut HostFacts, key: &str, value: &str) -> bool {
    let mib = |value: &str| number::<u64>(value).map(|kib| kib / 1024);
    match key {
        "os-id" => facts.os_id = text(value),
        "os-version" => facts.os_version = text(value),
        "os-name" => facts.os_name = text(value),
        "arch" => facts.arch = text(value),
        "kernel" => facts.kernel = text(value),
        "init" => facts.init = text(value),
        "systemd" => facts.systemd = value.split_whitespace().nth(1).and_then(|word| word.parse().ok()),
        "virtualization" => facts.virtualization = text(value),
        "hostname" => facts.hostname = text(value),
        "machine-id" => facts.machine_id = text(value).filter(|id| id != "uninitialized"),
        "boot-id" => facts.boot_id = text(value),
        "uptime" => facts.uptime_s = value.split('.').next().and_then(number),
        "load" => facts.load = number(value),
        "cpus" => facts.cpus = number(value),
        // The limit of the control group stands before the machine's memory in the answer.
        "memory-limit" => facts.memory_mib = number::<u64>(value).map(|bytes| bytes >> 20),
        "MemTotal:" => facts.memory_mib = [mib(value), facts.memory_mib].into_iter().flatten().min(),
        "MemAvailable:" => facts.available_mib = mib(value),
        "SwapTotal:" => facts.swap_mib = mib(value),
        "mount" => facts.mounts.extend(mount(value)),
        _ => return false,
    }
    true
}

fn network_and_time(facts: &mut HostFacts, key: &str, value: &str) {
    match key {
        "addresses" => {
            facts.addresses = value.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        }
        "interface" => facts.interfaces.extend(interface(value)),
        "ssh" => facts.ssh = ssh(value),
        "time" => facts.time = number(value),
        "time-zone" => {
            let zone = value.split_once("zoneinfo/").map_or(value, |(_, zone)| zone);
            facts.time_zone = text(zone);
        }
        "clock" => {
            facts.clock_synced = match value {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            }
        }
        "locale" => facts.locale = text(value),
        // A later imctl's script may say more than this one reads.
        _ => {}
    }
}

fn mount(value: &str) -> Option<Mount> {
    let mut words = value.splitn(5, ' ');
    let kind = words.next()?.to_owned();
    let (size, free) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let free_inodes = words.next()?.parse().ok();
    Some(Mount { path: words.next()?.to_owned(), kind, size, free, free_inodes })
}

fn interface(value: &str) -> Option<Interface> {
    let mut words = value.split(' ');
    let name = words.next()?.to_owned();
    let (mtu, speed) = (words.next()?.parse().ok(), words.next()?.parse().ok());
    Some(Interface { name, mtu, speed, up: words.next()? == "up" })
}

/// Client address, client port, server address, server port; a link-local address has its zone after `%`.
fn ssh(value: &str) -> Option<SshEnds> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let address = |word: &str| -> Option<IpAddr> { word.split('%').next()?.parse().ok() };
    match words.as_slice() {
        [client, _, server, port] => {
            Some(SshEnds { client: address(client)?, server: address(server)?, port: port.parse().ok()? })
        }
        _ => None,
    }
}

/// Sockets and their owners come on separate lines, joined by the socket's number.
#[derive(Default)]
struct Sockets {
    read: bool,
    open: Vec<(Transport, IpAddr, u16, String)>,
    owners: BTreeMap<String, String>,
}

impl Sockets {
    fn take(&mut self, key: &str, value: &str) -> bool {
        let words: Vec<&str> = value.splitn(3, ' ').collect();
        match (key, words.as_slice()) {
            ("listeners", _) => self.read = true,
            ("socket", [kind, local, inode]) => {
                let transport = if kind.starts_with("tcp") { Transport::Tcp } else { Transport::Udp };
                if let Some((address, port)) = endpoint(local) {
                    self.open.push((transport, address, port, (*inode).to_owned()));
                }
            }
            ("owner", [inode, ..]) => {
                self.owners.insert((*inode).to_owned(), value[inode.len()..].trim().to_owned());
            }
            _ => return false,
        }
        true
    }

    fn listeners(self) -> Option<Vec<Listener>> {
        let listener = |(transport, address, port, inode): &(Transport, IpAddr, u16, String)| {
            let process = self.owners.get(inode).cloned();
            Listener { transport: *transport, port: *port, address: *address, process }
        };
        let sorted: BTreeSet<Listener> = self.open.iter().map(listener).collect();
        self.read.then(|| sorted.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
