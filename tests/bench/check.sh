#!/bin/bash
# `imctl check` on 8 lab hosts: all facts and rules against a bare client that asks the same, then the mesh of 5 hosts, then
# everything with the disks. Usage: tests/bench/check.sh [--quick]
set -euo pipefail
. "$(dirname "$0")/measure.sh"
rounds=9 few=5
[ -z "$quick" ] || { rounds=3 few=2; }

# A check of hosts without a deployment ends with 3 where one is awaited; that is an answer, too.
judged() { "$imctl" check -i "$@" || [ $? -eq 3 ]; }
rules() { judged "$work/lab.yml" --scene upgrade; }
bare() { "$floor" run "$key" "$work/look.sh" <"$work/doors"; }
mesh() { "$imctl" check -i "$work/five.yml"; }
whole() { judged "$work/whole.yml"; }

build
machine
cat >"$work/template.yml" <<'END'
name: bench
domain: im.bench.example
stack: ejabberd
targets: { users: 50, online: 20, retention: 30d, file-retention: 10d }
ssh: { user: root }
hosts:
  h1: { address: 192.0.2.1, roles: [app, balancer] }
  h2: { address: 192.0.2.2, roles: [app, balancer] }
  h3: { address: 192.0.2.3, roles: [database] }
  h4: { address: 192.0.2.4, roles: [files] }
  h5: { address: 192.0.2.5, roles: [files] }
  h6: { address: 192.0.2.6, roles: [files] }
  h7: { address: 192.0.2.7, roles: [app] }
  h8: { address: 192.0.2.8, roles: [app] }
END
lab_up "$work/template.yml"
"$floor" check "$work/lab.yml" h3 >"$work/look.sh"
addresses 8 | sed 's/.*/root@&:22/' >"$work/doors"
# Five hosts: two app, the database, and one with the files; nothing else keeps this inventory from being one.
some_hosts 6 | grep -v '^  h[56]:' >"$work/five.yml"
sed -n '/^  h7:/p' "$work/lab.yml" | sed -i '/^  h4:/r /dev/stdin' "$work/five.yml"
# The disks are tried where a host does not say that it is small.
sed 's/, size\]/]/' "$work/lab.yml" >"$work/whole.yml"
rules >"$work/warm.out" 2>&1

for ((round = 1; round <= rounds; round++)); do
    measure rules "$round" rules
    measure bare "$round" bare
done
for ((round = 1; round <= few; round++)); do
    measure mesh "$round" mesh
    measure whole "$round" whole
done
echo "imctl check"
row rules "facts and rules, 8 hosts"
row bare "bare client, same questions"
row mesh "with the mesh, 5 hosts"
row whole "everything, 8 hosts"
tail -n 3 "$work/mesh.out"
tail -n 3 "$work/whole.out"
verdict "facts and rules, of the bare client's" "$(ratio rules bare 2)" at-most 2
verdict "check with the mesh of 5 hosts, s" "$(median mesh 2)" at-most 10
verdict "whole check of 8 hosts, s" "$(median whole 2)" at-most 20
exit $missed
