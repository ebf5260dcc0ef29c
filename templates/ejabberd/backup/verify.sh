#!/bin/sh
# Kept by imctl. Reads every file of the repository and compares its checksum.
exec /usr/local/lib/imctl/backup-database verify
