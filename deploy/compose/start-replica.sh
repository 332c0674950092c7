#!/bin/bash
# Copies the primary if the folder is empty, and runs a streaming replica.
set -euo pipefail

export PGPASSWORD=$REPLICATION_PASSWORD
if [ ! -e "$PGDATA/PG_VERSION" ]; then
    find "$PGDATA" -mindepth 1 -delete    # what an interrupted copy left
    # --write-recovery-conf stores the password for streaming in the folder, in postgresql.auto.conf.
    pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --wal-method=stream --checkpoint=fast \
        --host="$PRIMARY_HOST" --port="$PRIMARY_PORT" --username=replicator
    chmod 0700 "$PGDATA"
fi
exec postgres -c hot_standby_feedback=on -c max_connections=200 "$@"
