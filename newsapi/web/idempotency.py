"""Idempotency keys: a request that the client repeats is executed once, and gets the same response.

The key is acquired in a transaction of its own, so that a second request is refused while the first is in progress. The
response is stored in the transaction of the write: both are committed, or neither.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from newsapi.db.database import Session
from newsapi.errors import IdempotencyKeyReused, IdempotentRequestInProgress, NewsError
from newsapi.web import idempotency_rows
from newsapi.web.caller import Caller
from newsapi.web.context import AppContext


class StoredResponse(NamedTuple):
    """The response to a write: status, headers, and body as JSON."""

    status: int
    headers: Mapping[str, str]
    body: str


SaveResponse = Callable[[Session, StoredResponse], StoredResponse]
"""Stores a response in the transaction of its write, and returns it."""


def run_once(
    context: AppContext,
    caller: Caller,
    idempotency_key: str,
    digest: bytes,
    execute: Callable[[SaveResponse], StoredResponse],
) -> StoredResponse:
    """Execute a request once for each idempotency key of a caller.

    Args:
        context: Services of the application, of which database and clock are used.
        caller: The API key of the request.
        idempotency_key: The Idempotency-Key header.
        digest: A hash of the request.
        execute: Executes the request; it calls its argument to store the response.

    Returns:
        The response, which is the stored one if the request was executed before.

    Raises:
        IdempotencyKeyReused: The key was sent with a different request.
        IdempotentRequestInProgress: The first request with this key has not finished, or it took so long that another
            request acquired its key.
    """
    holder = secrets.token_hex(8)
    with context.database.transaction() as session:
        now = context.clock(session.connection())
        row = idempotency_rows.acquire_key(
            session, caller.prefix, idempotency_key, digest=digest, holder=holder, now=now
        )
    if row is not None:
        if row.request_digest != digest:
            raise IdempotencyKeyReused
        if row.status is None:
            raise IdempotentRequestInProgress
        return StoredResponse(row.status, row.headers, row.body)

    def save_response(session: Session, reply: StoredResponse) -> StoredResponse:
        is_saved = idempotency_rows.save_response(
            session,
            caller.prefix,
            idempotency_key,
            holder=holder,
            status=reply.status,
            headers=dict(reply.headers),
            body=reply.body,
        )
        if not is_saved:
            raise IdempotentRequestInProgress  # the lease expired and another request, which acquired it, is executed
        return reply

    try:
        return execute(save_response)
    except BaseException:
        with suppress(NewsError), context.database.transaction() as session:
            idempotency_rows.release_key(session, caller.prefix, idempotency_key, holder=holder)
        raise


def without_key(_session: Session, reply: StoredResponse) -> StoredResponse:
    """Return the response without storing it: for requests without an idempotency key."""
    return reply
