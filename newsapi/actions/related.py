"""Maintenance of the related index: adds and removes articles, and deletes stored lists that are out of date."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from newsapi.errors import Unavailable
from newsapi.relatedness.profiles import Profile, Weights, describe
from newsapi.store import log, profiles, related
from newsapi.store.database import Connection, Database, Session
from newsapi.store.related import Made
from newsapi.store.told import Told

BLOCK: Final = 500
"""Articles that a rebuild indexes in one transaction."""

EACH: Final = 50
"""For up to this many new articles, the lists that each belongs to are looked up; for more, all lists of their
candidate groups are deleted."""

_LISTS: Final = 1_000
"""Related lists named by one change of the changelog."""


class Work(NamedTuple):
    """An update of the index: articles to replace or remove, and the vectors of those that are public.

    Each vector comes with its candidate group and article id. `counted` are new term statistics, if they were computed.
    """

    changed: Sequence[UUID]
    found: Sequence[tuple[int, UUID, Profile]]
    weights: Weights
    counted: profiles.Count | None = None


def prepare(connection: Connection, changed: Sequence[UUID]) -> Work:
    """Read changed articles and compute their vectors.

    Term statistics are computed again if the number of articles has outgrown them.

    Args:
        connection: A connection to the database.
        changed_ids: The articles that changed, including those that are no longer public.

    Returns:
        The update, for `apply_update`.
    """
    statistics = profiles.counted(connection) if profiles.are_outgrown(connection) else None
    weights = statistics.weights if statistics else profiles.weights(connection) or Weights(0, 0, {})
    return Work(changed, _described(connection, changed, weights), weights, statistics)


def _described(connection: Connection, ids: Collection[UUID], weights: Weights) -> list[tuple[int, UUID, Profile]]:
    sources = profiles.texts(connection, ids)
    return [(source.pool, id_, describe(source.text, weights)) for id_, source in sources.items()]


def do(session: Session, work: Work, *, now: datetime) -> None:
    """Apply an update to the index, delete the lists that it changes, and append this to the changelog."""
    if work.counted:
        profiles.keep_count(session, work.counted, now=now)
    if not work.changed:
        return
    list_ids = related.holding(session, work.changed) | {*work.changed}
    profiles.replace(session, work.changed, work.found)
    if len(work.found) > EACH:
        list_ids |= related.of_pools(session, {group for group, _, _ in work.found})
    else:
        for group, id_, vector in work.found:
            list_ids |= related.wanting(session, group, id_, vector, work.weights)
    _tell(session, related.drop(session, list_ids), work.changed[0], now=now)


def _tell(session: Session, deleted: Sequence[UUID], cause: UUID, *, now: datetime) -> None:
    changes = [
        Told(
            kind="related",
            action="upsert",
            reason="updated",
            subject_id=cause,
            slug="",
            lists=tuple(map(str, sorted(deleted)[start : start + _LISTS])),
        )
        for start in range(0, len(deleted), _LISTS)
    ]
    if changes:
        log.append(session, changes, now=now)


def rebuild(
    database: Database,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> int:
    """Rebuild the index in batches while reads and writes go on.

    Args:
        database: The database.
        now: The clock.
        progress: Called after each batch with the number of articles done and their total.

    Returns:
        The number of articles in the index.
    """
    with database.reading() as connection:
        statistics = profiles.counted(connection)
        indexed_ids = profiles.indexed(connection)
        public_ids = profiles.everything(connection)
    with database.transaction() as session:
        profiles.lock(session)
        profiles.keep_count(session, statistics, now=now())
    for start in range(0, len(public_ids), BLOCK):
        batch = public_ids[start : start + BLOCK]
        with database.reading() as connection:
            index_update = Work(batch, _described(connection, batch, statistics.weights), statistics.weights)
        with database.transaction() as session:
            profiles.lock(session)
            do(session, index_update, now=now())
        progress(start + len(batch), len(public_ids))
    removed_ids = sorted(indexed_ids - {*public_ids})
    with database.transaction() as session:
        profiles.lock(session)
        do(session, Work(removed_ids, [], statistics.weights), now=now())
    return len(public_ids)


def keep(database: Database, made: Made) -> bool:
    """Store a related list that a read has built; return False if the database was busy and it was not stored."""
    try:
        with database.moment() as session:
            return related.keep(session, made)
    except Unavailable:
        return False
