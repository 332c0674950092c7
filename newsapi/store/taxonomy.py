"""Brands, authors, sections and tags: a page by name, and one by its slug."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, select, tuple_
from sqlalchemy.orm import aliased

from newsapi.errors import NotFound, Renamed
from newsapi.model import Author, Brand, Facet, OldSlug, Section, Tag
from newsapi.model.base import latest
from newsapi.store import prepared
from newsapi.store.articles import Record
from newsapi.store.facets import SEEN, Truth

Kind = Literal["brand", "author", "section", "tag"]
MODELS: dict[str, Any] = {"brand": Brand, "author": Author, "section": Section, "tag": Tag}

_Parent = aliased(Brand)
_ABOVE = (_Parent.slug.label("parent"), _Parent.name.label("above"), _Parent.changed_at.label("above_changed_at"))
_COLUMNS: dict[str, tuple[Any, ...]] = {
    "brand": (Brand.aliases, Brand.description, Brand.logo, *_ABOVE),
    "author": (Author.bio, Author.avatar),
    "section": (),
    "tag": (),
}
_SHARED = ("slug", "name", "sort_key", "changed_at", "version")


class Place(NamedTuple):
    """A place in a list by name, and from which side the page is read."""

    sort_key: str
    slug: str
    back: bool = False


class Terms(NamedTuple):
    """A page of brands, authors, sections or tags, the latest change of them, and where the pages beside it start."""

    records: list[Record]
    changed_at: datetime | None = None
    next: Place | None = None
    prev: Place | None = None


def page(connection: Connection, kind: Kind, *, words: str | None, place: Place | None, limit: int) -> Terms:
    """Answer a page sorted by folded name; `words` (folded) is how the name, an alias or a word in it starts."""
    back = place is not None and place.back
    statement = _page(kind, searched=words is not None, back=back if place else None)
    parameters = {"rows": limit + 1}
    if words is not None:
        parameters["words"] = f"% {literally(words)}%"  # type: ignore[assignment]
    if place:
        parameters |= {"sort_key": place.sort_key, "slug": place.slug}  # type: ignore[dict-item]
    rows = connection.execute(statement, parameters).all()
    more, rows = len(rows) > limit, rows[:limit]
    if back:
        rows = rows[::-1]
    first, last = (
        (Place(rows[0].sort_key, rows[0].slug, back=True), Place(rows[-1].sort_key, rows[-1].slug))
        if rows
        else (None, None)
    )
    changed_at = latest(time for row in rows for time in (row.changed_at, row.at))
    if back:
        return Terms(_records(rows), changed_at, last or place, first if more else None)
    return Terms(_records(rows), changed_at, last if more else None, first if place else None)


def begun(connection: Connection, kind: Kind, words: str, limit: int) -> list[tuple[str, str]]:
    """Answer slug and name of those whose name, alias or a word in it starts so (folded), of most articles first."""
    given = {"words": f"% {literally(words)}%", "rows": limit}
    return [(slug, name) for slug, name in prepared.rows(connection, _begun(kind), given)]


def by_slug(connection: Connection, kind: Kind, slug: str, truth: Truth) -> Terms:
    """Answer one; raises Renamed for a former slug, NotFound for none."""
    model = MODELS[kind]
    row = connection.execute(_one(kind), {"slug": slug}).one_or_none()
    if row is not None:
        records = _records([row])
        return Terms(records, max(filter(None, (records[0]["changed_at"], row.at))))
    former = select(model.slug).join(OldSlug, OldSlug.subject_id == model.id)
    now = connection.execute(former.where(OldSlug.kind == kind, OldSlug.slug == slug)).scalar()
    raise NotFound(seq=truth.seq) if now is None else Renamed(now, seq=truth.seq)


def by_slugs(connection: Connection, kind: Kind, slugs: Sequence[str]) -> dict[str, Record]:
    """Answer several in full, by slug; those that are not there are left out."""
    rows = connection.execute(_several(kind), {"slugs": sorted(set(slugs))}).all()
    return {record["slug"]: record for record in _records(rows)}


def literally(text: str) -> str:
    """Answer a text for LIKE in which nothing stands for anything else; the escape is a backslash."""
    return text.translate(_LITERAL)


_LITERAL = str.maketrans({character: f"\\{character}" for character in "\\%_"})


def _selected(kind: Kind) -> Select[Any]:
    model = MODELS[kind]
    shared = (getattr(model, name) for name in _SHARED)
    found = select(
        *shared, Facet.id.label("facet_id"), Facet.articles.label("article_count"), Facet.at, *_COLUMNS[kind]
    ).select_from(model)
    found = found.join(Facet, (Facet.id == model.facet_id) & SEEN)
    return found.outerjoin(_Parent, _Parent.id == Brand.parent_id) if kind == "brand" else found


@lru_cache(maxsize=32)
def _page(kind: Kind, *, searched: bool, back: bool | None) -> Select[Any]:
    model = MODELS[kind]
    found = _selected(kind)
    if searched:
        found = found.where(model.words.like(bindparam("words"), escape="\\"))
    if back is not None:
        here = tuple_(model.sort_key, model.slug)
        there = tuple_(bindparam("sort_key", type_=model.sort_key.type), bindparam("slug", type_=model.slug.type))
        found = found.where(here < there if back else here > there)
    order = (model.sort_key.desc(), model.slug.desc()) if back else (model.sort_key, model.slug)
    return found.order_by(*order).limit(bindparam("rows"))


@lru_cache(maxsize=4)
def _begun(kind: Kind) -> Select[Any]:
    model = MODELS[kind]
    found = select(model.slug, model.name).join(Facet, (Facet.id == model.facet_id) & SEEN)
    found = found.where(model.words.like(bindparam("words"), escape="\\"))
    return found.order_by(Facet.articles.desc(), model.slug).limit(bindparam("rows"))


@lru_cache(maxsize=4)
def _one(kind: Kind) -> Select[Any]:
    return _selected(kind).where(MODELS[kind].slug == bindparam("slug"))


@lru_cache(maxsize=4)
def _several(kind: Kind) -> Select[Any]:
    return _selected(kind).where(and_(MODELS[kind].slug.in_(bindparam("slugs", expanding=True))))


def _records(rows: Sequence[Any]) -> list[Record]:
    records = []
    for row in rows:
        record: Record = dict(row._mapping)  # noqa: SLF001 (the documented way to a row's names)
        if "parent" in record:
            above, above_changed_at = record.pop("above"), record.pop("above_changed_at")
            record["parent"] = {"slug": record["parent"], "name": above} if record["parent"] else None
            record["changed_at"] = max(record["changed_at"], above_changed_at or record["changed_at"])
        records.append(record)
    return records
