"""Writes to the changelog; only this module assigns a `seq`, in commit order on both databases."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    bindparam,
    case,
    column,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session

from newsapi.changelog import digests, exits
from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import Change, ChangelogHead, Facet
from newsapi.db import bulk_rows
from newsapi.db.deadlines import LIMIT_OPTION
from newsapi.db.types import UtcDateTime, columns_table
from newsapi.tracing import spans


@dataclass(frozen=True, slots=True)
class SeqRange:
    """The seqs reserved for a transaction: the first and the last, the nonce of the last, and the commit time."""

    first: int
    last: int
    last_nonce: int
    committed_at: datetime


_FACET = columns_table(Facet)

MAX_IDLE_MS: Final = 10_000
"""Milliseconds after which PostgreSQL ends the session of a writer that does nothing while it holds the write lock or
the row of a lease: a process that is suspended, or whose machine is gone, would keep it from all others."""

LOCK_WAIT_SHARE: Final = 0.9
"""Share of the time limit of a statement for which PostgreSQL lets a writer wait for the lock.

After that limit the client does not wait any more. If its machine is gone, its session must not get the lock: one such
session after the other would hold it for MAX_IDLE_MS.
"""

_LOCK = select(ChangelogHead.seq).with_for_update()


def set_for_transaction(name: str) -> ColumnElement[str]:
    """Return the SQL expression that sets a setting of PostgreSQL until the end of the transaction.

    Args:
        name: The setting; the parameter of this name is its value.
    """
    return func.set_config(name, bindparam(name), True).label(name)  # noqa: FBT003 (SQL: only this transaction)


IDLE_LIMIT: Final = "idle_in_transaction_session_timeout"
"""The setting of PostgreSQL that ends the session of a client that does nothing in a transaction."""

_LIMITS = select(set_for_transaction(IDLE_LIMIT), set_for_transaction("lock_timeout")).cte("limits")
_LOCK_WITHIN_LIMITS = select(ChangelogHead.seq, _LIMITS).join(_LIMITS, true()).with_for_update(of=ChangelogHead)
"""PostgreSQL evaluates the expression before it locks the row, and so sets the limits first."""


def acquire_write_lock(session: Session) -> None:
    """Acquire the write lock of the changelog; call this before the first read that the write depends on.

    The lock serializes writers until their commit, on PostgreSQL as on SQLite. No writer overwrites a change it has not
    read, deadlocks cannot occur, and seqs are in commit order.
    """
    bind = session.get_bind()
    if bind.dialect.name == "postgresql":
        wait_ms = int(bind.get_execution_options()[LIMIT_OPTION] * LOCK_WAIT_SHARE * 1000)
        limits = {IDLE_LIMIT: str(MAX_IDLE_MS), "lock_timeout": str(wait_ms)}
        session.execute(_LOCK_WITHIN_LIMITS, limits)
    else:
        session.execute(_LOCK)


def append_changes(session: Session, changes: Sequence[NewChange], *, now: datetime, bulk: bool = False) -> SeqRange:
    """Assign seqs to changes, write them and update the facets they touch; every change must be public."""
    seq_range = reserve_seqs(session, len(changes), now=now)
    append_reserved(session, changes, seq_range, bulk=bulk)
    return seq_range


def reserve_seqs(session: Session, count: int, *, now: datetime) -> SeqRange:
    """Reserve the next `count` seqs, for rows that store the seq before the changes are written.

    Returns:
        The reserved seqs, with a commit time that never goes back: if the clock did, it is that of the previous change.
    """
    head = session.execute(
        update(ChangelogHead)
        .values(
            seq=ChangelogHead.seq + count,
            nonce=secrets.randbits(63) if count else ChangelogHead.nonce,
            committed_at=case(
                (ChangelogHead.committed_at > now, ChangelogHead.committed_at), else_=literal(now, UtcDateTime())
            )
            if count
            else ChangelogHead.committed_at,
        )
        .returning(ChangelogHead.seq, ChangelogHead.nonce, ChangelogHead.committed_at),
        execution_options={"synchronize_session": False},
    ).one()
    return SeqRange(head.seq - count + 1, head.seq, head.nonce, head.committed_at.astimezone(UTC))


def append_reserved(session: Session, changes: Sequence[NewChange], seq_range: SeqRange, *, bulk: bool = False) -> None:
    """Write changes under seqs that were reserved for them."""
    if not changes:
        return
    nonces = [secrets.randbits(63) for _ in changes[1:]]
    nonces.append(seq_range.last_nonce)
    traceparent = spans.current_traceparent()
    spans.current().set_attribute("newsapi.change.seq", seq_range.last)
    change_rows = [
        (
            seq,
            nonce,
            seq_range.committed_at,
            change.kind,
            change.action,
            change.reason,
            change.subject_id,
            change.slug,
            change.previous_slug,
            change.additional_slugs or None,
            change.version,
            sorted(change.facets_before),
            sorted(change.facets_after),
            change.article_ids or None,
            bulk,
            traceparent,
        )
        for seq, (change, nonce) in enumerate(zip(changes, nonces, strict=True), seq_range.first)
    ]
    bulk_rows.bulk_insert(session, Change, _COLUMNS, change_rows)
    _update_facets(session, changes, seq_range)
    article_changes = [(seq, change) for seq, change in enumerate(changes, seq_range.first) if change.kind == "article"]
    exits.record_exits(session, article_changes)
    digests.update_sums(session, [change for _, change in article_changes])


_COLUMNS = (
    "seq",
    "nonce",
    "committed_at",
    "kind",
    "action",
    "reason",
    "subject_id",
    "slug",
    "previous_slug",
    "additional_slugs",
    "version",
    "facets_before",
    "facets_after",
    "article_ids",
    "is_bulk",
    "traceparent",
)


def _update_facets(session: Session, changes: Sequence[NewChange], seq_range: SeqRange) -> None:
    """Update the last change and the number of articles of each facet that the changes touch."""
    last_seqs: dict[int, int] = {}
    count_deltas: Counter[int] = Counter()
    for seq, change in enumerate(changes, seq_range.first):
        last_seqs |= dict.fromkeys(change.facets_before | change.facets_after, seq)
        if change.kind == "article":
            count_deltas.update(change.facets_after - change.facets_before)
            count_deltas.subtract(change.facets_before - change.facets_after)
    if not last_seqs:
        return  # an article that is imported as withdrawn was in no list
    touched = sorted(last_seqs.items())
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        parameters = [{"facet": id_, "more": count_deltas[id_], "last": seq} for id_, seq in touched]
        connection.execute(_TOUCH.values(changed_at=seq_range.committed_at), parameters)
    else:  # one statement, because thousands would each take a round trip
        arrays = {
            "facet": [id_ for id_, _ in touched],
            "more": [count_deltas[id_] for id_, _ in touched],
            "last": [seq for _, seq in touched],
        }
        connection.execute(_TOUCH_ALL, {**arrays, "time": seq_range.committed_at})


_TOUCH = (
    update(_FACET)
    .where(_FACET.c.id == bindparam("facet"))
    .values(article_count=_FACET.c.article_count + bindparam("more"), seq=bindparam("last"))
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
    .values(article_count=_FACET.c.article_count + _TOUCHED.c.more, seq=_TOUCHED.c.last, changed_at=bindparam("time"))
)
