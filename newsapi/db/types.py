"""The declarative base, constraint names, and column types that behave alike on PostgreSQL and SQLite."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

MAX_KEPT_VALUES: Final = 4_096
"""Times, and ids, of which the decoded form is kept: the values of some pages, about 0.2 kB each."""


def uuid7() -> UUID:
    """Return a new UUID version 7 (RFC 9562): 48 bits of milliseconds, so that ids sort by time, and 74 random bits."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC. SQLite stores integer microseconds since 1970: short in an index, and sorted correctly."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int] | TypeEngine[datetime]:
        """Return the database's column type."""
        return BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], int | datetime | None]:
        """Return the function that converts a time for the database and rejects naive times."""
        is_sqlite = dialect.name == "sqlite"

        def to_stored(value: datetime | None) -> int | datetime | None:
            if value is None:
                return None
            if value.tzinfo is None:
                message = "a time without an offset cannot be stored"
                raise ValueError(message)
            return (value - EPOCH) // MICROSECOND if is_sqlite else value

        return to_stored

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[int | str | None], datetime | None] | Callable[[datetime | None], datetime | None]:
        """Return the function that converts a stored value to an aware time in UTC."""
        del coltype
        return decode_instant if dialect.name == "sqlite" else _in_utc


class Id(TypeDecorator[UUID]):
    """A UUID. SQLite stores its 16 bytes: both databases then sort ids alike, and indexes stay small."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[bytes] | TypeEngine[UUID]:
        """Return the database's column type."""
        return LargeBinary(16) if dialect.name == "sqlite" else Uuid()

    def bind_processor(self, dialect: Dialect) -> Callable[[UUID | None], bytes | None] | None:
        """Return the function that converts a UUID to 16 bytes; None where the driver takes UUIDs."""
        return (lambda value: None if value is None else value.bytes) if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[bytes | None], UUID | None] | None:
        """Return the function that converts a stored value to a UUID; None where the driver returns UUIDs."""
        del coltype
        return _uuid if dialect.name == "sqlite" else None


# The same times and ids recur on page after page, and converting one costs ten times as much as a cache hit.
@lru_cache(maxsize=MAX_KEPT_VALUES)
def decode_instant(stored: int | str | None) -> datetime | None:
    """Return the UTC time of a stored value: microseconds since 1970 (SQLite) or text in JSON (PostgreSQL)."""
    if isinstance(stored, str):
        return datetime.fromisoformat(stored).astimezone(UTC)
    return None if stored is None else EPOCH + timedelta(microseconds=stored)


def _in_utc(value: datetime | None) -> datetime | None:
    """Return a time of PostgreSQL in UTC; looking it up in a cache would take longer."""
    return None if value is None else value.astimezone(UTC)


@lru_cache(maxsize=MAX_KEPT_VALUES)
def _uuid(stored: bytes | None) -> UUID | None:
    return None if stored is None else UUID(bytes=stored)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""Structured values that no query searches."""

BytewiseText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text compared by bytes on both databases, as SQLite does: slugs and folded names sort alike everywhere."""


class Base(DeclarativeBase):
    """Base of all tables. Constraints have names, so that migrations can refer to them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        datetime: UtcDateTime(),
        UUID: Id(),
        str: Text(),
        dict[str, Any]: Json,
        list[int]: Json,
        list[str]: Json,
        list[Any]: Json,
        bytes: LargeBinary(),
    }


def latest_time(times: Iterable[datetime | None]) -> datetime | None:
    """Return the latest of the times that are not None; None if there is none."""
    return max((time_ for time_ in times if time_ is not None), default=None)


def columns_table(model: type[Base]) -> Table:
    """Return a model's `Table`, for statements on many rows."""
    return cast("Table", model.__table__)
