# The package makes a cluster without checksums; they are switched on while it is still empty and stopped.
set -eu
data=/var/lib/postgresql/15/main
if [ ! -e /etc/postgresql/15/main/postgresql.conf ]; then
  if [ -e "$data/PG_VERSION" ]; then
    echo "$data holds a database without its configuration in /etc/postgresql/15/main: put it back first" >&2
    exit 1
  fi
  pg_createcluster --locale=C.UTF-8 --encoding=UTF8 15 main -- --data-checksums
  exit 0
fi
if [ -e "$data/postmaster.pid" ] && kill -0 "$(head -n 1 "$data/postmaster.pid")" 2>/dev/null; then
  echo "the database in $data runs without data checksums: stop it (systemctl stop postgresql@15-main), then run again; the time it takes grows with its size" >&2
  exit 1
fi
runuser -u postgres -- /usr/lib/postgresql/15/bin/pg_checksums --enable --pgdata="$data" >/dev/null
