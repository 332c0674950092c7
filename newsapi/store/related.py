"""Related lists: loading, building, filling up with the newest articles, saving and deleting."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
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
"""Articles stored in a related list."""

POOL: Final = 60
"""Candidates that are compared to build a list."""

AROUND: Final = 200
"""Nearest articles of a new article whose lists are checked for it."""

SLACK: Final = 0.9
"""A list is rebuilt for an article with this part of its minimum similarity, because reranking can raise its score."""

_SPARE: Final = 4


@dataclass(frozen=True, slots=True)
class Made:
    """A list that was built, with the versions that it was built from: it is saved only if these are still current.

    `min_similarity` is the similarity of the last article of a full list, 0 for a list that has room for more.
    """

    article: UUID
    pool: int
    version: int
    place: int | None
    at: datetime | None
    floor: float
    items: list[Any]


class Related(NamedTuple):
    """The related articles of an article, each record with its `relation`, and the dependencies of the result.

    Beside the list itself, the result depends on `facets` and on the picks with these `slugs`, which may be withdrawn.
    Picks that are not public are not named here: if there are any, `facets` contains the facet of all articles, because
    any article that becomes public may be one of them.
    """

    records: list[Record]
    changed_at: datetime | None
    facets: frozenset[int]
    slugs: frozenset[str]


class _Items(NamedTuple):
    """The items of a list, the time of the last change they reflect, and whether the list is stored.

    An item is the id of an article as a string, its level, its score and its reasons.
    """

    items: list[Any]
    changed_at: datetime | None
    is_stored: bool


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
        ArticleDetail.picks.label("picks"),
        ArticleDetail.bans.label("bans"),
        Facet.id.label("pool"),
        _ALL.label("all_articles"),
        Facet.at.label("pool_changed_at"),
        _Group.at.label("group_changed_at"),
        _Group.id.label("group"),
        select(RelatedWeights.version).scalar_subquery().label("weights_version"),
        select(RelatedWeights.at).scalar_subquery().label("weights_counted_at"),
        select(Place.seq).where(Place.listener == profiles.LISTENER).scalar_subquery().label("log_position"),
        RelatedList.version.label("list_version"),
        RelatedList.listed.label("list_items"),
        RelatedList.at.label("list_built_at"),
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


def _newest(level: str, priority: int) -> Select[Any]:
    newest = (
        select(Listing.article_id, Listing.published_at)
        .where(Listing.facet_id == bindparam(level))
        .order_by(Listing.published_at.desc(), Listing.article_id.desc())
        .limit(bindparam("rows"))
        .subquery(level)
    )
    return select(literal(level).label("level"), literal(priority).label("rank"), *newest.c)


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
    """Return at most `limit` related articles, best first, without those whose slugs are in `exclude`.

    The order is: the picks of the editors, similar articles, then the newest articles of the section, the brand and the
    group. A list that had to be built is passed to `save`, which returns whether it was stored.

    Returns:
        The records and the dependencies of the result.
    """
    source = connection.execute(_SOURCE, {"article": article}).one()
    picks, bans = _chosen(connection, source)
    depth = limit + len(exclude) + len(bans)
    listed = _load_or_build(connection, source, [*dict.fromkeys(picks.values())], depth=depth, save=keep)
    relations = {UUID(item[0]): item[1:] for item in listed.items}
    candidates = articles.by_ids(connection, [UUID(item[0]) for item in listed.items[: depth + _SPARE]])
    records = [
        _with_relation(record, *relations[record["id"]])
        for record in candidates.records
        if record["slug"] not in exclude and record["id"] not in bans and _may_list(record, relations, source)
    ][:limit]
    times = {source.changed_at, source.weights_counted_at, listed.changed_at, candidates.changed_at}
    facets = set()
    if not listed.is_stored:
        facets.add(source.pool)
    if len(picks) < len(source.picks):  # some picks are not public, or also excluded
        facets.add(source.all_articles)
    if len(records) < limit:
        newest = _filled(connection, source, records, {*relations, *bans}, exclude, limit=limit)
        records += newest.records
        times |= {newest.changed_at, source.pool_changed_at, source.group_changed_at}
        facets |= {source.pool, source.group or source.pool}
    return Related(records, latest(times), frozenset(facets), frozenset(picks))


def _may_list(record: Record, relations: Mapping[UUID, Any], source: Any) -> bool:
    """Return whether an article is a pick, or still of the same brand as the source."""
    brand = record["brand"]["slug"] if record["brand"] else None
    return bool(relations[record["id"]][0] == "pick" or brand == source.brand)


def _chosen(connection: Connection, source: Any) -> tuple[dict[str, UUID], set[UUID]]:
    """Return the picks of the editors by the name they were picked by, in order, and the ids that they excluded.

    Both contain public articles only, also those whose slug has changed since.

    Returns:
        The picks without those that are also excluded, and the excluded ids.
    """
    slugs_or_ids = {*source.picks, *(source.bans or ())}
    ids = articles.named(connection, slugs_or_ids)[0] if slugs_or_ids else {}
    bans = {ids[name] for name in source.bans or () if name in ids}
    return {name: ids[name] for name in source.picks if name in ids and ids[name] not in bans}, bans


def _load_or_build(
    connection: Connection, source: Any, picks: Sequence[UUID], *, depth: int, save: Callable[[Made], bool]
) -> _Items:
    """Return the stored list, or a new one if it is outdated, missing or shorter than `depth`."""
    if _stands(source, picks):
        may_be_cut = len(source.list_items) == KEPT
        if not may_be_cut or depth <= KEPT:
            return _Items(source.list_items, source.list_built_at, is_stored=True)
    items, min_similarity = _made(connection, source, picks, size=max(KEPT, depth))
    is_stored = source.weights_version is not None and save(_to_keep(source, items[:KEPT], min_similarity))
    return _Items(items, source.pool_changed_at, is_stored)


def _stands(source: Any, picks: Iterable[UUID]) -> bool:
    """Return whether the stored list is what would be built now."""
    if source.list_items is None or source.list_version != source.weights_version:
        return False
    return [item[0] for item in source.list_items if item[1] == "pick"] == [str(id_) for id_ in picks]


def _to_keep(source: Any, items: list[Any], min_similarity: float) -> Made:
    return Made(
        source.id,
        source.pool,
        source.weights_version,
        source.log_position,
        source.pool_changed_at,
        min_similarity,
        items,
    )


def _with_relation(record: Record, level: str, score: float, reasons: list[Any]) -> Record:
    return {**record, "relation": {"score": score, "level": level, "reasons": reasons}}


def _made(connection: Connection, source: Any, picks: Sequence[UUID], *, size: int) -> tuple[list[Any], float]:
    """Build a list of at most `size` items; return it with the similarity of the last item, 0 for a short list."""
    items: list[Any] = [[str(id_), "pick", 1.0, [PICKED]] for id_ in picks]
    if source.weights_version is None:
        return items, 0.0
    weights = profiles.weights_of(connection, source.weights_version)
    vector = profiles.described(connection, [source.id], weights)[source.id]
    duplicates = Copies(lambda id_: _pairs(connection, id_))
    duplicates.add(source.id, vector)
    for id_, pick_vector in profiles.described(connection, picks, weights).items():
        duplicates.add(id_, pick_vector)
    candidates = [
        candidate
        for candidate in profiles.candidates(connection, source.pool, vector, weights, max(POOL, size))
        if candidate.id != source.id and candidate.id not in picks
    ]
    labels = names(profiles.texts(connection, [source.id])[source.id].text)
    ranked = rank(vector, candidates, weights, words=labels, copies=duplicates, most=size - len(items))
    items += [[str(article.id), "related", article.score, article.reasons] for article in ranked]
    min_similarity = min((article.nearness for article in ranked), default=0.0) if len(items) >= KEPT else 0.0
    return items, min_similarity


def _pairs(connection: Connection, id_: UUID) -> Pairs:
    """Return the shingles of the whole text of an article; none if it is no longer public."""
    sources = profiles.texts(connection, [id_])
    return frozenset(pairs(sources[id_].text.whole)) if sources else frozenset()


def _filled(
    connection: Connection,
    source: Any,
    shown: Sequence[Record],
    listed: Collection[UUID],
    exclude: Collection[str],
    *,
    limit: int,
) -> articles.Page:
    """Return the newest articles of section, brand and group that fill the list up to `limit`.

    Near-duplicates of the source, of the records in `shown` and of one another are left out, and so are `listed` ids.

    Returns:
        The records to append, and the time of their last change.
    """
    levels = _newest_levels(connection, source, limit=limit + len(listed) + len(exclude) + _SPARE)
    ids = sorted((id_ for id_ in levels if id_ not in listed and id_ != source.id), key=lambda id_: _ORDER[levels[id_]])
    candidates = articles.by_ids(connection, ids[: limit + len(exclude) + _SPARE])
    weights = profiles.weights(connection) or Weights(0, 0, {})
    duplicates = Copies(lambda id_: _pairs(connection, id_))
    compared = [source.id, *(record["id"] for record in (*shown, *candidates.records))]
    vectors = profiles.described(connection, compared, weights)
    for id_ in (source.id, *(record["id"] for record in shown)):
        duplicates.add(id_, vectors[id_])
    records: list[Record] = []
    for record in candidates.records:
        if len(shown) + len(records) == limit:
            break
        if record["slug"] not in exclude and duplicates.add(record["id"], vectors[record["id"]]):
            records.append(_with_relation(record, levels[record["id"]], 0.0, [NEW]))
    return articles.Page(records, candidates.changed_at)


def _newest_levels(connection: Connection, source: Any, *, limit: int) -> dict[UUID, str]:
    """Return the newest articles of the brand and of the group with their level, newest first within each."""
    parameters = {"recent": source.pool, "group": source.group or source.pool, "rows": limit}
    levels: dict[UUID, str] = {}
    for id_, level, section in connection.execute(_NEWEST, parameters):
        is_same_section = level == "recent" and section is not None and section == source.section_id
        levels.setdefault(id_, "section" if is_same_section else level)
    return levels


_ORDER: Final = {"section": 0, "recent": 1, "group": 2}
PICKED: Final = {"kind": "pick", "weight": 1.0, "terms": []}
NEW: Final = {"kind": "fresh", "weight": 1.0, "terms": []}


# --- saving and deleting lists ----------------------------------------------------------------------------------------


def keep(session: Session, made: Made) -> bool:
    """Save a list, unless the index has changed since the list was built; return whether it was saved."""
    log_position = select(Place.seq).where(Place.listener == profiles.LISTENER).with_for_update(read=True)
    if made.place is None or session.execute(log_position).scalar() != made.place:
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
    """Delete the lists of these articles; return the ids of those articles that had one."""
    connection = session.connection()
    columns = table(RelatedList).c
    statement = select(columns.article_id, columns.listed).where(among(connection, columns.article_id, of))
    lists = connection.execute(statement).all()
    entries = [{"other": UUID(item[0]), "article": id_} for id_, items in lists for item in items]
    if entries:
        connection.execute(_ENTRY_OUT, entries)
    if lists:
        connection.execute(delete(table(RelatedList)).where(among(connection, columns.article_id, of)))
    return [id_ for id_, _ in lists]


_ENTRY = table(RelatedEntry).c
_ENTRY_OUT = delete(table(RelatedEntry)).where(
    _ENTRY.other_id == bindparam("other", type_=_ENTRY.other_id.type),
    _ENTRY.article_id == bindparam("article", type_=_ENTRY.article_id.type),
)


def holding(session: Session, ids: Collection[UUID]) -> set[UUID]:
    """Return the articles whose lists contain any of these articles."""
    if not ids:
        return set()
    connection = session.connection()
    statement = select(RelatedEntry.article_id).where(among(connection, RelatedEntry.other_id, ids))
    return {*connection.execute(statement).scalars()}


def of_pools(session: Session, pools: Collection[int]) -> set[UUID]:
    """Return the articles whose lists are stored for these pools."""
    connection = session.connection()
    statement = select(RelatedList.article_id).where(among(connection, RelatedList.pool, pools))
    return {*connection.execute(statement).scalars()}


def wanting(session: Session, pool: int, article: UUID, profile: Profile, known: Weights) -> set[UUID]:
    """Return the articles whose lists have to be rebuilt for an article that was just added to the index."""
    connection = session.connection()
    scorer = Gauge(Terms(profile), known)
    neighbours = [near for near in profiles.candidates(connection, pool, profile, known, AROUND) if near.id != article]
    similarities = {near.id: scorer.nearness(Terms(near.profile)) for near in neighbours}
    columns = table(RelatedList).c
    statement = select(columns.article_id, columns.floor)
    lists = connection.execute(statement.where(among(connection, columns.article_id, [*similarities])))
    return {id_ for id_, min_similarity in lists if similarities[id_] >= SLACK * min_similarity}
