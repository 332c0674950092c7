"""The log: every change to what the public can see, numbered without gaps in commit order."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base, BytewiseText


class LogHead(Base):
    """The counter row. Whoever raises it holds its lock until the commit: that is what makes `seq` the commit order.

    `at` never goes back, even where the clock does.
    """

    __tablename__ = "log_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    mark: Mapped[int] = mapped_column(BigInteger, default=0)
    at: Mapped[datetime]


OF_TERMS = text("kind IN ('author', 'brand', 'section', 'tag')")
"""The changes of names: few among many, and found by an index of their own where this condition is written out."""


class Change(Base):
    """One change. `facets_before` and `facets_after` are the facets it left, stayed in and joined.

    `mark` is random: a number and a mark that do not match tell that the log was set back to an older copy.
    `more_slugs` are slugs that lead to the article since, beside its own.
    `lists` names, of a change of kind `related`, the articles whose related lists are other ones now.
    `bulk` rows come from an import, for listeners that leave those out.
    """

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_of_terms", "seq", sqlite_where=OF_TERMS, postgresql_where=OF_TERMS),
        Index("ix_change_of_term", "subject_id", "seq", sqlite_where=OF_TERMS, postgresql_where=OF_TERMS),
    )

    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mark: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    kind: Mapped[str]
    action: Mapped[str]
    reason: Mapped[str]
    subject_id: Mapped[UUID]
    slug: Mapped[str] = mapped_column(BytewiseText)
    previous_slug: Mapped[str | None] = mapped_column(BytewiseText)
    more_slugs: Mapped[list[Any] | None]
    version: Mapped[int | None]
    facets_before: Mapped[list[Any]] = mapped_column(default=list)
    facets_after: Mapped[list[Any]] = mapped_column(default=list)
    lists: Mapped[list[Any] | None]
    bulk: Mapped[bool] = mapped_column(default=False)


class Place(Base):
    """How far a listener has come in the log: up to `seq`, whose mark is `mark`, at the time `at`.

    `holder` is the worker that sees to it, until `until` if it says no more: a random word, new each time it is taken,
    so that a worker that was stopped meanwhile cannot take itself for the holder.
    """

    __tablename__ = "place"

    listener: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
    holder: Mapped[str | None]
    until: Mapped[datetime | None]


class Secret(Base):
    """A random value that all nodes share, for where no setting gives one."""

    __tablename__ = "secret"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
