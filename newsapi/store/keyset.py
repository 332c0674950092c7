"""Cursors: a place in a list, signed, that costs the same at page 1 and at page 50,000."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select

from newsapi.errors import BadCursor, ExpiredCursor, SchemaMissing
from newsapi.model import Secret
from newsapi.model.base import EPOCH
from newsapi.store.database import Database

PERIOD = timedelta(days=30)
"""A cursor is good in the period of its making and in the next one: 30 days at least, 60 at most.

The period is the same for everybody and stands in the cursor in place of a time of making, so that equal data gives
equal bytes on every node.
"""

_TAG = 16


def period(now: datetime) -> int:
    """Answer the number of the period that a time lies in."""
    return (now - EPOCH) // PERIOD


class Cursors:
    """Makes and reads cursors. A cursor is base64url of a 16-byte tag, the period and a JSON value."""

    def __init__(self, database: Database, secret: str | None = None) -> None:
        """Take the signing secret, or the database to keep one in."""
        self._database = database
        self._secret = secret

    def write(self, value: Any, *, now: datetime) -> str:
        """Answer the cursor that `read` turns back into `value`."""
        made = period(now)
        payload = orjson.dumps([made, value])
        return base64.urlsafe_b64encode(self._tag(made, payload) + payload).rstrip(b"=").decode()

    def read(self, cursor: str, *, now: datetime, periods: int = 1) -> Any:
        """Answer the value, in the period of its making and some `periods` after it.

        Raises BadCursor for what was not made here, ExpiredCursor for what is too old.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            made, value = orjson.loads(raw[_TAG:])
            genuine = hmac.compare_digest(raw[:_TAG], self._tag(int(made), raw[_TAG:]))
        except (binascii.Error, ValueError, TypeError) as error:
            raise BadCursor(_NOT_OURS) from error
        # Other spellings of the same bytes (stray low bits, padding) are refused too: one cursor, one text.
        if not genuine or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
            raise BadCursor(_NOT_OURS)
        if period(now) - made > periods:
            raise ExpiredCursor
        return value

    def _tag(self, made: int, payload: bytes) -> bytes:
        key = hashlib.blake2b(f"cursor {made}".encode(), key=self._key(), digest_size=32).digest()
        return hashlib.blake2b(payload, key=key, digest_size=_TAG).digest()

    def _key(self) -> bytes:
        if self._secret is None:
            self._secret = kept_secret(self._database)
        return self._secret.encode()[:64]


_NOT_OURS = "This is not a cursor of this list; take `page.next` or `page.prev` of an answer as it is."


def kept_secret(database: Database) -> str:
    """Answer the secret that the first migration made."""
    with database.reading() as connection:
        found: str | None = connection.execute(select(Secret.value).where(Secret.name == "cursor")).scalar()
    if found is None:
        raise SchemaMissing
    return found
