#!/bin/bash
# A large file to one lab host: imctl's upload (temporary name, length checked, fsync, rename) against `ssh 'cat >file'`
# with the same cipher, which leaves the file in memory, and against the same with an fsync. Usage: tests/bench/upload.sh [--quick]
set -euo pipefail
. "$(dirname "$0")/measure.sh"
. tests/bench/peers/peers.sh
megabytes=200 rounds=7
[ -z "$quick" ] || { megabytes=50 rounds=3; }

imctl_upload() { "$floor" upload "$key" "$known" "$work/file" "root@$host:22" /var/tmp/by-imctl; }
ssh_upload() { ssh_to "$host" 'cat >/var/tmp/by-ssh' <"$work/file"; }
ssh_synced() { ssh_to "$host" 'cat >/var/tmp/by-ssh && sync /var/tmp/by-ssh' <"$work/file"; }

build
machine
template "$PWD/tests/stacks/forty" 1 >"$work/template.yml"
lab_up "$work/template.yml"
host=$(addresses 1)
head -c $((megabytes * 1000000)) /dev/urandom >"$work/file"
for ((round = 1; round <= rounds; round++)); do
    measure imctl "$round" imctl_upload
    measure ssh "$round" ssh_upload
    measure synced "$round" ssh_synced
done
ssh_to "$host" 'cd /var/tmp && cmp by-imctl by-ssh && sha256sum by-imctl' | cut -d' ' -f1 >"$work/there"
sha256sum "$work/file" | cut -d' ' -f1 | cmp - "$work/there"
echo "upload of $megabytes MB"
row imctl "imctl's transport"
row ssh "ssh 'cat >file'"
row synced "ssh 'cat >file && sync file'"
verdict "speed, of ssh's with fsync" "$(ratio synced imctl 2)" at-least 0.7
verdict "speed, of ssh's" "$(ratio ssh imctl 2)" at-least 0.7
exit $missed
