"""The log of changes: the only place that hands out `seq`, in commit order on both databases."""

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
    """The numbers a transaction was given: its first and last `seq`, the mark of the last, and the log's time."""

    first: int
    last: int
    mark: int
    at: datetime


_FACET = table(Facet)


def lock(session: Session) -> None:
    """Wait for the turn to write; call it before the first read that a write will depend on.

    Writers take turns from here to their commit, on PostgreSQL as on SQLite: so none overwrites what it has not seen,
    no two can wait for each other, and the numbers come in commit order.
    """
    session.execute(select(LogHead.seq).with_for_update())


def append(session: Session, told: Sequence[Told], *, now: datetime, bulk: bool = False) -> Numbers:
    """Number the changes and write them, with the facets they touch; only what the public can see is a change."""
    numbers = take(session, len(told), now=now)
    tell(session, told, numbers, bulk=bulk)
    return numbers


def take(session: Session, count: int, *, now: datetime) -> Numbers:
    """Answer the next `count` numbers, for rows that must bear them before the changes are told.

    The time of the log never goes back: where the clock did, the time of the change before stands.
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
    """Write the changes under the numbers that were taken for them."""
    if not told:
        return
    marks = [*(secrets.randbits(63) for _ in told[1:]), numbers.mark]
    found = [
        (
            *(seq, mark, numbers.at, change.kind, change.action, change.reason, change.subject_id),
            *(change.slug, change.previous_slug, change.more_slugs or None, change.version),
            *(sorted(change.before), sorted(change.after), change.lists or None, bulk),
        )
        for seq, (change, mark) in enumerate(zip(told, marks, strict=True), numbers.first)
    ]
    rows.insert(session, Change, _COLUMNS, found)
    _touch(session, told, numbers)
    articles = [(seq, change) for seq, change in enumerate(told, numbers.first) if change.kind == "article"]
    departures.note(session, articles)
    tallies.note(session, [change for _, change in articles])


_COLUMNS = (
    *("seq", "mark", "at", "kind", "action", "reason", "subject_id"),
    *("slug", "previous_slug", "more_slugs", "version"),
    *("facets_before", "facets_after", "lists", "bulk"),
)


def _touch(session: Session, told: Sequence[Told], numbers: Numbers) -> None:
    """Tell every facet its last change, and how many articles came and went."""
    last: dict[int, int] = {}
    articles: Counter[int] = Counter()
    for seq, change in enumerate(told, numbers.first):
        last |= dict.fromkeys(change.before | change.after, seq)
        if change.kind == "article":
            articles.update(change.after - change.before)
            articles.subtract(change.before - change.after)
    if not last:
        return  # what comes withdrawn was in no list
    found = sorted(last.items())
    more = [articles[id_] for id_, _ in found]
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        rows_ = [{"facet": id_, "more": count, "last": seq} for (id_, seq), count in zip(found, more, strict=True)]
        connection.execute(_TOUCH.values(at=numbers.at), rows_)
    else:  # one statement: each of thousands would be a journey of its own
        ids, seqs = zip(*found, strict=True)
        connection.execute(_TOUCH_ALL, {"facet": list(ids), "more": more, "last": list(seqs), "time": numbers.at})


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
