"""Webhooks and their deliveries: kept, found when they are due, and told how they went."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Connection,
    CursorResult,
    Row,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from newsapi.model import Delivery, Key, Webhook
from newsapi.model.base import table
from newsapi.store.rows import among

_HOOK = table(Webhook)
_DELIVERY = table(Delivery)
_SENT = tuple(_DELIVERY.c[name] for name in ("id", "webhook_id", "seq", "type", "body", "attempts"))
_AT_ONCE = 100
"""Webhooks that one statement asks for: SQLite takes 500 parts."""


def add(session: Session, **columns: Any) -> None:
    """Keep a new webhook; the columns are those of the table."""
    session.execute(insert(_HOOK).values(**columns))


def one(connection: Connection, id_: UUID, by: str | None) -> Row[Any] | None:
    """Answer a webhook, of one key or (None) of any."""
    found = select(_HOOK).where(_HOOK.c.id == id_)
    return connection.execute(found if by is None else found.where(_HOOK.c.by == by)).one_or_none()


def all_of(connection: Connection, by: str | None) -> Sequence[Row[Any]]:
    """Answer the webhooks of one key or (None) of all, the oldest first."""
    found = select(_HOOK).order_by(_HOOK.c.created_at, _HOOK.c.id)
    return connection.execute(found if by is None else found.where(_HOOK.c.by == by)).all()


def told(connection: Connection, now: datetime) -> Sequence[Row[Any]]:
    """Answer the webhooks whose keys are good, the oldest first: nobody else is told anything."""
    key = table(Key).c
    is_good = and_(key.revoked_at.is_(None), or_(key.expires_at.is_(None), key.expires_at > now))
    found = select(_HOOK).join(table(Key), key.prefix == _HOOK.c.by).where(is_good)
    return connection.execute(found.order_by(_HOOK.c.created_at, _HOOK.c.id)).all()


def hand_over(session: Session, by: str, to: str) -> None:
    """Give the webhooks of one key to another."""
    session.execute(update(_HOOK).where(_HOOK.c.by == by).values(by=to))


def count(connection: Connection, by: str) -> int:
    """Answer how many webhooks a key has."""
    return connection.execute(select(func.count()).select_from(_HOOK).where(_HOOK.c.by == by)).scalar_one()


def change(session: Session, id_: UUID, **columns: Any) -> None:
    """Change a webhook."""
    session.execute(update(_HOOK).where(_HOOK.c.id == id_).values(**columns))


def remove(session: Session, id_: UUID) -> None:
    """Remove a webhook, with all that was still to be delivered."""
    session.execute(delete(_HOOK).where(_HOOK.c.id == id_))


# --- deliveries -------------------------------------------------------------------------------------------------------


def plan(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep deliveries to be made; a webhook that was removed meanwhile gets none."""
    hooks = {row["webhook_id"] for row in rows}
    there = {*session.execute(select(_HOOK.c.id).where(among(session.connection(), _HOOK.c.id, hooks))).scalars()}
    if wanted := [row for row in rows if row["webhook_id"] in there]:
        session.execute(insert(_DELIVERY), wanted)


def due(
    connection: Connection, now: datetime, lanes: Mapping[UUID, int], busy: Collection[UUID], *, until: int
) -> Sequence[Row[Any]]:
    """Answer what is to be tried now: of each webhook at most so many, and none that is `busy`.

    What tells of a change later than `until` has to wait: not every node knows that one yet.
    """
    found: list[Row[Any]] = []
    hooks = [hook for hook, most in lanes.items() if most > 0]
    for start in range(0, len(hooks), _AT_ONCE):
        parts = [
            select(
                select(*_SENT)
                .where(_DELIVERY.c.webhook_id == hook, _DELIVERY.c.state == "pending", _DELIVERY.c.due_at <= now)
                .where(_DELIVERY.c.id.not_in(busy), func.coalesce(_DELIVERY.c.seq, 0) <= until)
                .order_by(_DELIVERY.c.due_at, _DELIVERY.c.id)
                .limit(lanes[hook])
                .subquery()
            )
            for hook in hooks[start : start + _AT_ONCE]
        ]
        found += connection.execute(union_all(*parts)).all()
    return found


@dataclass(frozen=True, slots=True)
class Tried:
    """How one try went: `due_at` is when the next one is, None after the last; `good` whether it was answered."""

    id: UUID
    webhook: UUID
    at: datetime
    good: bool
    status: int | None = None
    error: str | None = None
    due_at: datetime | None = None


def note(session: Session, tries: Iterable[Tried]) -> None:
    """Write down how tries went, and since when webhooks fail."""
    good: set[UUID] = set()
    failed: dict[UUID, datetime] = {}
    for tried in tries:
        state = "delivered" if tried.good else "pending" if tried.due_at else "dead"
        values: dict[str, Any] = {"attempts": _DELIVERY.c.attempts + 1, "tried_at": tried.at, "state": state}
        values |= {"status": tried.status, "error": tried.error}
        values |= {"due_at": tried.due_at} if tried.due_at else {"finished_at": tried.at}
        mine = (_DELIVERY.c.id == tried.id) & (_DELIVERY.c.state == "pending")
        session.execute(update(_DELIVERY).where(mine).values(**values))
        if tried.good:
            good.add(tried.webhook)
        else:
            failed.setdefault(tried.webhook, tried.at)
    for hook in sorted(good):
        session.execute(
            update(_HOOK).where(_HOOK.c.id == hook, _HOOK.c.failing_since.is_not(None)).values(failing_since=None)
        )
    for hook in sorted(failed.keys() - good):
        since = func.coalesce(_HOOK.c.failing_since, literal(failed[hook], _HOOK.c.failing_since.type))
        session.execute(update(_HOOK).where(_HOOK.c.id == hook).values(failing_since=since))


def pause(session: Session, *, failing_before: datetime, now: datetime) -> list[UUID]:
    """Pause the webhooks that have failed since before then; answer which."""
    failing = (_HOOK.c.failing_since < failing_before) & _HOOK.c.paused_at.is_(None)
    done = update(_HOOK).where(failing).values(paused_at=now).returning(_HOOK.c.id)
    return [*session.execute(done).scalars()]


def deliveries(
    connection: Connection, hook: UUID, *, before: UUID | None, limit: int, state: str | None
) -> Sequence[Row[Any]]:
    """Answer what was or is to be delivered to a webhook, the last first."""
    found = select(_DELIVERY).where(_DELIVERY.c.webhook_id == hook)
    if state is not None:
        found = found.where(_DELIVERY.c.state == state)
    if before is not None:
        found = found.where(_DELIVERY.c.id < before)
    return connection.execute(found.order_by(_DELIVERY.c.id.desc()).limit(limit)).all()


def again(session: Session, hook: UUID, delivery: UUID, now: datetime) -> bool:
    """Have one delivered once more, under the id it has; False where there is none of this id."""
    statement = (
        update(_DELIVERY)
        .where(_DELIVERY.c.id == delivery, _DELIVERY.c.webhook_id == hook)
        .values(state="pending", attempts=0, due_at=now, finished_at=None)
    )
    done: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
    return done.rowcount == 1


def forget(session: Session, *, finished_before: datetime) -> None:
    """Forget deliveries that are long done."""
    session.execute(delete(_DELIVERY).where(_DELIVERY.c.finished_at < finished_before))
