#!/bin/bash
# The first apply of forty resources on 8 fresh lab hosts: imctl against a bare client that sends one hand-written program
# (forty.sh), and against pyinfra. Usage: tests/bench/apply.sh [--quick]
set -euo pipefail
. "$(dirname "$0")/measure.sh"
. tests/bench/peers/peers.sh
hosts=8 rounds=5 pyinfra_rounds=2
[ -z "$quick" ] || { hosts=3 rounds=2 pyinfra_rounds=1; }

imctl_apply() { "$imctl" install -y -i "$work/lab.yml"; }
floor_apply() { "$floor" run "$key" "$work/apply.sh" <"$work/doors"; }
# Takes everything away again; what is left of the deployment on this side goes too.
fresh() {
    tests/bench/forty.sh undo >"$work/undo.sh"
    "$floor" run "$key" "$work/undo.sh" <"$work/doors" >/dev/null
    rm -rf "$work/.imctl"
}

build
install_peers
machine
template "$PWD/tests/stacks/forty" $hosts >"$work/template.yml"
lab_up "$work/template.yml"
peer_inventories $hosts
sed 's/.*/root@&:22/' "$work/addresses" >"$work/doors"
tests/bench/forty.sh >"$work/apply.sh"
# All of them mean the same: what one has made, imctl finds right.
fresh
floor_apply >/dev/null
"$imctl" plan -i "$work/lab.yml" >"$work/same.out"
grep -q ' 0 changes' "$work/same.out" || { cat "$work/same.out"; exit 1; }
for ((round = 1; round <= rounds; round++)); do
    fresh
    measure imctl "$round" imctl_apply
    fresh
    measure floor "$round" floor_apply
    [ "$round" -gt $pyinfra_rounds ] || {
        fresh
        measure pyinfra "$round" pyinfra_apply
    }
done
echo "first apply, 40 resources a host, $hosts hosts"
row imctl "imctl install"
row floor "bare client, one program"
row pyinfra pyinfra
verdict "wall, of the bare client's" "$(ratio imctl floor 2)" at-most 1.5
verdict "wall, pyinfra's of ours" "$(ratio pyinfra imctl 2)" at-least 6
exit $missed
