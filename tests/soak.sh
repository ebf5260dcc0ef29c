#!/bin/bash
# Long runs on the relay, the tests' own small stack: change, break, kill, then install until it is right again. Every case
# follows from SEED and its number, so a run can be repeated, and a second call goes on where the first ended.
#   SECONDS_GIVEN  time for this call (600)      SEED  which run (1)      CASE  only this case      IMCTL  a program that is built already
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "the soak runs on lab hosts: run it as root" >&2; exit 2; }
. tests/env.sh
tests/needs.sh
seconds=${SECONDS_GIVEN:-600} seed=${SEED:-1}
dir=${IMCTL_SOAK:-/var/lib/imctl-soak}/$seed lab=soak-$seed
hosts=(one two three)
mkdir -p "$dir"
chmod 700 "$dir"
if [ -z "${IMCTL:-}" ]; then
    cargo build --locked
    IMCTL=$CARGO_TARGET_DIR/debug/imctl
fi
imctl=$IMCTL
# What takes minutes and needs no host: once a seed.
[ -e "$dir/long" ] || { cargo test --locked --lib transport:: -- --ignored && touch "$dir/long"; }
inventory=$dir/soak.yml log=$dir/cases.log out=$dir/last.log

lab() { "$imctl" lab "$1" --name "$lab" "${@:2}" >>"$out" 2>&1; }
inside() { "$imctl" lab exec --name "$lab" "$1" -- sh -c "$2"; }
install() { timeout 300 "$imctl" install -i "$inventory" --timeout 10s -y >>"$out" 2>&1; }

# Makes the lab when it is not there, with one relay more than the stack's own inventory.
prepare() {
    sed "s|stack: .*|stack: $PWD/tests/stacks/relay|" tests/stacks/relay.yml >"$dir/template.yml"
    echo "  three: { address: 192.0.2.13, roles: [relay] }" >>"$dir/template.yml"
    "$imctl" lab list | grep -q " $lab " || rm -rf "$dir/.imctl"
    lab up --template "$dir/template.yml" --out "$dir/fresh.yml"
    for host in "${hosts[@]}"; do lab heal "$host"; done
    cp "$dir/fresh.yml" "$inventory"
    install || fail 0 "first install"
}

fail() {
    echo "case $1 FAILED: $2" | tee -a "$log"
    echo "output: $out    again: SEED=$seed CASE=$1 make soak    hosts: $imctl lab list --name $lab"
    exit 1
}

# Writes what the inventory is to say in this case: a greeting and a version.
want() {
    version=$((RANDOM % 4 == 0 ? 2 : 1))
    {
        cat "$dir/fresh.yml"
        echo "version: \"$version\""
        echo "settings: { relay: { greeting: greeting $1 } }"
    } >"$inventory"
}

# Starts an install, lets it run for a moment, then does something bad.
disturbed() {
    timeout 300 "$imctl" install -i "$inventory" --timeout 10s -y >>"$out" 2>&1 &
    local running=$! moment=$((RANDOM % 3000))
    sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
    echo "after $moment ms"
    "$@"
    wait $running || true
}

kill_imctl() {
    local process
    for process in $(pgrep -P "$running"); do kill -9 "$process"; done
}

# One case: how it is named, what it does.
run_case() {
    # Set in here: a subshell starts from a seed of its own otherwise.
    RANDOM=$((seed * 10007 + $1))
    local host=${hosts[RANDOM % ${#hosts[@]}]}
    want "$1"
    case $((RANDOM % 8)) in
    0 | 1) echo "change, version $version" ;;
    2) echo "imctl killed, version $version"; disturbed kill_imctl ;;
    3) echo "$host killed, version $version"; disturbed lab kill "$host"; lab start "$host" ;;
    4) echo "$host cut, version $version"; disturbed lab cut "$host"; lab heal "$host" ;;
    5) echo "$host damaged, version $version"; inside "$host" "rm -f /etc/relay/greeting; systemctl stop relay; chmod 0777 /etc/relay" ;;
    6) echo "$host restarted, version $version"; lab kill "$host"; lab start "$host" ;;
    7) echo "$host edited, version $version"; inside "$host" "echo by hand >>/usr/local/lib/relay/relay.pl; systemctl disable relay" ;;
    esac
}

# What must be so after every case.
judge() {
    local host again
    install || { install || fail "$1" "install does not end well, twice"; echo "needed a second install" >>"$log"; }
    again=$("$imctl" install -i "$inventory" -y 2>&1) || fail "$1" "the install after it"
    grep -q "0 changes" <<<"$again" || { echo "$again" >>"$out"; fail "$1" "something is left to change"; }
    for host in "${hosts[@]}"; do
        inside "$host" "relayctl healthy $version" >>"$out" 2>&1 || fail "$1" "$host is not healthy"
        [ "$(inside "$host" "cat /etc/relay/greeting")" = "greeting $1" ] || fail "$1" "$host has another greeting"
    done
}

prepare
end=$(($(date +%s) + seconds))
next=${CASE:-$(cat "$dir/next" 2>/dev/null || echo 1)}
while [ "$(date +%s)" -lt $end ]; do
    : >"$out"
    began=$(date +%s)
    what=$(run_case "$next" 2>&1 | paste -sd' ') || fail "$next" "$what"
    version=$(sed -n 's/^version: "\(.*\)"/\1/p' "$inventory" | tail -1)
    judge "$next"
    echo "case $next ok in $(($(date +%s) - began)) s: $what" | tee -a "$log"
    [ -z "${CASE:-}" ] || break
    next=$((next + 1))
    echo $next >"$dir/next"
done
lab down
echo "$(grep -c ' ok in ' "$log") cases of seed $seed well so far; the log is $log"
