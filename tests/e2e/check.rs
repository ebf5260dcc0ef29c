//! `imctl check` finds faults that are really on a host, each by its own id and nothing else; clean hosts pass.

use super::world::{World, may_run, text};
use serde_json::Value;

/// Three small hosts, so that this machine's disk is enough for them.
const TEMPLATE: &str = "name: ck\ndomain: im.ck.example\nstack: ejabberd\n\
    targets: { users: 50, online: 20, retention: 30d, file-retention: 10d }\n\
    ssh: { user: root }\nhosts:\n  app1: { address: 192.0.2.11, roles: [app, balancer] }\n  \
    db1: { address: 192.0.2.21, roles: [database] }\n  file1: { address: 192.0.2.31, roles: [files] }\n";

/// Id, what plants the fault on `db1`, what takes it away.
const FAULTS: &[(&str, &str, &str)] = &[
    (
        "CONFLICT-01",
        "echo 'net.core.somaxconn = 128' >/etc/sysctl.d/99-site.conf",
        "rm /etc/sysctl.d/99-site.conf",
    ),
    ("DISK-02", "mount -t tmpfs -o size=100m tmpfs /var/cache/apt", "umount /var/cache/apt"),
    (
        "DISK-03",
        "mount -t tmpfs -o size=8g,nr_inodes=60 tmpfs /var/tmp; for n in $(seq 57); do : >/var/tmp/$n; done",
        "umount /var/tmp",
    ),
    ("DISK-04", "mount --bind /srv /srv && mount -o remount,ro,bind /srv", "umount /srv"),
    (
        "DISK-05",
        "mkdir -p /var/lib/postgresql && mount -t tmpfs -o size=900g tmpfs /var/lib/postgresql",
        "umount /var/lib/postgresql && rmdir /var/lib/postgresql",
    ),
    ("DISK-06", "mount -t tmpfs -o size=1g,noexec tmpfs /tmp", "umount /tmp"),
    ("DISK-06", "mount -t tmpfs -o size=1m tmpfs /tmp", "umount /tmp"),
    ("LIMIT-02", "echo 'umask 0000' >/root/.bashrc", "rm /root/.bashrc"),
    ("LOCALE-01", "echo 'LANG=zh_CN.GB2312' >/etc/default/locale", "rm /etc/default/locale"),
    (
        "NAME-03",
        "cat /proc/sys/kernel/hostname >/root/name; cp /etc/hosts /root/hosts; echo \"$(hostname -I | cut -d' ' -f1) app1\" >>/etc/hosts; perl -e '$n = \"app1\"; syscall(170, $n, 4) == 0 or die $!'",
        "perl -e 'chomp($n = <>); $l = length $n; syscall(170, $n, $l)' /root/name; cat /root/hosts >/etc/hosts",
    ),
    ("NAME-04", "cp /etc/machine-id /root/id; echo OTHER >/etc/machine-id", "cp /root/id /etc/machine-id"),
    ("NET-01", "ip link set dev host0 mtu 1400", "ip link set dev host0 mtu 1500"),
    (
        "OS-01",
        "cp /etc/os-release /root/os; sed 's/VERSION_ID=.*/VERSION_ID=\"11\"/' /root/os >/root/os11; rm /etc/os-release; cp /root/os11 /etc/os-release",
        "cp /root/os /etc/os-release",
    ),
    ("OS-03", "systemd-run -q --unit=planted-bad false; sleep 0.3", "systemctl reset-failed planted-bad"),
    ("OS-04", "touch /run/reboot-required", "rm /run/reboot-required"),
    ("OS-05", "mv /usr/sbin/groupadd /root/", "mv /root/groupadd /usr/sbin/"),
    (
        "PKG-01",
        "cp /var/lib/dpkg/status /root/status; sed -i '/^Package: tzdata$/,/^$/s/^Status: .*/Status: install ok half-configured/' /var/lib/dpkg/status",
        "cp /root/status /var/lib/dpkg/status",
    ),
    ("PKG-02", "echo 'tzdata hold' | dpkg --set-selections", "echo 'tzdata install' | dpkg --set-selections"),
    (
        "PKG-03",
        "systemd-run -q --unit=planted flock /var/lib/dpkg/lock-frontend sleep 600; sleep 0.3",
        "systemctl stop planted",
    ),
    (
        "PKG-04",
        "cp /var/lib/dpkg/status /root/status; printf 'Package: postgresql-15\\nStatus: install ok installed\\nPriority: optional\\nSection: database\\nMaintainer: x <x@x>\\nArchitecture: amd64\\nVersion: 15.0-1\\nDescription: planted\\n\\n' >>/var/lib/dpkg/status; cd /var/lib/dpkg/info; : >postgresql-15.list; : >postgresql-15.md5sums",
        "cp /root/status /var/lib/dpkg/status; rm /var/lib/dpkg/info/postgresql-15.*",
    ),
    ("PKG-05", "systemd-run -q --unit=unattended-upgrades sleep 600", "systemctl stop unattended-upgrades"),
    (
        "PORT-01",
        "systemd-run -q --unit=planted perl -MIO::Socket::INET -e '@s = IO::Socket::INET->new(Listen=>1,LocalPort=>5432); sleep 600'; sleep 0.5",
        "systemctl stop planted",
    ),
    ("SEC-02", "systemd-run -q --unit=ufw sleep 600", "systemctl stop ufw"),
    ("SSH-02", "echo 'sleep 2' >/root/.bashrc", "rm /root/.bashrc"),
    (
        "SSH-03",
        "echo 'MaxSessions 2' >/etc/ssh/sshd_config.d/planted.conf; systemctl reload ssh",
        "rm /etc/ssh/sshd_config.d/planted.conf; systemctl reload ssh",
    ),
    (
        "SSH-04",
        "echo 'AllowTcpForwarding no' >/etc/ssh/sshd_config.d/planted.conf; systemctl reload ssh",
        "rm /etc/ssh/sshd_config.d/planted.conf; systemctl reload ssh",
    ),
    ("SSH-01", "mv /root/.ssh/authorized_keys /root/", "mv /root/authorized_keys /root/.ssh/"),
    (
        "TIME-02",
        "readlink /etc/localtime >/root/zone; ln -sf /usr/share/zoneinfo/Asia/Tokyo /etc/localtime",
        "if [ -s /root/zone ]; then ln -sf \"$(cat /root/zone)\" /etc/localtime; else rm /etc/localtime; fi",
    ),
];

/// What two hosts share is told of both.
const SHARED: [&str; 2] = ["NAME-03", "NAME-04"];

/// Failures and warnings: id and host.
fn wrong(world: &World, file: &str) -> Vec<String> {
    let (_, said) = world.imctl_ends(&["check", "-i", file, "--output", "json"]);
    let line = said.lines().find(|line| line.starts_with('{')).unwrap_or_else(|| panic!("no answer: {said}"));
    let answer: Value = serde_json::from_str(line).expect("the answer is JSON");
    let findings = answer["findings"].as_array().expect("it holds findings").clone();
    let bad = findings.iter().filter(|it| it["verdict"] == "failed" || it["verdict"] == "warning");
    bad.map(|it| format!("{} {}", it["id"].as_str().expect("an id"), it["host"].as_str().unwrap_or("-")))
        .collect()
}

#[test]
fn planted_faults_are_found_by_their_id_and_nothing_else_is() {
    if !may_run() {
        return;
    }
    let world = World::new("check");
    let template = world.path("small.yml");
    std::fs::write(&template, TEMPLATE).expect("a file");
    let file = world.up(text(&template));
    let file = text(&file);
    assert_eq!(wrong(&world, file), Vec::<String>::new(), "clean hosts pass");

    let (_, other) = world.host("app1", "cat /etc/machine-id");
    let mut missed = Vec::new();
    for (id, plant, undo) in FAULTS {
        let plant = plant.replace("OTHER", other.trim());
        let (code, said) = world.host("db1", &plant);
        assert_eq!(code, 0, "{id} is planted: {said}");
        let mut found = wrong(&world, file);
        let (code, said) = world.host("db1", undo);
        assert_eq!(code, 0, "{id} is taken away: {said}");
        if SHARED.contains(id) {
            found.retain(|it| !it.ends_with("app1"));
        }
        if found != [format!("{id} db1")] {
            missed.push(format!("{id}: found {found:?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert_eq!(wrong(&world, file), Vec::<String>::new(), "nothing is left of them");

    let (code, said) = world.imctl_ends(&["check", "-i", file, "--skip", "DISK-99=why"]);
    assert!(code == 2 && said.contains("there is no such check"), "{said}");
    let (code, said) = world.imctl_ends(&["check", "-i", file, "--skip", "DISK-01="]);
    assert!(code == 2 && said.contains("a reason belongs to it"), "{said}");
    world.host("db1", "touch /run/reboot-required");
    assert_eq!(world.imctl_ends(&["check", "-i", file]).0, 0, "a warning is no failure");
    assert_eq!(world.imctl_ends(&["check", "-i", file, "--fail-on", "warn"]).0, 4);
    let (code, said) =
        world.imctl_ends(&["check", "-i", file, "--fail-on", "warn", "--skip", "os-04=tonight"]);
    assert!(code == 0 && said.contains("left out: tonight"), "{said}");
}
