# What failed before and is well again is no failure; what fails now is tried once more, which also wakes the archiver.
set -eu
[ -S /run/imctl-backup/database.sock ] || { echo "nobody takes orders for backups of the database" >&2; exit 1; }
/usr/local/lib/imctl/backup-stanza fits || { echo "the repository does not know the database that there is now" >&2; exit 1; }
arrives=$(PGSERVICEFILE=/etc/imctl-backup/database.conf psql service=database -XAtqc \
  "select last_archived_time is not null and coalesce(last_failed_time < last_archived_time, true) from pg_stat_archiver")
[ "$arrives" = t ] || /usr/local/lib/imctl/backup-stanza check
