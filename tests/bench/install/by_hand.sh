#!/bin/bash
# The same installation as a good script by hand does it: files ready made, one OpenSSH connection a host, everything at the
# same time that can be, nothing looked at before and little after.
# Usage: by_hand.sh FOLDER BUNDLE KEY KNOWN_HOSTS APP1 APP2 DB1 FILE1    (FOLDER holds HOST.tar)
set -euo pipefail
folder=$1 bundle=$2 key=$3 known=$4
declare -A at=([app1]=$5 [app2]=$6 [db1]=$7 [file1]=$8)
run=$(mktemp -d)
trap 'kill "$server" 2>/dev/null; for host in "${!at[@]}"; do on "$host" -O exit 2>/dev/null || true; done; rm -rf "$run"' EXIT

on() {
    local host=$1
    shift
    ssh -F none -o BatchMode=yes -o LogLevel=ERROR -o UserKnownHostsFile="$known" -o ControlMaster=auto \
        -o ControlPath="$run/$host" -o ControlPersist=yes -o Ciphers=aes128-gcm@openssh.com -i "$key" "root@${at[$host]}" "$@"
}

: >"$run/server"
/usr/bin/python3 -u -m http.server --bind 127.0.0.1 --directory "$bundle" 0 >"$run/server" 2>&1 &
server=$!
until port=$(sed -n 's/.*port \([0-9]*\) .*/\1/p' "$run/server") && [ -n "$port" ]; do sleep 0.05; done

# packages HOST UNITS NAMES: from the bundle through the connection; the units do not start meanwhile.
packages() {
    on "$1" -fN -R 8099:127.0.0.1:"$port"
    on "$1" sh -s <<END >"$run/$1.apt" 2>&1
set -eu
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
systemctl -q mask $2
echo 'deb [trusted=yes] http://127.0.0.1:8099/apt $version/' >/etc/apt/bundle.list
apt() { apt-get -q -o Dir::Etc::sourcelist=/etc/apt/bundle.list -o Dir::Etc::sourceparts=/dev/null -o Acquire::Languages=none -o Acquire::Check-Date=false "\$@" </dev/null; }
apt update
apt install -y --no-install-recommends -o Dpkg::Options::=--force-confold $3
systemctl -q unmask $2
rm /usr/sbin/policy-rc.d
END
}

# files HOST: all its files, then what every host has.
files() {
    on "$1" "tar xp -C / && systemctl daemon-reload && systemctl restart systemd-journald" <"$folder/$1.tar"
    on "$1" sh -s <<'END'
set -eu
sed -n 's/^\([a-z].*[^ ]\) *= *\(.*\)$/\1 \2/p' /etc/sysctl.d/60-imctl.conf | while read -r name value; do
    echo "$value" >"/proc/sys/$(echo "$name" | tr . /)"
done
systemctl -q enable --now logrotate.timer
systemctl -q enable nftables
nft -f /etc/nftables.conf
END
}

base="nftables ca-certificates curl jq logrotate openssl"
version=$(basename "$(dirname "$(echo "$bundle"/apt/*/Release)")")

database() {
    packages db1 postgresql.service "$base postgresql-15"
    files db1
    on db1 sh -s <<'END'
set -eu
cd /
runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_checksums --enable --pgdata=/var/lib/postgresql/15/main >/dev/null
systemctl -q enable --now postgresql@15-main.service postgresql.service
until runuser -u postgres -- psql -XAtqc 'select 1' >/dev/null 2>&1; do sleep 0.2; done
runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 <<SQL
create role ejabberd login;
create database ejabberd owner ejabberd template template0 encoding 'UTF8' locale 'C.UTF-8';
revoke all on database ejabberd from public;
revoke connect on database postgres, template1 from public;
SQL
systemctl -q enable --now imctl-retention.timer
END
}

store() {
    packages file1 nginx.service "$base nginx-light libnginx-mod-http-perl"
    on file1 "groupadd --system garage; useradd --system --gid garage --home-dir /var/lib/garage --shell /usr/sbin/nologin garage"
    files file1
    on file1 sh -s <<'END'
set -eu
systemctl -q enable --now garage.service
call() { path=$1; shift; curl -sS --fail-with-body -m 20 -K /etc/garage/admin.curl -H 'Content-Type: application/json' "http://127.0.0.1:3903$path" "$@"; }
until [ -n "$(call /v2/GetClusterStatus 2>/dev/null)" ]; do sleep 0.2; done
zone=$(hostname).bench-im.imctl.internal
call /v2/UpdateClusterLayout -d "{\"roles\":[{\"id\":\"$(cat /etc/garage/node-id)\",\"zone\":\"$(echo "$zone" | tr . -)\",\"capacity\":107374182400,\"tags\":[]}]}" >/dev/null
call /v2/ApplyClusterLayout -d '{"version": 1}' >/dev/null
id=$(sed -n "s/^my (\$id, \$key) = ('\([^']*\)'.*/\1/p" /etc/nginx/perl/Slot.pm)
secret=$(sed -n "s/^my (\$id, \$key) = ('[^']*', *'\([^']*\)'.*/\1/p" /etc/nginx/perl/Slot.pm)
call /v2/ImportKey -d "{\"accessKeyId\":\"$id\",\"secretAccessKey\":\"$secret\",\"name\":\"uploads\"}" >/dev/null
bucket=$(call /v2/CreateBucket -d '{"globalAlias": "uploads"}' | jq -r .id)
call /v2/AllowBucketKey -d "{\"bucketId\":\"$bucket\",\"accessKeyId\":\"$id\",\"permissions\":{\"read\":true,\"write\":true,\"owner\":false}}" >/dev/null
call "/v2/UpdateBucket?id=$bucket" -d '{"websiteAccess":{"enabled":true,"indexDocument":"index.html"},"lifecycleRules":[{"ID":"end-of-files","Status":"Enabled","Expiration":{"Days":180},"AbortIncompleteMultipartUpload":{"DaysAfterInitiation":1}}]}' >/dev/null
systemctl -q enable --now nginx.service
END
}

chat() {
    packages "$1" "ejabberd.service epmd.service epmd.socket haproxy.service" \
        "$base ejabberd erlang-p1-pgsql postgresql-client-15 haproxy socat"
    files "$1"
}

healthy='own=$(hostname).bench-im.imctl.internal
until curl -sf -m 5 -o /dev/null --cacert /etc/ejabberd/tls/ca.pem -H "Content-Type: application/json" -d "{}" "https://$own:15280/api/status"; do sleep 0.3; done'

# Everything that waits for nothing goes at the same time.
database &
database=$!
store &
store=$!
chat app2 &
second=$!
chat app1 &
first=$!
wait $database
wait $first
on app1 "export PGSERVICEFILE=/etc/ejabberd/database.conf
    psql service=ejabberd -Xq -v ON_ERROR_STOP=1 --single-transaction -f /usr/share/ejabberd/sql/pg.new.sql >/dev/null
    systemctl -q disable --now epmd.socket epmd.service
    systemctl -q enable --now ejabberd.service
    $healthy"
wait $second
on app1 "systemctl -q enable haproxy.service && systemctl restart haproxy.service" &
balancer=$!
sed 's/{{ peers[^}]*}}/app1.bench-im.imctl.internal/; s/{{ component.ports.health }}/15280/' templates/ejabberd/server/join.sh.j2 |
    on app2 "systemctl -q disable --now epmd.socket epmd.service; sh -s"
on app2 "systemctl -q enable --now ejabberd.service
    $healthy
    systemctl -q enable haproxy.service
    systemctl restart haproxy.service"
wait $balancer
wait $store
