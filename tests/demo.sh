#!/bin/sh
# The demo: six throw-away hosts on this machine become a messaging service, planned, installed and proved.
set -eu
cd "$(dirname "$0")/.."
if [ "$(id -u)" -ne 0 ]; then
    echo "the demo makes network namespaces and containers: run it as root, on a machine that is yours to try things on" >&2
    exit 2
fi
. tests/env.sh
tests/needs.sh
started=$(date +%s)
template=${TEMPLATE:-six}
dir=${IMCTL_DEMO:-/var/lib/imctl-demo}/$template
lab=demo
inventory=$dir/demo.yml
# What an earlier demo kept belongs to hosts that are gone.
[ -d "/var/lib/imctl-lab/$lab" ] || rm -rf "$dir/.imctl"
mkdir -p "$dir"
chmod 700 "$dir"

# Shows a command as one would type it, and runs it.
say() {
    printf '\n\033[1m$ imctl %s\033[0m   (%s s)\n' "$*" "$(($(date +%s) - started))"
    "$imctl" "$@"
}

echo "building imctl (a cold build takes some minutes)"
cargo build --locked --release
imctl=$CARGO_TARGET_DIR/release/imctl
say lab up --name $lab --template "$template" --out "$inventory"
say bundle build -i "$inventory" -o "$dir/bundle" --trust
say plan -i "$inventory" --bundle "$dir/bundle"
say install -i "$inventory" --bundle "$dir/bundle" -y
say verify -i "$inventory" --bundle "$dir/bundle"

cat <<END

The demo is up after $(($(date +%s) - started)) s. The program is $imctl; look around:
  $imctl lab list --name $lab
  $imctl lab ssh --name $lab app1
  $imctl install -i $inventory --bundle $dir/bundle      says 0 changes
  $imctl lab kill --name $lab app1;  $imctl verify -i $inventory;  $imctl lab start --name $lab app1
Take it away:
  $imctl lab down --name $lab
END
