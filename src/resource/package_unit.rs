//! What changes packages on a host runs in a systemd unit of its own and ends by itself: a run of dpkg that is cut in
//! the middle leaves a broken host. The connection only starts it, waits for it and passes on what it said.

use crate::base::Secret;
use crate::resource::Action;
use std::time::Duration;

/// How long one run of apt may take: a slow disk and a slow line, not a hang.
const WITHIN: Duration = Duration::from_mins(35);

/// The program of the unit: `body` is the work, `after` is done however that ended. Both are POSIX sh.
pub fn unit_program(body: &str, after: &str) -> Vec<u8> {
    let head = HEAD.replace("%AFTER%", after.trim_end());
    format!("{head}{body}").into_bytes()
}

/// A script that takes the unit's program from its standard input, does `before` and runs the unit to its end. Its
/// output and its status are those of `before` when that fails, else the unit's.
pub fn launch(before: &str) -> String {
    format!("{TAKE}{RUNS}{before}{LAUNCH}")
}

/// A script that waits, half an hour at most, until no unit of ours changes packages on a host, and takes away what one
/// left there that a power cut ended. It prints a line when it had to wait. Cheap where there is nothing to wait for.
pub fn waiting_script() -> String {
    format!("{RUNS}{SWEEP}{WAIT}")
}

/// An action that changes packages, without a bundle.
pub(super) fn action(body: &str) -> Action {
    Action::Run { script: launch(RUNS_NOW), input: Secret::new(unit_program(body, "")), within: WITHIN }
}

/// The shell function `runs`: whether the unit is there.
pub const RUNS: &str = r#"unit=imctl-packages.service
runs() {
  case $(systemctl is-active "$unit" 2>/dev/null) in
  active | activating | deactivating | reloading) ;;
  *) return 1 ;;
  esac
}
"#;

/// The shell function `sweep`: takes our `policy-rc.d` away and puts back the one that was there before.
pub const SWEEP: &str = r#"policy=/usr/sbin/policy-rc.d
sweep() {
  if grep -qs '^# imctl:' "$policy"; then rm -f "$policy"; fi
  rm -f "$policy.imctl-new"
  if [ -e "$policy.imctl-other" ]; then mv -f "$policy.imctl-other" "$policy"; fi
}
"#;

const WAIT: &str = r#"n=0
while runs; do
  [ "$n" -gt 0 ] || echo "packages of an earlier run are still being installed here: waiting"
  n=$((n + 1))
  if [ "$n" -gt 9000 ]; then
    echo "packages of an earlier run are still being installed after 30 minutes; see: systemctl status $unit"
    exit 1
  fi
  sleep 0.2
done
sweep
"#;

/// Waits where nobody could be told.
const RUNS_NOW: &str = "while runs; do sleep 0.2; done\n";

/// The folder is gone after a restart of the host, and readable by root alone.
const TAKE: &str = r"set -eu
mkdir -p -m 0700 /run/imctl
(umask 077; cat >/run/imctl/packages.new)
exec </dev/null
";

/// The host's own record of the last run stands beside apt's archives and outlives a restart. A shutdown of the host
/// waits for the unit: the signal that would end it is one that does nothing.
const HEAD: &str = r#"set -eu
umask 022
export HOME=/root IMCTL_INSTALL=1
record() {
  { mkdir -p /var/cache/imctl/apt && echo "$1" >/var/cache/imctl/apt/last.new && sync /var/cache/imctl/apt/last.new &&
    mv -f /var/cache/imctl/apt/last.new /var/cache/imctl/apt/last; } 2>/dev/null || :
}
if [ "${1:-}" = after ]; then
  exec >>/run/imctl/packages.log 2>&1
  set +e
%AFTER%
  status=1
  case ${EXIT_CODE:-} in
  exited) status=$EXIT_STATUS ;;
  *) echo "the installation of packages was ended from outside (${SERVICE_RESULT:-unknown} ${EXIT_STATUS:-})" ;;
  esac
  record "$status $(cat /run/imctl/packages) $(date +%s)"
  rm -f /run/imctl/packages
  echo "$status" >/run/imctl/packages.status.new
  mv -f /run/imctl/packages.status.new /run/imctl/packages.status
  exit 0
fi
exec >/run/imctl/packages.log 2>&1
date +%s >/run/imctl/packages
before=$(cat /var/cache/imctl/apt/last 2>/dev/null || :)
record "running $(cat /run/imctl/packages)"
"#;

const LAUNCH: &str = r#"mv -f /run/imctl/packages.new /run/imctl/packages.sh
rm -f /run/imctl/packages.status
systemd-run --quiet --collect --unit="$unit" --description="packages that imctl installs" --service-type=exec \
  -p KillSignal=SIGCONT -p RuntimeMaxSec=25min -p TimeoutStopSec=5min -p OOMPolicy=continue \
  -p "ExecStopPost=/bin/sh /run/imctl/packages.sh after" /bin/sh /run/imctl/packages.sh
n=0
until [ -e /run/imctl/packages.status ]; do
  n=$((n + 1))
  if [ $((n % 50)) -eq 0 ] && ! runs && [ ! -e /run/imctl/packages.status ]; then
    echo "the unit $unit is gone and left no status"
    exit 1
  fi
  sleep 0.1
done
while runs; do sleep 0.1; done
tail -n 60 /run/imctl/packages.log
exit "$(cat /run/imctl/packages.status)"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn every_script_is_sound_shell() {
        let program = String::from_utf8(unit_program("echo done\n", "sweep\n")).unwrap();
        assert!(program.contains("set +e\nsweep\n  status=1"), "{program}");
        for script in [program, launch(RUNS_NOW), waiting_script()] {
            let checked = Command::new("sh").args(["-n", "-c", &script]).output().unwrap();
            assert!(checked.status.success(), "{}\n{script}", String::from_utf8_lossy(&checked.stderr));
        }
    }

    #[test]
    fn what_a_power_cut_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let policy = folder.path().join("policy-rc.d");
        let text = SWEEP.replace("/usr/sbin/policy-rc.d", policy.to_str().unwrap());
        let sweep = || Command::new("sh").args(["-c", &format!("{text}sweep")]).status().unwrap();
        let is = || std::fs::read_to_string(&policy).unwrap_or_default();
        std::fs::write(&policy, "#!/bin/sh\nexit 101\n").unwrap();
        assert!(sweep().success());
        assert_eq!(is(), "#!/bin/sh\nexit 101\n", "another's stays");
        std::fs::rename(&policy, folder.path().join("policy-rc.d.imctl-other")).unwrap();
        std::fs::write(&policy, "#!/bin/sh\n# imctl: ours\n").unwrap();
        assert!(sweep().success());
        assert_eq!(is(), "#!/bin/sh\nexit 101\n", "another's is put back");
    }
}
