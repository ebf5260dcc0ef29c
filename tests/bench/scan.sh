#!/bin/bash
# `imctl scan` of an installed service on 4 lab hosts: all of it, the ports alone, and its walk along a TLS endpoint beside sslscan and
# testssl.sh (Debian's), whose lists of versions and suites must be the same. Usage: tests/bench/scan.sh [--quick]
set -euo pipefail
. "$(dirname "$0")/measure.sh"
rounds=5
[ -z "$quick" ] || rounds=1
for program in sslscan testssl; do
    command -v "$program" >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get -qq -y install sslscan testssl.sh >/dev/null
done

judged() { "$imctl" scan -i "$work/lab.yml" --bundle "$work/bundle" "$@" || [ $? -eq 3 ]; }
whole() { judged; }
ports() { judged --only network; }
ours() { "$walk" "$work/.imctl/bench/pki/ca.pem" "$address:5223" im.bench.example >"$work/ours.list"; }
sslscan_() { sslscan --no-colour --sni-name=im.bench.example --xml="$work/sslscan.xml" "$address:5223"; }

build
walk=${WALK_PROGRAM:-$(cargo build --locked --release --quiet --bench walk --message-format=json |
    sed -n 's/.*"name":"walk".*"executable":"\([^"]*\)".*/\1/p')}
[ -x "$walk" ]
machine
cat >"$work/template.yml" <<'END'
name: bench
domain: im.bench.example
stack: ejabberd
targets: { users: 500, online: 200, retention: 30d, file-retention: 10d }
ssh: { user: root }
hosts:
  app1: { address: 192.0.2.1, roles: [app, balancer] }
  app2: { address: 192.0.2.2, roles: [app, balancer] }
  db1: { address: 192.0.2.3, roles: [database] }
  file1: { address: 192.0.2.4, roles: [files] }
END
lab_up "$work/template.yml"
"$imctl" bundle build -i "$work/lab.yml" -o "$work/bundle" --trust >"$work/bundle.out" 2>&1
"$imctl" install -y -i "$work/lab.yml" --bundle "$work/bundle" >"$work/install.out" 2>&1
address=$(sed -n 's/^  app1: { address: \([^,]*\),.*/\1/p' "$work/lab.yml")

for ((round = 1; round <= rounds; round++)); do
    measure whole "$round" whole
    measure ports "$round" ports
    measure ours "$round" ours
    measure sslscan "$round" sslscan_
done
# Only versions and suites: all of testssl.sh takes many minutes.
begun=$EPOCHREALTIME
testssl --quiet --color 0 --ip "$address" -p -E --csvfile "$work/testssl.csv" im.bench.example:5223 >"$work/testssl.out" 2>&1 || true
testssl_took=$(awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')
sed -n 's/.*<cipher .*sslversion="\([^"]*\)".* id="0x\([0-9A-Fa-f]*\)".*/\1 \2/p' "$work/sslscan.xml" |
    awk '{ printf "%s %04s\n", $1, tolower($2) }' | tr -s ' ' | sort -u >"$work/sslscan.list"
sed -n 's/^"cipher-tls1\(_[0-3]\)\{0,1\}_x\([0-9a-f]*\)".*/1\1 \2/p' "$work/testssl.csv" |
    sed 's/^1 /TLSv1.0 /; s/^1_\([0-3]\) /TLSv1.\1 /' | sort -u >"$work/testssl.list"

echo "imctl scan, 4 hosts"
row whole "all of it"
row ports "ports and matrix alone"
echo "one TLS endpoint"
row ours "imctl's walk"
row sslscan "sslscan"
echo "  testssl.sh -p -E took $testssl_took s"
tail -n 16 "$work/whole.out"
for list in ours sslscan testssl; do
    printf '  %-8s %s\n' "$list" "$(tr '\n' ',' <"$work/$list.list" | sed 's/,$//; s/,/, /g')"
done
differs() { cmp -s "$work/ours.list" "$work/$1.list" && echo 0 || echo 1; }
verdict "whole scan of 4 hosts, s" "$(median whole 2)" at-most 60
verdict "all ports of 4 hosts and the matrix, s" "$(median ports 2)" at-most 30
verdict "walk along one endpoint, s" "$(median ours 2)" at-most 5
verdict "lists that differ from sslscan's" "$(differs sslscan)" at-most 0
verdict "lists that differ from testssl.sh's" "$(differs testssl)" at-most 0
exit $missed
