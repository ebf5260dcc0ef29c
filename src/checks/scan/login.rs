//! Rules over who gets into a host and becomes root there: SSH and sudo.

use super::Outcome;
use super::hosts::{Guarded, asked, unknown};

const WEAK_ALGORITHMS: [&str; 8] =
    ["-cbc", "arcfour", "3des", "hmac-md5", "hmac-sha1", "umac-64", "diffie-hellman-group1-", "-sha1"];

/// Root may come with a key, never with a password.
pub(super) fn root_passwords(seen: &Guarded) -> Outcome {
    let passwords = seen.facts.of("sshd", "passwordauthentication") == Some("yes");
    ssh(seen, "permitrootlogin", |value| value != "yes" || !passwords)
}

pub(super) fn empty_passwords(seen: &Guarded) -> Outcome {
    ssh(seen, "permitemptypasswords", |value| value == "no")
}

pub(super) fn passwords(seen: &Guarded) -> Outcome {
    ssh(seen, "passwordauthentication", |value| value == "no")
}

pub(super) fn who(seen: &Guarded) -> Outcome {
    let named =
        ["allowusers", "allowgroups"].iter().find_map(|key| seen.facts.of("sshd", key).map(|who| (key, who)));
    asked(seen, "sshd", || match named {
        Some((key, who)) => Outcome::Good(format!("{key} {who}")),
        None => Outcome::Bad("anybody with an account".to_owned()),
    })
}

pub(super) fn sudo_log(seen: &Guarded) -> Outcome {
    let said = seen.facts.all("sudo-set");
    let pty = said.iter().any(|word| word == "use_pty");
    let quiet = said.iter().any(|word| word == "!syslog");
    no_sudo(seen)
        .unwrap_or_else(|| Outcome::judged(pty && !quiet, if pty { "use_pty" } else { "no use_pty" }))
}

fn ssh(seen: &Guarded, key: &str, good: impl Fn(&str) -> bool) -> Outcome {
    match seen.facts.of("sshd", key) {
        Some(value) => Outcome::judged(good(value), value.to_owned()),
        None => unknown("sshd's configuration"),
    }
}

pub(super) fn tries(seen: &Guarded) -> Outcome {
    let number = |key: &str| seen.facts.of("sshd", key).and_then(|value| value.parse::<u64>().ok());
    let (Some(tries), Some(time)) = (number("maxauthtries"), number("logingracetime")) else {
        return unknown("sshd's configuration");
    };
    Outcome::judged(
        tries <= 4 && (1..=60).contains(&time),
        format!("MaxAuthTries {tries}, LoginGraceTime {time}"),
    )
}

/// Those that a client and this server would ever agree on are in these three lists. HMAC-SHA1 is left to the defaults of
/// OpenSSH, which offers it last for old clients.
pub(super) fn algorithms(seen: &Guarded) -> Outcome {
    let mut weak = Vec::new();
    for key in ["ciphers", "macs", "kexalgorithms"] {
        let Some(list) = seen.facts.of("sshd", key) else { return unknown("sshd's configuration") };
        let bad = |name: &&str| {
            let default = key == "macs" && (name.starts_with("hmac-sha1") || name.starts_with("umac-64"));
            !default && WEAK_ALGORITHMS.iter().any(|weak| name.contains(weak))
        };
        weak.extend(list.split(',').filter(bad).map(str::to_owned));
    }
    Outcome::none_of(&weak, "none weak")
}

pub(super) fn idle(seen: &Guarded) -> Outcome {
    let number =
        |key: &str| seen.facts.of("sshd", key).and_then(|value| value.parse::<u64>().ok()).unwrap_or(0);
    let (interval, count) = (number("clientaliveinterval"), number("clientalivecountmax"));
    match seen.facts.last("tmout") {
        Some(seconds) => Outcome::Good(format!("TMOUT {seconds}")),
        None => asked(seen, "sshd", || {
            Outcome::judged(interval > 0 && count > 0, format!("ClientAliveInterval {interval}, no TMOUT"))
        }),
    }
}

/// What to say where there is no sudo, or where it could not be read.
fn no_sudo(seen: &Guarded) -> Option<Outcome> {
    let installed = seen.facts.all("package").iter().any(|line| line.starts_with("sudo "));
    match (seen.facts.knows("sudo"), installed || !seen.facts.knows("packages")) {
        (true, _) => None,
        (false, true) => Some(unknown("sudo's configuration")),
        (false, false) => Some(Outcome::Open("there is no sudo".to_owned())),
    }
}

pub(super) fn sudo(seen: &Guarded) -> Outcome {
    if let Some(outcome) = no_sudo(seen) {
        return outcome;
    }
    let own = seen.login.as_deref().unwrap_or("root");
    let strange =
        |(who, file): (&str, &str)| (who != own && who != "root").then(|| format!("{who} ({file})"));
    let strange: Vec<String> = seen.facts.pairs("sudo-free").filter_map(strange).collect();
    Outcome::none_of(&strange, "none but imctl's own account")
}
