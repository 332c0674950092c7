"""Writes to the changelog; only this module assigns a `seq`, in commit order on both databases."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ARRAY, BigInteger, Integer, bindparam, case, column, func, literal, select, update
from sqlalchemy.orm import Session

from newsapi.model import Change, Facet, LogHead
from newsapi.model.base import UtcDateTime, table
from newsapi.store import departures, rows, tallies
from newsapi.store.told import Told


@dataclass(frozen=True, slots=True)
class Numbers:
    """The seqs reserved for a transaction: the first and the last, the nonce of the last, and the commit time."""

    first: int
    last: int
    mark: int
    at: datetime


_FACET = table(Facet)


def lock(session: Session) -> None:
    """Acquire the write lock of the changelog; call this before the first read that the write depends on.

    The lock serializes writers until their commit, on PostgreSQL as on SQLite. No writer overwrites a change it has not
    read, deadlocks cannot occur, and seqs are in commit order.
    """
    session.execute(select(LogHead.seq).with_for_update())


def append(session: Session, told: Sequence[Told], *, now: datetime, bulk: bool = False) -> Numbers:
    """Assign seqs to changes, write them and update the facets they touch; every change must be public."""
    seq_range = take(session, len(told), now=now)
    tell(session, told, seq_range, bulk=bulk)
    return seq_range


def take(session: Session, count: int, *, now: datetime) -> Numbers:
    """Reserve the next `count` seqs, for rows that store the seq before the changes are written.

    Returns:
        The reserved seqs, with a commit time that never goes back: if the clock did, it is that of the previous change.
    """
    head = session.execute(
        update(LogHead)
        .values(
            seq=LogHead.seq + count,
            mark=secrets.randbits(63) if count else LogHead.mark,
            at=case((LogHead.at > now, LogHead.at), else_=literal(now, UtcDateTime())) if count else LogHead.at,
        )
        .returning(LogHead.seq, LogHead.mark, LogHead.at),
        execution_options={"synchronize_session": False},
    ).one()
    return Numbers(head.seq - count + 1, head.seq, head.mark, head.at.astimezone(UTC))


def tell(session: Session, told: Sequence[Told], numbers: Numbers, *, bulk: bool = False) -> None:
    """Write changes under seqs that were reserved for them."""
    if not told:
        return
    nonces = [secrets.randbits(63) for _ in told[1:]]
    nonces.append(numbers.mark)
    change_rows = [
        (
            seq,
            nonce,
            numbers.at,
            change.kind,
            change.action,
            change.reason,
            change.subject_id,
            change.slug,
            change.previous_slug,
            change.more_slugs or None,
            change.version,
            sorted(change.before),
            sorted(change.after),
            change.lists or None,
            bulk,
        )
        for seq, (change, nonce) in enumerate(zip(told, nonces, strict=True), numbers.first)
    ]
    rows.insert(session, Change, _COLUMNS, change_rows)
    _touch(session, told, numbers)
    article_changes = [(seq, change) for seq, change in enumerate(told, numbers.first) if change.kind == "article"]
    departures.note(session, article_changes)
    tallies.note(session, [change for _, change in article_changes])


_COLUMNS = (
    "seq",
    "mark",
    "at",
    "kind",
    "action",
    "reason",
    "subject_id",
    "slug",
    "previous_slug",
    "more_slugs",
    "version",
    "facets_before",
    "facets_after",
    "lists",
    "bulk",
)


def _touch(session: Session, changes: Sequence[Told], seq_range: Numbers) -> None:
    """Update the last change and the number of articles of each facet that the changes touch."""
    last_seqs: dict[int, int] = {}
    count_deltas: Counter[int] = Counter()
    for seq, change in enumerate(changes, seq_range.first):
        last_seqs |= dict.fromkeys(change.before | change.after, seq)
        if change.kind == "article":
            count_deltas.update(change.after - change.before)
            count_deltas.subtract(change.before - change.after)
    if not last_seqs:
        return  # an article that is imported as withdrawn was in no list
    touched = sorted(last_seqs.items())
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        parameters = [{"facet": id_, "more": count_deltas[id_], "last": seq} for id_, seq in touched]
        connection.execute(_TOUCH.values(at=seq_range.at), parameters)
    else:  # one statement, because thousands would each take a round trip
        arrays = {
            "facet": [id_ for id_, _ in touched],
            "more": [count_deltas[id_] for id_, _ in touched],
            "last": [seq for _, seq in touched],
        }
        connection.execute(_TOUCH_ALL, {**arrays, "time": seq_range.at})


_TOUCH = (
    update(_FACET)
    .where(_FACET.c.id == bindparam("facet"))
    .values(articles=_FACET.c.articles + bindparam("more"), seq=bindparam("last"))
)
_TOUCHED = (
    func.unnest(
        bindparam("facet", type_=ARRAY(Integer)),
        bindparam("more", type_=ARRAY(Integer)),
        bindparam("last", type_=ARRAY(BigInteger)),
    )
    .table_valued(column("facet", Integer), column("more", Integer), column("last", BigInteger), name="touched")
    .render_derived()
)
_TOUCH_ALL = (
    update(_FACET)
    .where(_FACET.c.id == _TOUCHED.c.facet)
    .values(articles=_FACET.c.articles + _TOUCHED.c.more, seq=_TOUCHED.c.last, at=bindparam("time"))
)
