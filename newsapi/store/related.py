"""Related lists: read where they are kept, made where they are not, filled up where they are short, and dropped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, insert, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from newsapi.model import (
    Article,
    ArticleDetail,
    Brand,
    Facet,
    Listing,
    Place,
    RelatedEntry,
    RelatedList,
    RelatedWeights,
)
from newsapi.model.base import latest, table
from newsapi.relatedness.copies import Copies, Pairs
from newsapi.relatedness.profiles import Profile, Weights, names
from newsapi.relatedness.ranking import Gauge, Terms, rank
from newsapi.store import articles, profiles, rows
from newsapi.store.articles import Record
from newsapi.store.public import visible
from newsapi.store.rows import among
from newsapi.text.terms import pairs

KEPT: Final = 30
"""How many are kept of a list."""

POOL: Final = 60
"""How many articles are compared to make one."""

AROUND: Final = 200
"""Among how many it is looked on which lists a new article belongs."""

SLACK: Final = 0.9
"""A list is made anew for an article that is this near to belonging there: what is near to the best gains."""

_SPARE: Final = 4


@dataclass(frozen=True, slots=True)
class Made:
    """A list that was made, with what it was made from, so that it is kept only if that still stands."""

    article: UUID
    pool: int
    version: int
    place: int | None
    at: datetime | None
    floor: float
    items: list[Any]


class Related(NamedTuple):
    """What is listed after an article, each record with its `relation`, and what the answer hangs on.

    `facets` decide on it beside the list itself, `slugs` are picks that may go. Picks that readers do not see may come:
    they are not told, and whatever article comes may be one of them.
    """

    records: list[Record]
    changed_at: datetime | None
    facets: frozenset[int]
    slugs: frozenset[str]


_Own = aliased(Brand)
_Above = aliased(Brand)
_Group = aliased(Facet)
_ALL = select(Facet.id).where(Facet.kind == "all").scalar_subquery()
_POOL = func.coalesce(_Own.facet_id, _ALL)
_SOURCE = (
    select(
        Article.id,
        Article.changed_at,
        Article.section_id,
        _Own.slug.label("brand"),
        ArticleDetail.picks,
        ArticleDetail.bans,
        Facet.id.label("pool"),
        _ALL.label("everything"),
        Facet.at,
        _Group.at.label("group_at"),
        _Group.id.label("group"),
        select(RelatedWeights.version).scalar_subquery().label("weights"),
        select(RelatedWeights.at).scalar_subquery().label("weighed_at"),
        select(Place.seq).where(Place.listener == profiles.LISTENER).scalar_subquery().label("place"),
        RelatedList.version,
        RelatedList.listed,
        RelatedList.at.label("made_at"),
    )
    .select_from(Article)
    .join(ArticleDetail, ArticleDetail.article_id == Article.id)
    .outerjoin(_Own, _Own.id == Article.brand_id)
    .outerjoin(_Above, _Above.id == _Own.parent_id)
    .join(Facet, Facet.id == _POOL)
    .outerjoin(_Group, _Group.id == func.coalesce(_Above.group_facet_id, _Own.group_facet_id))
    .outerjoin(RelatedList, RelatedList.article_id == Article.id)
    .where(Article.id == bindparam("article"))
)


def _newest(level: str, rank_: int) -> Select[Any]:
    rows = (
        select(Listing.article_id, Listing.published_at)
        .where(Listing.facet_id == bindparam(level))
        .order_by(Listing.published_at.desc(), Listing.article_id.desc())
        .limit(bindparam("rows"))
        .subquery(level)
    )
    return select(literal(level).label("level"), literal(rank_).label("rank"), *rows.c)


_AROUND = union_all(_newest("recent", 0), _newest("group", 1)).subquery("around")
_NEWEST = (
    select(_AROUND.c.article_id, _AROUND.c.level, Article.section_id)
    .join(Article, and_(Article.id == _AROUND.c.article_id, visible()))
    .order_by(_AROUND.c.rank, _AROUND.c.published_at.desc(), _AROUND.c.article_id.desc())
)


def of_article(
    connection: Connection,
    article: UUID,
    *,
    limit: int,
    exclude: Collection[str] = (),
    keep: Callable[[Made], bool] = lambda _: False,
) -> Related:
    """Answer at most `limit` related articles, best first; `exclude` are slugs to leave out.

    What the editors picked comes first, then what is near, then what is new in its section, in its brand and in its
    group. A list that had to be made is handed to `keep`, which answers whether it was kept.
    """
    source = connection.execute(_SOURCE, {"article": article}).one()
    picked, banned = _chosen(connection, source)
    depth = limit + len(exclude) + len(banned)
    items, since, is_kept = source.listed, source.made_at, True
    if not _stands(source, dict.fromkeys(picked.values())) or (len(items) == KEPT < depth):
        items, floor = _made(connection, source, [*dict.fromkeys(picked.values())], most=max(KEPT, depth))
        since = source.at
        is_kept = source.weights is not None and keep(_to_keep(source, items[:KEPT], floor))
    found = articles.by_ids(connection, [UUID(item[0]) for item in items[: depth + _SPARE]])
    about = {UUID(item[0]): item[1:] for item in items}
    shown = [
        _with_relation(record, *about[record["id"]])
        for record in found.records
        if record["slug"] not in exclude
        and record["id"] not in banned
        and (about[record["id"]][0] == "pick" or _brand(record) == source.brand)
    ][:limit]
    times, facets = {source.changed_at, source.weighed_at, since, found.changed_at}, set()
    if not is_kept:
        facets.add(source.pool)
    if len(picked) < len(source.picks):  # some are hidden, or banned
        facets.add(source.everything)
    if len(shown) < limit:
        filled = _filled(connection, source, shown, {*about, *banned}, exclude, limit=limit)
        shown += filled.records
        times |= {filled.changed_at, source.at, source.group_at}
        facets |= {source.pool, source.group or source.pool}
    return Related(shown, latest(times), frozenset(facets), frozenset(picked))


def _brand(record: Record) -> str | None:
    return record["brand"]["slug"] if record["brand"] else None


def _chosen(connection: Connection, source: Any) -> tuple[dict[str, UUID], set[UUID]]:
    """What the editors picked, in their order and by the slugs they picked it by, and what they banned.

    Of either what readers may see, under whatever slug it has by now.
    """
    names = {*source.picks, *(source.bans or ())}
    there = articles.named(connection, names)[0] if names else {}
    banned = {there[slug] for slug in source.bans or () if slug in there}
    return {slug: there[slug] for slug in source.picks if slug in there and there[slug] not in banned}, banned


def _stands(source: Any, picked: Iterable[UUID]) -> bool:
    """Whether the list that is kept is what would be made now."""
    if source.listed is None or source.version != source.weights:
        return False
    return [item[0] for item in source.listed if item[1] == "pick"] == [*map(str, picked)]


def _to_keep(source: Any, items: list[Any], floor: float) -> Made:
    return Made(source.id, source.pool, source.weights, source.place, source.at, floor, items)


def _with_relation(record: Record, level: str, score: float, reasons: list[Any]) -> Record:
    return {**record, "relation": {"score": score, "level": level, "reasons": reasons}}


def _made(connection: Connection, source: Any, picked: Sequence[UUID], *, most: int) -> tuple[list[Any], float]:
    """Make a list: ids with their level, score and reasons; and how near the last one is."""
    items: list[Any] = [[str(id_), "pick", 1.0, [PICKED]] for id_ in picked]
    known = None if source.weights is None else profiles.weights_of(connection, source.weights)
    if known is None:
        return items, 0.0
    profile = profiles.described(connection, [source.id], known)[source.id]
    copies = Copies(lambda id_: _pairs(connection, id_))
    copies.add(source.id, profile)
    for id_, its in profiles.described(connection, picked, known).items():
        copies.add(id_, its)
    near = [
        candidate
        for candidate in profiles.candidates(connection, source.pool, profile, known, max(POOL, most))
        if candidate.id != source.id and candidate.id not in picked
    ]
    words = names(profiles.texts(connection, [source.id])[source.id].text)
    ranked = rank(profile, near, known, words=words, copies=copies, most=most - len(items))
    items += [[str(one.id), "related", one.score, one.reasons] for one in ranked]
    floor = min((one.nearness for one in ranked), default=0.0) if len(items) >= KEPT else 0.0
    return items, floor


def _pairs(connection: Connection, id_: UUID) -> Pairs:
    """The pairs of words of a whole article; none of one that is gone."""
    found = profiles.texts(connection, [id_])
    return frozenset(pairs(found[id_].text.whole)) if found else frozenset()


def _filled(
    connection: Connection,
    source: Any,
    shown: Sequence[Record],
    listed: Collection[UUID],
    exclude: Collection[str],
    *,
    limit: int,
) -> articles.Page:
    """The newest around an article, to fill its list up: no near-copies of it, of what is shown, or of one another."""
    rows_ = limit + len(listed) + len(exclude) + _SPARE
    found = connection.execute(_NEWEST, {"recent": source.pool, "group": source.group or source.pool, "rows": rows_})
    levels: dict[UUID, str] = {}
    for id_, level, section in found:
        own = level == "recent" and section is not None and section == source.section_id
        levels.setdefault(id_, "section" if own else level)
    there = sorted(
        (id_ for id_ in levels if id_ not in listed and id_ != source.id), key=lambda id_: _ORDER[levels[id_]]
    )
    read = articles.by_ids(connection, there[: limit + len(exclude) + _SPARE])
    known = profiles.weights(connection) or Weights(0, 0, {})
    copies = Copies(lambda id_: _pairs(connection, id_))
    their = profiles.described(connection, [source.id, *(record["id"] for record in (*shown, *read.records))], known)
    for id_ in (source.id, *(record["id"] for record in shown)):
        copies.add(id_, their[id_])
    new: list[Record] = []
    for record in read.records:
        if len(shown) + len(new) == limit:
            break
        if record["slug"] not in exclude and copies.add(record["id"], their[record["id"]]):
            new.append(_with_relation(record, levels[record["id"]], 0.0, [NEW]))
    return articles.Page(new, read.changed_at)


_ORDER: Final = {"section": 0, "recent": 1, "group": 2}
PICKED: Final = {"kind": "pick", "weight": 1.0, "terms": []}
NEW: Final = {"kind": "fresh", "weight": 1.0, "terms": []}


# --- keeping lists, and dropping them ---------------------------------------------------------------------------------


def keep(session: Session, made: Made) -> bool:
    """Keep a list, if the index has not moved on since it was made; answer whether it has not."""
    place = select(Place.seq).where(Place.listener == profiles.LISTENER).with_for_update(read=True)
    if made.place is None or session.execute(place).scalar() != made.place:
        return False
    if session.execute(select(RelatedWeights.version)).scalar() != made.version:
        return False
    drop(session, [made.article])
    row = {
        "article_id": made.article,
        "pool": made.pool,
        "version": made.version,
        "at": made.at,
        "floor": made.floor,
        "listed": made.items,
    }
    session.execute(insert(table(RelatedList)).values(row))
    entries = [(UUID(item[0]), made.article) for item in made.items]
    rows.insert(session, RelatedEntry, ("other_id", "article_id"), entries)
    return True


def drop(session: Session, of: Collection[UUID]) -> list[UUID]:
    """Drop the lists of these articles; answer those of them that had one."""
    connection = session.connection()
    row = table(RelatedList).c
    there = connection.execute(select(row.article_id, row.listed).where(among(connection, row.article_id, of))).all()
    entries = [{"other": UUID(item[0]), "article": id_} for id_, items in there for item in items]
    if entries:
        connection.execute(_ENTRY_OUT, entries)
    if there:
        connection.execute(delete(table(RelatedList)).where(among(connection, row.article_id, of)))
    return [id_ for id_, _ in there]


_ENTRY = table(RelatedEntry).c
_ENTRY_OUT = delete(table(RelatedEntry)).where(
    _ENTRY.other_id == bindparam("other", type_=_ENTRY.other_id.type),
    _ENTRY.article_id == bindparam("article", type_=_ENTRY.article_id.type),
)


def holding(session: Session, ids: Collection[UUID]) -> set[UUID]:
    """Answer on whose lists these articles stand."""
    connection = session.connection()
    found = select(RelatedEntry.article_id).where(among(connection, RelatedEntry.other_id, ids))
    return {*connection.execute(found).scalars()} if ids else set()


def of_pools(session: Session, pools: Collection[int]) -> set[UUID]:
    """Answer whose lists are kept in these pools."""
    connection = session.connection()
    return {
        *connection.execute(select(RelatedList.article_id).where(among(connection, RelatedList.pool, pools))).scalars()
    }


def wanting(session: Session, pool: int, article: UUID, profile: Profile, known: Weights) -> set[UUID]:
    """Answer on whose lists an article belongs that has just come into the index."""
    connection = session.connection()
    gauge = Gauge(Terms(profile), known)
    around = profiles.candidates(connection, pool, profile, known, AROUND)
    near = {one.id: gauge.nearness(Terms(one.profile)) for one in around if one.id != article}
    row = table(RelatedList).c
    lists = connection.execute(select(row.article_id, row.floor).where(among(connection, row.article_id, [*near])))
    return {id_ for id_, floor in lists if near[id_] >= SLACK * floor}
