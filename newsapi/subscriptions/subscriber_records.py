"""Records of subscribers for the API and the preferences page, and what the token of an email allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from newsapi.db.database import Connection
from newsapi.errors import TokenExpired
from newsapi.subscriptions import alert_queries, messages, queries
from newsapi.subscriptions.commands import SubscriptionContext, verify_manage_token
from newsapi.subscriptions.rows import FollowedTerm, SubscriberRow
from newsapi.subscriptions.tokens import claimed_purpose


class SubscriberRecord(TypedDict):
    """A subscriber with their subscriptions, each with its term and consent, as the API returns it."""

    id: UUID
    email: str | None
    language: str
    time_zone: str
    created_at: datetime
    subscriptions: list[dict[str, object]]


class ExportRecord(SubscriberRecord):
    """All stored data of a subscriber."""

    consents: list[dict[str, object]]
    mails: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class TokenDescription:
    """What a token allows: to confirm or end a subscription to a topic (None: all), or to manage a subscriber."""

    purpose: str
    language: str
    topic: str | None = None
    subscriber: SubscriberRecord | None = None


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
        (record,) = list_records(connection, [verify_manage_token(connection, context, token, now=now)])
        return TokenDescription("manage", record["language"], subscriber=record)
    id_ = context.token_signer.verify(token, purpose, now=now)
    subscription = queries.find_subscription(connection, id_)
    subscriber = queries.find_subscriber(connection, subscription.subscriber_id if subscription else id_)
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
        purpose, subscriber.language, format_topic(connection, subscription.facet_id, subscriber.language)
    )


def format_topic(connection: Connection, facet_id: int, language: str) -> str:
    """Return the topic of a subscription, to follow the word "updates" in a sentence; empty if it was deleted."""
    term = queries.list_terms(connection, [facet_id]).get(facet_id)
    return messages.format_topic(term.kind, term.name, language) if term else ""


def export_subscriber(connection: Connection, subscriber: SubscriberRow) -> ExportRecord:
    """Return all stored data of a subscriber, for the API."""
    (record,) = list_records(connection, [subscriber], include_ended=True)
    versions = {str(subscription["consent_version"]) for subscription in record["subscriptions"]}
    consents = queries.list_consent_texts(connection, versions)
    deliveries = alert_queries.list_for_subscriber(connection, subscriber.id)
    return {
        **record,
        "consents": [row._asdict() for row in consents],
        "mails": [row._asdict() for row in deliveries],
    }


def list_records(
    connection: Connection, subscribers: Sequence[SubscriberRow], *, include_ended: bool = False
) -> list[SubscriberRecord]:
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
    terms = queries.list_terms(connection, {row.facet_id for row in rows})
    subscriptions_by_id: dict[UUID, list[dict[str, object]]] = {subscriber.id: [] for subscriber in subscribers}
    for row in rows:
        term = terms.get(row.facet_id, FollowedTerm("brand", "", ""))
        subscriptions_by_id[row.subscriber_id].append({**row._asdict(), **term._asdict()})
    return [
        {
            "id": subscriber.id,
            "email": subscriber.email,
            "language": subscriber.language,
            "time_zone": subscriber.time_zone,
            "created_at": subscriber.created_at,
            "subscriptions": subscriptions_by_id[subscriber.id],
        }
        for subscriber in subscribers
    ]
