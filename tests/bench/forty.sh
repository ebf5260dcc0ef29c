#!/bin/bash
# Prints a program for sh that brings a host to what tests/stacks/forty says, as one would write it by hand: straight down,
# files whole by rename, nothing looked at before or after. `forty.sh undo` prints one that takes all of it away.
set -euo pipefail
cd "$(dirname "$0")/../stacks/forty"
if [ "${1:-}" = undo ]; then
    cat <<'END'
systemctl -q disable --now bench-1.service bench-2.service bench-3.service 2>/dev/null
rm -rf /etc/bench /var/lib/bench /var/lib/imctl/bench /usr/local/sbin/bench-? /etc/systemd/system/bench-?.service /etc/sysctl.d/60-bench.conf
systemctl daemon-reload
for u in a b c d; do
    ! getent passwd bench-$u >/dev/null || userdel bench-$u
    ! getent group bench-$u >/dev/null || groupdel bench-$u
done 2>/dev/null
echo 7200 >/proc/sys/net/ipv4/tcp_keepalive_time
echo 4096 >/proc/sys/net/core/somaxconn
END
    exit
fi
echo 'set -eu'
for part in part.conf tool.sh bench.service; do printf "%s() {\ncat <<'END'\n%s\nEND\n}\n" "${part%%.*}" "$(cat $part)"; done
cat <<'END'
put() { # part path mode group
    $1 >"$2.new"
    chown "root:$4" "$2.new"
    chmod "$3" "$2.new"
    mv "$2.new" "$2"
}
for u in a b c d; do
    groupadd --system bench-$u
    useradd --system --no-create-home --no-user-group --gid bench-$u --shell /usr/sbin/nologin --home-dir /nonexistent bench-$u
done
install -d /etc/bench /var/lib/bench
for u in a b c d; do
    install -d -m 0750 -o bench-$u -g bench-$u /etc/bench/$u
    for n in 1 2 3 4; do put part /etc/bench/$u/$n.conf 0640 bench-$u; done
done
put part /etc/bench/whole.conf 0644 root
for u in a b; do
    install -d -m 0700 -o bench-$u -g bench-$u /var/lib/bench/$u
    put tool /usr/local/sbin/bench-$u 0755 root
done
for n in 1 2 3; do put bench /etc/systemd/system/bench-$n.service 0644 root; done
printf '# managed by imctl\nnet.core.somaxconn = 8192\nnet.ipv4.tcp_keepalive_time = 900\n' >/etc/sysctl.d/60-bench.conf
echo 900 >/proc/sys/net/ipv4/tcp_keepalive_time
echo 8192 >/proc/sys/net/core/somaxconn
sync -f /etc/bench
systemctl daemon-reload
systemctl -q enable --now bench-1.service bench-2.service bench-3.service
for u in a b; do [ "$(cat /var/lib/bench/$u/layout 2>/dev/null)" = 1 ] || echo 1 >/var/lib/bench/$u/layout; done
END
