"""Tables of images: the measurements of each file, and the articles that show it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, BytewiseText

_IS_DUE = text("check_at IS NOT NULL")
_IS_BROKEN = text("is_broken")
_LACKS_ALT = text("lacks_alt")

LEAD_POSITION = 0
"""Position of the lead image among the images of an article."""


class ImageFile(Base):
    """The file at an image URL that an article shows, as it was measured.

    Attributes:
        id: Made from the URL, so that a write needs no lookup; see `image_file_id`.
        host: Host and port of the URL, whose rate is limited.
        check_at: When it is to be read; None if it was measured.
        tries: Number of failed attempts to read it.
        problem: Why it cannot be shown; None if it can, or was not read yet.
        measured_at: When the values that responses show were found; None if they are unknown.
        width: Width in pixels, in the orientation in which it is shown.
        height: Height in pixels, in the orientation in which it is shown.
        type: Media type, by its content.
        bytes: Size of the file.
        thumbhash: ThumbHash of it, in Base64.
        color: Its average colour, as `#rrggbb`.
    """

    __tablename__ = "image_file"
    __table_args__ = (
        Index("ix_image_file_due", "host", "check_at", sqlite_where=_IS_DUE, postgresql_where=_IS_DUE),
        {"sqlite_with_rowid": False},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str]
    host: Mapped[str] = mapped_column(BytewiseText)
    check_at: Mapped[datetime | None]
    tries: Mapped[int]
    problem: Mapped[str | None]
    measured_at: Mapped[datetime | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    type: Mapped[str | None]
    bytes: Mapped[int | None] = mapped_column(BigInteger)
    thumbhash: Mapped[str | None]
    color: Mapped[str | None]


class ArticleImage(Base):
    """An image of an article: its lead image at position 0, and those of its media at their numbers from 1 on.

    The table has no foreign keys, for the reason of `ListingEntry`.

    Attributes:
        is_broken: Whether the file has a problem; kept here so that a list of such images is a range of an index.
        lacks_alt: Whether its alternative text is unknown.
    """

    __tablename__ = "article_image"
    __table_args__ = (
        Index("ix_article_image_file_id", "file_id"),
        Index(
            "ix_article_image_broken",
            "article_id",
            "position",
            sqlite_where=_IS_BROKEN,
            postgresql_where=_IS_BROKEN,
        ),
        Index(
            "ix_article_image_lacks_alt",
            "article_id",
            "position",
            sqlite_where=_LACKS_ALT,
            postgresql_where=_LACKS_ALT,
        ),
        {"sqlite_with_rowid": False},
    )

    article_id: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    file_id: Mapped[UUID]
    is_broken: Mapped[bool]
    lacks_alt: Mapped[bool]
