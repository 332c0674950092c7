"""The base of all tables: names of constraints, and column types that are the same on both databases."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def uuid7() -> UUID:
    """A new id: UUID version 7 of RFC 9562, 48 bits of milliseconds and 74 random ones, so that ids grow with time."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return UUID(int=number & ~(0xF << 76) & ~(0x3 << 62) | 7 << 76 | 2 << 62)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, aware and in UTC. SQLite keeps whole microseconds since 1970: short in an index, and in order."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Pick the stored form."""
        return BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """Answer the function that refuses a naive time and makes what the database stores."""
        is_sqlite = dialect.name == "sqlite"

        def stored(value: datetime | None) -> Any:
            if value is None:
                return None
            if value.tzinfo is None:
                message = "a time without an offset cannot be stored"
                raise ValueError(message)
            return (value - EPOCH) // MICROSECOND if is_sqlite else value

        return stored

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """Answer the function that makes an aware time in UTC: one call a value, as lists hold many."""
        del coltype
        return moment if dialect.name == "sqlite" else _in_utc


class Id(TypeDecorator[UUID]):
    """A UUID. SQLite keeps its 16 bytes, so that both databases order ids alike and an index stays small."""

    impl = Uuid
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Pick the stored form."""
        return LargeBinary(16) if dialect.name == "sqlite" else Uuid()

    def bind_processor(self, dialect: Dialect) -> Callable[[UUID | None], bytes | None] | None:
        """Answer the function that makes 16 bytes; None where the driver takes the UUID."""
        return (lambda value: None if value is None else value.bytes) if dialect.name == "sqlite" else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], UUID | None] | None:
        """Answer the function that makes a UUID; None where the driver does."""
        del coltype
        return _uuid if dialect.name == "sqlite" else None


# The same times and ids come again on page after page, and making one anew costs ten times as much as remembering it.
@lru_cache(maxsize=1 << 14)
def moment(stored: int | str | None) -> datetime | None:
    """The instant that SQLite keeps as microseconds since 1970, and that PostgreSQL writes as a text into JSON."""
    if isinstance(stored, str):
        return datetime.fromisoformat(stored).astimezone(UTC)
    return None if stored is None else EPOCH + timedelta(microseconds=stored)


@lru_cache(maxsize=1 << 14)
def _in_utc(value: datetime | None) -> datetime | None:
    return None if value is None else value.astimezone(UTC)


@lru_cache(maxsize=1 << 14)
def _uuid(stored: bytes | None) -> UUID | None:
    return None if stored is None else UUID(bytes=stored)


Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""Structured values that are never searched."""

BytewiseText = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts and compares by bytes, as SQLite does: slugs and folded names come in one order everywhere."""


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can speak of them on both databases."""

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
        list[Any]: Json,
        bytes: LargeBinary(),
    }


def latest(times: Iterable[datetime | None]) -> datetime | None:
    """Answer the latest of the times that are known; None where none is."""
    return max((time_ for time_ in times if time_ is not None), default=None)


def table(model: type[Base]) -> Table:
    """Answer the table behind a model, for statements over many rows at once."""
    return cast("Table", model.__table__)
