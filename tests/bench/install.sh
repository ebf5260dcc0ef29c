#!/bin/bash
# Two chat servers, their database and their files on four fresh lab hosts: `imctl install` from the bundle against the same
# by a hand-written parallel script (install/by_hand.sh), which gets the finished files. Usage: tests/bench/install.sh [--quick]
set -euo pipefail
. "$(dirname "$0")/measure.sh"
rounds=3
[ -z "$quick" ] || rounds=1
hosts="app1 app2 db1 file1"
command -v jq >/dev/null || apt-get -qq install -y jq >/dev/null

folder_of() { echo "/var/lib/imctl-lab/$lab/hosts/$(($(tr ' ' '\n' <<<"$hosts" | grep -nx "$1" | cut -d: -f1)))"; }
# What the hosts were when they were made is put back, with their power off: same addresses, same keys.
fresh() {
    local host
    for host in $hosts; do "$imctl" lab kill --name "$lab" "$host" >/dev/null 2>&1 || true; done
    for host in $hosts; do
        rm -rf "$(folder_of "$host")/upper"
        cp -a "$work/fresh/$host" "$(folder_of "$host")/upper"
    done
    for host in $hosts; do "$imctl" lab start --name "$lab" "$host" >/dev/null 2>&1; done
    sleep 5
}
# The files that imctl put on a host, as an archive.
capture() {
    "$imctl" lab exec --name "$lab" "$1" -- sh -c '
        { grep -oE "\"(path|file)\": \"[^\"]*\"" /var/lib/imctl/bench-im/manifest.json | cut -d\" -f4
          echo /etc/hosts; ls /var/lib/garage/meta/node_key /var/lib/garage/meta/node_key.pub 2>/dev/null; } |
          tar c -P --no-recursion -T -' >"$work/capture/$1.tar"
}
install_imctl() { "$imctl" install -y -i "$work/lab.yml" --bundle "$bundle"; }
install_by_hand() {
    # shellcheck disable=SC2046
    tests/bench/install/by_hand.sh "$work/capture" "$bundle" "$key" "$known" \
        $(for host in $hosts; do sed -n "s/^  $host: { address: \([0-9.]*\),.*/\1/p" "$work/lab.yml"; done)
}
# Seconds of a run of imctl that went into the last verification, which the script does not make.
proof() { sed -n 's/.*checks passed (\([0-9.]*\) s).*/\1/p' "$work/imctl.out"; }

build
machine
lab_up tests/bench/install/four.yml
bundle=$work/bundle
"$imctl" bundle build -i "$work/lab.yml" -o "$bundle" --trust >"$work/bundle.out" 2>&1 || { tail "$work/bundle.out"; exit 1; }
mkdir "$work/fresh" "$work/capture"
for host in $hosts; do "$imctl" lab kill --name "$lab" "$host" >/dev/null 2>&1; done
for host in $hosts; do cp -a "$(folder_of "$host")/upper" "$work/fresh/$host"; done
fresh
for ((round = 1; round <= rounds; round++)); do
    measure imctl "$round" install_imctl
    echo "$round $(proof)" >>"$work/proofs"
    if [ "$round" = 1 ]; then
        for host in $hosts; do capture "$host"; done
    fi
    cp "$work"/.imctl/bench-im/runs/*/events.jsonl "$work/events.jsonl" 2>/dev/null || true
    fresh
    measure script "$round" install_by_hand
    # What the script has made is right in the eyes of imctl but for its own records.
    "$imctl" plan -i "$work/lab.yml" --bundle "$bundle" >"$work/after.out" 2>&1 || true
    "$imctl" verify -i "$work/lab.yml" --bundle "$bundle" >"$work/verify.out" 2>&1 || { tail -n 30 "$work/verify.out"; exit 1; }
    [ "$round" = "$rounds" ] || fresh
done
awk 'NR == FNR { proof[$1] = $2; next } { printf "%s %.3f %s %s\n", $1, $2 - proof[$1], $3, $4 }' "$work/proofs" "$work/imctl.runs" >"$work/alone.runs"
echo "installation of 2 app, 1 database, 1 file host from the bundle"
row imctl "imctl install"
row alone "  without its verification"
row script "parallel script by hand"
echo "  the script's work, in the eyes of imctl plan: $(grep -E '[0-9]+ to create|0 changes' "$work/after.out" | head -n 1)"
verdict "wall without verification, of the script's" "$(ratio alone script 2)" at-most 1.2
echo "where the time went, longest steps of the last run:"
jq -r 'select(.event == "step-done" and .seconds > 1.5) | "\(.seconds) s  \(.host)  \(.step[:60])"' "$work/events.jsonl" | sort -rn | head -n 15 | sed 's/^/  /'
exit $missed
