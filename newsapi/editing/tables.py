"""Table of term merges."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, uuid7


class TermMerge(Base):
    """A merge of a brand, author, section or tag into another one: its articles move in batches, then it is deleted."""

    __tablename__ = "term_merge"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str]
    source_id: Mapped[UUID]
    target_id: Mapped[UUID]
    source: Mapped[str]
    target: Mapped[str]
    state: Mapped[str]
    moved_count: Mapped[int]
    requested_by: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
