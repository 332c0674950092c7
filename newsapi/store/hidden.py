"""Lists for the desk: what is hidden, in its place among what is public.

The public ones come from their lists as always. The others stand in none: they are looked up in the table itself, by
their status, and put in between. What has no time of publication yet stands at the time of its last update.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, func, literal, literal_column, or_, select, tuple_, union_all

from newsapi.model import (
    Article,
    ArticleAuthor,
    ArticleMention,
    ArticleTag,
    Author,
    Brand,
    OldSlug,
    Section,
    Tag,
)
from newsapi.model.base import Id, UtcDateTime
from newsapi.store import articles
from newsapi.store.articles import Page
from newsapi.store.facets import Truth
from newsapi.store.listing import COUNTED, Position, Question, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What somebody sees beside what is public.

    `statuses` are those he asks for; `public` is whether the published ones are among them. `until` adds the scheduled
    ones that will be public by then, and leaves out what will have no rights any more; `article` is one he sees in any
    case.
    """

    public: bool = True
    statuses: frozenset[str] = frozenset()
    until: datetime | None = None
    article: UUID | None = None

    def condition(self) -> ColumnElement[bool]:
        """The hidden articles that he sees."""
        seen: list[ColumnElement[bool]] = [Article.status.in_(sorted(self.statuses - {"published"}))]
        if self.until is not None:
            seen.append(and_(Article.status == "scheduled", Article.published_at <= self.until))
        if self.article is not None:
            seen.append(Article.id == self.article)
        # Written out, so that the index of what is hidden serves.
        return and_(Article.status != literal_column("'published'"), or_(*seen))


def page(
    connection: Connection,
    truth: Truth,
    question: Question,
    sight: Sight,
    asked: Mapping[str, Sequence[str]],
    *,
    limit: int,
    wanted: Collection[str] = (),
) -> Page:
    """Answer one page for somebody's sight; `asked` are the values of the filters that name facets."""
    down = question.descending is not question.back
    public = articles.page(connection, truth, question, limit=limit, wanted=wanted) if sight.public else Page([])
    beyond = public.prev if question.back else public.next
    records = {record["id"]: record for record in public.records}
    places = {id_: Position(record[question.key], id_) for id_, record in records.items()}
    if gone := _gone(connection, sight, list(records)):
        places = {id_: place for id_, place in places.items() if id_ not in gone}
    places |= _hidden(connection, question, sight, asked, rows=limit + 1, down=down)
    ordered = sorted(places.values(), reverse=down)
    ordered = [(place.at, place.id) for place in ordered]  # type: ignore[misc]
    kept = [Position(*place) for place in ordered]
    if beyond is not None:  # what lies behind the last public one read may have others between it
        end = beyond.position
        kept = [place for place in kept if (place >= end if down else place <= end)]
    more = len(kept) > limit or beyond is not None or len(kept) < len(ordered)
    shown = kept[:limit]
    extra = articles.by_ids(connection, [place.id for place in shown if place.id not in records], wanted, hidden=True)
    records |= {record["id"]: record for record in extra.records}
    last = shown[-1] if shown else (beyond.position if beyond else None)
    onward = Turn(last, question.back) if more and last else None
    homeward = Turn(shown[0], not question.back) if question.turn and shown else None
    found = [records[place.id] for place in (reversed(shown) if question.back else shown)]
    return Page(found, public.changed_at, *((homeward, onward) if question.back else (onward, homeward)))


def _gone(connection: Connection, sight: Sight, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the public ones that will have no rights any more."""
    if sight.until is None or not ids:
        return set()
    found = select(Article.id).where(Article.id.in_(ids), Article.expires_at <= sight.until)
    return set(connection.execute(found).scalars())


def _hidden(
    connection: Connection,
    question: Question,
    sight: Sight,
    asked: Mapping[str, Sequence[str]],
    *,
    rows: int,
    down: bool,
) -> dict[UUID, Position]:
    key = _KEYS[question.key]
    conditions = _conditions(question, sight, asked)
    if question.turn is not None:
        at, id_ = question.turn.position
        here, there = tuple_(key, Article.id), tuple_(literal(at, UtcDateTime()), literal(id_, Id()))
        operator = ("<" if down else ">") + ("=" if question.turn.inclusive else "")
        conditions.append(here.bool_op(operator)(there))
    order = (key.desc(), Article.id.desc()) if down else (key, Article.id)
    found = select(Article.id, key.label("at")).where(*conditions).order_by(*order).limit(rows)
    return {id_: Position(at, id_) for id_, at in connection.execute(found)}


_KEYS: dict[str, Any] = {
    "published_at": func.coalesce(Article.published_at, Article.updated_at),
    "updated_at": Article.updated_at,
    "materially_updated_at": func.coalesce(Article.materially_updated_at, Article.published_at, Article.updated_at),
}


def _conditions(question: Question, sight: Sight, asked: Mapping[str, Sequence[str]]) -> list[ColumnElement[bool]]:
    conditions = [sight.condition(), *(_filter(name, values) for name, values in asked.items())]
    for name, (start, end) in (("published_at", question.published), ("updated_at", question.updated)):
        conditions += [_KEYS[name] >= start] if start else []
        conditions += [_KEYS[name] < end] if end else []
    if question.ids is not None:
        conditions.append(Article.id.in_(question.ids))
    if question.slugs is not None:
        conditions.append(Article.slug.in_(question.slugs))
    return conditions


def count(connection: Connection, question: Question, sight: Sight, asked: Mapping[str, Sequence[str]]) -> int:
    """How many hidden articles a whole list has, counted up to COUNTED + 1."""
    found = select(Article.id).where(*_conditions(question, sight, asked)).limit(COUNTED + 1)
    total: int = connection.execute(select(func.count()).select_from(found.subquery())).scalar_one()
    return total


def _filter(name: str, values: Sequence[str]) -> ColumnElement[bool]:
    """The condition of one filter, on the table itself."""
    if name in {"format", "language"}:
        return (Article.format if name == "format" else Article.language).in_(values)
    if name == "section":
        return Article.section_id.in_(_terms(Section, values))
    if name in {"author", "tag"}:
        link: Any = ArticleAuthor.author_id if name == "author" else ArticleTag.tag_id
        return Article.id.in_(
            select(link.class_.article_id).where(link.in_(_terms(Author if name == "author" else Tag, values)))
        )
    brands = _terms(Brand, values)
    mentioned = Article.id.in_(select(ArticleMention.article_id).where(ArticleMention.brand_id.in_(brands)))
    if name == "mentions":
        return mentioned
    own = Article.brand_id.in_(brands)
    if name == "about":
        return own | mentioned
    children = Article.brand_id.in_(select(Brand.id).where(Brand.parent_id.in_(brands)))
    return own | children if name == "group" else own


def _terms(model: Any, values: Sequence[str]) -> Any:
    """The ids of terms that have, or had, one of these slugs."""
    former = select(OldSlug.subject_id).where(OldSlug.kind == model.__tablename__, OldSlug.slug.in_(values))
    return union_all(select(model.id).where(model.slug.in_(values)), former)
