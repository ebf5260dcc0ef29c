#!/bin/sh
# All bench scripts, one after the other; fails when a goal is missed. Usage: tests/bench/all.sh [--quick]
set -eu
cd "$(dirname "$0")/../.."
failed=
for script in plan many apply upload install check size scan load; do
    echo "== $script"
    tests/bench/$script.sh "$@" || failed="$failed $script"
done
[ -z "$failed" ] || {
    echo "missed:$failed"
    exit 1
}
