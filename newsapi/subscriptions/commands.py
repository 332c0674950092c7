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

from newsapi.content.presentation import consent as presentation_consent
from newsapi.db.database import Connection, Database, Session
from newsapi.db.types import uuid7
from newsapi.errors import FieldError, InvalidBody, MailNotConfigured, NotFound, TokenExpired
from newsapi.settings import Settings
from newsapi.subscriptions import addresses, alert_queries, digest_times, messages, queries
from newsapi.subscriptions.queries import FollowedTerm
from newsapi.subscriptions.tokens import TokenSigner, claimed_purpose

CONFIRMATION_TIMEOUT: Final = timedelta(days=3)
"""Time in which a subscription must be confirmed; then it is deleted, with the email address."""

CONSENT_RETENTION: Final = timedelta(days=730)
"""How long the consent to an ended subscription is kept as evidence, under a hash instead of the email address."""

PER_DAY, KNOWN_PER_DAY = 1, 5
"""Confirmation emails per mailbox and day: before its owner has confirmed a subscription, and after."""

IMMEDIATE_DELAY: Final = timedelta(seconds=3)
"""Delay of an immediate alert, after which every node returns the article that it links to."""


@dataclass(frozen=True, slots=True)
class SubscriptionContext:
    """What the functions of this module need: the database, the settings, and the signer of tokens and hashes."""

    database: Database
    settings: Settings
    token_signer: TokenSigner

    @property
    def is_open(self) -> bool:
        """Whether subscriptions are enabled, which requires a mail server."""
        return self.settings.smtp_url is not None

    def consent(self, language: str) -> presentation_consent.Consent:
        """Return the consent text of the subscription form."""
        return presentation_consent.consent_text(language, self.settings.publisher, self.settings.privacy_url)


def request_subscription(
    context: SubscriptionContext, kind: str, slug: str, values: Mapping[str, Any], *, now: datetime
) -> None:
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
    if not context.is_open:
        raise MailNotConfigured
    language = messages.choose_language(values["language"], context.settings.mail_language)
    email_hash = context.token_signer.hash_email(addresses.email_identity(values["email"]))
    mailbox_hash = context.token_signer.hash_email(f"mailbox {addresses.mailbox_key(values['email'])}")
    with context.database.transaction() as session:
        facet_id = queries.get_facet(session.connection(), kind, slug)
        if facet_id is None:
            raise NotFound
        queries.insert_request(
            session,
            id=uuid7(),
            email=values["email"],
            email_hash=email_hash,
            mailbox_hash=mailbox_hash,
            facet_id=facet_id,
            frequency=values["frequency"],
            language=language,
            time_zone=values["time_zone"] or context.settings.time_zone.key,
            consent_version=values["consent_version"] or context.consent(language).version,
            source_url=values["source_url"],
            requested_at=now,
        )


# --- processing of requests by the worker -----------------------------------------------------------------------------

BATCH_SIZE: Final = 100
"""Requests that are processed in one transaction."""


def process_requests(context: SubscriptionContext, *, now: datetime) -> int:
    """Turn requests into pending subscriptions for which an email is due; return the number of requests processed."""
    with context.database.read_transaction() as connection:
        rows = queries.list_requests(connection, BATCH_SIZE)
    if not rows:
        return 0
    with context.database.transaction() as session:
        for language in messages.LANGUAGES:
            text = context.consent(language)
            queries.save_consent_text(session, text.version, language, text.text, now)
        for row in rows:
            if not queries.is_suppressed(session, row.email_hash):
                _settle(session, row)
        queries.delete_requests(session, [row.id for row in rows])
    return len(rows)


def _settle(session: Session, row: Any) -> None:
    """Create or update the subscriber and the subscription of a request."""
    subscriber = queries.lock_subscriber(session, email_hash=row.email_hash)
    id_ = subscriber.id if subscriber else uuid7()
    contact = {"email": row.email, "mailbox": row.mailbox_hash, "language": row.language, "time_zone": row.time_zone}
    if subscriber is None:
        queries.insert_subscriber(session, id=id_, email_hash=row.email_hash, created_at=row.requested_at, **contact)
    elif subscriber.email is None:
        queries.update_subscriber(session, id_, **contact)
    live = queries.list_subscriptions(session.connection(), [id_])
    subscription = next((live_row for live_row in live if live_row.facet_id == row.facet_id), None)
    consent = {"consent_version": row.consent_version, "source_url": row.source_url, "requested_at": row.requested_at}
    if subscription is None:
        queries.insert_subscription(
            session,
            subscriber_id=id_,
            facet_id=row.facet_id,
            frequency=row.frequency,
            state="pending",
            notice_due_at=row.requested_at,
            **consent,
        )
        return
    mail_since = subscription.notice_due_at or row.requested_at
    if subscription.state == "pending":
        # Nothing is confirmed yet, so the next email is about the latest request.
        queries.update_subscription(
            session, subscription.id, frequency=row.frequency, notice_due_at=mail_since, **consent
        )
    else:
        queries.update_subscription(session, subscription.id, notice_due_at=mail_since)


def mailable_from(connection: Connection, row: Any, *, now: datetime) -> datetime | None:
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
    recent_sends = queries.recent_confirmation_sends(connection, row.mailbox_hash, now - timedelta(days=1))
    if row.state == "active":
        return None if recent_sends else now
    limit = KNOWN_PER_DAY if queries.has_active(connection, row.subscriber_id) else PER_DAY
    if len(recent_sends) < limit:
        return now
    free_from = recent_sends[-limit] + timedelta(days=1)
    return free_from if free_from < row.requested_at + CONFIRMATION_TIMEOUT else None


# --- actions with a token ---------------------------------------------------------------------------------------------


def confirm(context: SubscriptionContext, token: str, *, now: datetime) -> None:
    """Confirm a subscription; raise TokenExpired."""
    id_ = context.token_signer.verify(token, "confirm", now=now)
    with context.database.transaction() as session:
        if queries.confirm_subscription(session, id_, now) is None:
            raise TokenExpired


def unsubscribe(context: SubscriptionContext, token: str, *, now: datetime) -> None:
    """End the subscription of a token, or all of a subscriber if the token is for all; raise TokenExpired."""
    id_ = context.token_signer.verify(token, "leave", now=now)
    with context.database.transaction() as session:
        subscription = queries.get_subscription(session.connection(), id_)
        subscriber_id = subscription.subscriber_id if subscription else id_
        queries.lock_subscriber(session, id=subscriber_id)
        if not queries.end_subscriptions(
            session, subscriber_id, now, subscription=subscription.id if subscription else None
        ):
            raise TokenExpired


def verify_manage_token(connection: Connection, context: SubscriptionContext, token: str, *, now: datetime) -> Any:
    """Return the row of the subscriber that a token may manage; raise TokenExpired."""
    # A subscriber without subscriptions is returned too: they can see this, and can still be erased.
    subscriber = queries.get_subscriber(connection, context.token_signer.verify(token, "manage", now=now))
    if subscriber is None:
        raise TokenExpired
    return subscriber


@dataclass(frozen=True, slots=True)
class TokenDescription:
    """What a token allows: to confirm or end a subscription to a topic (None: all), or to manage a subscriber."""

    purpose: str
    language: str
    topic: str | None = None
    person: dict[str, Any] | None = None


def describe_token(
    connection: Connection, context: SubscriptionContext, token: str, *, now: datetime
) -> TokenDescription:
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
    purpose = claimed_purpose(token)
    if purpose is None or purpose == "manage":
        (record,) = subscriber_records(connection, [verify_manage_token(connection, context, token, now=now)])
        return TokenDescription("manage", record["language"], person=record)
    id_ = context.token_signer.verify(token, purpose, now=now)
    subscription = queries.get_subscription(connection, id_)
    subscriber = queries.get_subscriber(connection, subscription.subscriber_id if subscription else id_)
    if subscriber is None:
        raise TokenExpired
    live = queries.list_subscriptions(connection, [subscriber.id])
    if subscription is not None:
        live = [row for row in live if row.id == id_]
    if not live or (purpose == "confirm" and live[0].state != "pending"):
        raise TokenExpired
    if subscription is None:
        return TokenDescription(purpose, subscriber.language)
    return TokenDescription(
        purpose, subscriber.language, topic_label(connection, subscription.facet_id, subscriber.language)
    )


def topic_label(connection: Connection, facet_id: int, language: str) -> str:
    """Return the topic of a subscription, to follow the word "updates" in a sentence; empty if it was deleted."""
    topic = queries.topics(connection, [facet_id]).get(facet_id)
    return messages.format_topic(topic.kind, topic.name, language) if topic else ""


def update_preferences(context: SubscriptionContext, token: str, values: Mapping[str, Any], *, now: datetime) -> None:
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
    with context.database.transaction() as session:
        connection = session.connection()
        subscriber = queries.lock_subscriber(session, id=verify_manage_token(connection, context, token, now=now).id)
        if subscriber is None:
            raise TokenExpired
        columns = {name: values[name] for name in ("language", "time_zone") if values.get(name)}
        if columns:
            queries.update_subscriber(session, subscriber.id, **columns)
        rows_by_id = {row.id: row for row in queries.list_subscriptions(connection, [subscriber.id])}
        zone = columns.get("time_zone", subscriber.time_zone)
        for number, (id_, frequency) in enumerate(values.get("frequencies", {}).items()):
            if id_ not in rows_by_id:
                raise InvalidBody([FieldError(f"/subscriptions/{number}/id", "is not one of your subscriptions")])
            if frequency is None:
                queries.end_subscriptions(session, subscriber.id, now, subscription=id_)
            elif frequency != rows_by_id[id_].frequency:
                queries.update_subscription(session, id_, frequency=frequency)
                due_at = (
                    now + IMMEDIATE_DELAY
                    if frequency == "immediate"
                    else digest_times.next_digest_at(frequency, zone, now)
                )
                alert_queries.reschedule(session, id_, due_at)


def erase_subscriber(context: SubscriptionContext, token: str, *, now: datetime) -> None:
    """Erase a subscriber and suppress the address, of which only a keyed hash is kept; raise TokenExpired."""
    with context.database.transaction() as session:
        subscriber = verify_manage_token(session.connection(), context, token, now=now)
        _erase(session, subscriber.email_hash, "erased", now)


def _erase(session: Session, email_hash: bytes, reason: str, now: datetime) -> None:
    queries.delete_subscriber(session, email_hash)
    queries.insert_suppression(session, email_hash, reason, now)


def suppress_addresses(context: SubscriptionContext, emails: Iterable[str], reason: str, *, now: datetime) -> None:
    """Erase the subscribers with these email addresses and suppress the addresses.

    Args:
        context: Database, settings and token signer.
        emails: The email addresses; unknown ones are suppressed too.
        reason: Why, such as `bounce` or `complaint`.
        now: The current time.
    """
    with context.database.transaction() as session:
        for email in emails:
            _erase(session, context.token_signer.hash_email(addresses.email_identity(email)), reason, now)


def suppress_bounced(context: SubscriptionContext, email_hash: bytes, *, now: datetime) -> None:
    """Erase the subscriber with this email hash, whose mailbox does not exist, and suppress the address."""
    with context.database.transaction() as session:
        _erase(session, email_hash, "bounce", now)


def parse_bounce(message: bytes) -> list[str]:
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
        if action == "failed" and _PERMANENT_STATUS.match(status):
            try:
                emails.append(addresses.parse_email(recipient.strip(" <>")))
            except ValueError:
                continue
    return emails


_PERMANENT_STATUS: Final = re.compile(r"5\.(1\.\d+|2\.1)(?!\d)", re.ASCII)
"""Status codes of RFC 3463: bad address (5.1.x), or mailbox disabled (5.2.1)."""


def unsuppress(context: SubscriptionContext, email: str) -> bool:
    """Let a suppressed email address subscribe again; return False if it was not suppressed."""
    with context.database.transaction() as session:
        return queries.delete_suppression(session, context.token_signer.hash_email(addresses.email_identity(email)))


def purge_expired(context: SubscriptionContext, *, now: datetime) -> None:
    """Delete unconfirmed subscriptions, evidence, confirmation sends and alerts that are older than their retention."""
    with context.database.transaction() as session:
        queries.purge_expired(
            session,
            pending_before=now - CONFIRMATION_TIMEOUT,
            ended_before=now - CONSENT_RETENTION,
            sent_before=now - timedelta(days=1),
        )
    count = alert_queries.BATCH_SIZE
    while count == alert_queries.BATCH_SIZE:
        with context.database.transaction() as session:
            count = alert_queries.delete_old(session, due_before=now - timedelta(days=30))


# --- records for the API ----------------------------------------------------------------------------------------------


def export_subscriber(connection: Connection, subscriber: Any) -> dict[str, Any]:
    """Return all stored data of a subscriber, for the API."""
    (record,) = subscriber_records(connection, [subscriber], include_ended=True)
    versions = {subscription["consent_version"] for subscription in record["subscriptions"]}
    consents, mails = (
        queries.get_consent_texts(connection, versions),
        alert_queries.list_for_subscriber(connection, subscriber.id),
    )
    return {**record, "consents": [_columns(row) for row in consents], "mails": [_columns(row) for row in mails]}


def subscriber_records(
    connection: Connection, subscribers: Sequence[Any], *, include_ended: bool = False
) -> list[dict[str, Any]]:
    """Return subscribers with their subscriptions and consents, for the API.

    Args:
        connection: A connection to the database.
        subscribers: The rows of the subscribers.
        include_ended: Whether ended subscriptions are included.

    Returns:
        A record for each subscriber, in order.
    """
    rows = queries.list_subscriptions(
        connection, [subscriber.id for subscriber in subscribers], include_ended=include_ended
    )
    topics = queries.topics(connection, {row.facet_id for row in rows})
    subscriptions_by_id: dict[UUID, list[dict[str, Any]]] = {subscriber.id: [] for subscriber in subscribers}
    for row in rows:
        topic = topics.get(row.facet_id, FollowedTerm("brand", "", ""))
        subscriptions_by_id[row.subscriber_id].append({**_columns(row), **topic._asdict()})
    return [{**_columns(subscriber), "subscriptions": subscriptions_by_id[subscriber.id]} for subscriber in subscribers]


def _columns(row: Any) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001 (the documented way to the names of a row's columns)
