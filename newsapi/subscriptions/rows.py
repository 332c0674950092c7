"""Rows of the subscription tables, and the columns of them that change."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, TypedDict
from uuid import UUID


class FollowedTerm(NamedTuple):
    """A brand, section or author that is followed."""

    kind: str
    slug: str
    name: str


class RequestRow(NamedTuple):
    """A subscription request: the columns of its table, in their order."""

    id: UUID
    email: str
    email_hash: bytes
    mailbox_hash: bytes
    facet_id: int
    frequency: str
    language: str
    time_zone: str
    consent_version: str
    source_url: str | None
    requested_at: datetime


class SubscriberRow(NamedTuple):
    """A subscriber: the columns of its table, in their order."""

    id: UUID
    email_hash: bytes
    mailbox_hash: bytes
    email: str | None
    language: str
    time_zone: str
    created_at: datetime


class SubscriptionRow(NamedTuple):
    """A subscription: the columns of its table, in their order."""

    id: UUID
    subscriber_id: UUID
    facet_id: int
    frequency: str
    state: str
    consent_version: str
    source_url: str | None
    requested_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None
    notice_due_at: datetime | None


class NoticeRow(NamedTuple):
    """A subscription whose notice is due, with the address of its subscriber."""

    id: UUID
    subscriber_id: UUID
    facet_id: int
    state: str
    consent_version: str
    requested_at: datetime
    notice_due_at: datetime
    email: str
    email_hash: bytes
    mailbox_hash: bytes
    language: str
    time_zone: str


class ConsentTextRow(NamedTuple):
    """A consent text: the columns of its table, in their order."""

    version: str
    language: str
    text: str
    first_used_at: datetime


class SubscriberColumns(TypedDict, total=False):
    """Columns of a subscriber that change."""

    email: str
    mailbox_hash: bytes
    language: str
    time_zone: str


class SubscriptionColumns(TypedDict, total=False):
    """Columns of a subscription that change."""

    frequency: str
    consent_version: str
    source_url: str | None
    requested_at: datetime
    notice_due_at: datetime | None


class DueAlert(NamedTuple):
    """A planned delivery with its subscription and subscriber. All alerts of an email have the same due time."""

    subscriber_id: UUID
    due_at: datetime
    seq: int
    subscription_id: UUID
    article_id: UUID
    attempts: int
    email: str
    email_hash: bytes
    language: str
    time_zone: str
    facet_id: int
    frequency: str
    confirmed_at: datetime


class AlertDeliveryRow(NamedTuple):
    """A delivery: the columns of its table, in their order."""

    subscriber_id: UUID
    seq: int
    subscription_id: UUID
    article_id: UUID
    due_at: datetime
    ready_at: datetime
    state: str
    attempts: int
    sent_at: datetime | None
