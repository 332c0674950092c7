"""The time of writes: one clock for all nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection, func, select

from newsapi.db.types import UtcDateTime


class Clock(Protocol):
    """Returns the time of a write, aware and in UTC."""

    def __call__(self, connection: Connection) -> datetime: ...


def database_now(connection: Connection) -> datetime:
    """Return the time of the database server, which is the same for every node; with SQLite, of this machine."""
    if connection.dialect.name == "sqlite":
        return datetime.now(UTC)
    time: datetime = connection.execute(select(func.clock_timestamp(type_=UtcDateTime()))).scalar_one()
    return time
