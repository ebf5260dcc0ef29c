//! The probe script of the facts: one perl process with what a minimal Debian has, since forty short programs cost a host
//! more than all the rest of a look. It changes nothing, and what is not there is left unsaid.

use crate::base::quote;

/// Key under which the look's answer holds what the script printed.
pub const KEY: &str = "facts";

/// The probe script; its answer, one `key value` a line, is for `parse`. It leaves out who listens where.
pub fn script() -> String {
    format!("perl -e {}\n", quote(PROGRAM))
}

/// The same with who listens where: it reads the open files of every process, which costs a busy host something.
pub fn script_with_listeners() -> String {
    format!("{}{LISTENERS}", script())
}

const PROGRAM: &str = include_str!("facts.pl");

const LISTENERS: &str = r#"exec 2>/dev/null
say() { [ -z "$2" ] || printf '%s %s\n' "$1" "$2"; }
sockets() {
  [ -r /proc/net/tcp ] || return
  echo listeners
  # Columns: slot, local, remote, state (0A listens; an udp socket without peer is 07), ..., uid, timeout, inode.
  set --
  list=$(
    for kind in tcp tcp6; do grep -E '^ *[0-9]+: [0-9A-F:]+ [0-9A-F:]+ 0A ' /proc/net/$kind | sed "s/^/$kind /"; done
    for kind in udp udp6; do grep -E '^ *[0-9]+: [0-9A-F:]+ [0-9A-F:]+ 07 ' /proc/net/$kind | sed "s/^/$kind /"; done
  )
  [ -n "$list" ] || return
  while read -r kind slot local remote state a b c uid d inode rest; do
    say socket "$kind $local $inode"
    [ $# -eq 0 ] || set -- "$@" -o
    set -- "$@" -lname "socket:\[$inode\]"
  done <<END
$list
END
  find /proc/[0-9]*/fd -maxdepth 1 '(' "$@" ')' -printf '%p %l\n' | while IFS=' ' read -r fd inode; do
    pid=${fd#/proc/}; pid=${pid%%/*}; inode=${inode#*\[}
    IFS= read -r comm </proc/"$pid"/comm && say owner "${inode%]} $comm"
  done | sort -u
}
sockets
"#;
