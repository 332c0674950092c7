"""Brands, authors, sections and tags, and the facet: a set of published articles that can be listed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from newsapi.model.base import Base, BytewiseText, uuid7


class Facet(Base):
    """One set of published articles that a filter can name: the brand X, mentions of X, the format gallery, all.

    `articles` is their number, `seq` and `at` are the last change that touched the set or any article in it: what an
    answer made of this set depends on. `name` is given where no other row owns the facet (`all`, formats, languages).
    The facets of kind `terms` hold no articles: they are touched when any brand (author, section, tag) itself changes,
    for the answers that show names.

    Half of each page of PostgreSQL's is left free: every write of articles rewrites the rows of their facets, and they
    stay on their page, beside each other, for whoever reads those of all brands.
    """

    __tablename__ = "facet"
    __table_args__ = (UniqueConstraint("kind", "name"), {"postgresql_with": {"fillfactor": 50}})

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str | None] = mapped_column(BytewiseText)
    articles: Mapped[int] = mapped_column(default=0)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    at: Mapped[datetime | None]


class _Term:
    """What brands, authors, sections and tags have in common.

    `sort_key` is the folded name; `words` holds every folded name and alias behind a blank, so that the start of any
    word can be looked for. `changed_at` is when the public last saw the row itself change, `import_digest` the hash of
    the line that it was last imported from.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    slug: Mapped[str] = mapped_column(BytewiseText, unique=True)
    name: Mapped[str]
    sort_key: Mapped[str] = mapped_column(BytewiseText)
    words: Mapped[str] = mapped_column(BytewiseText)
    changed_at: Mapped[datetime]
    import_digest: Mapped[bytes | None]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Index, ...]:
        """Sorted by name, ties by slug."""
        return (Index(None, "sort_key", "slug"),)

    @declared_attr
    @classmethod
    def facet_id(cls) -> Mapped[int]:
        """The set of articles that bear this term."""
        return mapped_column(ForeignKey("facet.id"))


class Brand(_Term, Base):
    """A make or a group of makes. Its `facet_id` holds the articles about it, `mention_facet_id` those naming it.

    `group_facet_id` holds the articles of the brand and of its children; it exists from the first child on.
    """

    __tablename__ = "brand"

    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("brand.id"), index=True)
    aliases: Mapped[list[Any]] = mapped_column(default=list)
    description: Mapped[str | None]
    logo: Mapped[dict[str, Any] | None]
    mention_facet_id: Mapped[int] = mapped_column(ForeignKey("facet.id"))
    group_facet_id: Mapped[int | None] = mapped_column(ForeignKey("facet.id"))


class Author(_Term, Base):
    """A person or desk that signs articles. The e-mail is private."""

    __tablename__ = "author"

    email: Mapped[str | None]
    bio: Mapped[str | None]
    avatar: Mapped[dict[str, Any] | None]


class Section(_Term, Base):
    """A part of the site: Anteprime, Curiosità, Mercato."""

    __tablename__ = "section"


class Tag(_Term, Base):
    """A free keyword."""

    __tablename__ = "tag"
