"""Queries of the export: all terms and articles from one snapshot, with at most 1,000 articles in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session, aliased

from newsapi.changelog.tables import Facet
from newsapi.content.queries import snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.tables.articles import Article
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db.types import Id

BATCH_SIZE = 1_000

_Parent = aliased(Brand)


def iter_terms(connection: Connection) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Iterate over brands, sections, tags and authors; a parent brand comes before its children.

    Tags that are used by unpublished articles only are left out: importing those articles creates them.

    Yields:
        The kind and the columns of each term.
    """
    brand = select(Brand.slug, Brand.name, Brand.aliases, Brand.description, Brand.logo, _Parent.slug.label("parent"))
    rows = connection.execute(brand.outerjoin(_Parent, _Parent.id == Brand.parent_id).order_by(Brand.slug)).mappings()
    remaining = [dict(row) for row in rows]
    yielded: set[str | None] = {None}
    while remaining:
        yield from (("brand", row) for row in remaining if row["parent"] in yielded)
        yielded |= {row["slug"] for row in remaining if row["parent"] in yielded}
        remaining = [row for row in remaining if row["slug"] not in yielded]
    others = (
        ("section", select(Section.slug, Section.name, Section.position, Section.description).order_by(Section.slug)),
        (
            "tag",
            select(Tag.slug, Tag.name).join(Facet, Facet.id == Tag.facet_id).where(Facet.seq > 0).order_by(Tag.slug),
        ),
        ("author", select(*(getattr(Author, name) for name in _AUTHOR)).order_by(Author.slug)),
    )
    for kind, statement in others:
        for row in connection.execute(statement).mappings():
            yield kind, dict(row)


def iter_articles(connection: Connection) -> Iterator[ArticleSnapshot]:
    """Iterate over all articles, including unpublished ones, in the order of their ids."""
    session, last = Session(connection), UUID(int=0)
    while ids := list(connection.execute(_NEXT, {"last": last}).scalars()):
        by_id = snapshots.get_snapshots(session, ids)
        yield from (by_id[id_] for id_ in ids)
        last = ids[-1]


_AUTHOR = ("slug", "name", "email", "job_title", "same_as", "bio", "avatar")
_NEXT = select(Article.id).where(Article.id > bindparam("last", type_=Id())).order_by(Article.id).limit(BATCH_SIZE)
