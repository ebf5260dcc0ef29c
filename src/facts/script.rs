//! The probe script of the facts: POSIX sh with what a minimal Debian has. It changes nothing, and what is
//! not there is left unsaid.

/// Key under which the look's answer holds what the script printed.
pub const KEY: &str = "facts";

/// The probe script; its answer, one `key value` a line, is for `parse`. It leaves out who listens where.
pub fn script() -> String {
    SCRIPT.to_owned()
}

/// The same with who listens where: it reads the open files of every process, which costs a busy host something.
pub fn script_with_listeners() -> String {
    format!("{SCRIPT}{LISTENERS}")
}

const SCRIPT: &str = r#"exec 2>/dev/null
say() { [ -z "$2" ] || printf '%s %s\n' "$1" "$2"; }
line() { v=; [ ! -r "$2" ] || IFS= read -r v <"$2"; say "$1" "$v"; }
v=$(date +%s.%N); say time "$v"
(
  . /etc/os-release || . /usr/lib/os-release
  say os-id "$ID"; say os-version "$VERSION_ID"; say os-name "$PRETTY_NAME"
)
say arch "$(dpkg --print-architecture)"
say cpus "$(nproc)"
line kernel /proc/sys/kernel/osrelease
line init /proc/1/comm
line hostname /proc/sys/kernel/hostname
line machine-id /etc/machine-id
line boot-id /proc/sys/kernel/random/boot_id
line uptime /proc/uptime
line load /proc/loadavg
line memory-limit /sys/fs/cgroup/memory.max
while read -r key v unit; do
  case $key in MemTotal:|MemAvailable:|SwapTotal:) say "$key" "$v" ;; esac
done </proc/meminfo
say systemd "$(systemctl --version | head -n 1)"
say virtualization "$(systemd-detect-virt)"
say time-zone "$(readlink /etc/localtime || cat /etc/timezone)"
( . /etc/default/locale || . /etc/locale.conf; say locale "$LANG" )
[ "$(uname -m)" != x86_64 ] ||
  say clock "$(perl -e '$b = "\0" x 208; $r = syscall(159, $b); print $r < 0 ? "" : $r == 5 ? "no" : "yes"')"
say addresses "$(hostname -I)"
df -B1 -l --output=fstype,size,avail,iavail,target -x tmpfs -x devtmpfs -x squashfs -x efivarfs | while read -r kind size free inodes path; do
  say mount "$kind $size $free $inodes $path"
done
for i in /sys/class/net/*; do
  [ -r "$i/mtu" ] && [ "${i##*/}" != lo ] || continue
  m= s= o=
  read -r m <"$i/mtu"; read -r s <"$i/speed"; read -r o <"$i/operstate"
  say interface "${i##*/} ${m:--} ${s:--} ${o:--}"
done
# sudo hides the variable: then it is looked for in the processes above.
c=$SSH_CONNECTION
p=$$
while [ -z "$c" ] && [ "$p" -gt 1 ]; do
  c=$(tr '\0' '\n' </proc/"$p"/environ | sed -n 's/^SSH_CONNECTION=//p')
  n=1
  while read -r key v; do [ "$key" != PPid: ] || { n=$v; break; }; done </proc/"$p"/status
  p=$n
done
say ssh "$c"
"#;

const LISTENERS: &str = r#"sockets() {
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
