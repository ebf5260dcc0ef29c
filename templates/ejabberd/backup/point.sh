#!/bin/sh
# Kept by imctl. backup-point SET: names this moment in the write-ahead log, sends the log on, and tells what the database held then.
set -eu
case ${1:-} in
  '' | *[!A-Za-z0-9._-]*) echo "backup-point SET" >&2; exit 2 ;;
esac
[ "$(printf %s "$1" | wc -c)" -le 57 ] || { echo "the name of a set has 57 characters at most" >&2; exit 2; }
export PGSERVICEFILE=/etc/imctl-backup/database.conf
# The counts are those of the snapshot that the restore point is made in.
psql service=database -XAtq -v ON_ERROR_STOP=1 -v point="imctl-$1" <<'SQL'
begin isolation level repeatable read;
select pg_create_restore_point(:'point') as lsn, to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as time \gset
select json_build_object(
  'restore_point', :'point',
  'lsn', :'lsn',
  'timeline', ('x' || left(pg_walfile_name(:'lsn'::pg_lsn), 8))::bit(32)::int,
  'wal', pg_walfile_name(:'lsn'::pg_lsn),
  'system_identifier', (select system_identifier::text from pg_control_system()),
  'server_version', substring(current_setting('server_version') from '^[0-9.]+'),
  'time', :'time',
  'tables', imctl_backup.counts()) as told \gset
commit;
select pg_switch_wal() as switched \gset
\echo :told
SQL
