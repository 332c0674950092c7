"""Related lists: loading, building and filling up with the newest articles."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from newsapi.content.article_types import ArticleRow
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import translations
from newsapi.db.types import latest_time
from newsapi.related import index, term_statistics
from newsapi.related.filling import EXTRA_CANDIDATES, fill_list, make_duplicate_filter, with_relation
from newsapi.related.ranking import RankingReason, rank_by_language
from newsapi.related.source import SourceArticle, get_source
from newsapi.related.stored_lists import NewRelatedList, RelatedItem
from newsapi.related.texts import load_texts
from newsapi.related.vectors import term_labels

STORED_LIST_SIZE: Final = 30
"""Articles stored in a related list."""

CANDIDATES: Final = 90
"""Candidates that are compared to build a list."""


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


def get_related(
    connection: Connection,
    article: UUID,
    *,
    limit: int,
    exclude: Collection[str] = (),
    save: Callable[[NewRelatedList], bool] = lambda _: False,
) -> RelatedResult:
    """Return at most `limit` related articles, best first, without those whose slugs are in `exclude`.

    The order is: the picks of the editors, similar articles of the brand, then what `filling.fill_list` adds. Of the
    similar articles, those in the language of the source come first. Translations of the source are listed only if
    editors picked them. A list that had to be built is passed to `save`, which returns whether it was stored.

    Returns:
        The records and the dependencies of the result.
    """
    source = get_source(connection, article)
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
        connection, [UUID(item.id) for item in listed.items[: depth + EXTRA_CANDIDATES]]
    )
    records = [
        with_relation(record, relations[record["id"]])
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
        filling = fill_list(
            connection, source, records, excluded_ids={*relations, *hidden}, excluded_slugs=exclude, limit=limit
        )
        records += filling.records
        times |= filling.changed_at
        facets |= filling.facets
    return RelatedResult(records, latest_time(times), frozenset(facets), frozenset(picks))


def _may_list(record: ArticleRow, relations: Mapping[UUID, RelatedItem], source: SourceArticle) -> bool:
    """Return whether an article is a pick, or still of the same brand as the source."""
    brand = record["brand"]["slug"] if record["brand"] else None
    return bool(relations[record["id"]].level == "pick" or brand == source.brand)


def _translations(connection: Connection, source: SourceArticle) -> translations.TranslationSet:
    """Return the public articles of the translation group of the source, which is one of them."""
    if source.translation_group is None:
        return translations.TranslationSet({"": []}, frozenset(), None)
    return translations.list_for_groups(connection, [source.translation_group])


def _editor_picks(connection: Connection, source: SourceArticle) -> tuple[dict[str, UUID], set[UUID]]:
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
    source: SourceArticle,
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
            pool=index.ALL_BRANDS if _needs_other_brands(source, items) else source.pool,
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


def _needs_other_brands(source: SourceArticle, items: Sequence[RelatedItem]) -> bool:
    """Return whether articles of other brands may be appended to a list with these items."""
    return len(items) < STORED_LIST_SIZE and (source.brand is None or not items)


def _current_items(source: SourceArticle, picks: Iterable[UUID]) -> list[RelatedItem] | None:
    """Return the items of the stored list; None if the list is missing or is not what would be built now."""
    if source.list_items is None or source.list_version != source.weights_version:
        return None
    items = [RelatedItem(*item) for item in source.list_items]
    return items if [item.id for item in items if item.level == "pick"] == [str(id_) for id_ in picks] else None


def _build_list(
    connection: Connection, source: SourceArticle, picks: Sequence[UUID], *, size: int
) -> tuple[list[RelatedItem], float]:
    """Build a list of at most `size` items; return it with the similarity of the last item, 0 for a short list."""
    items = [RelatedItem(str(id_), "pick", 1.0, [REASON_PICKED]) for id_ in picks]
    if source.weights_version is None:
        return items, 0.0
    weights = term_statistics.weights_of_version(connection, source.weights_version)
    vector = index.load_vectors(connection, [source.id], weights)[source.id]
    duplicates = make_duplicate_filter(connection)
    duplicates.add(source.id, vector)
    for id_, pick_vector in index.load_vectors(connection, picks, weights).items():
        duplicates.add(id_, pick_vector)
    candidates = [
        candidate
        for candidate in index.find_candidates(connection, source.pool, vector, weights, max(CANDIDATES, size))
        if candidate.id != source.id and candidate.id not in picks
    ]
    labels = term_labels(load_texts(connection, [source.id])[source.id].text)
    own, others = rank_by_language(
        vector, candidates, weights, labels=labels, duplicates=duplicates, limit=size - len(items)
    )
    items += [RelatedItem(str(article.id), "related", article.score, article.reasons) for article in (*own, *others)]
    if others or len(items) < STORED_LIST_SIZE:
        return items, 0.0  # every new article in the language of the source belongs on the list
    return items, min((article.similarity for article in own), default=0.0)


REASON_PICKED: Final[RankingReason] = {"kind": "pick", "weight": 1.0, "terms": []}
