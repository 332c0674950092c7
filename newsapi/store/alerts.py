"""Alerts: planned for everybody who follows something, found when they are due, and told how they went."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Row, and_, delete, literal, literal_column, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from newsapi.model import AlertMail, Article, Brand, Revision, Subscriber, Subscription
from newsapi.model.base import UtcDateTime, table
from newsapi.store.public import visible

_MAIL, _PERSON, _OWN = table(AlertMail), table(Subscriber), table(Subscription)

# Written out: with a parameter in their place neither database could tell that its index of these few rows serves.
_PENDING = _MAIL.c.state == literal_column("'pending'")
_ACTIVE = _OWN.c.state == literal_column("'active'")

CHUNK: Final = 10_000
"""Subscriptions that are planned for in one transaction: nobody who writes waits for longer than these take."""


# --- what is news -----------------------------------------------------------------------------------------------------


def news(connection: Connection, changed: Sequence[Any]) -> list[Any]:
    """Answer those of these changes of articles that are news: the first publication, and major updates.

    History tells: before the first publication no version was public, and a major update moved `materially_updated_at`.
    A correction moves it too and is no news all the same: it stands with the article, whose readers see it, and a mail
    for each mended name is what people leave for. It is told as `corrected`, so it is not among `found`.
    """
    found = [
        row
        for row in changed
        if row.kind == "article" and row.action == "upsert" and row.reason in {"published", "updated"} and not row.bulk
    ]
    ids = {row.subject_id for row in found}
    if not ids:
        return []
    moved, content = "materially_updated_at", Revision.content
    former = select(Revision.article_id, Revision.number, content["status"].as_string(), content[moved].as_string())
    versions: dict[UUID, dict[int, tuple[str, datetime | None]]] = {id_: {} for id_ in ids}
    for id_, number, status, time in connection.execute(former.where(Revision.article_id.in_(ids))):
        versions[id_][number] = status, datetime.fromisoformat(time) if time else None
    present = select(Article.id, Article.version, Article.status, Article.materially_updated_at)
    for id_, number, status, time in connection.execute(present.where(Article.id.in_(ids))):
        versions[id_][number] = status, time
    return [row for row in found if _is_news(row, versions[row.subject_id])]


def _is_news(row: Any, versions: dict[int, tuple[str, datetime | None]]) -> bool:
    if row.reason == "published":
        return all(status != "published" for number, (status, _) in versions.items() if number < row.version)
    nothing = ("", None)
    return versions.get(row.version, nothing)[1] != versions.get(row.version - 1, nothing)[1]


def followed(connection: Connection, facets: Collection[int]) -> set[int]:
    """Answer the facets that are followed where an article stands in these: of a group, that of its brand."""
    groups = select(Brand.facet_id).where(Brand.group_facet_id.in_(facets))
    return {*facets, *connection.execute(groups).scalars()}


# --- planning ---------------------------------------------------------------------------------------------------------


def zones(connection: Connection, facets: Collection[int], frequency: str) -> Sequence[str]:
    """Answer the time zones of those who follow one of these so often."""
    found = select(_PERSON.c.time_zone).distinct().join(_OWN, _OWN.c.subscriber_id == _PERSON.c.id)
    return connection.execute(found.where(_active(facets, frequency))).scalars().all()


def last_of_chunk(connection: Connection, facets: Collection[int], frequency: str, after: UUID) -> UUID | None:
    """Answer the subscription that ends a chunk beginning behind another one; None for the last chunk."""
    found = select(_OWN.c.id).where(_active(facets, frequency), _OWN.c.id > after).order_by(_OWN.c.id)
    last: UUID | None = connection.execute(found.offset(CHUNK - 1).limit(1)).scalar()
    return last


def plan(
    session: Session,
    row: Any,
    facets: Collection[int],
    frequency: str,
    *,
    zones: Collection[str] | None,
    due_at: datetime,
    after: UUID,
    until: UUID | None,
) -> int:
    """Plan one change for whoever follows one of these facets so often, in these zones or (None) any; answer how many.

    `after` and `until` bound the chunk. Who was planned for already is not again; who confirmed later is not meant.
    """
    constant = [
        literal(row.seq).label("seq"),
        _OWN.c.id,
        literal(row.subject_id, _MAIL.c.article_id.type).label("article"),
        literal(due_at, UtcDateTime()).label("due"),
        literal(due_at, UtcDateTime()).label("ready"),
        literal("pending").label("state"),
        literal(0).label("attempts"),
    ]
    found = select(_OWN.c.subscriber_id, *constant).where(_active(facets, frequency), _OWN.c.id > after)
    found = found.where(_OWN.c.confirmed_at <= row.at)
    found = found if until is None else found.where(_OWN.c.id <= until)
    if zones is not None:
        found = found.join(_PERSON, _PERSON.c.id == _OWN.c.subscriber_id).where(_PERSON.c.time_zone.in_(zones))
    columns = ["subscriber_id", "seq", "subscription_id", "article_id", "due_at", "ready_at", "state", "attempts"]
    connection = session.connection()
    new = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(_MAIL)
    return connection.execute(new.from_select(columns, found).on_conflict_do_nothing()).rowcount


def _active(facets: Collection[int], frequency: str) -> Any:
    return and_(_OWN.c.facet_id.in_(facets), _OWN.c.frequency == frequency, _ACTIVE)


def retime(session: Session, subscription: UUID, due_at: datetime) -> None:
    """Move what is planned for a subscription to another time."""
    mine = (_MAIL.c.subscription_id == subscription) & _PENDING
    session.execute(update(_MAIL).where(mine).values(due_at=due_at, ready_at=due_at))


# --- sending ----------------------------------------------------------------------------------------------------------

_READY = (
    select(
        *(_MAIL.c[name] for name in ("subscriber_id", "due_at", "seq", "subscription_id", "article_id", "attempts")),
        *(_PERSON.c[name] for name in ("email", "person", "language", "time_zone")),
        _OWN.c.facet_id,
        _OWN.c.frequency,
        _OWN.c.confirmed_at,
    )
    .join(_PERSON, _PERSON.c.id == _MAIL.c.subscriber_id)
    .join(_OWN, _OWN.c.id == _MAIL.c.subscription_id)
    .where(_PENDING)
)


def ready(connection: Connection, now: datetime, most: int) -> list[Sequence[Any]]:
    """Answer the first mails that are ready, each as the rows of its changes."""
    rows: Sequence[Any] = connection.execute(
        _READY.where(_MAIL.c.ready_at <= now)
        .order_by(_MAIL.c.ready_at, _MAIL.c.subscriber_id, _MAIL.c.due_at, _MAIL.c.seq)
        .limit(most)
    ).all()
    mails: dict[tuple[UUID, datetime], list[Any]] = {}
    for row in rows:
        mails.setdefault((row.subscriber_id, row.due_at), []).append(row)
    found: list[Sequence[Any]] = [*mails.values()]
    if len(rows) == most:  # the last one may be cut
        last = found.pop()[0]
        if not found:
            mine = (_MAIL.c.subscriber_id == last.subscriber_id) & (_MAIL.c.due_at == last.due_at)
            found = [connection.execute(_READY.where(mine).order_by(_MAIL.c.seq)).all()]
    return found


def of_person(connection: Connection, person: UUID) -> Sequence[Row[Any]]:
    """Answer what was and will be sent to a person, the first first."""
    return connection.execute(select(_MAIL).where(_MAIL.c.subscriber_id == person).order_by(_MAIL.c.seq)).all()


def standing(connection: Connection, subscriber: UUID, seqs: Collection[int]) -> set[int]:
    """Answer those changes of a mail of which it may tell now: readers see the article, the person still asks for it.

    The state of the subscription is looked at too: what was planned while somebody left was planned for nobody.
    """
    found = (
        select(_MAIL.c.seq)
        .join(_OWN, _OWN.c.id == _MAIL.c.subscription_id)
        .join(Article, Article.id == _MAIL.c.article_id)
        .where(_of_mail(subscriber, seqs), _ACTIVE, visible())
    )
    return {*connection.execute(found).scalars()}


def note(session: Session, subscriber: UUID, seqs: Collection[int], *, state: str, now: datetime) -> None:
    """Note what became of some changes that a person was to be told of; others may have come to the mail since."""
    values = {"state": state, "sent_at": now if state == "sent" else None}
    session.execute(update(_MAIL).where(_of_mail(subscriber, seqs)).values(**values))


def later(session: Session, subscriber: UUID, seqs: Collection[int], ready_at: datetime) -> None:
    """Have a mail tried again at a time."""
    again = update(_MAIL).where(_of_mail(subscriber, seqs))
    session.execute(again.values(ready_at=ready_at, attempts=_MAIL.c.attempts + 1))


def _of_mail(subscriber: UUID, seqs: Collection[int]) -> Any:
    """The rows of a mail, by their key: at the time that it is due, a hundred thousand others may be too."""
    return and_(_MAIL.c.subscriber_id == subscriber, _MAIL.c.seq.in_(seqs), _PENDING)


def forget(session: Session, *, due_before: datetime) -> int:
    """Forget what was due long ago, sent or not, a chunk at a time; answer how many rows that were."""
    old = select(_MAIL.c.subscriber_id, _MAIL.c.seq).where(_MAIL.c.due_at < due_before).limit(CHUNK)
    gone: CursorResult[Any] = session.execute(  # type: ignore[assignment]
        delete(_MAIL).where(tuple_(_MAIL.c.subscriber_id, _MAIL.c.seq).in_(old))
    )
    return gone.rowcount
