//! A healthy site passes whole; each fault by itself is found by its own rule and by no other.

use super::*;
use crate::facts::{Answer, DiskSpeed, Interface, Listener, Room, Way};

fn room(free_gib: u64, mount: &str) -> Room {
    Room { free: free_gib << 30, inodes: 1_000_000, inodes_left: 900_000, mount: mount.to_owned() }
}

#[expect(clippy::unnecessary_wraps, reason = "every fact may be unknown")]
fn own(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn facts(number: u8, address: &str) -> HostFacts {
    HostFacts {
        os_id: own("debian"),
        os_version: own("12"),
        arch: own("amd64"),
        init: own("systemd"),
        systemd: Some(252),
        virtualization: own("kvm"),
        clock_synced: Some(true),
        hostname: Some(format!("host{number}")),
        machine_id: Some(format!("{number:032x}")),
        cpus: Some(4),
        memory_mib: Some(8000),
        available_mib: Some(7500),
        swap_mib: Some(0),
        addresses: vec![address.parse().unwrap()],
        interfaces: vec![Interface { name: "eth0".to_owned(), mtu: Some(1500), speed: Some(1000), up: true }],
        listeners: Some(Vec::new()),
        time_zone: own("Asia/Shanghai"),
        locale: own("C.UTF-8"),
        ..HostFacts::default()
    }
}

fn deep(address: &str) -> DeepFacts {
    let pairs =
        |pairs: [(&str, &str); 2]| pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let paths = ["/srv/data", "/tmp", "/etc", "/var/cache/apt"];
    DeepFacts {
        answered: ["broken", "held", "locks", "units", "active", "sshd"].map(str::to_owned).into(),
        page_size: Some(4096),
        cpu_flags: vec!["aes".to_owned()],
        huge_pages: own("madvise"),
        pid_max: Some(4_194_304),
        nr_open: Some(1_048_576),
        mounted: [("/".to_owned(), ("ext4".to_owned(), vec!["rw".to_owned()]))].into(),
        room: paths.map(|path| (path.to_owned(), room(500, "/"))).into(),
        own_address: own(address),
        lookup_ms: Some(5),
        sshd: pairs([("maxsessions", "10"), ("allowtcpforwarding", "yes")]),
        ..DeepFacts::default()
    }
}

/// A host that keeps data, as it should be.
fn host(number: u8) -> HostSeen {
    let address = format!("192.0.2.{number}");
    let setting = ["net.core.somaxconn", "4096", "/etc/sysctl.d/60-imctl.conf"].map(str::to_owned);
    HostSeen {
        facts: facts(number, &address),
        deep: deep(&address),
        name: HostName::new(format!("h{number}")).ok(),
        address,
        needs: Amounts { cpu: 2.0, memory_mib: 4096.0, disk_gib: 300.0, iops: 100.0, network_mbit: 50.0 },
        data: vec![("/srv/data".to_owned(), 300.0)],
        no_pauses: true,
        disk: Trial::Made([("/srv/data".to_owned(), Ok(speed(5000, 900)))].into()),
        sync_ms: Some(20.0),
        ports: vec![(Transport::Tcp, 5432, "database".to_owned())],
        settings: vec![setting.into()],
        umask: own("0022"),
        clock: Some((0.01, 0.02)),
        answer_ms: 5,
        login_ms: 60,
        ..HostSeen::default()
    }
}

fn speed(slow: u64, writes: u64) -> DiskSpeed {
    DiskSpeed { writes: 400, usual: 900, slow, reads_a_second: Some(9000), writes_a_second: Some(writes) }
}

/// A call from one host to another, answered as it should be.
fn pair(from: u8, to: u8) -> Pair {
    let name = |number: u8| HostName::new(format!("h{number}")).unwrap();
    Pair {
        from: name(from),
        address: format!("192.0.2.{from}"),
        to: name(to),
        transport: Transport::Tcp,
        port: 5432,
        ours: true,
        answer: Some(Answer::Open(Some(usize::from(to)))),
        other: None,
        way: Some(Way { round_trip: 310, again: 0, sent: 240, whole: true }),
    }
}

fn site() -> Site {
    let name = |number: u8| HostName::new(format!("h{number}")).unwrap();
    Site {
        hosts: [1, 2, 3].map(|number| (name(number), host(number))).into(),
        platforms: vec!["debian-12-amd64".to_owned()],
        bundle: Some(200 << 20),
        limits: BTreeMap::new(),
        mesh: Trial::Made(vec![pair(1, 2), pair(3, 2), pair(2, 1)]),
    }
}

/// Ids of findings that are not passed, on which hosts.
fn wrong(site: &Site) -> Vec<String> {
    let bad = preflight(site).into_iter().filter(|it| it.verdict != Verdict::Passed);
    bad.map(|it| format!("{} {}", it.id, it.host.unwrap())).collect()
}

#[test]
fn a_healthy_site_passes_whole() {
    assert_eq!(wrong(&site()), Vec::<String>::new());
}

type Fault = (&'static str, fn(&mut HostSeen));

const FAULTS: &[Fault] = &[
    ("CPU-01", |it| it.facts.cpus = Some(1)),
    ("CPU-02", |it| it.deep.cpu_flags = vec!["sse2".to_owned()]),
    ("MEM-01", |it| it.needs.memory_mib = 9000.0),
    ("MEM-02", |it| it.facts.available_mib = Some(3000)),
    ("MEM-03", |it| it.deep.huge_pages = Some("always".to_owned())),
    ("MEM-04", |it| it.deep.page_size = Some(65_536)),
    ("DISK-01", |it| drop(it.deep.room.insert("/srv/data".to_owned(), room(200, "/")))),
    ("DISK-02", |it| drop(it.deep.room.insert("/var/cache/apt".to_owned(), room(1, "/")))),
    ("DISK-03", |it| it.deep.room.get_mut("/etc").unwrap().inodes_left = 12),
    ("DISK-04", |it| {
        let options = vec!["ro".to_owned()];
        it.deep.mounted.insert("/srv".to_owned(), ("ext4".to_owned(), options));
    }),
    ("DISK-05", |it| it.deep.mounted.get_mut("/").unwrap().0 = "nfs4".to_owned()),
    ("DISK-07", |it| it.disk = Trial::Made([("/srv/data".to_owned(), Ok(speed(70_000, 900)))].into())),
    ("DISK-08", |it| it.disk = Trial::Made([("/srv/data".to_owned(), Ok(speed(5000, 12)))].into())),
    ("DISK-06", |it| it.deep.room.get_mut("/tmp").unwrap().free = 1 << 20),
    ("DISK-06", |it| {
        it.deep.room.get_mut("/tmp").unwrap().mount = "/tmp".to_owned();
        let options = vec!["rw".to_owned(), "noexec".to_owned()];
        it.deep.mounted.insert("/tmp".to_owned(), ("tmpfs".to_owned(), options));
    }),
    ("OS-01", |it| it.facts.os_version = Some("11".to_owned())),
    ("OS-02", |it| it.facts.init = Some("sh".to_owned())),
    ("OS-03", |it| it.deep.failed = vec!["backup.service".to_owned()]),
    ("OS-04", |it| it.deep.reboot = Some("linux-image".to_owned())),
    ("OS-05", |it| it.deep.missing = vec!["perl".to_owned()]),
    ("NAME-01", |it| it.deep.own_address = None),
    ("NAME-02", |it| it.address = "198.51.100.9".to_owned()),
    ("NAME-03", |it| it.facts.hostname = Some("host1".to_owned())),
    ("NAME-04", |it| it.facts.machine_id = Some(format!("{:032x}", 1))),
    ("LOCALE-01", |it| it.facts.locale = Some("zh_CN.GB2312".to_owned())),
    ("LIMIT-01", |it| it.deep.pid_max = Some(1000)),
    ("LIMIT-03", |it| it.deep.nr_open = Some(65_536)),
    ("OS-06", |it| it.facts.virtualization = own("lxc")),
    ("PKG-06", |it| it.deep.filled = vec!["/srv/data".to_owned()]),
    ("TIME-03", |it| {
        it.ours = true;
        it.facts.clock_synced = Some(false);
    }),
    ("LIMIT-02", |it| it.umask = Some("0000".to_owned())),
    ("SWAP-01", |it| {
        it.facts.swap_mib = Some(4000);
        it.deep.swappiness = Some(100);
    }),
    ("SEC-01", |it| it.deep.selinux = Some(true)),
    ("SEC-02", |it| it.deep.filters = vec!["ufw".to_owned()]),
    ("CONFLICT-01", |it| {
        let theirs = ("/etc/sysctl.d/99-site.conf".to_owned(), "128".to_owned());
        it.deep.sysctls.insert("net.core.somaxconn".to_owned(), theirs);
    }),
    ("PKG-01", |it| it.deep.broken = vec!["gateway".to_owned()]),
    ("PKG-02", |it| it.deep.held = vec!["libssl3".to_owned()]),
    ("PKG-03", |it| it.deep.locked = Some("812 unattended-upgr".to_owned())),
    ("PKG-04", |it| it.foreign = vec!["gateway".to_owned()]),
    ("DEPLOY-01", |it| it.awaited = true),
    ("PKG-05", |it| it.deep.timers = vec!["apt-daily-upgrade.timer".to_owned()]),
    ("PORT-01", |it| {
        let address = "0.0.0.0".parse().unwrap();
        let listener = Listener { transport: Transport::Tcp, port: 5432, address, process: None };
        it.facts.listeners = Some(vec![listener]);
    }),
    ("TIME-01", |it| it.clock = Some((-7.0, 0.02))),
    ("TIME-02", |it| it.facts.time_zone = Some("Etc/UTC".to_owned())),
    ("NET-01", |it| it.facts.interfaces[0].mtu = Some(9000)),
    ("NET-02", |it| it.facts.interfaces[0].speed = Some(10)),
    ("DNS-01", |it| it.deep.lookup_ms = Some(10_005)),
    ("SSH-02", |it| it.login_ms = 2500),
    ("SSH-03", |it| drop(it.deep.sshd.insert("maxsessions".to_owned(), "1".to_owned()))),
    ("SSH-04", |it| drop(it.deep.sshd.insert("allowtcpforwarding".to_owned(), "no".to_owned()))),
];

type WayFault = (&'static str, fn(&mut Pair));

/// Faults of the ways between hosts: what is changed is a call to `h2`.
const WAYS: &[WayFault] = &[
    ("MESH-01", |it| it.answer = Some(Answer::Silent)),
    ("MESH-01", |it| it.answer = Some(Answer::Refused)),
    ("MESH-01", |it| it.answer = Some(Answer::Failed("No route to host".to_owned()))),
    ("MESH-01", |it| it.answer = None),
    ("MESH-01", |it| it.answer = Some(Answer::Open(None))),
    ("MESH-02", |it| it.way.as_mut().unwrap().round_trip = 42_000),
    ("MESH-03", |it| it.way.as_mut().unwrap().again = 30),
    ("MESH-04", |it| it.way.as_mut().unwrap().whole = false),
    ("MESH-05", |it| it.other = HostName::new("h9").ok()),
];

#[test]
fn each_fault_of_a_way_is_found_on_the_host_that_is_called() {
    for (id, fault) in WAYS {
        let mut site = site();
        let Trial::Made(pairs) = &mut site.mesh else { unreachable!() };
        fault(&mut pairs[0]);
        assert_eq!(wrong(&site), [format!("{id} h2")], "{id}");
    }
    let mut site = site();
    let Trial::Made(pairs) = &mut site.mesh else { unreachable!() };
    pairs[0].answer = Some(Answer::Silent);
    let found = preflight(&site).into_iter().find(|it| it.verdict == Verdict::Failed).unwrap();
    assert_eq!(found.seen, "h1 -> 5432/tcp: no answer");
    let line = "on h2 itself: nft insert rule inet filter input ip saddr 192.0.2.1 tcp dport 5432 accept";
    assert!(found.fix.ends_with(line), "{}", found.fix);
}

#[test]
fn a_stack_gives_other_numbers_and_a_host_may_be_too_small_by_its_own_word() {
    let mut site = site();
    site.hosts[1].1.deep.lookup_ms = Some(2500);
    site.limits.insert("DNS-01".to_owned(), 3000.0);
    site.hosts[0].1.facts.cpus = Some(1);
    site.hosts[0].1.limits = vec!["size".to_owned()];
    assert!(
        preflight(&site).iter().all(|it| it.verdict != Verdict::Failed && it.verdict != Verdict::Warning)
    );
    let needed = preflight(&site).into_iter().find(|it| it.id == "DNS-01").unwrap().needed;
    assert_eq!(needed, "<= 3000 ms");
    let ids = ["DNS-01", "DNS-77"].map(str::to_owned);
    assert_eq!(unknown_limits(ids.iter()), [&ids[1]]);
}

#[test]
fn every_number_stands_in_a_text_of_its_rule() {
    for limit in LIMITS {
        let rule = preflight_rules().find(|rule| rule.id == limit.id).unwrap();
        assert!(rule.needed.contains("LIMIT"), "{}", rule.id);
    }
    for rule in preflight_rules().filter(|rule| rule.needed.contains("LIMIT")) {
        assert!(LIMITS.iter().any(|limit| limit.id == rule.id), "{}", rule.id);
    }
}

#[test]
fn each_fault_is_found_by_its_own_rule_and_no_other() {
    for (id, fault) in FAULTS {
        let mut site = site();
        fault(&mut site.hosts[1].1);
        let mut wrong = wrong(&site);
        // What two hosts share is told of both.
        wrong.retain(|it| !(it.ends_with(" h1") && ["NAME-03", "NAME-04"].contains(id)));
        assert_eq!(wrong, [format!("{id} h2")], "{id}");
    }
    let planted: std::collections::BTreeSet<&str> = FAULTS.iter().map(|(id, _)| *id).collect();
    let never: Vec<&str> = preflight_rules()
        .map(|rule| rule.id)
        .filter(|id| !planted.contains(id) && *id != "SSH-01" && !id.starts_with("MESH-"))
        .collect();
    assert!(never.is_empty(), "no fault is planted for {never:?}");
}

#[test]
fn what_the_service_itself_holds_is_no_fault() {
    let mut site = site();
    let own = &mut site.hosts[0].1;
    own.ours = true;
    let address = "0.0.0.0".parse().unwrap();
    own.facts.listeners = Some(vec![Listener {
        transport: Transport::Tcp,
        port: 5432,
        address,
        process: Some("server".to_owned()),
    }]);
    own.facts.available_mib = Some(1000);
    own.deep.room.insert("/srv/data".to_owned(), room(100, "/"));
    assert_eq!(wrong(&site), Vec::<String>::new());
}

#[test]
fn a_finding_names_its_host_in_what_helps_and_unknown_is_never_a_pass() {
    let mut site = site();
    site.hosts[0].1.deep.broken = vec!["x".to_owned()];
    let found = preflight(&site).into_iter().find(|it| it.id == "PKG-01").unwrap();
    assert!(found.fix.ends_with("on h1"), "{}", found.fix);
    site.hosts[0].1 = HostSeen::default();
    let passed = |id: &str| {
        let found = preflight(&site)
            .into_iter()
            .find(|it| it.id == id && it.host.as_ref().is_some_and(|it| it.as_str() == "h1"));
        found.unwrap().verdict == Verdict::Passed
    };
    for id in [
        "CPU-01", "MEM-01", "OS-01", "OS-02", "NAME-04", "TIME-01", "PORT-01", "DISK-02", "DISK-06",
        "PKG-01", "PKG-02", "PKG-03", "PKG-05", "OS-03", "SEC-02", "SSH-03", "SSH-04",
    ] {
        assert!(!passed(id), "{id}");
    }
}
