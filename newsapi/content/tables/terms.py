"""Tables of brands, authors, sections and tags."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from newsapi.db.types import Base, BytewiseText, uuid7
from newsapi.text.json_types import JsonObject, JsonValue


class _Term:
    """What brands, authors, sections and tags have in common.

    Attributes:
        sort_key: The folded name.
        search_names: All folded names and aliases, each preceded by a space, so that a search can match the beginning
            of any word.
        changed_at: When the row itself last changed for the public.
        import_digest: Hash of the record that it was last imported from.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str] = mapped_column(BytewiseText, unique=True)
    name: Mapped[str]
    sort_key: Mapped[str] = mapped_column(BytewiseText)
    search_names: Mapped[str] = mapped_column(BytewiseText)
    changed_at: Mapped[datetime]
    import_digest: Mapped[bytes | None]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        """Index for sorting by name, then by slug."""
        return (Index(None, "sort_key", "slug"),)

    @declared_attr
    @classmethod
    def facet_id(cls) -> Mapped[int]:
        """The facet of the articles that have this term."""
        return mapped_column(ForeignKey("facet.id"))


class Brand(_Term, Base):
    """A brand, or a group of brands.

    Attributes:
        facet_id: The facet of the articles about the brand.
        mention_facet_id: The facet of the articles that mention it.
        group_facet_id: The facet of the articles about the brand and its child brands; None before its first child.
    """

    __tablename__ = "brand"

    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("brand.id"), index=True)
    aliases: Mapped[list[JsonValue]] = mapped_column(default=list)
    description: Mapped[str | None]
    logo: Mapped[JsonObject | None]
    mention_facet_id: Mapped[int] = mapped_column(ForeignKey("facet.id"))
    group_facet_id: Mapped[int | None] = mapped_column(ForeignKey("facet.id"))


class Author(_Term, Base):
    """A person or desk that signs articles. The email address is private.

    Attributes:
        same_as: URLs of other pages about the author.
    """

    __tablename__ = "author"

    email: Mapped[str | None]
    job_title: Mapped[str | None]
    same_as: Mapped[list[str]] = mapped_column(default=list)
    bio: Mapped[str | None]
    avatar: Mapped[JsonObject | None]


class Section(_Term, Base):
    """A section of the site, such as Anteprime, Curiosità, Mercato.

    Attributes:
        position: Place in the navigation of the site, from 0.
    """

    __tablename__ = "section"

    position: Mapped[int | None]
    description: Mapped[str | None]


class Tag(_Term, Base):
    """A keyword."""

    __tablename__ = "tag"
