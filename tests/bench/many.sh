#!/bin/bash
# `imctl plan` on 200 endpoints: against a bare client that sends the same program, and against `xargs -P 20 ssh`. One lab
# host with 200 addresses and a plain sshd stands in for them, so nothing of this machine is looked at; three resources, since
# what is compared is connections and all endpoints share this machine's cores. Usage: tests/bench/many.sh [--quick]
set -euo pipefail
. "$(dirname "$0")/measure.sh"
. tests/bench/peers/peers.sh
endpoints=200 rounds=5
[ -z "$quick" ] || { endpoints=40 rounds=2; }
command -v time >/dev/null || [ -x /usr/bin/time ] || apt-get -qq install -y time >/dev/null

imctl_plan() { /usr/bin/time -f %M -o "$work/memory" -a "$imctl" plan -i "$work/many.yml"; }
floor_run() { "$floor" run "$key" "$work/look.sh" <"$work/doors"; }
ssh_run() {
    xargs -a "$work/many" -P 20 -I{} sh -c 'exec ssh "$@" <"$0"' "$work/look.sh" \
        "${ssh_plain[@]}" -o UserKnownHostsFile="$work/known" -i "$key" root@{} exec sh
}

build
machine
mkdir "$work/few"
sed '/^    resources:/q; s/forty/few/; /^    units:/d' tests/stacks/forty/stack.yml >"$work/few/stack.yml"
grep -E -m 3 'user: .*bench-a|path: /etc/bench }|whole.conf' tests/stacks/forty/stack.yml >>"$work/few/stack.yml"
cp tests/stacks/forty/part.conf "$work/few/"
template "$work/few" 1 >"$work/template.yml"
lab_up "$work/template.yml"
first=$(addresses 1)
net=${first%.*}
for ((n = 0; n < endpoints; n++)); do echo "$net.$((20 + n))"; done >"$work/many"
on_host() { "$imctl" lab exec --name "$lab" h1 -- sh -c "$1"; }
on_host "printf 'MaxStartups 500\nUsePAM no\n' >/etc/ssh/sshd_config.d/bench.conf && systemctl restart ssh
    link=\$(ip -o -4 addr show to $first | cut -d' ' -f2)
    for n in \$(seq 20 $((19 + endpoints))); do ip addr add $net.\$n/24 dev \$link; done"
sed "s|^[^ ]*|$net.*|" "$known" | head -n 1 >"$work/known"
sed "s|known-hosts: [^,]*|known-hosts: $work/known|; /^  h1: /d" "$work/lab.yml" |
    awk -v net="$net" -v n=$endpoints '{ print } /^hosts:/ { for (i = 0; i < n; i++) printf "  e%d: { address: %s.%d, roles: [node], limits: [clock, nofile, apparmor] }\n", i, net, 20 + i }' >"$work/many.yml"
sed 's/.*/root@&:22/' "$work/many" >"$work/doors"
"$imctl" install -y -i "$work/lab.yml" >"$work/install.out" 2>&1
"$floor" program "$work/many.yml" e0 >"$work/look.sh"
imctl_plan >/dev/null
for ((round = 1; round <= rounds; round++)); do
    measure imctl "$round" imctl_plan
    measure floor "$round" floor_run
    measure ssh "$round" ssh_run
done
echo "plan without changes, $endpoints endpoints"
row imctl "imctl plan"
row floor "bare client, same program"
row ssh "xargs -P 20 ssh"
verdict "wall, of the bare client's" "$(ratio imctl floor 2)" at-most 1.5
verdict "CPU here and on hosts, of the bare client's" "$(ratio imctl floor 5)" at-most 1.5
verdict "wall, of ssh's" "$(ratio imctl ssh 2)" at-most 0.5
verdict "peak memory, MiB" "$(sort -n "$work/memory" | tail -n 1 | awk '{ printf "%.1f", $1 / 1024 }')" at-most 64
exit $missed
