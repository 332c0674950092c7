"""How many connections to PostgreSQL a server opens: those that docs/operate/postgresql.md counts, under any load."""

import threading
import time
from datetime import UTC, datetime

import httpx
import psycopg

from newsapi.db.database import Database
from newsapi.keys import commands as key_commands

CLIENTS = 30
SECONDS = 4
CONNECTIONS = 4
SERVER_PROCESS = CONNECTIONS + CONNECTIONS // 2 + 3
WORKER = 14
INDEXER = 1

COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'newsapi' AND datname = current_database()"


def test_a_server_opens_no_more_connections_than_documented(serve, postgresql_url):
    database = Database(postgresql_url)
    key = key_commands.create(database, "anna", ["content:write"], now=datetime.now(UTC))
    database.dispose()
    settings = {"NEWSAPI_DATABASE_CONNECTIONS": str(CONNECTIONS), "NEWSAPI_LOG_LEVEL": "error"}
    with serve("serve", NEWSAPI_DATABASE_URL=postgresql_url, NEWSAPI_PROCESSES="2", **settings) as served:
        end = time.monotonic() + SECONDS

        def press(number):
            with httpx.Client(base_url=served.base, timeout=30) as client:
                while time.monotonic() < end:
                    client.get(f"/v1/articles?published_until=2100-01-01T00:00:{number:02}Z&q=a")
                    client.get(f"/v1/brands?q={number}x{time.monotonic_ns()}")
                    body = {"headline": "Titolo", "body_html": "<p>Testo</p>"}
                    client.post("/v1/articles", json=body, headers={"Authorization": f"Bearer {key}"})

        threads = [threading.Thread(target=press, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        counts = []
        with psycopg.connect(postgresql_url.replace("+psycopg", "", 1), autocommit=True) as administrator:
            while time.monotonic() < end:
                counts.append(administrator.execute(COUNT).fetchone()[0])
                time.sleep(0.05)
        for thread in threads:
            thread.join()
    assert SERVER_PROCESS < max(counts) <= 2 * SERVER_PROCESS + WORKER + INDEXER
