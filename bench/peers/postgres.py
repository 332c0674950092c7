"""A PostgreSQL server of its own for a peer, with the defaults of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from bench.cpu_time import postmaster_id
from tests.support import servers


class PostgreSQL(NamedTuple):
    """A running server: SQLAlchemy's URL of its database `postgres`, the folder of its socket, version and process."""

    url: str
    socket_folder: str
    version: str
    process_id: int

    def analyze(self) -> None:
        """Collect statistics, as autovacuum would."""
        with psycopg.connect(self.url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")


@contextmanager
def postgresql(folder: Path) -> Iterator[PostgreSQL]:
    """Run PostgreSQL on the data in a folder, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    with servers.kept_in(folder / "postgresql", {"listen_addresses": "", "dynamic_shared_memory_type": "mmap"}) as url:
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            version = connection.info.parameter_status("server_version")
        yield PostgreSQL(url, url.rpartition("host=")[2], f"PostgreSQL {version}", postmaster_id(url))
