"""Related lists: loading, building and filling up with the newest articles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, func, literal, select, union_all
from sqlalchemy.orm import aliased

from newsapi.changelog.tables import ConsumerOffset, Facet
from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import translations
from newsapi.content.queries.listing_entries import ALL_ARTICLES_FACET
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ArticleContent, ListingEntry
from newsapi.content.tables.terms import Brand
from newsapi.db.types import latest_time
from newsapi.related import index, term_statistics
from newsapi.related.near_duplicates import NearDuplicateFilter, Shingles
from newsapi.related.ranking import RankingReason, rank_candidates
from newsapi.related.stored_lists import NewRelatedList, RelatedItem
from newsapi.related.tables import RelatedList, RelatedTermStatistics
from newsapi.related.texts import load_texts
from newsapi.related.vectors import IdfWeights, term_labels
from newsapi.text.stemming import shingle_hashes

STORED_LIST_SIZE: Final = 30
"""Articles stored in a related list."""

CANDIDATES: Final = 90
"""Candidates that are compared to build a list."""

_EXTRA_CANDIDATES: Final = 4


class RelatedResult(NamedTuple):
    """The related articles of an article, each record with its `relation`, and the dependencies of the result.

    Beside the list itself, the result depends on `facets` and on the picks with these `slugs`, which may be withdrawn.
    Picks that are not public are not named here: if there are any, `facets` contains the facet of all articles, because
    any article that becomes public may be one of them.
    """

    records: list[ArticleRow]
    changed_at: datetime | None
    facets: frozenset[int]
    slugs: frozenset[str]


class _LoadedList(NamedTuple):
    """The items of a list, the time of the last change they reflect, and whether the list is stored."""

    items: list[RelatedItem]
    changed_at: datetime | None
    is_stored: bool


class _Source(NamedTuple):
    """The article whose related articles are read, with its stored list; the columns of `_SOURCE`."""

    id: UUID
    changed_at: datetime | None
    section_id: UUID | None
    language: str
    translation_group: str | None
    brand: str | None
    picks: list[str]
    bans: list[str] | None
    pool: int
    all_articles: int
    pool_changed_at: datetime | None
    group_changed_at: datetime | None
    group: int | None
    weights_version: int | None
    index_revision: int | None
    weights_counted_at: datetime | None
    log_position: int | None
    list_version: int | None
    list_items: list[tuple[str, str, float, list[RankingReason]]] | None
    list_built_at: datetime | None
    list_max_items: int | None


_Own = aliased(Brand)
_Above = aliased(Brand)
_Group = aliased(Facet)
_POOL = func.coalesce(_Own.facet_id, ALL_ARTICLES_FACET)
_SOURCE = (
    select(
        Article.id,
        Article.changed_at,
        Article.section_id,
        Article.language,
        ArticleContent.translation_group,
        _Own.slug.label("brand"),
        ArticleContent.picks,
        ArticleContent.bans,
        Facet.id.label("pool"),
        ALL_ARTICLES_FACET.label("all_articles"),
        Facet.changed_at.label("pool_changed_at"),
        _Group.changed_at.label("group_changed_at"),
        _Group.id.label("group"),
        select(RelatedTermStatistics.version).scalar_subquery().label("weights_version"),
        select(RelatedTermStatistics.revision).scalar_subquery().label("index_revision"),
        select(RelatedTermStatistics.counted_at).scalar_subquery().label("weights_counted_at"),
        select(ConsumerOffset.seq)
        .where(ConsumerOffset.consumer == index.CONSUMER)
        .scalar_subquery()
        .label("log_position"),
        RelatedList.version.label("list_version"),
        RelatedList.entries.label("list_items"),
        RelatedList.built_at.label("list_built_at"),
        RelatedList.max_items.label("list_max_items"),
    )
    .select_from(Article)
    .join(ArticleContent, ArticleContent.article_id == Article.id)
    .outerjoin(_Own, _Own.id == Article.brand_id)
    .outerjoin(_Above, _Above.id == _Own.parent_id)
    .join(Facet, Facet.id == _POOL)
    .outerjoin(_Group, _Group.id == func.coalesce(_Above.group_facet_id, _Own.group_facet_id))
    .outerjoin(RelatedList, RelatedList.article_id == Article.id)
    .where(Article.id == bindparam("article"))
)


def _newest(level: str, priority: int) -> Select[str, int, UUID, datetime]:
    newest = (
        select(ListingEntry.article_id, ListingEntry.published_at)
        .where(ListingEntry.facet_id == bindparam(level))
        .order_by(ListingEntry.published_at.desc(), ListingEntry.article_id.desc())
        .limit(bindparam("rows"))
        .subquery(level)
    )
    return select(literal(level).label("level"), literal(priority).label("rank"), *newest.c)


_AROUND = union_all(_newest("recent", 0), _newest("group", 1)).subquery("around")
_NEWEST = (
    select(_AROUND.c.article_id, _AROUND.c.level, Article.section_id, Article.language)
    .join(Article, and_(Article.id == _AROUND.c.article_id, is_visible()))
    .order_by(_AROUND.c.rank, _AROUND.c.published_at.desc(), _AROUND.c.article_id.desc())
)


def get_related(
    connection: Connection,
    article: UUID,
    *,
    limit: int,
    exclude: Collection[str] = (),
    save: Callable[[NewRelatedList], bool] = lambda _: False,
) -> RelatedResult:
    """Return at most `limit` related articles, best first, without those whose slugs are in `exclude`.

    The order is: the picks of the editors, similar articles, then the newest articles of the section, the brand and the
    group; of the similar and of the newest articles, those in the language of the source come first. Translations of
    the source are listed only if editors picked them. A list that had to be built is passed to `save`, which returns
    whether it was stored.

    Returns:
        The records and the dependencies of the result.
    """
    source = _Source(*connection.execute(_SOURCE, {"article": article}).one())
    picks, bans = _editor_picks(connection, source)
    translated = _translations(connection, source)
    hidden = {
        *bans,
        *({record["id"] for record in translated.records[source.translation_group or ""]} - set(picks.values())),
    }
    depth = limit + len(exclude) + len(hidden)
    listed = _load_or_build(connection, source, [*dict.fromkeys(picks.values())], depth=depth, save=save)
    relations = {UUID(item.id): item for item in listed.items}
    candidates = article_queries.get_many(
        connection, [UUID(item.id) for item in listed.items[: depth + _EXTRA_CANDIDATES]]
    )
    records = [
        _with_relation(record, relations[record["id"]])
        for record in candidates.records
        if record["slug"] not in exclude and record["id"] not in hidden and _may_list(record, relations, source)
    ][:limit]
    times = {source.changed_at, source.weights_counted_at, listed.changed_at, candidates.changed_at}
    times.add(translated.changed_at)
    facets = {*translated.facets}
    if not listed.is_stored:
        facets.add(source.pool)
    if len(picks) < len(source.picks):  # some picks are not public, or also excluded
        facets.add(source.all_articles)
    if len(records) < limit:
        newest = _fill_with_newest(connection, source, records, {*relations, *hidden}, exclude, limit=limit)
        records += newest.records
        times |= {newest.changed_at, source.pool_changed_at, source.group_changed_at}
        facets |= {source.pool, source.group or source.pool}
    return RelatedResult(records, latest_time(times), frozenset(facets), frozenset(picks))


def _may_list(record: ArticleRow, relations: Mapping[UUID, RelatedItem], source: _Source) -> bool:
    """Return whether an article is a pick, or still of the same brand as the source."""
    brand = record["brand"]["slug"] if record["brand"] else None
    return bool(relations[record["id"]].level == "pick" or brand == source.brand)


def _translations(connection: Connection, source: _Source) -> translations.TranslationSet:
    """Return the public articles of the translation group of the source, which is one of them."""
    if source.translation_group is None:
        return translations.TranslationSet({"": []}, frozenset(), None)
    return translations.list_for_groups(connection, [source.translation_group])


def _editor_picks(connection: Connection, source: _Source) -> tuple[dict[str, UUID], set[UUID]]:
    """Return the picks of the editors by the name they were picked by, in order, and the ids that they excluded.

    Both contain public articles only, also those whose slug has changed since.

    Returns:
        The picks without those that are also excluded, and the excluded ids.
    """
    slugs_or_ids = {*source.picks, *(source.bans or ())}
    ids = article_queries.resolve_names(connection, slugs_or_ids)[0] if slugs_or_ids else {}
    bans = {ids[name] for name in source.bans or () if name in ids}
    return {name: ids[name] for name in source.picks if name in ids and ids[name] not in bans}, bans


def _load_or_build(
    connection: Connection,
    source: _Source,
    picks: Sequence[UUID],
    *,
    depth: int,
    save: Callable[[NewRelatedList], bool],
) -> _LoadedList:
    """Return the stored list, or a new one if it is outdated, missing or shorter than `depth`."""
    stored_items = _current_items(source, picks)
    if stored_items is not None:
        # The list may have been stored by a release with another STORED_LIST_SIZE.
        max_items = source.list_max_items or 0
        if len(stored_items) < max_items or depth <= max_items:
            return _LoadedList(stored_items, source.list_built_at, is_stored=True)
    items, min_similarity = _build_list(connection, source, picks, size=max(STORED_LIST_SIZE, depth))
    is_stored = False
    if source.weights_version is not None:
        new_list = NewRelatedList(
            article=source.id,
            pool=source.pool,
            version=source.weights_version,
            revision=source.index_revision,
            log_position=source.log_position,
            pool_changed_at=source.pool_changed_at,
            min_similarity=min_similarity,
            max_items=STORED_LIST_SIZE,
            items=items[:STORED_LIST_SIZE],
        )
        is_stored = save(new_list)
    return _LoadedList(items, source.pool_changed_at, is_stored)


def _current_items(source: _Source, picks: Iterable[UUID]) -> list[RelatedItem] | None:
    """Return the items of the stored list; None if the list is missing or is not what would be built now."""
    if source.list_items is None or source.list_version != source.weights_version:
        return None
    items = [RelatedItem(*item) for item in source.list_items]
    return items if [item.id for item in items if item.level == "pick"] == [str(id_) for id_ in picks] else None


def _with_relation(record: ArticleRow, item: RelatedItem) -> ArticleRow:
    return {**record, "relation": {"score": item.score, "level": item.level, "reasons": item.reasons}}


def _build_list(
    connection: Connection, source: _Source, picks: Sequence[UUID], *, size: int
) -> tuple[list[RelatedItem], float]:
    """Build a list of at most `size` items; return it with the similarity of the last item, 0 for a short list."""
    items = [RelatedItem(str(id_), "pick", 1.0, [REASON_PICKED]) for id_ in picks]
    if source.weights_version is None:
        return items, 0.0
    weights = term_statistics.weights_of_version(connection, source.weights_version)
    vector = index.load_vectors(connection, [source.id], weights)[source.id]
    duplicates = NearDuplicateFilter(lambda id_: _shingles(connection, id_))
    duplicates.add(source.id, vector)
    for id_, pick_vector in index.load_vectors(connection, picks, weights).items():
        duplicates.add(id_, pick_vector)
    candidates = [
        candidate
        for candidate in index.find_candidates(connection, source.pool, vector, weights, max(CANDIDATES, size))
        if candidate.id != source.id and candidate.id not in picks
    ]
    labels = term_labels(load_texts(connection, [source.id])[source.id].text)
    similarities = []
    for is_own in (True, False):
        of_language = [one for one in candidates if (one.profile.language == vector.language) is is_own]
        ranked = rank_candidates(
            vector, of_language, weights, labels=labels, duplicates=duplicates, limit=size - len(items)
        )
        items += [RelatedItem(str(article.id), "related", article.score, article.reasons) for article in ranked]
        # Every new article in the language of the source may replace one in another language.
        similarities += [article.similarity if is_own else 0.0 for article in ranked]
    return items, min(similarities, default=0.0) if len(items) >= STORED_LIST_SIZE else 0.0


def _is_same_language(language: str, other: str) -> bool:
    """Return whether two language tags name the same language, in any region or script."""
    return language.partition("-")[0] == other.partition("-")[0]


def _shingles(connection: Connection, id_: UUID) -> Shingles:
    """Return the shingles of the whole text of an article; none if it is no longer public."""
    sources = load_texts(connection, [id_])
    return frozenset(shingle_hashes(sources[id_].text.whole)) if sources else frozenset()


def _fill_with_newest(
    connection: Connection,
    source: _Source,
    shown: Sequence[ArticleRow],
    listed: Collection[UUID],
    exclude: Collection[str],
    *,
    limit: int,
) -> article_queries.ArticlePage:
    """Return the newest articles of section, brand and group that fill the list up to `limit`.

    Near-duplicates of the source, of the records in `shown` and of one another are left out, and so are `listed` ids.

    Returns:
        The records to append, and the time of their last change.
    """
    newest = _newest_levels(connection, source, limit=limit + len(listed) + len(exclude) + _EXTRA_CANDIDATES)
    levels = {id_: level for id_, (level, _) in newest.items()}
    ids = sorted(
        (id_ for id_ in newest if id_ not in listed and id_ != source.id),
        key=lambda id_: (not _is_same_language(newest[id_][1], source.language), _LEVEL_ORDER[levels[id_]]),
    )
    candidates = article_queries.get_many(connection, ids[: limit + len(exclude) + _EXTRA_CANDIDATES])
    weights = term_statistics.current_weights(connection) or IdfWeights(0, 0, {})
    duplicates = NearDuplicateFilter(lambda id_: _shingles(connection, id_))
    compared = [source.id, *(record["id"] for record in (*shown, *candidates.records))]
    vectors = index.load_vectors(connection, compared, weights)
    for id_ in (source.id, *(record["id"] for record in shown)):
        duplicates.add(id_, vectors[id_])
    records: list[ArticleRow] = []
    for record in candidates.records:
        if len(shown) + len(records) == limit:
            break
        if record["slug"] not in exclude and duplicates.add(record["id"], vectors[record["id"]]):
            records.append(
                _with_relation(record, RelatedItem(str(record["id"]), levels[record["id"]], 0.0, [REASON_NEW]))
            )
    return article_queries.ArticlePage(records, candidates.changed_at)


def _newest_levels(connection: Connection, source: _Source, *, limit: int) -> dict[UUID, tuple[str, str]]:
    """Return the newest articles of the brand and of the group with level and language, newest first within each."""
    parameters = {"recent": source.pool, "group": source.group or source.pool, "rows": limit}
    levels: dict[UUID, tuple[str, str]] = {}
    for id_, level, section, language in connection.execute(_NEWEST, parameters):
        is_same_section = level == "recent" and section is not None and section == source.section_id
        levels.setdefault(id_, ("section" if is_same_section else level, language))
    return levels


_LEVEL_ORDER: Final = {"section": 0, "recent": 1, "group": 2}
REASON_PICKED: Final[RankingReason] = {"kind": "pick", "weight": 1.0, "terms": []}
REASON_NEW: Final[RankingReason] = {"kind": "fresh", "weight": 1.0, "terms": []}
