"""The clocks: that of this machine, and that of writes, which is one for all nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection, func, select

from newsapi.db.types import UtcDateTime


def utc_now() -> datetime:
    """Return the current time of this machine, timezone-aware and in UTC."""
    return datetime.now(UTC)


class Clock(Protocol):
    """Returns the time of a write, aware and in UTC."""

    def __call__(self, connection: Connection) -> datetime: ...


def database_now(connection: Connection) -> datetime:
    """Return the time of the database server, which is the same for every node; with SQLite, of this machine."""
    if connection.dialect.name == "sqlite":
        return utc_now()
    time: datetime = connection.execute(select(func.clock_timestamp(type_=UtcDateTime()))).scalar_one()
    return time
