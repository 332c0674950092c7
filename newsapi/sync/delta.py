"""Events since a change: each article and each term at most once, with its latest event, in the order of the changelog.

An article that matches the filters has its event at its last change (`article.seq`); an article that left them, at the
change by which it left (`newsapi/changelog/exits.py`). Sequence numbers follow the commit order, so a client that has
read up to one has missed nothing before it, and an article that changes again moves ahead of the client, never behind.
A page reads a bounded part of the changelog: it may have fewer events than its limit, and says how far it read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from newsapi.changelog import exits as changelog_exits
from newsapi.changelog.reader import ChangeInfo
from newsapi.changelog.tables import OF_TERMS, Change, Facet
from newsapi.content.queries.listing_conditions import in_facets
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ListingEntry
from newsapi.db import compiled_queries
from newsapi.db.bulk_rows import in_values

MAX_SCANNED_ROWS: Final = 10_000
"""Changed articles that a page may read and skip because they do not match the filters."""

SMALL_FILTER_SIZE: Final = 1_000
"""If the smallest filter has at most so many articles, they are read by id and the changelog is not scanned."""


@dataclass(frozen=True, slots=True)
class FilterGroup:
    """One filter, as facets.

    An article matches if it is in any facet of `now`. `current_and_former_facets` adds the facets that the values of
    the filter referred to earlier. `articles` is the sum of the article counts of the facets in `now`; an article in
    several of them counts several times.
    """

    now: frozenset[int]
    current_and_former_facets: frozenset[int]
    articles: int


class Event(NamedTuple):
    """The latest event of an article or a term, with the change at which it is reported."""

    seq: int
    kind: str
    id: UUID
    action: Literal["upsert", "delete"]
    reason: str | None = None


class Page(NamedTuple):
    """Events in the order of the changelog; up to the change `until` they are complete."""

    events: list[Event]
    until: int


def events_page(
    connection: Connection, groups: Sequence[FilterGroup], kinds: Collection[str], after: int, head: int, *, limit: int
) -> Page:
    """Return the first events after a change.

    Args:
        connection: A connection in a read transaction.
        groups: The filters, all of which an article must match.
        kinds: The kinds to report: `article` and kinds of terms.
        after: The change after which events are reported.
        head: The last change that is visible to this read.
        limit: The maximum number of events.

    Returns:
        The events, and the change up to which they are complete.
    """
    events: list[Event] = []
    until = head
    if "article" in kinds:
        upserts, until = _list_matching(connection, groups, after, head, limit + 1)
        if len(upserts) > limit:
            until = upserts[limit - 1].seq
        deletes, until = _list_deletes(connection, groups, after, until, limit + 1)
        events += [*upserts, *deletes]
    if term_kinds := sorted(set(kinds) - {"article"}):
        term_events, until = _names(connection, term_kinds, after, until, limit + 1)
        events += term_events
    events = sorted(event for event in events if event.seq <= until)
    if len(events) > limit:
        events = events[:limit]
        until = events[-1].seq
    return Page(events, until)


def _list_matching(
    connection: Connection, groups: Sequence[FilterGroup], after: int, head: int, limit: int
) -> tuple[list[Event], int]:
    """Return events of articles that match the filters and changed, and the change up to which they are complete."""
    if not all(group.now for group in groups):
        return [], head
    smallest = min(groups, key=lambda group: group.articles)
    if smallest.articles <= SMALL_FILTER_SIZE < head - after:
        ids = list(connection.execute(_ARTICLES_IN_FACETS, {"facets": list(smallest.now)}).scalars())
        return _list_upserts(connection, groups, after, head, limit, ids=ids) if ids else [], head
    until = min(head, after + MAX_SCANNED_ROWS)
    events = _list_upserts(connection, groups, after, until, limit)
    if len(events) < limit and until < head:
        # Many of these changes may have been superseded by later ones of the same article: continue by article.
        last: int | None = connection.execute(
            _SEQ_AFTER_SKIPPED, {"after": until, "skipped": MAX_SCANNED_ROWS - 1}
        ).scalar()
        start, until = until, last or head
        events += _list_upserts(connection, groups, start, until, limit - len(events))
    return events, until


def _list_upserts(
    connection: Connection,
    groups: Sequence[FilterGroup],
    after: int,
    until: int,
    limit: int,
    *,
    ids: Sequence[UUID] | None = None,
) -> list[Event]:
    """Return the upsert events of a range of changes, of all articles or of those with these ids."""
    parameters: dict[str, int | list[int]] = {"after": after, "until": until, "limit": limit}
    parameters |= {f"group_{number}": sorted(group.now) for number, group in enumerate(groups)}
    statement = _changes_in_groups(len(groups))
    if ids is None:
        rows = compiled_queries.fetch_rows(connection, statement, parameters)
    else:
        of_ids = statement.where(in_values(connection, Article.id, ids))
        rows = [(seq, id_) for seq, id_ in connection.execute(of_ids, parameters)]
    return [Event(seq, "article", id_, "upsert") for seq, id_ in rows if seq is not None]


@lru_cache(maxsize=16)
def _changes_in_groups(groups: int) -> Select[int | None, UUID]:
    conditions = [in_facets(Article.published_at, Article.id, f"group_{number}") for number in range(groups)]
    in_range = and_(Article.seq > bindparam("after"), Article.seq <= bindparam("until"))
    statement = select(Article.seq, Article.id).where(in_range, is_visible(), *conditions)
    return statement.order_by(Article.seq).limit(bindparam("limit"))


_ARTICLES_IN_FACETS = (
    select(ListingEntry.article_id).distinct().where(ListingEntry.facet_id.in_(bindparam("facets", expanding=True)))
)
_SEQ_AFTER_SKIPPED = (
    select(Article.seq)
    .where(Article.seq > bindparam("after"), Article.seq.is_not(None))
    .order_by(Article.seq)
    .offset(bindparam("skipped"))
    .limit(1)
)


def _list_deletes(
    connection: Connection, groups: Sequence[FilterGroup], after: int, until: int, limit: int
) -> tuple[list[Event], int]:
    """Return events of articles that left the filters.

    Such an article was once in a facet of every filter and is now in no facet of at least one. Its event is at the last
    change by which it left a facet: after this change, a client that has the article must know of it.

    Returns:
        The events, and the change up to which they are complete.
    """
    facets = sorted(frozenset[int]().union(*(group.current_and_former_facets for group in groups)))
    recent_exits, until = changelog_exits.list_between(connection, facets, after, until, limit)
    ids = {row.id for row in recent_exits if row.seq <= until}
    if not ids:
        return [], until
    facets_now = _current_facets(connection, ids, facets)
    exits_by_article: dict[UUID, dict[int, tuple[int, str]]] = {}
    for row in changelog_exits.list_for_articles(connection, ids, facets):
        exits_by_article.setdefault(row.id, {})[row.facet_id] = (row.seq, row.reason)
    events = []
    for id_ in ids:
        current, former = facets_now.get(id_, frozenset()), exits_by_article[id_]
        matches = all(group.now & current for group in groups)
        has_matched = all(group.current_and_former_facets & (current | former.keys()) for group in groups)
        if matches or not has_matched:
            continue
        seq, reason = max(former.values())
        events.append(Event(seq, "article", id_, "delete", reason))
    return [event for event in events if after < event.seq <= until], until


def _current_facets(
    connection: Connection, ids: Collection[UUID], facets: Collection[int]
) -> dict[UUID, frozenset[int]]:
    """Return in which of these facets each of these articles is now; articles in none of them are left out."""
    on = and_(
        ListingEntry.published_at == Article.published_at,
        ListingEntry.article_id == Article.id,
        in_values(connection, ListingEntry.facet_id, facets),
    )
    statement = select(Article.id, ListingEntry.facet_id).join(ListingEntry, on)
    facets_by_id: dict[UUID, frozenset[int]] = {}
    for id_, facet in connection.execute(statement.where(in_values(connection, Article.id, ids), is_visible())):
        facets_by_id[id_] = facets_by_id.get(id_, frozenset()) | {facet}
    return facets_by_id


def _names(connection: Connection, kinds: Sequence[str], after: int, until: int, limit: int) -> tuple[list[Event], int]:
    """Return events of terms that were changed themselves, and the change up to which they are complete."""
    values = {"kinds": kinds, "after": after, "until": until, "limit": limit}
    rows = connection.execute(_NAMES, values).all()
    if not rows:
        return [], until
    if len(rows) >= limit:
        until = rows[-1].seq
    last_seqs = dict(connection.execute(_LAST, {"ids": [row.subject_id for row in rows]}).all())
    latest_rows = [row for row in rows if row.seq == last_seqs[row.subject_id]]
    return [Event(row.seq, row.kind, row.subject_id, row.action) for row in latest_rows], until


_NAMES = (
    select(Change.seq, Change.kind, Change.subject_id, Change.action)
    .where(
        OF_TERMS,
        Change.kind.in_(bindparam("kinds", expanding=True)),
        Change.seq > bindparam("after"),
        Change.seq <= bindparam("until"),
    )
    .order_by(Change.seq)
    .limit(bindparam("limit"))
)
_LAST = (
    select(Change.subject_id, func.max(Change.seq))
    .where(OF_TERMS, Change.subject_id.in_(bindparam("ids", expanding=True)))
    .group_by(Change.subject_id)
)


def count_members(connection: Connection, facets: Collection[int]) -> int:
    """Return the sum of the article counts of these facets."""
    total = select(func.coalesce(func.sum(Facet.article_count), 0)).where(in_values(connection, Facet.id, facets))
    return int(connection.execute(total).scalar_one())


def matching_ids(connection: Connection, groups: Sequence[FilterGroup], ids: Collection[UUID]) -> set[UUID]:
    """Return the ids of those of these articles that match every filter."""
    if not ids:
        return set()
    facets = frozenset[int]().union(*(group.now for group in groups))
    facets_now = _current_facets(connection, ids, facets)
    return {id_ for id_, current in facets_now.items() if all(group.now & current for group in groups)}


def smallest_filter_ids(connection: Connection, groups: Sequence[FilterGroup], limit: int) -> list[UUID] | None:
    """Return the ids of the articles in the smallest filter, or None if it has more than `limit`."""
    smallest = min(groups, key=lambda group: group.articles)
    if smallest.articles > limit:
        return None
    return list(connection.execute(_ARTICLES_IN_FACETS, {"facets": list(smallest.now)}).scalars())


def nonce_at(changes: Mapping[int, ChangeInfo], seq: int) -> int:
    """Return the nonce of a change in `changes`, 0 for one that is not there, such as the start of the changelog."""
    return changes[seq].nonce if seq in changes else 0
