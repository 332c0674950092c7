#!/bin/bash
# Runs once, when the folder of the primary is created: the role and the database of newsapi, and the role of replicas.
set -euo pipefail

psql --no-psqlrc --set=ON_ERROR_STOP=1 --set=news="$DATABASE_PASSWORD" --set=replication="$REPLICATION_PASSWORD" \
    --username=postgres --dbname=postgres <<'SQL'
CREATE ROLE news LOGIN PASSWORD :'news';
CREATE DATABASE news OWNER news;
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replication';
SQL

echo "host replication replicator all scram-sha-256" >> "$PGDATA/pg_hba.conf"
