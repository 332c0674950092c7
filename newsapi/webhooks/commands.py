"""Commands for webhooks: create, update, rotate the secret, delete, ping and redeliver."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from newsapi.db.database import Connection, Database, Session
from newsapi.db.types import uuid7
from newsapi.errors import FieldError, InvalidBody, NotFound
from newsapi.keys import audit
from newsapi.web.caller import Caller
from newsapi.webhooks import queries, signing
from newsapi.webhooks.event_types import PING
from newsapi.webhooks.queries import WebhookColumns, WebhookRow

T = TypeVar("T")
ReadBack = Callable[[Session, WebhookRow], T]

MAX_WEBHOOKS_PER_KEY: Final = 100
"""Maximum number of webhooks of a key."""

SECRET_OVERLAP: Final = timedelta(hours=24)
"""How long the old secret of a webhook signs deliveries together with the new one."""


def create(database: Database, caller: Caller, values: WebhookColumns, *, now: datetime, read_back: ReadBack[T]) -> T:
    """Create a webhook.

    Args:
        database: The database.
        caller: The key that owns the webhook.
        values: The validated fields of the request body.
        now: The time of creation.
        read_back: Builds the result inside the transaction, from the webhook with its secret.

    Returns:
        What `read_back` returns.

    Raises:
        InvalidBody: The key has too many webhooks.
    """
    id_, secret = uuid7(), signing.generate_secret()
    with database.transaction() as session:
        if queries.count_webhooks(session.connection(), caller.name) >= MAX_WEBHOOKS_PER_KEY:
            raise InvalidBody([FieldError("", f"this key already has {MAX_WEBHOOKS_PER_KEY} webhooks")])
        webhook = queries.insert_webhook(session, id_, owner=caller.name, secret=secret, created_at=now, values=values)
        _insert_audit_entry(session, caller, "create", id_, now)
        return read_back(session, webhook)


def update(database: Database, caller: Caller, id_: UUID, values: WebhookColumns, *, now: datetime) -> WebhookRow:
    """Update a webhook and return it; raise NotFound."""
    with database.transaction() as session:
        webhook = get_own(session.connection(), caller, id_)
        if values:
            queries.update_webhook(session, id_, **values)
            _insert_audit_entry(session, caller, "update", id_, now)
    return webhook._replace(**values)


def rotate(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> WebhookRow:
    """Generate a new secret and return the webhook; the old secret also signs for a day.

    Args:
        database: The database.
        caller: The key that owns the webhook, or one with the scope `admin`.
        id_: The webhook.
        now: The time of the rotation.

    Returns:
        The webhook, with the new secret.
    """
    with database.transaction() as session:
        webhook = get_own(session.connection(), caller, id_)
        columns: WebhookColumns = {
            "secret": signing.generate_secret(),
            "previous_secret": webhook.secret,
            "previous_secret_expires_at": now + SECRET_OVERLAP,
        }
        queries.update_webhook(session, id_, **columns)
        _insert_audit_entry(session, caller, "rotate", id_, now)
    return webhook._replace(**columns)


def delete(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> None:
    """Delete a webhook with its pending deliveries; raise NotFound."""
    with database.transaction() as session:
        get_own(session.connection(), caller, id_)
        queries.delete_webhook(session, id_)
        _insert_audit_entry(session, caller, "delete", id_, now)


def ping(database: Database, caller: Caller, id_: UUID, *, now: datetime) -> UUID:
    """Queue a `webhook.ping` event, whatever the webhook subscribes to, and return its id; raise NotFound."""
    with database.transaction() as session:
        get_own(session.connection(), caller, id_)
        event = signing.build_event(PING, now, {"webhook": str(id_)})
        delivery = queries.NewDelivery(webhook_id=id_, seq=None, type=PING, body=event, created_at=now)
        queries.insert_deliveries(session, [delivery])
    return delivery.id


def redeliver(database: Database, caller: Caller, id_: UUID, delivery_id: UUID, *, now: datetime) -> None:
    """Queue a delivery again under the same event id; raise NotFound."""
    with database.transaction() as session:
        get_own(session.connection(), caller, id_)
        if not queries.requeue(session, id_, delivery_id, now):
            raise NotFound


def visible_owner(caller: Caller) -> str | None:
    """Return the owner whose webhooks a caller sees; None for those of all owners."""
    return None if "admin" in caller.scopes else caller.name


def get_own(connection: Connection, caller: Caller, id_: UUID) -> WebhookRow:
    """Return a webhook of the caller, or of any owner for the scope `admin`; raise NotFound."""
    webhook = queries.get_webhook(connection, id_, visible_owner(caller))
    if webhook is None:
        raise NotFound
    return webhook


def _insert_audit_entry(session: Session, caller: Caller, action: str, id_: UUID, now: datetime) -> None:
    audit.insert_entry(session, occurred_at=now, actor=caller.name, action=action, kind="webhook", subject_id=id_)
