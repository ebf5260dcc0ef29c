//! What stands open on a host besides its resources: restarts that an earlier run owed when it was cut off, the lease,
//! packages still being installed. One probe sees all of it.

use crate::base::quote;
use crate::record::{LeaseSeen, Observed};

/// Key of the probe.
pub const STANDING_KEY: &str = "standing";

/// A restart or reload that a run announced and did not come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The unit.
    pub unit: String,
    /// Restart, or reload.
    pub restart: bool,
}

/// What stands open on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Restarts and reloads owed.
    pub owed: Vec<Owed>,
    /// The lease, also one that has ended.
    pub lease: Option<LeaseSeen>,
    /// Packages of an earlier run are still being installed.
    pub packages: bool,
    /// The host has not finished its own start: units that are down may come up by themselves.
    pub starting: bool,
}

/// The folder that holds a mark for each owed restart of a deployment. A mark holds the boot it was made in: after
/// another boot every unit has read its files anew.
pub fn owed_folder(deployment: &str) -> String {
    format!("/var/lib/imctl/{deployment}/owed")
}

/// The folder of a deployment's lease, gone after a reboot: its `record`, the `gate` that running programs hold and the
/// `mutex` of those who write the record.
pub fn lease_folder(deployment: &str) -> String {
    format!("/run/imctl/lease/{deployment}")
}

/// The script that sees it: builtins of the shell alone, but for a host that started less than ten minutes ago.
pub fn standing_script(deployment: &str) -> String {
    SCRIPT
        .replace("%OWED%", &quote(&owed_folder(deployment)))
        .replace("%LEASE%", &quote(&lease_folder(deployment)))
}

const SCRIPT: &str = r#"read -r boot </proc/sys/kernel/random/boot_id
for mark in %OWED%/*; do
  [ -f "$mark" ] || continue
  read -r at verb <"$mark"
  [ "$at" != "$boot" ] || printf 'owed %s %s\n' "$verb" "${mark##*/}"
done
if [ -f %LEASE%/record ]; then
  IFS=. read -r now _ </proc/uptime
  { read -r token ends; IFS= read -r holder; } <%LEASE%/record
  [ -z "$token" ] || printf 'lease %s %s %s\n' "$token" $((ends - now)) "$holder"
fi
if [ -f /run/imctl/packages ]; then echo packages; fi
IFS=. read -r now _ </proc/uptime
read -r stat </proc/1/stat
set -- ${stat##*) }
if [ $((now - ${20} / 100)) -lt 600 ]; then
  case $(systemctl is-system-running 2>/dev/null) in initializing | starting) echo starting ;; esac
fi
"#;

impl Standing {
    /// Out of the answer of the probe.
    pub fn seen(observed: &Observed) -> Self {
        let text = observed.scripts.get(STANDING_KEY).map(|answer| answer.out.as_str()).unwrap_or_default();
        let mut standing = Self::default();
        for line in text.lines() {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("owed", rest) => standing.owed.extend(owed(rest)),
                ("lease", rest) => standing.lease = LeaseSeen::read(rest),
                ("packages", _) => standing.packages = true,
                ("starting", _) => standing.starting = true,
                _ => {}
            }
        }
        standing
    }
}

fn owed(line: &str) -> Option<Owed> {
    let (verb, unit) = line.split_once(' ')?;
    let restart = match verb {
        "restart" => true,
        "reload" => false,
        _ => return None,
    };
    Some(Owed { unit: unit.to_owned(), restart })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Answer;

    #[test]
    fn everything_that_stands_open_is_read() {
        let out = "owed restart a@b.service\nowed reload web.service\nowed dance x\nlease k.1 -3 {}\npackages\nstarting\n";
        let answer = Answer { status: 0, out: out.to_owned() };
        let observed =
            Observed { scripts: [(STANDING_KEY.to_owned(), answer)].into(), ..Observed::default() };
        let standing = Standing::seen(&observed);
        let owed: Vec<_> = standing.owed.iter().map(|it| (it.unit.as_str(), it.restart)).collect();
        assert_eq!(owed, [("a@b.service", true), ("web.service", false)]);
        assert_eq!(standing.lease.map(|it| it.ends_in), Some(-3));
        assert!(standing.packages && standing.starting);
        assert_eq!(Standing::seen(&Observed::default()), Standing::default());
    }

    #[test]
    fn the_script_runs_where_nothing_stands_open() {
        let script = standing_script("no-such-deployment");
        let ran = std::process::Command::new("sh").args(["-eu", "-c", &script]).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    }
}
