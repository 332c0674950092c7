"""The whole archive in one snapshot, from first to last, a thousand articles in memory at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session, aliased

from newsapi.model import Article, Author, Brand, Facet, Section, Tag
from newsapi.model.base import Id
from newsapi.store import states
from newsapi.store.states import State

AT_ONCE = 1_000

_Above = aliased(Brand)


def terms(connection: Connection) -> Iterator[tuple[str, dict[str, Any]]]:
    """Answer brands, sections, tags and authors by kind, a brand behind the one that it belongs to.

    Tags that the public knows nothing of come with the drafts that bear them.
    """
    brand = select(Brand.slug, Brand.name, Brand.aliases, Brand.description, Brand.logo, _Above.slug.label("parent"))
    found = connection.execute(brand.outerjoin(_Above, _Above.id == Brand.parent_id).order_by(Brand.slug)).mappings()
    waiting = [dict(row) for row in found]
    told: set[str | None] = {None}
    while waiting:
        yield from (("brand", row) for row in waiting if row["parent"] in told)
        told |= {row["slug"] for row in waiting if row["parent"] in told}
        waiting = [row for row in waiting if row["slug"] not in told]
    others = (
        ("section", select(Section.slug, Section.name).order_by(Section.slug)),
        (
            "tag",
            select(Tag.slug, Tag.name).join(Facet, Facet.id == Tag.facet_id).where(Facet.seq > 0).order_by(Tag.slug),
        ),
        ("author", select(Author.slug, Author.name, Author.email, Author.bio, Author.avatar).order_by(Author.slug)),
    )
    for kind, statement in others:
        for row in connection.execute(statement).mappings():
            yield kind, dict(row)


def articles(connection: Connection) -> Iterator[State]:
    """Answer every article, hidden ones too, in the order of their ids."""
    session, last = Session(connection), UUID(int=0)
    while ids := list(connection.execute(_NEXT, {"last": last}).scalars()):
        found = states.by_id(session, ids)
        yield from (found[id_] for id_ in ids)
        last = ids[-1]


_NEXT = select(Article.id).where(Article.id > bindparam("last", type_=Id())).order_by(Article.id).limit(AT_ONCE)
