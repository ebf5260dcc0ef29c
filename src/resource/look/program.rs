//! Writes the program of a look: few processes, nothing in argv that a probe script may hold, no input read.

use super::GREETING;
use crate::base::quote;
use crate::resource::Probe;
use crate::resource::sysctl::proc_path;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Files up to this many bytes are fetched for a diff: past it nobody reads one.
const MOST_CONTENT: u32 = 256 * 1024;

/// Writes the program that makes all probes, each once. It changes nothing and reads no input.
pub fn program(probes: &[Probe]) -> String {
    let probes: BTreeSet<&Probe> = probes.iter().collect();
    let mut body = String::new();
    paths(&mut body, &words(&probes, |probe| named(probe, "path")));
    if probes.contains(&Probe::Packages) {
        section(&mut body, "packages", PACKAGES);
    }
    units(&mut body, &words(&probes, |probe| named(probe, "unit")));
    users(&mut body, &words(&probes, |probe| named(probe, "user")));
    groups(&mut body, &words(&probes, |probe| named(probe, "group")));
    sysctls(&mut body, &probes);
    for probe in &probes {
        if let Probe::Script { key, script } = probe {
            let name = format!("script {}", hex::encode(key));
            section(&mut body, &name, &format!("answer {}", quote(script)));
        }
    }
    framed(&body)
}

/// Writes the program that fetches the text of regular files for a diff; a file past 256 KiB is left out.
/// The answer is read by `parse`.
pub fn contents(paths: &[&str]) -> String {
    let mut body = String::new();
    for path in paths {
        let name = format!("content {}", hex::encode(path));
        section(&mut body, &name, &format!("content {}", quote(path)));
    }
    framed(&body)
}

fn named<'a>(probe: &'a Probe, kind: &str) -> Option<&'a str> {
    match (probe, kind) {
        (Probe::Path(name), "path")
        | (Probe::Unit(name), "unit")
        | (Probe::User(name), "user")
        | (Probe::Group(name), "group") => Some(name),
        _ => None,
    }
}

/// The names of one kind of probe as quoted words of a shell line.
fn words<'a>(probes: &BTreeSet<&'a Probe>, name: impl Fn(&'a Probe) -> Option<&'a str>) -> Vec<String> {
    probes.iter().filter_map(|probe| name(probe)).map(quote).collect()
}

fn section(body: &mut String, name: &str, script: &str) {
    writeln!(body, "begin '{name}'\n{script}\nend $?").expect("a String takes all text");
}

fn paths(body: &mut String, paths: &[String]) {
    if !paths.is_empty() {
        section(body, "paths", &format!("paths {}", paths.join(" ")));
    }
}

fn units(body: &mut String, units: &[String]) {
    if !units.is_empty() {
        section(body, "units", &format!("units {}", units.join(" ")));
    }
}

fn users(body: &mut String, users: &[String]) {
    if !users.is_empty() {
        section(body, "users", &format!("users {}", users.join(" ")));
    }
}

fn groups(body: &mut String, groups: &[String]) {
    if !groups.is_empty() {
        section(body, "groups", &format!("entries group {}", groups.join(" ")));
    }
}

fn sysctls(body: &mut String, probes: &BTreeSet<&Probe>) {
    let names = probes.iter().filter_map(|probe| match probe {
        Probe::Sysctl(name) => Some(format!(" {} {}", quote(name), quote(&proc_path(name)))),
        _ => None,
    });
    let names: String = names.collect();
    if !names.is_empty() {
        section(body, "sysctls", &format!("sysctls{names}"));
    }
}

/// The whole stands in a function that the last line calls: a program that arrives cut off does nothing.
fn framed(body: &str) -> String {
    format!("{HEAD}look() {{\nprintf '{GREETING}%s\\n' \"$frame\"\n{body}printf '\\n%s done %s\\n' \"$frame\" \"$sections\"\n}}\nlook </dev/null\n")
        .replace("%MOST_CONTENT%", &MOST_CONTENT.to_string())
}

const PACKAGES: &str = r"dpkg-query -W -f '${db:Status-Abbrev}\t${Package}\t${Version}\n'";

const HEAD: &str = r#"export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset ENV
umask 077
read -r frame </proc/sys/kernel/random/uuid || exit 1
sections=0
begin() { sections=$((sections + 1)); printf '\n%s begin %s\n' "$frame" "$1"; }
end() { printf '\n%s end %s\n' "$frame" "$1"; }
paths() {
  for p; do
    shift
    if [ -e "$p" ] || [ -L "$p" ]; then set -- "$@" "$p"; fi
  done
  [ $# -gt 0 ] || return 0
  stat --printf 'path\0%f\0%U\0%u\0%G\0%g\0%s\0%n\0' -- "$@" || return
  for p; do
    shift
    if [ -L "$p" ]; then printf 'link\0%s\0' "$p"; readlink -z -- "$p" || return
    elif [ -f "$p" ]; then set -- "$@" "$p"; fi
  done
  [ $# -gt 0 ] || return 0
  printf 'sums\0'
  sha256sum -z -- "$@"
}
units() {
  printf '%s\n' "$@" ''
  systemctl show --no-pager -p LoadState,ActiveState,SubState,UnitFileState,ActiveEnterTimestampMonotonic,NeedDaemonReload -- "$@"
}
entries() {
  getent "$@"
  s=$?
  [ $s -eq 2 ] || return $s
}
users() {
  entries passwd "$@" || return
  echo
  for u; do ! g=$(id -Gn -- "$u" 2>/dev/null) || printf '%s:%s\n' "$u" "$g"; done
}
# The kernel gives a number only to one whole read, and the shell reads byte by byte.
sysctls() {
  printf '%s\0' "$@" ''
  for p; do
    shift
    if [ "${p#/proc/sys/}" != "$p" ]; then set -- "$@" "$p"; fi
  done
  grep -sHZ '' -- "$@" || true
}
answer() {
  { printf '%s' "$1" | timeout -k 2 20 sh /dev/fd/3 3<&0 </dev/null 2>&1; printf '\n%s' $?; } | tail -c 1048576
}
content() {
  if [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %s -- "$1")" -le %MOST_CONTENT% ]; then
    echo text
    cat -- "$1"
  fi
}
"#;
