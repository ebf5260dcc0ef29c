#!/bin/sh
# Installs the Debian packages that the demo and the tests need and this machine lacks.
set -eu

packages="build-essential debootstrap systemd-container iproute2 nftables openssh-client util-linux gpgv curl openssl strace"
missing=
for package in $packages; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "missing here:$missing. Install them with:  sudo apt-get install -y$missing" >&2
    exit 2
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
# shellcheck disable=SC2086
apt-get -qq install -y --no-install-recommends $missing >/dev/null
