#!/bin/bash
# What imctl is to carry and to start: time of --help, the static program's size, its life in a folder that holds nothing else
# but random numbers, and a cold build. Usage: tests/bench/size.sh [--quick]     (quick: no cold build)
set -euo pipefail
. "$(dirname "$0")/measure.sh"
. tests/bench/peers/peers.sh
rounds=20

help() { "$imctl" --help; }
inside() { chroot "$work/bare" /imctl "$@"; }

build
machine
for ((round = 1; round <= rounds; round++)); do measure help "$round" help; done
verdict "imctl --help, ms" "$(median help 2 | awk '{ print $1 * 1000 }')" at-most 20

. tests/bench/static.sh
cp "$static" "$work/imctl"
file=$(LC_ALL=C ldd "$work/imctl" 2>&1 || true)
grep -qE 'statically linked|not a dynamic' <<<"$file" || { echo "not static: $file"; exit 1; }
verdict "static program, MB" "$(stat -c %s "$work/imctl" | awk '{ printf "%.1f", $1 / 1e6 }')" at-most 25

mkdir -p "$work/bare/lab" "$work/bare/dev"
# Without shared libraries the program takes its random numbers from here.
mknod -m 666 "$work/bare/dev/random" c 1 8
mknod -m 666 "$work/bare/dev/urandom" c 1 9
cp "$work/imctl" "$work/bare/imctl"
template "$PWD/tests/stacks/forty" 1 >"$work/template.yml"
lab_up "$work/template.yml"
cp -r tests/stacks/forty "$key" "$known" "$work/bare/lab/"
sed -e 's|^stack: .*|stack: ./forty|' -e 's|/var/lib/imctl-lab/[^/]*/|/lab/|g' "$work/lab.yml" >"$work/bare/lab/lab.yml"
echo "in a folder that holds only the program, a deployment's files, /dev/random and /dev/urandom:"
for words in "--help" "version" "explain retention" "plan -i /lab/lab.yml"; do
    # shellcheck disable=SC2086
    if inside $words >"$work/inside.out" 2>&1; then
        echo "  imctl $words: $(grep -v '^$' "$work/inside.out" | tail -n 1)"
    else
        echo "  imctl $words: FAILED $(tail -n 3 "$work/inside.out")"
        missed=1
    fi
done

echo "crates: $(cargo tree --locked --edges normal --prefix none | sed 's/ (\*)$//' | sort -u | grep -c .) in the program," \
    "$(grep -c '^name = ' Cargo.lock) in the lock file"
if [ -z "$quick" ]; then
    begun=$SECONDS
    CARGO_TARGET_DIR=$work/cold cargo build --locked --quiet
    echo "cold \`cargo build\`: $((SECONDS - begun)) s on $(nproc) cores, load now $(cut -d' ' -f1 /proc/loadavg)"
fi
exit $missed
