"""Keeping related lists right: articles into the index and out of it, lists dropped that are other ones now."""

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
"""Articles that are indexed in one transaction by a rebuild."""

EACH: Final = 50
"""Of so many new articles it is looked up on which lists each belongs; of more, all of their brands are dropped."""

_LISTS: Final = 1_000
"""Lists that one change names."""


class Work(NamedTuple):
    """What is to be done to the index: these articles described anew, by these weights, those taken out."""

    changed: Sequence[UUID]
    found: Sequence[tuple[int, UUID, Profile]]
    weights: Weights
    counted: profiles.Count | None = None


def prepare(connection: Connection, changed: Sequence[UUID]) -> Work:
    """Read what changed and describe it; count terms anew where the archive has outgrown what was counted."""
    count = profiles.counted(connection) if profiles.are_outgrown(connection) else None
    weights = count.weights if count else profiles.weights(connection) or Weights(0, 0, {})
    return Work(changed, _described(connection, changed, weights), weights, count)


def _described(connection: Connection, ids: Collection[UUID], weights: Weights) -> list[tuple[int, UUID, Profile]]:
    there = profiles.texts(connection, ids)
    return [(source.pool, id_, describe(source.text, weights)) for id_, source in there.items()]


def do(session: Session, work: Work, *, now: datetime) -> None:
    """Bring the index up to date, drop every list that is another one now, and tell so in the log."""
    if work.counted:
        profiles.keep_count(session, work.counted, now=now)
    if not work.changed:
        return
    lists = related.holding(session, work.changed) | {*work.changed}
    profiles.replace(session, work.changed, work.found)
    if len(work.found) > EACH:
        lists |= related.of_pools(session, {pool for pool, _, _ in work.found})
    else:
        for pool, id_, profile in work.found:
            lists |= related.wanting(session, pool, id_, profile, work.weights)
    _tell(session, related.drop(session, lists), work.changed[0], now=now)


def _tell(session: Session, dropped: Sequence[UUID], cause: UUID, *, now: datetime) -> None:
    told = [
        Told(
            kind="related",
            action="upsert",
            reason="updated",
            subject_id=cause,
            slug="",
            lists=tuple(map(str, sorted(dropped)[start : start + _LISTS])),
        )
        for start in range(0, len(dropped), _LISTS)
    ]
    if told:
        log.append(session, told, now=now)


def rebuild(
    database: Database, *, now: Callable[[], datetime], progress: Callable[[int, int], None] = lambda _done, _of: None
) -> int:
    """Make the index from scratch, in blocks, while others read and write; answer how many articles are in it.

    `progress` is told how many are done, of how many.
    """
    with database.reading() as connection:
        count = profiles.counted(connection)
        there = profiles.indexed(connection)
        todo = profiles.everything(connection)
    with database.transaction() as session:
        profiles.lock(session)
        profiles.keep_count(session, count, now=now())
    for start in range(0, len(todo), BLOCK):
        block = todo[start : start + BLOCK]
        with database.reading() as connection:
            work = Work(block, _described(connection, block, count.weights), count.weights)
        with database.transaction() as session:
            profiles.lock(session)
            do(session, work, now=now())
        progress(start + len(block), len(todo))
    gone = sorted(there - {*todo})
    with database.transaction() as session:
        profiles.lock(session)
        do(session, Work(gone, [], count.weights), now=now())
    return len(todo)


def keep(database: Database, made: Made) -> bool:
    """Keep a list that a reader had made, if nobody else is writing just now; answer whether it was kept."""
    try:
        with database.moment() as session:
            return related.keep(session, made)
    except Unavailable:
        return False
