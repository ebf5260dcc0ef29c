//! What imctl itself needs: a quick shell, sessions, forwarding.

use super::{HostSeen, Judged, PreflightRule, Site, hm, no, real, unknown, yes};

pub(super) const RULES: &[PreflightRule] = &[
    PreflightRule {
        id: "SSH-01",
        what: "connection with root rights",
        needed: "a login, and root through it",
        because: "imctl does everything over SSH",
        fix: "try it by hand: ssh HOST true; the inventory's `ssh` says user, key and how root is had",
        judge: |_, _| yes("connected"),
    },
    PreflightRule {
        id: "SSH-02",
        what: "time until a login shell answers",
        needed: "<= LIMIT ms",
        because: "every new connection waits for it",
        fix: "look at .bashrc and /etc/profile.d of the login user on HOST",
        judge: shell,
    },
    PreflightRule {
        id: "SSH-03",
        what: "sessions on one connection",
        needed: "MaxSessions LIMIT or more",
        because: "imctl works, renews its lock and forwards at the same time",
        fix: "set MaxSessions 10 in /etc/ssh/sshd_config.d and reload sshd on HOST",
        judge: sessions,
    },
    PreflightRule {
        id: "SSH-04",
        what: "forwarding of ports to here",
        needed: "allowed",
        because: "packages reach the host through it; without it they are uploaded, which takes longer",
        fix: "set AllowTcpForwarding yes, or remote, in /etc/ssh/sshd_config.d and reload sshd on HOST",
        judge: forwarding,
    },
];

fn shell(seen: &HostSeen, site: &Site) -> Judged {
    let extra = seen.login_ms.saturating_sub(seen.answer_ms);
    let said = format!("{extra} ms");
    if real(extra) > site.limit("SSH-02") { hm(said) } else { yes(said) }
}

fn sessions(seen: &HostSeen, site: &Site) -> Judged {
    let sessions = seen.deep.sshd.get("maxsessions").and_then(|it| it.parse::<u32>().ok());
    match sessions {
        Some(0) => no("0"),
        Some(few) if f64::from(few) < site.limit("SSH-03") => hm(few.to_string()),
        Some(enough) => yes(enough.to_string()),
        None => unknown("what sshd allows"),
    }
}

fn forwarding(seen: &HostSeen, _: &Site) -> Judged {
    match seen.deep.sshd.get("allowtcpforwarding").map(String::as_str) {
        Some(how @ ("no" | "local")) => hm(how),
        Some(how) => yes(how),
        None => unknown("what sshd allows"),
    }
}
