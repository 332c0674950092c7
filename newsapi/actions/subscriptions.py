"""Subscriptions by e-mail: asked for, confirmed, changed, ended, erased. Nobody is told whether we know an address.

Whoever fills in the box leaves a request, whatever we know of them; a worker looks at it and decides. So neither the
answer nor the time it takes says anything, and a mail says it only to whoever has the mailbox.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any, Final
from uuid import UUID

from newsapi.errors import BadBody, Fault, NoMail, NotFound, TokenExpired
from newsapi.model.base import uuid7
from newsapi.settings import Settings
from newsapi.store import alerts, subscriptions
from newsapi.store.database import Connection, Database, Session
from newsapi.store.passes import Passes, purpose_of
from newsapi.store.subscriptions import Topic
from newsapi.text import hours, mailboxes, phrases

CONFIRMED_IN: Final = timedelta(days=3)
"""How long a request waits to be confirmed; then it and the address are forgotten."""

EVIDENCE: Final = timedelta(days=730)
"""How long we can show what somebody agreed to, after they ended it: without the address, by its hash."""

PER_DAY, KNOWN_PER_DAY = 1, 5
"""Mails about what is typed into boxes that a mailbox may be sent in a day: before one was confirmed, and after."""

SOON: Final = timedelta(seconds=3)
"""How long an immediate mail waits: by then every node shows what it tells of."""


@dataclass(frozen=True, slots=True)
class Box:
    """What everything here needs: the database, the settings, and what makes tokens and hashes."""

    database: Database
    settings: Settings
    passes: Passes

    @property
    def is_open(self) -> bool:
        """Whether anybody can subscribe: not where no mail can be sent."""
        return self.settings.smtp_url is not None

    def consent(self, language: str) -> phrases.Consent:
        """The text that stands beside the box."""
        return phrases.consent(language, self.settings.publisher, self.settings.privacy_url)


def ask(box: Box, kind: str, slug: str, values: Mapping[str, Any], *, now: datetime) -> None:
    """Take what somebody typed into the box. Raises NotFound for what cannot be followed, NoMail.

    In: the fields of `SubscriptionIn`, of which the address is good.
    """
    if not box.is_open:
        raise NoMail
    language = phrases.language_of(values["language"], box.settings.mail_language)
    person = box.passes.person(mailboxes.person(values["email"]))
    mailbox = box.passes.person(f"mailbox {mailboxes.mailbox(values['email'])}")
    with box.database.transaction() as session:
        facet = subscriptions.facet_of(session.connection(), kind, slug)
        if facet is None:
            raise NotFound
        subscriptions.ask(
            session,
            id=uuid7(),
            email=values["email"],
            person=person,
            mailbox=mailbox,
            facet_id=facet,
            frequency=values["frequency"],
            language=language,
            time_zone=values["time_zone"] or box.settings.time_zone.key,
            consent_version=values["consent_version"] or box.consent(language).version,
            source_url=values["source_url"],
            at=now,
        )


# --- what a worker makes of requests ----------------------------------------------------------------------------------

AT_ONCE: Final = 100


def settle(box: Box, *, now: datetime) -> int:
    """Look at requests; answer at how many. What is new waits for its confirmation, and a mail about it is due."""
    with box.database.reading() as connection:
        rows = subscriptions.requests(connection, AT_ONCE)
    if not rows:
        return 0
    with box.database.transaction() as session:
        for language in phrases.LANGUAGES:
            text = box.consent(language)
            subscriptions.remember_text(session, text.version, language, text.text, now)
        for row in rows:
            if not subscriptions.is_suppressed(session, row.person):
                _settle(session, row)
        subscriptions.drop_requests(session, [row.id for row in rows])
    return len(rows)


def _settle(session: Session, row: Any) -> None:
    kept = subscriptions.held(session, person=row.person)
    id_ = kept.id if kept else uuid7()
    who = {"email": row.email, "mailbox": row.mailbox, "language": row.language, "time_zone": row.time_zone}
    if kept is None:
        subscriptions.add_person(session, id=id_, person=row.person, created_at=row.at, **who)
    elif kept.email is None:
        subscriptions.change_person(session, id_, **who)
    connection = session.connection()
    live = subscriptions.of_people(connection, [id_])
    own = next((each for each in live if each.facet_id == row.facet_id), None)
    receipt = {"consent_version": row.consent_version, "source_url": row.source_url, "requested_at": row.at}
    if own is None:
        asked = {"subscriber_id": id_, "facet_id": row.facet_id, "frequency": row.frequency, "state": "pending"}
        subscriptions.add(session, **asked, **receipt, mail_since=row.at)
    elif own.state == "pending":
        # Only what is confirmed counts; so the last thing that was asked for is what the next mail is about.
        subscriptions.change(session, own.id, frequency=row.frequency, mail_since=own.mail_since or row.at, **receipt)
    else:
        subscriptions.change(session, own.id, mail_since=own.mail_since or row.at)


def may_mail(connection: Connection, row: Any, *, now: datetime) -> datetime | None:
    """Answer from when the mail about a subscription may be sent: at once, later, or (None) not at all.

    A mailbox is sent one a day until something is confirmed. Who asks again for what he has is told so once a day.
    """
    sent = subscriptions.lately(connection, row.mailbox, now - timedelta(days=1))
    if row.state == "active":
        return None if sent else now
    most = KNOWN_PER_DAY if subscriptions.has_active(connection, row.subscriber_id) else PER_DAY
    if len(sent) < most:
        return now
    free = sent[-most] + timedelta(days=1)
    return free if free < row.requested_at + CONFIRMED_IN else None


# --- what tokens open -------------------------------------------------------------------------------------------------


def confirm(box: Box, token: str, *, now: datetime) -> None:
    """Confirm a subscription. Raises TokenExpired."""
    id_ = box.passes.read(token, "confirm", now=now)
    with box.database.transaction() as session:
        if subscriptions.confirm(session, id_, now) is None:
            raise TokenExpired


def leave(box: Box, token: str, *, now: datetime) -> None:
    """End a subscription, or all that a person has: as the mail was about. Raises TokenExpired."""
    id_ = box.passes.read(token, "leave", now=now)
    with box.database.transaction() as session:
        own = subscriptions.one(session.connection(), id_)
        person = own.subscriber_id if own else id_
        subscriptions.held(session, id=person)
        if not subscriptions.end(session, person, now, only=own.id if own else None):
            raise TokenExpired


def opened(connection: Connection, box: Box, token: str, *, now: datetime) -> Any:
    """Answer the person who may look after what they follow with this token. Raises TokenExpired.

    Whoever follows nothing any more can still see that, and be erased, for as long as the token lasts.
    """
    person = subscriptions.person_of(connection, box.passes.read(token, "manage", now=now))
    if person is None:
        raise TokenExpired
    return person


@dataclass(frozen=True, slots=True)
class Shown:
    """What a token is good for: a question about a topic (None: about all of them), or a person to look after."""

    purpose: str
    language: str
    topic: str | None = None
    person: dict[str, Any] | None = None


def shown(connection: Connection, box: Box, token: str, *, now: datetime) -> Shown:
    """Answer what a token is good for, changing nothing. Raises TokenExpired."""
    purpose = purpose_of(token)
    if purpose is None or purpose == "manage":
        (record,) = described(connection, [opened(connection, box, token, now=now)])
        return Shown("manage", record["language"], person=record)
    id_ = box.passes.read(token, purpose, now=now)
    own = subscriptions.one(connection, id_)
    person = subscriptions.person_of(connection, own.subscriber_id if own else id_)
    if person is None:
        raise TokenExpired
    live = [row for row in subscriptions.of_people(connection, [person.id]) if own is None or row.id == id_]
    if not live or (purpose == "confirm" and live[0].state != "pending"):
        raise TokenExpired
    if own is None:
        return Shown(purpose, person.language)
    return Shown(purpose, person.language, named(connection, own.facet_id, person.language))


def named(connection: Connection, facet: int, language: str) -> str:
    """Say what is followed, as it goes on from "updates"; empty where it is no more."""
    topic = subscriptions.topics(connection, [facet]).get(facet)
    return phrases.topic(topic.kind, topic.name, language) if topic else ""


def change(box: Box, token: str, values: Mapping[str, Any], *, now: datetime) -> None:
    """Change what a person follows: `frequencies` by the id of a subscription (None ends it), `language`, `time_zone`.

    Raises TokenExpired, BadBody for a subscription that they have not.
    """
    with box.database.transaction() as session:
        connection = session.connection()
        person = subscriptions.held(session, id=opened(connection, box, token, now=now).id)
        if person is None:
            raise TokenExpired
        about = {name: values[name] for name in ("language", "time_zone") if values.get(name)}
        if about:
            subscriptions.change_person(session, person.id, **about)
        mine = {row.id: row for row in subscriptions.of_people(connection, [person.id])}
        zone = about.get("time_zone", person.time_zone)
        for number, (id_, frequency) in enumerate(values.get("frequencies", {}).items()):
            if id_ not in mine:
                raise BadBody([Fault(f"/subscriptions/{number}/id", "is none of your subscriptions")])
            if frequency is None:
                subscriptions.end(session, person.id, now, only=id_)
            elif frequency != mine[id_].frequency:
                subscriptions.change(session, id_, frequency=frequency)
                due = now + SOON if frequency == "immediate" else hours.next_digest(frequency, zone, now)
                alerts.retime(session, id_, due)


def erase(box: Box, token: str, *, now: datetime) -> None:
    """Forget a person but for the keyed hash, by which we know not to write to them again. Raises TokenExpired."""
    with box.database.transaction() as session:
        person = opened(session.connection(), box, token, now=now)
        _erase(session, person.person, "erased", now)


def _erase(session: Session, person: bytes, reason: str, now: datetime) -> None:
    subscriptions.erase(session, person)
    subscriptions.suppress(session, person, reason, now)


def refuse(box: Box, addresses: Iterable[str], reason: str, *, now: datetime) -> None:
    """Never write to these addresses again and forget them: they bounced or complained, or the publisher says so."""
    with box.database.transaction() as session:
        for address in addresses:
            _erase(session, box.passes.person(mailboxes.person(address)), reason, now)


def forget_bounced(box: Box, person: bytes, *, now: datetime) -> None:
    """Forget a person whose mailbox does not exist, by the hash that is kept of the address."""
    with box.database.transaction() as session:
        _erase(session, person, "bounce", now)


def bounced(message: bytes) -> list[str]:
    """Answer the addresses that a bounce (RFC 3464) says do not exist or take no mail, now or ever.

    Others are left alone: a full box is emptied, and where we are blocked it is not the reader's doing.
    """
    found = []
    for part in message_from_bytes(message, policy=policy.default).walk():
        fields = {name: " ".join(value.split()) for name, value in part.items()}
        status, action = fields.get("Status", ""), fields.get("Action", "").lower()
        _, _, address = fields.get("Original-Recipient", fields.get("Final-Recipient", "")).partition(";")
        if action == "failed" and _FOR_GOOD.match(status):
            try:
                found.append(mailboxes.address(address.strip(" <>")))
            except ValueError:
                continue
    return found


_FOR_GOOD: Final = re.compile(r"5\.(1\.\d+|2\.1)(?!\d)", re.ASCII)
"""RFC 3463: the address is bad, or its mailbox disabled."""


def allow(box: Box, address: str) -> bool:
    """Let an address subscribe again that was refused; False where it was not."""
    with box.database.transaction() as session:
        return subscriptions.allow(session, box.passes.person(mailboxes.person(address)))


def tidy(box: Box, *, now: datetime) -> None:
    """Forget what is kept no longer."""
    with box.database.transaction() as session:
        subscriptions.tidy(session, pending=now - CONFIRMED_IN, ended=now - EVIDENCE, boxes=now - timedelta(days=1))
    gone = alerts.CHUNK
    while gone == alerts.CHUNK:
        with box.database.transaction() as session:
            gone = alerts.forget(session, due_before=now - timedelta(days=30))


# --- what is shown of it ----------------------------------------------------------------------------------------------


def export(connection: Connection, person: Any) -> dict[str, Any]:
    """Answer all that is kept of a person, as a record of the wire."""
    (found,) = described(connection, [person], ended=True)
    versions = {each["consent_version"] for each in found["subscriptions"]}
    rows = {"consents": subscriptions.texts(connection, versions), "mails": alerts.of_person(connection, person.id)}
    return found | {name: [dict(row._mapping) for row in some] for name, some in rows.items()}  # noqa: SLF001 (documented)


def described(connection: Connection, people: Sequence[Any], *, ended: bool = False) -> list[dict[str, Any]]:
    """Answer people with what they follow and what they agreed to, as records of the wire."""
    rows = subscriptions.of_people(connection, [person.id for person in people], ended=ended)
    names = subscriptions.topics(connection, {row.facet_id for row in rows})
    followed: dict[UUID, list[dict[str, Any]]] = {person.id: [] for person in people}
    for row in rows:
        topic = names.get(row.facet_id, Topic("brand", "", ""))
        record = dict(row._mapping)  # noqa: SLF001 (the documented way to a row's names)
        followed[row.subscriber_id].append({**record, **topic._asdict()})
    return [{**dict(person._mapping), "subscriptions": followed[person.id]} for person in people]  # noqa: SLF001 (documented)
