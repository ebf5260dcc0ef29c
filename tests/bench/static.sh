# shellcheck shell=sh
# Sourced: builds the program of the `dist` profile without shared libraries; then `static` is its path. The target is named
# so that build scripts and macros, which cannot be static, are built as always. Random numbers come from the system call:
# a bare chroot has no /dev.
target=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS='-C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"' \
    cargo build --locked --quiet --profile dist --target "$target" --bin imctl
# shellcheck disable=SC2034
static=$CARGO_TARGET_DIR/$target/dist/imctl
