"""What partners follow and are held to: what articles left, sums of what there is, receipts, use of keys."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base


class Departure(Base):
    """A facet that a public article left and is not in now, with the change by which it left, and why.

    The latest row of the article alone could not tell it: an article that moved from brand A to B and on to C would
    stay for ever in the mirror of whoever follows A. It is written with the change, and taken away when the article
    comes back. Where the article goes altogether, it goes anew from all it ever left: a recall reaches whoever had it.
    """

    __tablename__ = "departure"
    __table_args__ = (Index(None, "facet_id", "seq"), {"sqlite_with_rowid": False})

    article_id: Mapped[UUID] = mapped_column(primary_key=True)
    facet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]


class Tally(Base):
    """The articles of a facet in buckets: how many there are in each, and the sum of their fingerprints."""

    __tablename__ = "tally"

    facet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sums: Mapped[bytes]


class Receipt(Base):
    """A partner says that he has acted on a recall: of which article, by which change."""

    __tablename__ = "receipt"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key_id: Mapped[UUID] = mapped_column(ForeignKey("key.id"), primary_key=True)
    at: Mapped[datetime]


class KeyUse(Base):
    """How many requests a key made on a day, in UTC."""

    __tablename__ = "key_use"

    key_id: Mapped[UUID] = mapped_column(ForeignKey("key.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    requests: Mapped[int]
