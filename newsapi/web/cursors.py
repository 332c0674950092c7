"""Cursors: signed positions in a list, for keyset pagination whose cost does not depend on the page number."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta

import orjson
from sqlalchemy import select

from newsapi.db.database import Database
from newsapi.db.tables import Secret
from newsapi.db.types import EPOCH
from newsapi.errors import CursorExpired, CursorInvalid, MigrationsPending
from newsapi.text.json_types import JsonValue

CURSOR_PERIOD = timedelta(days=30)
"""A cursor is valid in the period in which it was created and in the next one: for 30 to 60 days.

The cursor contains the number of the period and no creation time, so that equal data gives equal bytes on every node.
"""

_MAC_BYTES = 16


def period_number(now: datetime) -> int:
    """Return the number of the period that a time is in, counted from the Unix epoch."""
    return (now - EPOCH) // CURSOR_PERIOD


class CursorCodec:
    """Signs and verifies cursors.

    A cursor is the base64url encoding of a 16-byte BLAKE2b MAC and a JSON array of the period and the value.
    """

    def __init__(self, database: Database, secret: str | None = None) -> None:
        """Initialize with the signing secret, or with the database that stores one."""
        self._database = database
        self._secret = secret

    def write(self, value: JsonValue, *, now: datetime) -> str:
        """Return the cursor from which `read` restores `value`."""
        created_in = period_number(now)
        payload = orjson.dumps([created_in, value])
        return base64.urlsafe_b64encode(self._tag(created_in, payload) + payload).rstrip(b"=").decode()

    def read(self, cursor: str, *, now: datetime, periods: int = 1) -> JsonValue:
        """Return the value of a cursor.

        Args:
            cursor: The cursor as the client sent it.
            now: The current time.
            periods: How many periods after that of its creation a cursor is valid.

        Raises:
            CursorInvalid: The cursor was not created by this service.
            CursorExpired: The cursor is too old.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            created_in, value = orjson.loads(raw[_MAC_BYTES:])
            is_genuine = hmac.compare_digest(raw[:_MAC_BYTES], self._tag(int(created_in), raw[_MAC_BYTES:]))
        except (binascii.Error, ValueError, TypeError) as error:
            raise CursorInvalid(_NOT_OURS) from error
        # Other encodings of the same bytes (unused low bits, padding) are refused: each cursor has one spelling.
        if not is_genuine or base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != cursor:
            raise CursorInvalid(_NOT_OURS)
        if period_number(now) - created_in > periods:
            raise CursorExpired
        return value

    def _tag(self, created_in: int, payload: bytes) -> bytes:
        key = hashlib.blake2b(f"cursor {created_in}".encode(), key=self._key(), digest_size=32).digest()
        return hashlib.blake2b(payload, key=key, digest_size=_MAC_BYTES).digest()

    def _key(self) -> bytes:
        if self._secret is None:
            self._secret = stored_secret(self._database)
        return self._secret.encode()[:64]


_NOT_OURS = "This is not a cursor of this list. Use `page.next` or `page.prev` of a response unchanged."


def stored_secret(database: Database) -> str:
    """Return the signing secret that the first migration generated.

    Raises:
        MigrationsPending: The database has no such secret.
    """
    with database.read_transaction() as connection:
        secret: str | None = connection.execute(select(Secret.value).where(Secret.name == "cursor")).scalar()
    if secret is None:
        raise MigrationsPending
    return secret
