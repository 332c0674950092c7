"""Email subscriptions: request, confirmation, preferences, unsubscription, erasure and suppression.

No response reveals whether an email address is known. The subscription form only stores a request, which takes the same
time for every address; the worker processes it later. Only an email to the address itself tells more.
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
"""Time in which a subscription must be confirmed; then it is deleted, with the email address."""

EVIDENCE: Final = timedelta(days=730)
"""How long the consent to an ended subscription is kept as evidence, under a hash instead of the email address."""

PER_DAY, KNOWN_PER_DAY = 1, 5
"""Confirmation emails per mailbox and day: before its owner has confirmed a subscription, and after."""

SOON: Final = timedelta(seconds=3)
"""Delay of an immediate alert, after which every node returns the article that it links to."""


@dataclass(frozen=True, slots=True)
class Box:
    """What the functions of this module need: the database, the settings, and the signer of tokens and hashes."""

    database: Database
    settings: Settings
    passes: Passes

    @property
    def is_open(self) -> bool:
        """Whether subscriptions are enabled, which requires a mail server."""
        return self.settings.smtp_url is not None

    def consent(self, language: str) -> phrases.Consent:
        """Return the consent text of the subscription form."""
        return phrases.consent(language, self.settings.publisher, self.settings.privacy_url)


def ask(box: Box, kind: str, slug: str, values: Mapping[str, Any], *, now: datetime) -> None:
    """Store a subscription request.

    Args:
        context: Database, settings and token signer.
        kind: The kind of the term to follow.
        slug: The slug of the term.
        values: The fields of `SubscriptionInput`, with a valid email address.
        now: The time of the request.

    Raises:
        MailNotConfigured: Subscriptions are disabled.
        NotFound: There is no such term.
    """
    if not box.is_open:
        raise NoMail
    language = phrases.language_of(values["language"], box.settings.mail_language)
    email_hash = box.passes.person(mailboxes.person(values["email"]))
    mailbox_hash = box.passes.person(f"mailbox {mailboxes.mailbox(values['email'])}")
    with box.database.transaction() as session:
        facet_id = subscriptions.facet_of(session.connection(), kind, slug)
        if facet_id is None:
            raise NotFound
        subscriptions.ask(
            session,
            id=uuid7(),
            email=values["email"],
            person=email_hash,
            mailbox=mailbox_hash,
            facet_id=facet_id,
            frequency=values["frequency"],
            language=language,
            time_zone=values["time_zone"] or box.settings.time_zone.key,
            consent_version=values["consent_version"] or box.consent(language).version,
            source_url=values["source_url"],
            at=now,
        )


# --- processing of requests by the worker -----------------------------------------------------------------------------

AT_ONCE: Final = 100
"""Requests that are processed in one transaction."""


def settle(box: Box, *, now: datetime) -> int:
    """Turn requests into pending subscriptions for which an email is due; return the number of requests processed."""
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
    """Create or update the subscriber and the subscription of a request."""
    subscriber = subscriptions.held(session, person=row.person)
    id_ = subscriber.id if subscriber else uuid7()
    contact = {"email": row.email, "mailbox": row.mailbox, "language": row.language, "time_zone": row.time_zone}
    if subscriber is None:
        subscriptions.add_person(session, id=id_, person=row.person, created_at=row.at, **contact)
    elif subscriber.email is None:
        subscriptions.change_person(session, id_, **contact)
    live = subscriptions.of_people(session.connection(), [id_])
    subscription = next((live_row for live_row in live if live_row.facet_id == row.facet_id), None)
    consent = {"consent_version": row.consent_version, "source_url": row.source_url, "requested_at": row.at}
    if subscription is None:
        subscriptions.add(
            session,
            subscriber_id=id_,
            facet_id=row.facet_id,
            frequency=row.frequency,
            state="pending",
            mail_since=row.at,
            **consent,
        )
        return
    mail_since = subscription.mail_since or row.at
    if subscription.state == "pending":
        # Nothing is confirmed yet, so the next email is about the latest request.
        subscriptions.change(session, subscription.id, frequency=row.frequency, mail_since=mail_since, **consent)
    else:
        subscriptions.change(session, subscription.id, mail_since=mail_since)


def may_mail(connection: Connection, row: Any, *, now: datetime) -> datetime | None:
    """Return from when the email about a subscription may be sent.

    A mailbox is sent one email a day until its owner has confirmed a subscription. A repeated request for an active
    subscription is answered by an email at most once a day.

    Args:
        connection: A connection to the database.
        row: The subscription, with its mailbox hash.
        now: The current time.

    Returns:
        `now`, a later time, or None if it may not be sent at all.
    """
    recent_sends = subscriptions.lately(connection, row.mailbox, now - timedelta(days=1))
    if row.state == "active":
        return None if recent_sends else now
    limit = KNOWN_PER_DAY if subscriptions.has_active(connection, row.subscriber_id) else PER_DAY
    if len(recent_sends) < limit:
        return now
    free_from = recent_sends[-limit] + timedelta(days=1)
    return free_from if free_from < row.requested_at + CONFIRMED_IN else None


# --- actions with a token ---------------------------------------------------------------------------------------------


def confirm(box: Box, token: str, *, now: datetime) -> None:
    """Confirm a subscription; raise TokenExpired."""
    id_ = box.passes.read(token, "confirm", now=now)
    with box.database.transaction() as session:
        if subscriptions.confirm(session, id_, now) is None:
            raise TokenExpired


def leave(box: Box, token: str, *, now: datetime) -> None:
    """End the subscription of a token, or all of a subscriber if the token is for all; raise TokenExpired."""
    id_ = box.passes.read(token, "leave", now=now)
    with box.database.transaction() as session:
        subscription = subscriptions.one(session.connection(), id_)
        subscriber_id = subscription.subscriber_id if subscription else id_
        subscriptions.held(session, id=subscriber_id)
        if not subscriptions.end(session, subscriber_id, now, only=subscription.id if subscription else None):
            raise TokenExpired


def opened(connection: Connection, box: Box, token: str, *, now: datetime) -> Any:
    """Return the row of the subscriber that a token may manage; raise TokenExpired."""
    # A subscriber without subscriptions is returned too: they can see this, and can still be erased.
    subscriber = subscriptions.person_of(connection, box.passes.read(token, "manage", now=now))
    if subscriber is None:
        raise TokenExpired
    return subscriber


@dataclass(frozen=True, slots=True)
class Shown:
    """What a token allows: to confirm or end a subscription to a topic (None: all), or to manage a subscriber."""

    purpose: str
    language: str
    topic: str | None = None
    person: dict[str, Any] | None = None


def shown(connection: Connection, box: Box, token: str, *, now: datetime) -> Shown:
    """Return what a token allows, without using it.

    Args:
        connection: A connection to the database.
        context: Database, settings and token signer.
        token: The token.
        now: The time at which it must be valid.

    Returns:
        The purpose of the token with the topic or the subscriber.

    Raises:
        TokenExpired: The token is invalid, has expired or was used.
    """
    purpose = purpose_of(token)
    if purpose is None or purpose == "manage":
        (record,) = described(connection, [opened(connection, box, token, now=now)])
        return Shown("manage", record["language"], person=record)
    id_ = box.passes.read(token, purpose, now=now)
    subscription = subscriptions.one(connection, id_)
    subscriber = subscriptions.person_of(connection, subscription.subscriber_id if subscription else id_)
    if subscriber is None:
        raise TokenExpired
    live = subscriptions.of_people(connection, [subscriber.id])
    if subscription is not None:
        live = [row for row in live if row.id == id_]
    if not live or (purpose == "confirm" and live[0].state != "pending"):
        raise TokenExpired
    if subscription is None:
        return Shown(purpose, subscriber.language)
    return Shown(purpose, subscriber.language, named(connection, subscription.facet_id, subscriber.language))


def named(connection: Connection, facet: int, language: str) -> str:
    """Return the topic of a subscription, to follow the word "updates" in a sentence; empty if it was deleted."""
    topic = subscriptions.topics(connection, [facet]).get(facet)
    return phrases.topic(topic.kind, topic.name, language) if topic else ""


def change(box: Box, token: str, values: Mapping[str, Any], *, now: datetime) -> None:
    """Update the preferences of a subscriber.

    Args:
        context: Database, settings and token signer.
        token: A token for managing subscriptions.
        values: `frequencies` by subscription id (None ends the subscription), `language` and `time_zone`; each may be
            missing.
        now: The current time.

    Raises:
        TokenExpired: The token is invalid or has expired.
        InvalidBody: A subscription does not belong to the subscriber.
    """
    with box.database.transaction() as session:
        connection = session.connection()
        subscriber = subscriptions.held(session, id=opened(connection, box, token, now=now).id)
        if subscriber is None:
            raise TokenExpired
        columns = {name: values[name] for name in ("language", "time_zone") if values.get(name)}
        if columns:
            subscriptions.change_person(session, subscriber.id, **columns)
        rows_by_id = {row.id: row for row in subscriptions.of_people(connection, [subscriber.id])}
        zone = columns.get("time_zone", subscriber.time_zone)
        for number, (id_, frequency) in enumerate(values.get("frequencies", {}).items()):
            if id_ not in rows_by_id:
                raise BadBody([Fault(f"/subscriptions/{number}/id", "is not one of your subscriptions")])
            if frequency is None:
                subscriptions.end(session, subscriber.id, now, only=id_)
            elif frequency != rows_by_id[id_].frequency:
                subscriptions.change(session, id_, frequency=frequency)
                due_at = now + SOON if frequency == "immediate" else hours.next_digest(frequency, zone, now)
                alerts.retime(session, id_, due_at)


def erase(box: Box, token: str, *, now: datetime) -> None:
    """Erase a subscriber and suppress the address, of which only a keyed hash is kept; raise TokenExpired."""
    with box.database.transaction() as session:
        subscriber = opened(session.connection(), box, token, now=now)
        _erase(session, subscriber.person, "erased", now)


def _erase(session: Session, email_hash: bytes, reason: str, now: datetime) -> None:
    subscriptions.erase(session, email_hash)
    subscriptions.suppress(session, email_hash, reason, now)


def refuse(box: Box, addresses: Iterable[str], reason: str, *, now: datetime) -> None:
    """Erase the subscribers with these email addresses and suppress the addresses.

    Args:
        context: Database, settings and token signer.
        emails: The email addresses; unknown ones are suppressed too.
        reason: Why, such as `bounce` or `complaint`.
        now: The current time.
    """
    with box.database.transaction() as session:
        for email in addresses:
            _erase(session, box.passes.person(mailboxes.person(email)), reason, now)


def forget_bounced(box: Box, person: bytes, *, now: datetime) -> None:
    """Erase the subscriber with this email hash, whose mailbox does not exist, and suppress the address."""
    with box.database.transaction() as session:
        _erase(session, person, "bounce", now)


def bounced(message: bytes) -> list[str]:
    """Return the email addresses that a bounce message (RFC 3464) reports as permanently undeliverable.

    Other failures are ignored: a full mailbox is temporary, and a block of this server is not the subscriber's fault.

    Args:
        message: The bounce message as received by the mail server.

    Returns:
        The addresses, normalised.
    """
    emails = []
    for part in message_from_bytes(message, policy=policy.default).walk():
        fields = {name: " ".join(value.split()) for name, value in part.items()}
        status, action = fields.get("Status", ""), fields.get("Action", "").lower()
        _, _, recipient = fields.get("Original-Recipient", fields.get("Final-Recipient", "")).partition(";")
        if action == "failed" and _FOR_GOOD.match(status):
            try:
                emails.append(mailboxes.address(recipient.strip(" <>")))
            except ValueError:
                continue
    return emails


_FOR_GOOD: Final = re.compile(r"5\.(1\.\d+|2\.1)(?!\d)", re.ASCII)
"""Status codes of RFC 3463: bad address (5.1.x), or mailbox disabled (5.2.1)."""


def allow(box: Box, address: str) -> bool:
    """Let a suppressed email address subscribe again; return False if it was not suppressed."""
    with box.database.transaction() as session:
        return subscriptions.allow(session, box.passes.person(mailboxes.person(address)))


def tidy(box: Box, *, now: datetime) -> None:
    """Delete unconfirmed subscriptions, evidence, confirmation sends and alerts that are older than their retention."""
    with box.database.transaction() as session:
        subscriptions.tidy(session, pending=now - CONFIRMED_IN, ended=now - EVIDENCE, boxes=now - timedelta(days=1))
    count = alerts.CHUNK
    while count == alerts.CHUNK:
        with box.database.transaction() as session:
            count = alerts.forget(session, due_before=now - timedelta(days=30))


# --- records for the API ----------------------------------------------------------------------------------------------


def export(connection: Connection, person: Any) -> dict[str, Any]:
    """Return all stored data of a subscriber, for the API."""
    (record,) = described(connection, [person], ended=True)
    versions = {subscription["consent_version"] for subscription in record["subscriptions"]}
    consents, mails = subscriptions.texts(connection, versions), alerts.of_person(connection, person.id)
    return {**record, "consents": [_columns(row) for row in consents], "mails": [_columns(row) for row in mails]}


def described(connection: Connection, people: Sequence[Any], *, ended: bool = False) -> list[dict[str, Any]]:
    """Return subscribers with their subscriptions and consents, for the API.

    Args:
        connection: A connection to the database.
        subscribers: The rows of the subscribers.
        include_ended: Whether ended subscriptions are included.

    Returns:
        A record for each subscriber, in order.
    """
    rows = subscriptions.of_people(connection, [subscriber.id for subscriber in people], ended=ended)
    topics = subscriptions.topics(connection, {row.facet_id for row in rows})
    subscriptions_by_id: dict[UUID, list[dict[str, Any]]] = {subscriber.id: [] for subscriber in people}
    for row in rows:
        topic = topics.get(row.facet_id, Topic("brand", "", ""))
        subscriptions_by_id[row.subscriber_id].append({**_columns(row), **topic._asdict()})
    return [{**_columns(subscriber), "subscriptions": subscriptions_by_id[subscriber.id]} for subscriber in people]


def _columns(row: Any) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001 (the documented way to the names of a row's columns)
