"""Table of preview links."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, uuid7


class PreviewLink(Base):
    """A link whose token shows one unpublished article, and lists as they will be at `as_of`."""

    __tablename__ = "preview_link"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    token_digest: Mapped[bytes] = mapped_column(unique=True)
    article_id: Mapped[UUID] = mapped_column(ForeignKey("article.id", ondelete="CASCADE"), index=True)
    as_of: Mapped[datetime | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
