#!/bin/sh
# Long runs on lab hosts: builds imctl and runs tests/soak/main.py, which says what it does and what can be chosen.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" -eq 0 ] || { echo "the soak runs on lab hosts: run it as root" >&2; exit 2; }
. tests/env.sh
tests/needs.sh
if [ -z "${IMCTL:-}" ]; then
    cargo build --locked
    IMCTL=$CARGO_TARGET_DIR/debug/imctl
fi
export IMCTL
# What takes minutes and needs no host: once a seed.
dir=${IMCTL_SOAK:-/var/lib/imctl-soak}/${SEED:-1}
mkdir -p "$dir"
chmod 700 "$dir"
if [ ! -e "$dir/long" ]; then
    cargo test --locked --lib transport:: -- --ignored
    PROPS_CASES=${PROPS_CASES:-2000} cargo test --locked --test props -- --ignored
    ROBUST_INPUTS=${ROBUST_INPUTS:-1000000} cargo test --locked --test robust_parsers -- --ignored
    touch "$dir/long"
fi
exec python3 -B tests/soak/main.py
