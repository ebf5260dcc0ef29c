//! Each rule over a host with its own fault, and no other rule that fires with it.

use super::*;
use crate::facts::parse_guard;

const GOOD: &str = "\
answered nft\nanswered sshd\nanswered sudo\nanswered accounts\nanswered passwords\nanswered setuid\nanswered writable\nanswered keys
answered packages\nanswered changed\nanswered pending\nanswered sources\nanswered pam\nanswered watch\nanswered journal\nanswered exposure
sysctl net/ipv4/tcp_syncookies 1\nsysctl net/ipv4/ip_forward 0\nsysctl net/ipv4/conf/all/accept_redirects 0
sysctl net/ipv4/conf/all/rp_filter 1\nsysctl net/ipv4/conf/eth0/rp_filter 0\nsysctl kernel/randomize_va_space 2
sysctl kernel/kptr_restrict 1\nsysctl kernel/dmesg_restrict 1\nsysctl fs/protected_hardlinks 1\nsysctl fs/protected_symlinks 1
sysctl fs/suid_dumpable 0\nsshd permitrootlogin prohibit-password\nsshd passwordauthentication no\nsshd permitemptypasswords no
sshd maxauthtries 4\nsshd logingracetime 60\nsshd ciphers aes256-gcm@openssh.com\nsshd macs hmac-sha2-512,hmac-sha1
sshd kexalgorithms curve25519-sha256\nsshd allowgroups ops\nsshd clientaliveinterval 300\nsshd clientalivecountmax 3
sudo-set use_pty\npackage sudo 1.9 sudo\npackage openssl 3.0.15-1~deb12u1 openssl\npam faillock\npam pwquality
active auditd.service\nactive vector.service\naudit-rules 12\njournal Storage persistent\njournal MaxRetentionSec 180day
exposure im.service 2.1\napparmor Y\ntmp rw,nosuid,nodev\nunder /var/lib/db part,crypt,lvm
";

fn seen(text: &str) -> Guarded {
    Guarded {
        facts: parse_guard(text),
        login: Some("ops".to_owned()),
        units: vec!["im.service".to_owned()],
        updates: Some([("openssl".to_owned(), "3.0.15-1~deb12u1".to_owned())].into()),
        bundle_days: Some(3),
        clock: Some(true),
        ..Guarded::default()
    }
}

fn fired(seen: &Guarded) -> Vec<String> {
    let host = HostName::new("db1").unwrap();
    let bad = |it: &Said| !matches!(it.outcome, Outcome::Good(_));
    guarded(&host, seen).into_iter().filter(bad).map(|it| it.id).collect()
}

/// What is changed in the good host, and the rule that must fire.
const FAULTS: [(&str, &str, &str); 34] = [
    ("conf/all/accept_redirects 0", "conf/all/accept_redirects 1", "EXPO-09"),
    ("conf/all/rp_filter 1", "conf/all/rp_filter 0", "EXPO-10"),
    ("tcp_syncookies 1", "tcp_syncookies 0", "EXPO-11"),
    ("ip_forward 0", "ip_forward 1", "EXPO-12"),
    ("package openssl 3.0.15-1~deb12u1", "package openssl 3.0.14-1~deb12u1", "HOST-01"),
    ("answered pending", "answered pending\npending bash 5.2-1", "HOST-01"),
    (
        "permitrootlogin prohibit-password\nsshd passwordauthentication no",
        "permitrootlogin yes\nsshd passwordauthentication yes",
        "HOST-03",
    ),
    ("permitemptypasswords no", "permitemptypasswords yes", "HOST-04"),
    ("passwordauthentication no", "passwordauthentication yes", "HOST-05"),
    ("maxauthtries 4", "maxauthtries 6", "HOST-06"),
    ("ciphers aes256", "ciphers aes128-cbc,aes256", "HOST-07"),
    ("sshd allowgroups ops\n", "", "HOST-08"),
    ("clientaliveinterval 300", "clientaliveinterval 0", "HOST-09"),
    (
        "sudo-set use_pty",
        "sudo-set use_pty\nsudo-free games /etc/sudoers.d/x\nsudo-free ops /etc/sudoers.d/ops",
        "HOST-10",
    ),
    ("sudo-set use_pty", "sudo-set !syslog", "HOST-11"),
    ("apparmor Y", "apparmor Y\nroot-like toor", "HOST-12"),
    ("apparmor Y", "apparmor Y\nempty-password guest", "HOST-13"),
    ("apparmor Y", "apparmor Y\nweak-hash guest", "HOST-14"),
    ("apparmor Y", "apparmor Y\nservice-shell games /bin/sh", "HOST-15"),
    ("apparmor Y", "apparmor Y\nsetuid /usr/local/bin/x", "HOST-16"),
    ("apparmor Y", "apparmor Y\nwritable /etc/x", "HOST-17"),
    ("apparmor Y", "apparmor Y\nunsigned /etc/apt/sources.list", "HOST-18"),
    ("package sudo 1.9", "package telnetd 1\npackage sudo 1.9", "HOST-19"),
    ("apparmor Y", "apparmor Y\nkey-file 0666 /root/.ssh/authorized_keys", "HOST-20"),
    ("pam faillock\n", "", "HOST-21"),
    ("\npam pwquality", "", "HOST-22"),
    ("active auditd.service\n", "", "HOST-23"),
    ("180day", "90day", "HOST-24"),
    ("active vector.service\n", "", "HOST-25"),
    ("im.service 2.1", "im.service 8.2", "HOST-26"),
    ("apparmor Y", "apparmor N", "HOST-27"),
    ("kptr_restrict 1", "kptr_restrict 0", "HOST-28"),
    ("nosuid,nodev", "nodev", "HOST-29"),
    ("part,crypt,lvm", "part,lvm", "HOST-30"),
];

#[test]
fn a_good_host_passes_and_each_fault_fires_its_own_rule() {
    assert!(fired(&seen(GOOD)).is_empty(), "{:?}", fired(&seen(GOOD)));
    for (good, bad, id) in FAULTS {
        assert!(GOOD.contains(good), "{id}: `{good}` is not there");
        let mut fired = fired(&seen(&GOOD.replace(good, bad)));
        // Root by password takes passwords, which is a finding of its own.
        fired.retain(|it| !(id == "HOST-03" && it == "HOST-05"));
        assert_eq!(fired, [id], "{bad}");
    }
}

#[test]
fn what_is_not_of_the_text_fires_too() {
    assert_eq!(fired(&Guarded { bundle_days: Some(31), ..seen(GOOD) }), ["HOST-02"]);
    assert_eq!(fired(&Guarded { clock: Some(false), ..seen(GOOD) }), ["EXPO-13"]);
    assert_eq!(fired(&seen(&format!("{GOOD}open-key /etc/x.key\n"))), ["SECRET-06"]);
    assert_eq!(fired(&seen(&format!("{GOOD}changed /usr/bin/jq\n"))), ["DRIFT-02"]);
}

#[test]
fn a_host_that_says_nothing_passes_nothing() {
    let silent = Guarded::default();
    let host = HostName::new("db1").unwrap();
    let good: Vec<String> = guarded(&host, &silent)
        .into_iter()
        .filter(|it| matches!(it.outcome, Outcome::Good(_)))
        .map(|it| it.id)
        .collect();
    assert!(good.is_empty(), "{good:?}");
}

#[test]
fn spans_are_read_as_systemd_writes_them() {
    assert_eq!(
        (days("180day"), days("6month"), days("15552000"), days("soon")),
        (Some(180), Some(182), Some(180), None)
    );
}
