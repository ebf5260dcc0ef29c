//! What runs on a host to take, renew, give back and wait for a lease. The record is written under `mutex`; a taker
//! holds `gate` alone first, which programs of the holder before hold while they run: nobody's last program runs beside
//! the next holder's first. Times are seconds of `/proc/uptime`: no step of the clock ends or prolongs a lease.

use crate::base::quote;
use crate::plan::lease_folder;

/// Seconds that a lease lasts without being renewed.
pub(super) const LASTS: u64 = 30;

fn head(deployment: &str, token: &str) -> String {
    HEAD.replace("%FOLDER%", &quote(&lease_folder(deployment)))
        .replace("%TOKEN%", &quote(token))
        .replace("%LASTS%", &LASTS.to_string())
}

const HEAD: &str = r#"set -u
umask 077
folder=%FOLDER% mine=%TOKEN%
now() { IFS=. read -r now _ </proc/uptime; }
seen() {
  token= ends=0 holder=
  if [ -f record ]; then { read -r token ends; IFS= read -r holder; } <record; fi
  now
}
put() {
  now
  { printf '%s %s\n' "$mine" $((now + %LASTS%)); printf '%s\n' "$1"; } >record.new && mv -f record.new record
}
alone() { flock -w 10 9 || { echo busy; exit 0; }; }
mkdir -p "$folder" && cd "$folder" || exit 1
exec 9>mutex
"#;

/// Takes the lease; the holder's words are the input. Answers `taken`, `held ENDS-IN TOKEN HOLDER`, `running` or `busy`.
pub(super) fn take(deployment: &str, token: &str) -> String {
    head(deployment, token) + TAKE
}

const TAKE: &str = r#"IFS= read -r words
alone
seen
if [ -n "$token" ] && [ "$ends" -gt "$now" ] && [ "${token%%.*}" != "${mine%%.*}" ]; then
  printf 'held %s %s %s\n' "$token" $((ends - now)) "$holder"
  exit 0
fi
exec 8>gate
flock -w 20 8 || { echo running; exit 0; }
put "$words" && echo taken
"#;

/// Renews it. Answers `kept`, `ended` or `lost HOLDER`.
pub(super) fn renew(deployment: &str, token: &str) -> String {
    head(deployment, token) + RENEW
}

const RENEW: &str = r#"alone
seen
if [ "$token" != "$mine" ]; then
  printf 'lost %s\n' "$holder"
elif [ "$ends" -le "$now" ]; then
  echo ended
else
  put "$holder" && echo kept
fi
"#;

/// Gives it back when it is still ours.
pub(super) fn give_back(deployment: &str, token: &str) -> String {
    head(deployment, token) + "alone\nseen\nif [ \"$token\" = \"$mine\" ]; then rm -f record; fi\n"
}

/// Takes it from whoever holds it: the next program of the holder does not begin.
pub(super) fn release(deployment: &str) -> String {
    head(deployment, "-") + "alone\nrm -f record\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    /// Runs a script with its folder moved to a throw-away place.
    fn run(place: &std::path::Path, script: &str, input: &str) -> String {
        let script = script.replace("/run/imctl", place.to_str().unwrap());
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }

    #[test]
    fn one_holder_at_a_time_and_an_own_lease_is_taken_over() {
        let place = tempfile::tempdir().unwrap();
        let on = |script: String, input: &str| run(place.path(), &script, input);
        assert_eq!(on(take("d", "a.1"), "{\"li\"}\n"), "taken\n");
        let held = on(take("d", "b.1"), "{\"wang\"}\n");
        assert!(held.starts_with("held a.1 ") && held.ends_with(" {\"li\"}\n"), "{held}");
        assert_eq!(on(renew("d", "a.1"), ""), "kept\n");
        assert_eq!(on(take("d", "a.2"), "{\"li again\"}\n"), "taken\n");
        assert_eq!(on(renew("d", "a.1"), ""), "lost {\"li again\"}\n");
        assert_eq!(on(give_back("d", "a.1"), ""), "");
        assert!(on(take("d", "b.1"), "x\n").starts_with("held a.2 "));
        assert_eq!(on(release("d"), ""), "");
        assert_eq!(on(renew("d", "a.2"), ""), "lost \n");
        assert_eq!(on(take("d", "b.1"), "x\n"), "taken\n");
    }

    #[test]
    fn an_ended_lease_is_not_renewed_and_may_be_taken() {
        let place = tempfile::tempdir().unwrap();
        let on = |script: String, input: &str| run(place.path(), &script, input);
        on(take("d", "a.1"), "{}\n");
        std::fs::write(place.path().join("lease/d/record"), "a.1 1\n{}\n").unwrap();
        assert_eq!(on(renew("d", "a.1"), ""), "ended\n");
        assert_eq!(on(take("d", "b.1"), "{}\n"), "taken\n");
    }
}
