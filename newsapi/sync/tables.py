"""Table of recall receipts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base


class RecallReceipt(Base):
    """A partner's acknowledgement of a recall, of an article by the change `seq`."""

    __tablename__ = "recall_receipt"

    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key_id: Mapped[UUID] = mapped_column(ForeignKey("api_key.id"), primary_key=True)
    acknowledged_at: Mapped[datetime]
