"""Tables of sync: filter exits, digests, recall receipts, and daily usage of API keys."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base


class FilterExit(Base):
    """A facet that a public article left and is not in now, with the change by which it left, and why.

    The article's latest change alone is not enough: if it moved from brand A to B and then to C, a mirror of A would
    keep it forever. A row is written with the change and deleted when the article returns to the facet. When the
    article is withdrawn, it leaves all facets that it was ever in once more, so that a recall reaches every mirror that
    had it.
    """

    __tablename__ = "filter_exit"
    __table_args__ = (Index(None, "facet_id", "seq"), {"sqlite_with_rowid": False})

    article_id: Mapped[UUID] = mapped_column(primary_key=True)
    facet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str]


class FacetDigest(Base):
    """The digest of a facet: for each bucket, the number of articles and the sum of their fingerprints."""

    __tablename__ = "facet_digest"

    facet_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    bucket_sums: Mapped[bytes]


class RecallReceipt(Base):
    """A partner's acknowledgement of a recall, of an article by the change `seq`."""

    __tablename__ = "recall_receipt"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    acknowledged_at: Mapped[datetime]


class KeyDailyUsage(Base):
    """The number of requests of an API key on a day (UTC)."""

    __tablename__ = "key_daily_usage"

    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    request_count: Mapped[int]
