# shellcheck shell=sh
# Sourced from the clone's folder: finds cargo, and keeps builds outside the clone, so that a fresh clone with the same
# dependencies starts warm.
command -v cargo >/dev/null || PATH=$HOME/.cargo/bin:$PATH
command -v cargo >/dev/null || {
    echo "cargo is not here: rustup brings it (https://rustup.rs)" >&2
    exit 2
}
if [ -z "${CARGO_TARGET_DIR:-}" ] && [ "$(id -u)" -eq 0 ]; then
    CARGO_TARGET_DIR=/var/cache/imctl/target/$( (rustc -V && cat Cargo.lock) | sha256sum | cut -c1-16)
    mkdir -p "$CARGO_TARGET_DIR"
    touch "$CARGO_TARGET_DIR"
    # The two newest are enough.
    find /var/cache/imctl/target -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' | sort -rn | tail -n +3 |
        cut -d' ' -f2- | xargs -r rm -rf
fi
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
