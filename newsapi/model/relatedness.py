"""The index that related lists come from, and the lists that were made of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base


class RelatedProfile(Base):
    """What a published article is about, packed as bytes, and whose lists it may stand on.

    `pool` is the facet of its brand, or that of all articles where it has none. `number` is short for the article.
    """

    __tablename__ = "related_profile"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    article_id: Mapped[UUID] = mapped_column(unique=True)
    pool: Mapped[int]
    content: Mapped[bytes]


class RelatedPosting(Base):
    """One term by which an article of a pool is found.

    `strength` has the share of the term in its lowest byte, and above it the day of publication, to which each point of
    the share adds ten days: so the first of a term are the newest, and older ones that are about little else.
    """

    __tablename__ = "related_posting"
    __table_args__ = ({"sqlite_with_rowid": False},)

    pool: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    term: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    strength: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class RelatedWeights(Base):
    """How rare terms are, counted in `documents` of the newest articles when there were `archive`; there is one row.

    `version` is random. `content` has the terms and in how many articles each stands.
    """

    __tablename__ = "related_weights"

    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    documents: Mapped[int]
    archive: Mapped[int]
    content: Mapped[bytes]


class RelatedList(Base):
    """A list as it was made: which articles, how near, and why; by which weights, and as of when.

    An article nearer than `floor` belongs on it.
    """

    __tablename__ = "related_list"

    article_id: Mapped[UUID] = mapped_column(primary_key=True)
    pool: Mapped[int] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime | None]
    floor: Mapped[float] = mapped_column(Double)
    listed: Mapped[list[Any]]


class RelatedEntry(Base):
    """On which lists an article stands."""

    __tablename__ = "related_entry"
    __table_args__ = ({"sqlite_with_rowid": False},)

    other_id: Mapped[UUID] = mapped_column(primary_key=True)
    article_id: Mapped[UUID] = mapped_column(primary_key=True)
