//! What a host runs to install packages, as POSIX sh text: pure functions. Fetching ends with the connection and does
//! no harm; what changes the host is the program of a unit that ends by itself. No service starts by itself.

use super::host::{Install, SETUP, Source, packages, words};
use crate::base::quote;
use crate::resource::{RUNS, SWEEP, launch, unit_program};

/// What a script ends with that has to wait for somebody else first; the first line of its output says for whom.
pub(super) const BUSY: i32 = 75;
/// Begins a line that says for whom to wait.
pub(super) const WAIT: &str = "imctl wait: ";
/// Begins a line that the operator should know.
pub(super) const NOTE: &str = "imctl note: ";

/// Ends with `BUSY` where packages are being installed already.
pub(super) fn free_script() -> String {
    format!("set -eu\n{RUNS}{HOLDER}{FREE}")
}

/// Waits until nobody installs packages. The error names who does not end.
pub(super) fn wait_script() -> String {
    format!("{}{HOLDER}{WAIT_FOR_LOCK}", crate::resource::waiting_script())
}

/// Points apt at the bundle, fetches packages, starts the unit and waits for it: see `launch`. `setup` is
/// `setup_script`.
pub(super) fn install_script(setup: &str, install: &Install) -> String {
    launch(&format!("{HOLDER}{FREE}{ROOM}{setup}{}{FETCH}", packages(install)))
}

/// The unit's program: the input of `install_script`. Uploads are taken away however it ends.
pub(super) fn install_program(install: &Install, source: &Source) -> Vec<u8> {
    let masks = words(&install.masks);
    // What was fetched is all there is; uploads apt takes where they lie, and would not find with this option.
    let (fetched, after) = match source {
        Source::Forward(_) => ("--no-download", String::new()),
        Source::Folder(path) => ("", format!("rm -rf {}\n", quote(path))),
    };
    let body = format!(
        "{SETUP}{HOLDER}{SWEEP}{POLICY}for unit in {masks}; do\n  {MASK}\ndone\n{REPAIR}{}{}",
        packages(install),
        INSTALL.replace("%FETCHED%", fetched)
    );
    unit_program(&body, &format!("{SWEEP}sweep\n{after}"))
}

/// `holder` finds the process that holds one of dpkg's locks; `held` tells the operator about it.
const HOLDER: &str = r#"holder() {
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock; do
    inode=$(stat -c %i "$lock" 2>/dev/null) || continue
    while read -r _ kind _ _ pid place _; do
      case $kind:$place in POSIX:*:"$inode") ;; *) continue ;; esac
      if ls -l "/proc/$pid/fd" 2>/dev/null | grep -q "$lock\$"; then
        echo "$pid"
        return 0
      fi
    done </proc/locks
  done
  return 1
}
command_of() { tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | head -c 300 | sed 's/ *$//'; }
held() {
  echo "another program holds dpkg's lock on this host: process $1, \`$(command_of "$1")\`"
  service=$(sed -n 's|^.*/\([^/]*\.service\)$|\1|p' "/proc/$1/cgroup" 2>/dev/null | tail -n 1)
  case $service in
  unattended-upgrades.service | apt-daily*.service | packagekit.service)
    echo "let it end, or stop it there with: systemctl stop $service; then run the same command again" ;;
  *) echo "see what it does there with: ps -fp $1; when it has ended, run the same command again" ;;
  esac
}
"#;

const FREE: &str = r#"if runs; then
  echo "imctl wait: packages of an earlier run are still being installed here: waiting"
  exit 75
fi
if pid=$(holder); then
  echo "imctl wait: process $pid, \`$(command_of "$pid")\`, holds dpkg's lock: waiting up to two minutes"
  exit 75
fi
"#;

const WAIT_FOR_LOCK: &str = r#"n=0
while pid=$(holder); do
  n=$((n + 1))
  if [ "$n" -gt 240 ]; then
    held "$pid"
    exit 1
  fi
  sleep 0.5
done
"#;

/// Whatever fails, a full disk is named: what fails on one has many words for it.
const ROOM: &str = r#"room() {
  df -lPk -x squashfs -x iso9660 2>/dev/null | while read -r _ size _ free _ at; do
    case $free in *[!0-9]* | '') continue ;; esac
    if [ "$free" -lt 4096 ] && [ $((free * 50)) -lt "$size" ]; then
      echo "the disk is full: $at has $free KiB left; make room there, then run the same command again"
    fi
  done
}
trap 's=$?; [ "$s" -eq 0 ] || [ "$s" -eq 75 ] || room' EXIT
"#;

/// Apt may take away another time service only. Nothing is locked: the unit does that, and waits for it.
const FETCH: &str = r#"said=$(offline -o Debug::NoLocking=true -f -y --allow-downgrades --download-only install "$@") || {
  printf '%s\n' "$said" | tail -n 30
  case $said in *"free space"* | *"No space left"*)
    df -Pk /var/cache/imctl/apt/archives | awk 'NR == 2 {
      print "/var/cache/imctl/apt/archives has " $4 " KiB left; make room there, then run the same command again" }' ;;
  esac
  exit 1
}
gone=$(printf '%s\n' "$said" | sed -n '/ will be REMOVED:$/,/^[^ ]/{s/^  //p}' | tr -d '*' | tr ' ' '\n' |
  grep -vxE 'systemd-timesyncd|ntp|ntpsec|openntpd|' || :)
if [ -n "$gone" ]; then
  echo "apt would remove" $gone "which stand in the way; remove them yourself if that is right"
  exit 1
fi
need=$(printf '%s\n' "$said" | sed -n 's/^After this operation, \([0-9.,]*\) \([kMG]\{0,1\}\)B of additional.*/\1 \2/p')
if [ -n "$need" ]; then
  need=$(echo "$need" | awk '{ gsub(",", "", $1); printf "%.0f", $1 * ($2 == "G" ? 1e6 : $2 == "M" ? 1e3 : 1) + 16384 }')
  free=$(df -Pk /usr | awk 'NR == 2 { print $4 }')
  if [ "$need" -gt "$free" ]; then
    echo "the packages need $((need / 1024)) MiB below /usr, where $((free / 1024)) MiB are free: make room there first"
    exit 1
  fi
fi
"#;

/// The policy refuses only what descends from a run of ours (the variable in its environment). Left behind by a
/// power cut it lets everybody else start services, and the next run takes it away.
const POLICY: &str = r#"sweep
cat >"$policy.imctl-new" <<'POLICY'
#!/bin/sh
# imctl: packages that imctl installs do not start their services. Others are not concerned; it may be removed.
[ "${IMCTL_INSTALL:-}" = 1 ] && exit 101
[ -x /usr/sbin/policy-rc.d.imctl-other ] && exec /usr/sbin/policy-rc.d.imctl-other "$@"
exit 0
POLICY
chmod 0755 "$policy.imctl-new"
if [ -e "$policy" ]; then mv -f "$policy" "$policy.imctl-other"; fi
mv -f "$policy.imctl-new" "$policy"
"#;

/// A unit that is there already runs or was configured by an earlier run: its mask would outlive this one.
const MASK: &str = r#"if [ "$(systemctl show -p LoadState --value -- "$unit")" = not-found ]; then systemctl -q mask -- "$unit" 2>/dev/null || { echo "cannot mask $unit"; exit 1; }; fi"#;

/// What cannot be configured now, because what it needs was not unpacked yet, is left to apt.
const REPAIR: &str = r#"tell() {
  printf '%s\n' "$1" | tail -n 30
  case $1 in *lock*) if pid=$(holder); then held "$pid"; fi ;; esac
  exit 1
}
case $before in
running\ *)
  echo "imctl note: packages were being installed here when the host went down" \
    "($(date -d "@${before#* }" '+%F %T')): that is taken up again" ;;
esac
if [ -n "$(dpkg --audit)" ] || ls /var/lib/dpkg/updates/[0-9]* >/dev/null 2>&1; then
  echo "imctl note: dpkg had been interrupted half way here: it is repaired"
  for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
    said=$(dpkg --force-confdef --force-confold --configure -a </dev/null 2>&1) && break
    case $said in *"frontend lock"*) sleep 10 ;; *) break ;; esac
  done
fi
"#;

const INSTALL: &str = r#"said=$(offline -f -y --allow-downgrades %FETCHED% install "$@") || tell "$said"
rm -f /var/cache/imctl/apt/archives/*.deb
printf '%s\n' "$said" | grep -E '^[0-9]+ upgraded' || :
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn install() -> Install {
        Install {
            names: vec!["server=1.0-1~bpo12+1".into(), "tool".into()],
            masks: vec!["server.service".into(), "db@15-main.service".into()],
            ..Install::default()
        }
    }

    #[test]
    fn every_script_is_sound_shell() {
        let program = String::from_utf8(install_program(&install(), &Source::Forward(1))).unwrap();
        assert!(program.contains("for unit in server.service db@15-main.service; do"), "{program}");
        for script in [program, free_script(), wait_script(), install_script(":\n", &Install::default())] {
            let checked = Command::new("sh").args(["-n", "-c", &script]).output().unwrap();
            assert!(checked.status.success(), "{}\n{script}", String::from_utf8_lossy(&checked.stderr));
        }
    }

    #[test]
    fn the_policy_refuses_only_our_own_run() {
        let policy = POLICY.split("<<'POLICY'\n").nth(1).unwrap().split("POLICY\n").next().unwrap();
        let status = |ours: &str| {
            Command::new("sh")
                .args(["-c", policy, "policy-rc.d", "x", "start"])
                .env("IMCTL_INSTALL", ours)
                .status()
                .unwrap()
                .code()
        };
        assert_eq!((status("1"), status("")), (Some(101), Some(0)));
    }

    /// What `FETCH` says when apt answers so.
    fn fetched(said: &str) -> String {
        let script =
            format!("set -eu\noffline() {{ cat <<'SAID'\n{said}SAID\n}}\nset -- a\n{FETCH}echo fine\n");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    #[test]
    fn nothing_is_removed_but_another_time_service() {
        let head = "Reading package lists...\nThe following packages will be REMOVED:\n";
        let end = "The following NEW packages will be installed:\n  a b\n";
        assert_eq!(fetched(&format!("{head}  systemd-timesyncd\n{end}")), "fine\n");
        let said = fetched(&format!("{head}  ntp mail\n  web*\n{end}"));
        assert!(said.starts_with("apt would remove mail web which"), "{said}");
    }

    #[test]
    fn packages_that_do_not_fit_are_refused_before_anything_is_unpacked() {
        let said = |amount: &str| {
            fetched(&format!("After this operation, {amount} of additional disk space will be used.\n"))
        };
        assert_eq!(said("1,234 kB"), "fine\n");
        assert!(said("999,999 GB").starts_with("the packages need 976"), "{}", said("999,999 GB"));
        assert_eq!(fetched("After this operation, 10 GB disk space will be freed.\n"), "fine\n");
    }
}
