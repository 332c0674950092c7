"""The log of changes: the only place that hands out `seq`, in commit order on both databases."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import bindparam, case, insert, update
from sqlalchemy.orm import Session

from newsapi.model import Change, Facet, LogHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One change to what the public can see, before it has a number.

    `before` and `after` are the ids of the facets that the subject was in and is in now.
    """

    kind: Literal["article", "brand", "author", "section", "tag"]
    action: Literal["upsert", "delete"]
    reason: str
    subject_id: UUID
    slug: str
    previous_slug: str | None = None
    version: int | None = None
    before: frozenset[int] = frozenset()
    after: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers a transaction was given: its first and last `seq`, and the time that stands in the log."""

    first: int
    last: int
    at: datetime


_FACET = Facet.__table__


def append(session: Session, told: Sequence[Told], *, now: datetime, bulk: bool = False) -> Numbers:
    """Number the changes and write them, with the facets they touch; the log's lock is held from here to the commit.

    Do it last in a transaction, and only with changes the public can see. `at` never goes back: where the clock did,
    the time of the change before stands.
    """
    head = session.execute(
        update(LogHead)
        .values(
            seq=LogHead.seq + len(told),
            mark=secrets.randbits(63),
            at=case((LogHead.at > now, LogHead.at), else_=now),
        )
        .returning(LogHead.seq, LogHead.mark, LogHead.at),
        execution_options={"synchronize_session": False},
    ).one()
    numbers = Numbers(head.seq - len(told) + 1, head.seq, head.at.astimezone(UTC))
    rows = [_row(change, numbers.first + i, numbers.at, bulk=bulk) for i, change in enumerate(told)]
    if rows:
        rows[-1]["mark"] = head.mark
        session.execute(insert(Change), rows)
        _touch(session, told, numbers)
    return numbers


def _row(change: Told, seq: int, at: datetime, *, bulk: bool) -> dict[str, object]:
    return {
        "seq": seq,
        "mark": secrets.randbits(63),
        "at": at,
        "kind": change.kind,
        "action": change.action,
        "reason": change.reason,
        "subject_id": change.subject_id,
        "slug": change.slug,
        "previous_slug": change.previous_slug,
        "version": change.version,
        "facets_before": sorted(change.before),
        "facets_after": sorted(change.after),
        "bulk": bulk,
    }


def _touch(session: Session, told: Sequence[Told], numbers: Numbers) -> None:
    """Tell every facet its last change, and how many articles came and went."""
    last: dict[int, int] = {}
    articles: Counter[int] = Counter()
    for seq, change in enumerate(told, numbers.first):
        last |= dict.fromkeys(change.before | change.after, seq)
        if change.kind == "article":
            articles.update(change.after - change.before)
            articles.subtract(change.before - change.after)
    statement = (
        update(_FACET)
        .where(_FACET.c.id == bindparam("facet"))
        .values(articles=_FACET.c.articles + bindparam("more"), seq=bindparam("last"), at=bindparam("time"))
    )
    session.connection().execute(
        statement,
        [{"facet": id_, "more": articles[id_], "last": seq, "time": numbers.at} for id_, seq in sorted(last.items())],
    )
