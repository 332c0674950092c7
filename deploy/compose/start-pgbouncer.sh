#!/bin/bash
# Writes the password of the role into a file that only PgBouncer reads, and runs it with the configuration $1.
set -euo pipefail
umask 077
users=$(sed -n 's/^auth_file = //p' "$1")
printf '"news" "%s"\n' "$DATABASE_PASSWORD" > "$users"
exec pgbouncer "$1"
