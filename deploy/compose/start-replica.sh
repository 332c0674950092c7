#!/bin/bash
# Copies the primary if the folder is empty, and runs a streaming replica.
set -euo pipefail

export PGPASSWORD=$REPLICATION_PASSWORD
if [ ! -e "$PGDATA/PG_VERSION" ]; then
    find "$PGDATA" -mindepth 1 -delete    # what an interrupted copy left
    # --write-recovery-conf stores the password for streaming in the folder, in postgresql.auto.conf.
    # connect_timeout: while the primary is gone, each attempt would take two minutes.
    pg_basebackup --pgdata="$PGDATA" --write-recovery-conf --wal-method=stream --checkpoint=fast \
        --dbname="host=$PRIMARY_HOST port=$PRIMARY_PORT user=replicator connect_timeout=3"
    chmod 0700 "$PGDATA"
fi
exec postgres -c hot_standby_feedback=on -c max_connections=200 -c wal_receiver_timeout=20s "$@"
