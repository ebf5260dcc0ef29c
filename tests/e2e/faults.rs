//! Faults that `imctl check` must find, each a real change on a host unless it says so: what plants it and what takes it away.

/// Id, what plants the fault on `db1`, what takes it away.
pub(crate) type Fault = (&'static str, &'static str, &'static str);

/// Faults on one host.
pub(crate) const FAULTS: &[Fault] = &[
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
    ("CONFLICT-01", "echo 'net.core.somaxconn = 128' >/etc/sysctl.conf", "rm /etc/sysctl.conf"),
    ("DISK-04", "mount --bind /opt /opt && mount -o remount,ro,bind /opt", "umount /opt"),
    (
        "DNS-01",
        "cp /etc/resolv.conf /root/resolv; echo nameserver 127.0.0.1 >/etc/resolv.conf; systemd-run -q --unit=planted perl -MSocket -e 'socket S, AF_INET, SOCK_DGRAM, 0; bind S, pack_sockaddr_in(53, INADDR_ANY) or die; sleep 600'; sleep 0.5",
        "systemctl stop planted; cat /root/resolv >/etc/resolv.conf",
    ),
    ("LOCALE-01", "echo 'LANG=zh_CN.GBK' >/etc/locale.conf", "rm /etc/locale.conf"),
    (
        "NAME-01",
        "cp /etc/hosts /root/hosts; grep -v \"$(cat /proc/sys/kernel/hostname)\" /root/hosts >/etc/hosts",
        "cat /root/hosts >/etc/hosts",
    ),
    ("NAME-04", "mv /etc/machine-id /root/id", "mv /root/id /etc/machine-id"),
    (
        "OS-01",
        "cp /etc/os-release /root/os; sed 's/^ID=.*/ID=ubuntu/' /root/os >/root/os11; rm /etc/os-release; cp /root/os11 /etc/os-release",
        "cp /root/os /etc/os-release",
    ),
    ("OS-05", "mv /usr/bin/flock /root/", "mv /root/flock /usr/bin/"),
    (
        "PKG-01",
        "cp /var/lib/dpkg/status /root/status; sed -i '/^Package: tzdata$/,/^$/s/^Status: .*/Status: install reinstreq half-installed/' /var/lib/dpkg/status",
        "cp /root/status /var/lib/dpkg/status",
    ),
    (
        "PKG-03",
        "systemd-run -q --unit=planted flock /var/lib/apt/lists/lock sleep 600; sleep 0.3",
        "systemctl stop planted",
    ),
    (
        "PKG-05",
        "readlink /etc/systemd/system/apt-daily-upgrade.timer && rm /etc/systemd/system/apt-daily-upgrade.timer; systemctl daemon-reload; systemctl start apt-daily-upgrade.timer",
        "systemctl stop apt-daily-upgrade.timer; systemctl mask -q apt-daily-upgrade.timer",
    ),
    (
        "PORT-01",
        "systemd-run -q --unit=planted perl -MSocket -e 'socket S, AF_INET, SOCK_DGRAM, 0; bind S, pack_sockaddr_in(123, INADDR_ANY) or die; sleep 600'; sleep 0.5",
        "systemctl stop planted",
    ),
    (
        "PKG-06",
        "mkdir -p /var/lib/postgresql/15/main && echo 15 >/var/lib/postgresql/15/main/PG_VERSION",
        "rm -r /var/lib/postgresql",
    ),
    ("SEC-02", "systemd-run -q --unit=firewalld sleep 600", "systemctl stop firewalld"),
    ("SSH-01", "systemctl stop ssh", "systemctl start ssh"),
    (
        "SSH-01",
        "mkdir /root/keys; cp -a /etc/ssh/ssh_host_* /root/keys; rm /etc/ssh/ssh_host_*; ssh-keygen -qA; systemctl restart ssh",
        "rm /etc/ssh/ssh_host_*; cp -a /root/keys/* /etc/ssh/; rm -r /root/keys; systemctl restart ssh",
    ),
    // Simulated: hosts of a lab share the clock.
    (
        "TIME-01",
        "printf '#!/bin/sh\\nexec /bin/date -d \"+90 sec\" \"$@\"\\n' >/usr/local/bin/date; chmod 755 /usr/local/bin/date",
        "rm /usr/local/bin/date",
    ),
];

/// The same where a login that is not root's has to become root.
pub(crate) const RIGHTS: &[Fault] = &[
    ("SSH-01", "mv /etc/sudoers.d/ops /root/", "mv /root/ops /etc/sudoers.d/"),
    ("SSH-01", "chmod 600 /bin/sudo /usr/bin/sudo", "chmod 4755 /bin/sudo /usr/bin/sudo"),
];

/// The same by what the network does: rules of a packet filter on what reaches `db1`. Lost packets are simulated by chance.
pub(crate) const WAYS: &[(&str, &str)] = &[
    ("MESH-01", "ip saddr CALLER tcp dport 5432 drop"),
    ("MESH-01", "tcp dport 5432 reject with tcp reset"),
    ("MESH-01", "udp dport 123 drop"),
    ("MESH-03", "tcp dport 5432 numgen random mod 100 lt 6 drop"),
    ("MESH-04", "tcp dport 5432 ip length gt 1000 drop"),
];

/// The same where a host's size is judged.
pub(crate) const SIZES: &[Fault] = &[
    ("CPU-01", "taskset -pc 0 $(cat /run/sshd.pid)", "taskset -pc 0-1 $(cat /run/sshd.pid)"),
    (
        "DISK-01",
        "mkdir -p /mnt/t /var/lib/postgresql && mount -t tmpfs -o size=300m tmpfs /mnt/t && mkdir /mnt/t/u /mnt/t/w && mount -t overlay -o lowerdir=/srv,upperdir=/mnt/t/u,workdir=/mnt/t/w overlay /var/lib/postgresql",
        "umount /var/lib/postgresql /mnt/t && rmdir /var/lib/postgresql",
    ),
];
