#!/bin/bash
# `imctl plan` with nothing to change, forty resources a host, on 1, 3 and 8 lab hosts: against a bare client that sends the
# same program, parallel ssh, pyinfra, Ansible and Ansible with mitogen. Usage: tests/bench/plan.sh [--quick]
set -euo pipefail
. "$(dirname "$0")/measure.sh"
. tests/bench/peers/peers.sh
sizes="1 3 8" rounds=9 pyinfra_rounds=3 ansible_rounds=1
[ -z "$quick" ] || { sizes="1 3" rounds=3 pyinfra_rounds=1; }

imctl_plan() { "$imctl" plan -i "$work/$hosts/lab.yml"; }
floor_run() { "$floor" run "$key" "$work/look.sh" <"$work/doors"; }
# Its words go unquoted on purpose: xargs starts ssh itself.
ssh_run() {
    xargs -a "$work/addresses" -P 20 -I{} sh -c 'exec ssh "$@" <"$0"' "$work/look.sh" \
        "${ssh_plain[@]}" -o UserKnownHostsFile="$known" -i "$key" root@{} exec sh
}

build
install_peers
machine
template "$PWD/tests/stacks/forty" "${sizes##* }" >"$work/template.yml"
lab_up "$work/template.yml"
python_on_hosts
"$imctl" install -y -i "$work/lab.yml" >"$work/install.out" 2>&1

for hosts in $sizes; do
    rm -f "$work"/*.runs
    mkdir "$work/$hosts"
    some_hosts "$hosts" >"$work/$hosts/lab.yml"
    "$floor" program "$work/$hosts/lab.yml" h1 >"$work/look.sh"
    peer_inventories "$hosts"
    sed 's/.*/root@&:22/' "$work/addresses" >"$work/doors"
    imctl_plan >"$work/warm.out"
    grep -q ' 0 changes' "$work/warm.out"
    for ((round = 1; round <= rounds; round++)); do
        measure imctl "$round" imctl_plan
        measure floor "$round" floor_run
        measure ssh "$round" ssh_run
        [ "$round" -gt $pyinfra_rounds ] || measure pyinfra "$round" pyinfra_plan
        [ "$round" -gt $ansible_rounds ] || {
            measure ansible "$round" ansible_plan
            measure mitogen "$round" mitogen_plan
        }
    done
    echo "plan without changes, 40 resources a host, $hosts host(s)"
    row imctl "imctl plan"
    row floor "bare client, same program"
    row ssh "parallel ssh, same program"
    row pyinfra "pyinfra --dry"
    row ansible "ansible-playbook --check"
    row mitogen "the same with mitogen"
    verdict "wall, of the bare client's" "$(ratio imctl floor 2)" at-most 1.5
    verdict "CPU here and on hosts, of the bare client's" "$(ratio imctl floor 5)" at-most 1.5
    verdict "wall, of parallel ssh's" "$(ratio imctl ssh 2)" at-most 1
    verdict "wall, pyinfra's of ours" "$(ratio pyinfra imctl 2)" at-least 15
    verdict "wall, Ansible's of ours" "$(ratio ansible imctl 2)" at-least 100
done
exit $missed
