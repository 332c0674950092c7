"""Email subscriptions: request, confirmation, preferences, unsubscription, erasure and suppression.

No response reveals whether an email address is known. The subscription form only stores a request, which takes the same
time for every address; the worker processes it later. Only an email to the address itself tells more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict
from uuid import UUID

from newsapi.content.presentation.consent import Consent, consent_text
from newsapi.db.database import Connection, Database, Session
from newsapi.db.types import uuid7
from newsapi.errors import FieldError, InvalidBody, MailNotConfigured, NotFound, TokenExpired
from newsapi.settings import Settings
from newsapi.subscriptions import addresses, alert_queries, digest_times, messages, queries
from newsapi.subscriptions.rows import NoticeRow, RequestRow, SubscriberColumns, SubscriberRow, SubscriptionRow
from newsapi.subscriptions.tokens import TokenSigner

CONFIRMATION_TIMEOUT: Final = timedelta(days=3)
"""Time in which a subscription must be confirmed; then it is deleted, with the email address."""

CONSENT_RETENTION: Final = timedelta(days=730)
"""How long the consent to an ended subscription is kept as evidence, under a hash instead of the email address."""

MAX_DAILY_CONFIRMATIONS: Final = 1
"""Confirmation emails per mailbox and day before its owner has confirmed a subscription."""

MAX_DAILY_CONFIRMATIONS_OF_KNOWN: Final = 5
"""Confirmation emails per mailbox and day after its owner has confirmed a subscription."""

IMMEDIATE_DELAY: Final = timedelta(seconds=3)
"""Delay of an immediate alert, after which every node returns the article that it links to."""


class Preferences(TypedDict, total=False):
    """Changed preferences of a subscriber: frequencies by subscription id (None ends it), language and time zone."""

    frequencies: Mapping[UUID, str | None]
    language: str
    time_zone: str


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

    def consent(self, language: str) -> Consent:
        """Return the consent text of the subscription form."""
        return consent_text(language, self.settings.publisher, self.settings.privacy_url)


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
        facet_id = queries.find_facet(session.connection(), kind, slug)
        if facet_id is None:
            raise NotFound
        subscription_request = RequestRow(
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
        queries.insert_request(session, subscription_request)


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
                _process_request(session, row)
        queries.delete_requests(session, [row.id for row in rows])
    return len(rows)


def _process_request(session: Session, request: RequestRow) -> None:
    """Create or update the subscriber and the subscription of a request."""
    subscriber = queries.lock_subscriber_of_email(session, request.email_hash)
    if subscriber is None:
        subscriber = SubscriberRow(
            id=uuid7(),
            email_hash=request.email_hash,
            mailbox_hash=request.mailbox_hash,
            email=request.email,
            language=request.language,
            time_zone=request.time_zone,
            created_at=request.requested_at,
        )
        queries.insert_subscriber(session, subscriber)
    elif subscriber.email is None:
        queries.update_subscriber(
            session,
            subscriber.id,
            email=request.email,
            mailbox_hash=request.mailbox_hash,
            language=request.language,
            time_zone=request.time_zone,
        )
    live = queries.list_subscriptions(session.connection(), [subscriber.id])
    subscription = next((row for row in live if row.facet_id == request.facet_id), None)
    if subscription is None:
        _insert_pending_subscription(session, subscriber.id, request)
        return
    notice_due_at = subscription.notice_due_at or request.requested_at
    if subscription.state == "pending":
        # Nothing is confirmed yet, so the next email is about the latest request.
        queries.update_subscription(
            session,
            subscription.id,
            frequency=request.frequency,
            notice_due_at=notice_due_at,
            consent_version=request.consent_version,
            source_url=request.source_url,
            requested_at=request.requested_at,
        )
    else:
        queries.update_subscription(session, subscription.id, notice_due_at=notice_due_at)


def _insert_pending_subscription(session: Session, subscriber_id: UUID, request: RequestRow) -> None:
    subscription = SubscriptionRow(
        id=uuid7(),
        subscriber_id=subscriber_id,
        facet_id=request.facet_id,
        frequency=request.frequency,
        state="pending",
        consent_version=request.consent_version,
        source_url=request.source_url,
        requested_at=request.requested_at,
        confirmed_at=None,
        ended_at=None,
        notice_due_at=request.requested_at,
    )
    queries.insert_subscription(session, subscription)


def mailable_from(connection: Connection, notice: NoticeRow, *, now: datetime) -> datetime | None:
    """Return from when the email about a subscription may be sent.

    A mailbox is sent one email a day until its owner has confirmed a subscription. A repeated request for an active
    subscription is answered by an email at most once a day.

    Args:
        connection: A connection to the database.
        notice: The subscription, with its mailbox hash.
        now: The current time.

    Returns:
        `now`, a later time, or None if it may not be sent at all.
    """
    recent_sends = queries.list_confirmation_sends(connection, notice.mailbox_hash, now - timedelta(days=1))
    if notice.state == "active":
        return None if recent_sends else now
    limit = (
        MAX_DAILY_CONFIRMATIONS_OF_KNOWN
        if queries.has_active(connection, notice.subscriber_id)
        else MAX_DAILY_CONFIRMATIONS
    )
    if len(recent_sends) < limit:
        return now
    free_from = recent_sends[-limit] + timedelta(days=1)
    return free_from if free_from < notice.requested_at + CONFIRMATION_TIMEOUT else None


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
        subscription = queries.find_subscription(session.connection(), id_)
        subscriber_id = subscription.subscriber_id if subscription else id_
        queries.lock_subscriber(session, subscriber_id)
        if not queries.end_subscriptions(
            session, subscriber_id, now, subscription=subscription.id if subscription else None
        ):
            raise TokenExpired


def verify_manage_token(
    connection: Connection, context: SubscriptionContext, token: str, *, now: datetime
) -> SubscriberRow:
    """Return the row of the subscriber that a token may manage; raise TokenExpired."""
    # A subscriber without subscriptions is returned too: they can see this, and can still be erased.
    subscriber = queries.find_subscriber(connection, context.token_signer.verify(token, "manage", now=now))
    if subscriber is None:
        raise TokenExpired
    return subscriber


def update_preferences(context: SubscriptionContext, token: str, values: Preferences, *, now: datetime) -> None:
    """Update the preferences of a subscriber.

    Args:
        context: Database, settings and token signer.
        token: A token for managing subscriptions.
        values: The changed preferences.
        now: The current time.

    Raises:
        TokenExpired: The token is invalid or has expired.
        InvalidBody: A subscription does not belong to the subscriber.
    """
    with context.database.transaction() as session:
        connection = session.connection()
        subscriber = queries.lock_subscriber(session, verify_manage_token(connection, context, token, now=now).id)
        if subscriber is None:
            raise TokenExpired
        columns: SubscriberColumns = {}
        if language := values.get("language"):
            columns["language"] = language
        if time_zone := values.get("time_zone"):
            columns["time_zone"] = time_zone
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
    context.database.truncate_write_ahead_log()


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
    hashes = [context.token_signer.hash_email(addresses.email_identity(email)) for email in emails]
    suppress_hashes(context, hashes, reason, now=now)


def suppress_hashes(context: SubscriptionContext, hashes: Collection[bytes], reason: str, *, now: datetime) -> None:
    """Erase the subscribers with these hashes of addresses, and suppress the addresses; see `suppress_addresses`."""
    if hashes:
        with context.database.transaction() as session:
            for email_hash in hashes:
                _erase(session, email_hash, reason, now)
        context.database.truncate_write_ahead_log()


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
