"""Subscriptions: asked for, confirmed, changed, ended; people, and those who are not to be written to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Connection,
    CursorResult,
    Row,
    delete,
    exists,
    insert,
    literal,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from newsapi.model import (
    AlertMail,
    BoxMail,
    ConsentText,
    OldSlug,
    Subscriber,
    Subscription,
    SubscriptionRequest,
    Suppression,
)
from newsapi.model.base import table, uuid7
from newsapi.schemas.boxes import FOLLOWED
from newsapi.store.rows import among
from newsapi.store.taxonomy import MODELS

MOST: Final = 10_000
"""Subscriptions that are forgotten in one transaction."""

_REQUEST, _PERSON, _OWN = table(SubscriptionRequest), table(Subscriber), table(Subscription)
_BOX, _NEVER, _TEXT, _MAIL = table(BoxMail), table(Suppression), table(ConsentText), table(AlertMail)
_LIVE = _OWN.c.state != "ended"


class Topic(NamedTuple):
    """What is followed: of which kind, under which slug and name."""

    kind: str
    slug: str
    name: str


# --- what is followed -------------------------------------------------------------------------------------------------


def facet_of(connection: Connection, kind: str, slug: str) -> int | None:
    """Answer the facet of a brand, section or author by the slug it has or had; None where there is none."""
    model = MODELS[kind]
    former = select(model.facet_id).join(OldSlug, OldSlug.subject_id == model.id)
    found = union_all(
        select(model.facet_id).where(model.slug == slug), former.where(OldSlug.kind == kind, OldSlug.slug == slug)
    )
    facet: int | None = connection.execute(found).scalar()
    return facet


def topics(connection: Connection, facets: Collection[int]) -> dict[int, Topic]:
    """Answer what facets stand for; those of what was deleted are left out."""
    found = union_all(
        *(
            select(MODELS[kind].facet_id, literal(kind), MODELS[kind].slug, MODELS[kind].name).where(
                MODELS[kind].facet_id.in_(facets)
            )
            for kind in FOLLOWED
        )
    )
    return {facet: Topic(*rest) for facet, *rest in connection.execute(found)} if facets else {}


def follow(session: Session, old: int, new: int) -> None:
    """Have whoever follows a term that went into another one follow that one; once, where they did both."""
    other = _OWN.alias()
    both = exists().where(
        other.c.subscriber_id == _OWN.c.subscriber_id, other.c.facet_id == new, other.c.state != "ended"
    )
    session.execute(delete(_OWN).where(_OWN.c.facet_id == old, _LIVE, both))
    session.execute(update(_OWN).where(_OWN.c.facet_id == old).values(facet_id=new))


def drop(session: Session, facet: int) -> None:
    """Forget that anybody followed a term that is no more, and whoever followed nothing else."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.facet_id == facet))
    these = _PERSON.c.id.in_(select(_OWN.c.subscriber_id).where(_OWN.c.facet_id == facet))
    others = select(_OWN.c.id).where(_OWN.c.subscriber_id == _PERSON.c.id, _OWN.c.facet_id != facet)
    session.execute(delete(_PERSON).where(these, ~others.exists()))
    session.execute(update(_PERSON).where(these, ~others.where(_LIVE).exists()).values(email=None))
    session.execute(delete(_OWN).where(_OWN.c.facet_id == facet))


# --- requests ---------------------------------------------------------------------------------------------------------


def ask(session: Session, **columns: Any) -> None:
    """Keep what somebody typed into the box; the columns are those of the table."""
    session.execute(insert(_REQUEST).values(**columns))


def requests(connection: Connection, most: int) -> Sequence[Row[Any]]:
    """Answer requests that nobody has looked at, the first first."""
    return connection.execute(select(_REQUEST).order_by(_REQUEST.c.id).limit(most)).all()


def drop_requests(session: Session, ids: Collection[UUID]) -> None:
    """Drop requests that were looked at."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.id.in_(ids)))


def remember_text(session: Session, version: str, language: str, text: str, now: datetime) -> None:
    """Keep a text that was consented to, the first time that is."""
    if session.execute(select(_TEXT.c.version).where(_TEXT.c.version == version)).first() is None:
        session.execute(insert(_TEXT).values(version=version, language=language, text=text, since=now))


def texts(connection: Connection, versions: Collection[str]) -> Sequence[Row[Any]]:
    """Answer the texts of these versions that stood beside our box."""
    return connection.execute(select(_TEXT).where(_TEXT.c.version.in_(versions)).order_by(_TEXT.c.version)).all()


# --- people -----------------------------------------------------------------------------------------------------------


def is_suppressed(session: Session, person: bytes) -> bool:
    """Whether a person is not to be written to."""
    return session.execute(select(_NEVER.c.person).where(_NEVER.c.person == person)).first() is not None


def suppress(session: Session, person: bytes, reason: str, now: datetime) -> None:
    """Note that a person is not to be written to; the first reason stays."""
    if not is_suppressed(session, person):
        session.execute(insert(_NEVER).values(person=person, reason=reason, at=now))


def allow(session: Session, person: bytes) -> bool:
    """Let a person be written to again if they ask; False where nobody forbade it."""
    done: CursorResult[Any] = session.execute(delete(_NEVER).where(_NEVER.c.person == person))  # type: ignore[assignment]
    return done.rowcount == 1


def held(session: Session, **by: Any) -> Row[Any] | None:
    """Answer a person by `id` or `person`, and hold the row until the end of the transaction.

    Not against rows that refer to it: nobody who leaves waits for what is planned for ten thousand others.
    """
    ((name, value),) = by.items()
    return session.execute(
        select(_PERSON).where(_PERSON.c[name] == value).with_for_update(key_share=True)
    ).one_or_none()


def add_person(session: Session, **columns: Any) -> None:
    """Keep a new person; the columns are those of the table."""
    session.execute(insert(_PERSON).values(**columns))


def change_person(session: Session, id_: UUID, **columns: Any) -> None:
    """Change a person."""
    session.execute(update(_PERSON).where(_PERSON.c.id == id_).values(**columns))


def erase(session: Session, person: bytes) -> None:
    """Forget a person, with all that hangs on them."""
    session.execute(delete(_REQUEST).where(_REQUEST.c.person == person))
    session.execute(delete(_PERSON).where(_PERSON.c.person == person))


def person_of(connection: Connection, id_: UUID) -> Row[Any] | None:
    """Answer a person by id."""
    return connection.execute(select(_PERSON).where(_PERSON.c.id == id_)).one_or_none()


def people(connection: Connection, *, limit: int, before: UUID | None) -> Sequence[Row[Any]]:
    """Answer people whose address is kept, the last first."""
    found = select(_PERSON).where(_PERSON.c.email.is_not(None))
    found = found if before is None else found.where(_PERSON.c.id < before)
    return connection.execute(found.order_by(_PERSON.c.id.desc()).limit(limit)).all()


# --- what they follow -------------------------------------------------------------------------------------------------


def add(session: Session, **columns: Any) -> None:
    """Keep a new subscription; the columns are those of the table."""
    session.execute(insert(_OWN).values(id=uuid7(), **columns))


def one(connection: Connection, id_: UUID) -> Row[Any] | None:
    """Answer a subscription in whatever state."""
    return connection.execute(select(_OWN).where(_OWN.c.id == id_)).one_or_none()


def of_people(connection: Connection, ids: Collection[UUID], *, ended: bool = False) -> Sequence[Row[Any]]:
    """Answer the subscriptions of people, the oldest first: those that live, or with those that ended."""
    found = select(_OWN).where(_OWN.c.subscriber_id.in_(ids)).order_by(_OWN.c.requested_at, _OWN.c.id)
    return connection.execute(found if ended else found.where(_LIVE)).all()


def change(session: Session, id_: UUID, **columns: Any) -> None:
    """Change a subscription."""
    session.execute(update(_OWN).where(_OWN.c.id == id_).values(**columns))


def confirm(session: Session, id_: UUID, now: datetime) -> UUID | None:
    """Confirm a subscription that waits for it, and answer whose it is; None where it does not wait.

    Others of the same person, who is known now, need not wait for their mail any longer.
    """
    done = (
        update(_OWN)
        .where(_OWN.c.id == id_, _OWN.c.state == "pending")
        .values(state="active", confirmed_at=now, mail_since=None)
        .returning(_OWN.c.subscriber_id)
    )
    person: UUID | None = session.execute(done).scalar_one_or_none()
    late = (_OWN.c.subscriber_id == person) & (_OWN.c.state == "pending") & (_OWN.c.mail_since > now)
    session.execute(update(_OWN).where(late).values(mail_since=now))
    return person


def end(session: Session, person: UUID, now: datetime, *, only: UUID | None = None) -> int:
    """End what a person follows, or one of it; answer how many that were. What was planned for them is not sent.

    The address of a person who follows nothing any more goes; what they once agreed to stays, under its hash.
    """
    mine = (_OWN.c.subscriber_id == person) & _LIVE
    found = mine if only is None else mine & (_OWN.c.id == only)
    done = update(_OWN).where(found).values(state="ended", ended_at=now, mail_since=None).returning(_OWN.c.id)
    ids = [*session.execute(done).scalars()]
    session.execute(delete(_MAIL).where(_MAIL.c.subscription_id.in_(ids), _MAIL.c.state == "pending"))
    if session.execute(select(_OWN.c.id).where(mine).limit(1)).first() is None:
        session.execute(update(_PERSON).where(_PERSON.c.id == person).values(email=None))
    return len(ids)


# --- mail about subscriptions themselves ------------------------------------------------------------------------------


def untold(connection: Connection, now: datetime, most: int) -> Sequence[Row[Any]]:
    """Answer subscriptions about which a mail is due, with the address, the longest waiting first."""
    person = (_PERSON.c[name] for name in ("email", "person", "mailbox", "language", "time_zone"))
    found = select(_OWN, *person).join(_PERSON, _PERSON.c.id == _OWN.c.subscriber_id)
    return connection.execute(found.where(_OWN.c.mail_since <= now).order_by(_OWN.c.mail_since).limit(most)).all()


def lately(connection: Connection, mailbox: bytes, since: datetime) -> Sequence[datetime]:
    """Answer when a mailbox was last sent mails that nobody may have wanted, the first first."""
    found = select(_BOX.c.at).where(_BOX.c.mailbox == mailbox, _BOX.c.at > since).order_by(_BOX.c.at)
    return connection.execute(found).scalars().all()


def has_active(connection: Connection, person: UUID) -> bool:
    """Whether a person has confirmed anything that they still follow."""
    found = select(_OWN.c.id).where(_OWN.c.subscriber_id == person, _OWN.c.state == "active")
    return connection.execute(found.limit(1)).first() is not None


def told(session: Session, id_: UUID, mailbox: bytes, now: datetime) -> None:
    """Note that the mail about a subscription was sent."""
    change(session, id_, mail_since=None)
    session.execute(insert(_BOX).values(id=uuid7(), mailbox=mailbox, at=now))


# --- what time takes away ---------------------------------------------------------------------------------------------


def tidy(session: Session, *, pending: datetime, ended: datetime, boxes: datetime) -> None:
    """Forget what nobody confirmed since a time, evidence of what ended before one, and what boxes were sent.

    A person of whom nothing is left goes with it. At most MOST subscriptions go at once; the others do the next time.
    """
    late = (_OWN.c.state == literal_column("'pending'")) & (_OWN.c.requested_at < pending)
    old = select(_OWN.c.id).where(or_(late, _OWN.c.ended_at < ended)).limit(MOST)
    people = {*session.execute(delete(_OWN).where(_OWN.c.id.in_(old)).returning(_OWN.c.subscriber_id)).scalars()}
    if people:
        these = among(session.connection(), _PERSON.c.id, people)
        mine = select(_OWN.c.id).where(_OWN.c.subscriber_id == _PERSON.c.id)
        session.execute(delete(_PERSON).where(these, ~mine.exists()))
        session.execute(update(_PERSON).where(these, ~mine.where(_LIVE).exists()).values(email=None))
    session.execute(delete(_BOX).where(_BOX.c.at < boxes))
