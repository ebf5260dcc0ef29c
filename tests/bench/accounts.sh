#!/bin/sh
# How long the credentials of an import take on ONE core. Usage: tests/bench/accounts.sh [ACCOUNTS]
set -eu
cd "$(dirname "$0")/../.."
cargo bench --locked --bench accounts --no-run
program=$(ls -t target/release/deps/accounts-* | grep -v '\.d$' | head -1)
exec taskset -c 0 "$program" "${1:-100000}"
