# shellcheck shell=bash
# Sourced by the bench scripts: builds, rounds, medians, ratios, verdicts. Runs are paired: each round runs every contender
# once, one after the other, and a ratio is the median of the rounds' ratios, so that a loaded machine blurs it little.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ "$(id -u)" -eq 0 ] || {
    echo "this makes lab hosts: run it as root, on a machine that is yours to try things on" >&2
    exit 2
}
quick=
case ${1:-} in
"") ;;
--quick) quick=1 ;;
*)
    echo "usage: $0 [--quick]" >&2
    exit 2
    ;;
esac
. tests/env.sh
tests/needs.sh
cache=${IMCTL_BENCH:-/var/cache/imctl/bench}
mkdir -p "$cache"
work=$(mktemp -d)
lab=bench-$$
imctl=${IMCTL_PROGRAM:-$CARGO_TARGET_DIR/release/imctl}
missed=0
unset IMCTL_INVENTORY
export NO_COLOR=1 LC_ALL=C.UTF-8

# Ends the script's lab and folder, however it ends.
leave() {
    status=$?
    [ ! -d "/var/lib/imctl-lab/$lab" ] || "$imctl" lab down --name "$lab" >/dev/null || true
    [ -n "${IMCTL_KEEP:-}" ] || rm -rf "$work"
    exit $status
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Builds imctl and the bare client, or takes those of IMCTL_PROGRAM and FLOOR_PROGRAM.
build() {
    floor=${FLOOR_PROGRAM:-}
    [ -z "$floor" ] || return 0
    floor=$(cargo build --locked --release --quiet --bin imctl --bench floor --message-format=json |
        sed -n 's/.*"name":"floor".*"executable":"\([^"]*\)".*/\1/p')
    [ -x "$floor" ]
}

# An inventory for lab hosts h1..h$2 with stack $1, for `lab up --template`.
template() {
    printf 'name: bench\ndomain: bench.example\nstack: %s\nssh: { user: root }\nhosts:\n' "$1"
    for ((n = 1; n <= $2; n++)); do printf '  h%s: { address: 192.0.2.%s, roles: [node] }\n' "$n" "$n"; done
}

# Makes the lab of template $1; then `number`, `key` and `known` are the lab's.
lab_up() {
    "$imctl" lab up --name "$lab" --template "$1" --out "$work/lab.yml" >/dev/null
    number=$("$imctl" lab list --name "$lab" --output json | sed 's/.*"name":"'"$lab"'","number":\([0-9]*\).*/\1/')
    key=/var/lib/imctl-lab/$lab/key known=/var/lib/imctl-lab/$lab/known_hosts
    # Hosts finish their own start before anything is measured.
    sleep 3
}

# The first $1 hosts of lab.yml as an inventory, and as addresses.
some_hosts() { awk -v n="$1" '/^  h[0-9]+: / { if (++seen > n) next } { print }' "$work/lab.yml"; }
addresses() { sed -n 's/^  h[0-9]*: { address: \([0-9.]*\),.*/\1/p' "$work/lab.yml" | head -n "$1"; }

# CPU seconds that the lab's hosts have used so far.
hosts_cpu() {
    local folder=/sys/fs/cgroup
    [ ! -d "$folder/unified" ] || folder=$folder/unified
    { cat "$folder/imlab${number:-none}"-*/cpu.stat 2>/dev/null || true; } | awk '/^usage_usec/ { sum += $2 } END { printf "%.3f", sum / 1e6 }'
}

# measure NAME ROUND CMD...: runs it and notes wall, own CPU and the hosts' CPU seconds.
measure() {
    local name=$1 round=$2 before TIMEFORMAT='%3R %3U %3S'
    shift 2
    before=$(hosts_cpu)
    { time "$@" >"$work/$name.out" 2>&1 || echo $? >"$work/failed"; } 2>"$work/$name.time"
    if [ -e "$work/failed" ]; then
        echo "$name failed: $*" >&2
        tail -n 20 "$work/$name.out" >&2
        exit 1
    fi
    echo "$round $(tail -n 1 "$work/$name.time") $before $(hosts_cpu)" |
        awk '{ printf "%s %.3f %.3f %.3f\n", $1, $2, $3 + $4, $6 - $5 }' >>"$work/$name.runs"
}

# median NAME FIELD: 2 = wall, 3 = own CPU, 4 = the hosts' CPU, 5 = both.
median() { awk -v f="$2" '{ print f == 5 ? $3 + $4 : $f }' "$work/$1.runs" | middle; }
middle() { sort -g | awk '{ v[NR] = $1 } END { printf "%.3f", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# ratio A B FIELD: median over the rounds that both have.
ratio() {
    awk -v f="$3" 'function value() { return f == 5 ? $3 + $4 : $f }
        NR == FNR { first[$1] = value(); next } $1 in first && value() > 0 { print first[$1] / value() }' \
        "$work/$1.runs" "$work/$2.runs" | middle
}

# A line with a contender's medians.
row() { printf '  %-26s %9s s wall %9s s CPU here %9s s CPU of hosts  (%s runs)\n' "$2" "$(median "$1" 2)" "$(median "$1" 3)" "$(median "$1" 4)" "$(wc -l <"$work/$1.runs")"; }

# verdict WHAT VALUE at-most|at-least GOAL
verdict() {
    local said=ok
    awk -v v="$2" -v g="$4" -v how="$3" 'BEGIN { exit !(how == "at-most" ? v <= g : v >= g) }' || {
        said=MISSED
        missed=1
    }
    printf '  %-52s %9s   goal %s %s   %s\n' "$1" "$2" "${3/-/ }" "$4" "$said"
}

machine() {
    printf 'machine: %s cores (%s), %s MiB, kernel %s, load before: %s\n' "$(nproc)" \
        "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)" \
        "$(uname -r | cut -d- -f1)" "$(cut -d' ' -f1-3 /proc/loadavg)"
}
