#!/bin/sh
# All tests: unit, golden, house, then end to end on lab hosts. Ends hard after IMCTL_TEST_LIMIT seconds (45 minutes).
set -eu
cd "$(dirname "$0")/.."
if [ -z "${IMCTL_TEST_TIMED:-}" ]; then
    export IMCTL_TEST_TIMED=1
    exec timeout --kill-after=30 "${IMCTL_TEST_LIMIT:-2700}" "$0" "$@"
fi
. tests/env.sh
tests/needs.sh
started=$(date +%s)
cargo build --locked --tests
export IMCTL_E2E=1
# Hosts are machines: two tests at a time are enough for any desk.
cargo test --locked -- --test-threads="${IMCTL_TEST_THREADS:-2}"
echo "all tests passed after $(($(date +%s) - started)) s"
[ "$(id -u)" -eq 0 ] || echo "without root the end-to-end tests were skipped: sudo make test runs them"
