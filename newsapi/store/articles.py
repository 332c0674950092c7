"""Articles as the public sees them: a page of a list, and one by its slug or id."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    bindparam,
    case,
    null,
    select,
    union_all,
)

from newsapi.errors import NotFound, Renamed, SchemaMissing, Withdrawn
from newsapi.model import (
    Article,
    ArticleAuthor,
    ArticleDetail,
    ArticleMention,
    ArticleTag,
    Author,
    Brand,
    LogHead,
    OldSlug,
    Section,
    Tag,
)
from newsapi.model.base import EPOCH, latest, moment
from newsapi.store import listing, prepared
from newsapi.store.facets import Truth
from newsapi.store.gathered import gathered, newest
from newsapi.store.listing import Position, Question, Turn
from newsapi.store.public import visible
from newsapi.text.slugs import is_uuid

Record = dict[str, Any]
"""An article with the names its schema uses; addresses and what follows from other fields are not in it yet."""

LINKS: dict[str, tuple[Any, Any, Any]] = {
    "authors": (ArticleAuthor, ArticleAuthor.author_id, Author),
    "mentions": (ArticleMention, ArticleMention.brand_id, Brand),
    "tags": (ArticleTag, ArticleTag.tag_id, Tag),
}


class Page(NamedTuple):
    """A page of articles: where the pages beside it start, and the latest change of anything on it.

    `facets` are those it was picked from, where nobody asked for them.
    """

    records: list[Record]
    changed_at: datetime | None = None
    next: Turn | None = None
    prev: Turn | None = None
    facets: frozenset[int] = frozenset()


class Found(NamedTuple):
    """A visible article that was looked for, and where the log stood."""

    seq: int
    mark: int
    id: UUID


_SUMMARY = (
    Article.id,
    Article.slug,
    Article.headline,
    Article.standfirst,
    Article.format,
    Article.language,
    Article.image,
    Article.published_at,
    Article.published_precision,
    Article.updated_at,
    Article.materially_updated_at,
    Article.word_count,
    Article.status,
    Article.version,
    Article.seq,
)
_SHORT = (Brand.slug, Brand.name, Section.slug, Section.name)
_CHANGED = newest(Article.changed_at, Brand.changed_at, Section.changed_at)
_DETAIL = (
    ArticleDetail.body_html,
    ArticleDetail.canonical_url,
    ArticleDetail.source,
    ArticleDetail.media,
    ArticleDetail.corrections,
    ArticleDetail.rights,
    ArticleDetail.seo,
    ArticleDetail.translation_group,
)
_N, _S, _C = len(_SUMMARY), len(_SUMMARY) + len(_SHORT), len(_SUMMARY) + len(_SHORT) + 1
_SUMMARY_NAMES = tuple(column.key for column in _SUMMARY)
_DETAIL_NAMES = tuple(column.key for column in _DETAIL)
DETAIL = frozenset(_DETAIL_NAMES) | {"body_text", "translations"}
"""Fields that only the detail row has: asking for one reads it."""


def page(connection: Connection, truth: Truth, question: Question, *, limit: int, wanted: Collection[str] = ()) -> Page:
    """Answer one page of the list, with the fields in `wanted` beside those of the summary."""
    if question.ids is not None:
        return _page_of_ids(connection, truth, question, question.ids, limit=limit, wanted=wanted)
    walk = listing.plan(connection, truth, question, rows=limit + 1)
    if walk is None:
        return Page([])
    statement = _page_statement(walk.rows, walk.order, _more(wanted))
    rows = prepared.rows(connection, statement, walk.parameters)
    key = _SUMMARY_NAMES.index(question.key)
    places = [Position(row[key], row[0]) for row in rows]
    stop = listing.stop(connection, walk, places, limit=limit)
    if stop is not None:
        ahead = stop.__le__ if walk.shape.descending else stop.__ge__
        rows, places = rows[: sum(map(ahead, places))], places[: sum(map(ahead, places))]
    if question.back:
        rows, places = rows[::-1], places[::-1]
    records, changed_at = _records(connection, rows, wanted)
    return Page(records, changed_at, *_turns(question.turn, places, stop))


def _page_of_ids(
    connection: Connection,
    truth: Truth,
    question: Question,
    ids: tuple[UUID, ...],
    *,
    limit: int,
    wanted: Collection[str],
) -> Page:
    """A page of articles named one by one, in that order: they are few, so all are looked up and then cut."""
    walk = listing.plan(connection, truth, replace(question, turn=None), rows=len(ids))
    if walk is None:
        return Page([])
    statement = _page_statement(walk.rows, walk.order, _more(wanted))
    rows = {row[0]: row for row in prepared.rows(connection, statement, walk.parameters)}
    order = {id_: number for number, id_ in enumerate(ids)}
    ahead, turn = [id_ for id_ in ids if id_ in rows], question.turn
    if turn is not None:
        start = order.get(turn.position.id, -1)
        here = [id_ for id_ in ahead if order[id_] == start and turn.inclusive]
        beyond = [id_ for id_ in ahead if (order[id_] < start if turn.back else order[id_] > start)]
        ahead = (here + beyond[::-1]) if turn.back else (here + beyond)
    shown = ahead[:limit]
    stop = Position(EPOCH, shown[-1]) if len(ahead) > limit else None
    shown = shown[::-1] if question.back else shown
    records, changed_at = _records(connection, [rows[id_] for id_ in shown], wanted)
    return Page(records, changed_at, *_turns(turn, [Position(EPOCH, id_) for id_ in shown], stop))


def _turns(start: Turn | None, places: list[Position], stop: Position | None) -> tuple[Turn | None, Turn | None]:
    """Where the next page and the previous one start.

    In the direction of reading there is another page behind `stop`; in the other one, there is one wherever this page
    had a start. A page found empty leads back to its start, and the article there belongs to the page before.
    """
    onward = Turn(stop, back=start is not None and start.back) if stop else None
    if start is None:
        return onward, None
    homeward = (
        Turn(places[-1 if start.back else 0], not start.back)
        if places
        else Turn(start.position, not start.back, inclusive=True)
    )
    return (homeward, onward) if start.back else (onward, homeward)


def by_ids(connection: Connection, ids: Sequence[UUID], wanted: Collection[str] = (), *, hidden: bool = False) -> Page:
    """Answer the visible ones among these articles, in the order asked; for the desk the `hidden` ones too."""
    statement = _ids_statement(_more(wanted), hidden=hidden)
    rows = {row[0]: row for row in prepared.rows(connection, statement, {"ids": ids})}
    ordered = [rows[id_] for id_ in dict.fromkeys(ids) if id_ in rows]
    return Page(*_records(connection, ordered, wanted))


def find(connection: Connection, which: str | UUID) -> Found:
    """Look one article up by slug or id.

    Raises Withdrawn for what was public, Renamed for a former slug, NotFound for what never was or may not be known;
    each says as of which change.
    """
    rows = prepared.rows(connection, _FIND_ID if isinstance(which, UUID) else _FIND_SLUG, {"which": which})
    if not rows:
        raise SchemaMissing
    seq, mark, id_, status, gone = rows[0]
    if status == "published":
        return Found(seq, mark, id_)
    if gone is None and isinstance(which, str):  # a hidden article costs the same statements as none at all
        former = connection.execute(_FIND_FORMER, {"which": which}).one_or_none()
        if former is not None and former.status == "published":
            raise Renamed(former.slug, former.id, seq=seq)
        id_, gone = (former.id, former.gone) if former is not None else (id_, None)
    raise Withdrawn(gone, id_, seq=seq) if gone else NotFound(seq=seq)


def find_any(connection: Connection, which: str | UUID) -> Found:
    """Look an article up for the desk, whatever its status, by a former slug too. Raises NotFound, SchemaMissing."""
    row = connection.execute(_FIND_ID if isinstance(which, UUID) else _FIND_SLUG, {"which": which}).one_or_none()
    if row is None:
        raise SchemaMissing
    seq, mark, id_, *_ = row
    if id_ is None and isinstance(which, str):
        id_ = connection.execute(_FIND_FORMER, {"which": which}).scalar()
    if id_ is None:
        raise NotFound(seq=seq)
    return Found(seq, mark, id_)


def named(connection: Connection, names: Collection[str]) -> tuple[dict[str, UUID], datetime | None]:
    """Answer the visible articles that have or had these slugs, or have these ids, by what they were asked for by.

    And when any of those asked for last changed, those that are gone included.
    """
    found: dict[str, UUID] = {}
    changed: set[datetime | None] = set()
    asked = sorted(names)
    for start in range(0, len(asked), NAMED_AT_ONCE):
        some = asked[start : start + NAMED_AT_ONCE]
        values = {"slugs": [name for name in some if not is_uuid(name)], "ids": [UUID(n) for n in some if is_uuid(n)]}
        for slug, id_, shown, changed_at in connection.execute(_NAMED, values):
            changed.add(changed_at)
            if shown:
                found[slug or str(id_)] = id_
    return found, latest(changed)


NAMED_AT_ONCE = 1_000

_SHOWN = (Article.id, case((visible(), 1), else_=0), Article.changed_at)
_SLUGS: BindParameter[Any] = bindparam("slugs", expanding=True)
_NAMED = union_all(
    select(Article.slug, *_SHOWN).where(Article.slug.in_(_SLUGS)),
    select(OldSlug.slug, *_SHOWN)
    .join(OldSlug, OldSlug.subject_id == Article.id)
    .where(OldSlug.kind == "article", OldSlug.slug.in_(_SLUGS)),
    select(null(), *_SHOWN).where(Article.id.in_(bindparam("ids", expanding=True))),
)


_FIND = select(LogHead.seq, LogHead.mark, Article.id, Article.status, Article.gone).select_from(LogHead)
_FIND_SLUG = _FIND.outerjoin(Article, Article.slug == bindparam("which"))
_FIND_ID = _FIND.outerjoin(Article, Article.id == bindparam("which"))
_FIND_FORMER = (
    select(Article.id, Article.slug, Article.status, Article.gone)
    .join(OldSlug, OldSlug.subject_id == Article.id)
    .where(OldSlug.kind == "article", OldSlug.slug == bindparam("which"))
)


class _More(NamedTuple):
    """What is read beside the summary: whether the detail row, and which links."""

    detail: bool
    kinds: tuple[str, ...]


def _more(wanted: Collection[str]) -> _More:
    return _More(not DETAIL.isdisjoint(wanted), tuple(kind for kind in LINKS if kind == "authors" or kind in wanted))


def _selected(more: _More, *, hidden: bool = False) -> Select[Any]:
    columns = (*_SUMMARY, *_SHORT, _CHANGED, *map(_linked, more.kinds), *(_DETAIL if more.detail else ()))
    found = select(*columns).select_from(Article)
    if more.detail:
        found = found.join(ArticleDetail, ArticleDetail.article_id == Article.id)
    found = found.outerjoin(Brand, Brand.id == Article.brand_id).outerjoin(Section, Section.id == Article.section_id)
    return found if hidden else found.where(visible())


def _linked(kind: str) -> ColumnElement[Any]:
    """The links of an article, of one kind: place in its order, slug, name, and when that name last changed."""
    link, term_id, term = LINKS[kind]
    found = select(gathered(link.position, term.slug, term.name, term.changed_at)).select_from(link)
    return (
        found.join(term, term.id == term_id).where(link.article_id == Article.id).correlate(Article).scalar_subquery()
    )


@lru_cache(maxsize=1024)
def _page_statement(rows: FromClause, order: tuple[Any, ...], more: _More) -> Select[Any]:
    return _selected(more).join(rows, rows.c.article_id == Article.id).order_by(*order)


@lru_cache(maxsize=16)
def _ids_statement(more: _More, *, hidden: bool) -> Select[Any]:
    return _selected(more, hidden=hidden).where(Article.id.in_(bindparam("ids", expanding=True)))


def _records(
    connection: Connection, rows: Sequence[Any], wanted: Collection[str]
) -> tuple[list[Record], datetime | None]:
    """Make records of rows, with the links that are wanted; answer them and the latest change of anything on them."""
    records: list[Record] = []
    changed: set[datetime | None] = set()
    detail, kinds = _more(wanted)
    beyond = _C + len(kinds)
    for row in rows:
        record: Record = dict(zip(_SUMMARY_NAMES, row, strict=False))
        brand, brand_name, section, section_name = row[_N:_S]
        record["brand"] = {"slug": brand, "name": brand_name} if brand else None
        record["section"] = {"slug": section, "name": section_name} if section else None
        changed.add(row[_S])
        for kind, links in zip(kinds, row[_C:beyond], strict=True):
            shown = record[kind] = []
            for _, slug, name, changed_at in sorted(links or ()):
                shown.append({"slug": slug, "name": name})
                changed.add(moment(changed_at))
        if detail:
            record |= zip(_DETAIL_NAMES, row[beyond:], strict=True)
        records.append(record)
    if records and "previous_slugs" in wanted:
        _add_previous_slugs(connection, records)
    return records, latest(changed)


_OLD_SLUGS = (
    select(OldSlug.subject_id, OldSlug.slug)
    .where(OldSlug.kind == "article", OldSlug.subject_id.in_(bindparam("ids", expanding=True)))
    .order_by(OldSlug.at, OldSlug.slug)
)


def _add_previous_slugs(connection: Connection, records: list[Record]) -> None:
    by_id = {record["id"]: record for record in records}
    for record in records:
        record["previous_slugs"] = []
    for article_id, slug in prepared.rows(connection, _OLD_SLUGS, {"ids": list(by_id)}):
        by_id[article_id]["previous_slugs"].append(slug)
