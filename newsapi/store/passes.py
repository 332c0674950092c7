"""What the links in mail bear: who may confirm, leave or look after what is subscribed; and keyed hashes of addresses.

A token is not kept, not even as a hash: it is made of what it is for, of whom and until when, sealed with a key of
ours. So each mail has links of its own, and one that is sent again has the same. Whether it was used, the rows say.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final, Literal, get_args
from uuid import UUID

from newsapi.errors import TokenExpired
from newsapi.model.base import EPOCH
from newsapi.store.database import Database
from newsapi.store.keyset import kept_secret

Purpose = Literal["confirm", "leave", "manage"]
PURPOSES: Final = get_args(Purpose)

_ID, _END, _SEAL = 16, 5, 32


class Passes:
    """Makes and reads tokens: the purpose, an underscore, and base64url of an id, an end and a seal of 256 bits."""

    def __init__(self, database: Database, secret: str | None = None) -> None:
        """Take the secret, or the database that keeps one."""
        self._database = database
        self._secret = secret

    def token(self, purpose: Purpose, subject: UUID, end: datetime) -> str:
        """Answer the token that `read` turns back into `subject` until then."""
        payload = subject.bytes + ((end - EPOCH) // timedelta(seconds=1)).to_bytes(_END)
        return f"{purpose}_{base64.urlsafe_b64encode(payload + self._seal(purpose, payload)).decode().rstrip('=')}"

    def read(self, token: str, purpose: Purpose, *, now: datetime) -> UUID:
        """Answer whose token this is; raises TokenExpired for one that is over, of another purpose, or none of ours.

        The three are told in the same words: nobody learns by guessing.
        """
        kind, _, text = token.partition("_")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        payload, seal = raw[: _ID + _END], raw[_ID + _END :]
        genuine = hmac.compare_digest(seal, self._seal(purpose, payload))
        # Other spellings of the same bytes are refused too: one token, one text.
        same = base64.urlsafe_b64encode(raw).decode().rstrip("=") == text
        end = timedelta(seconds=int.from_bytes(payload[_ID:]))
        if not genuine or not same or kind != purpose or end < now - EPOCH:
            raise TokenExpired
        return UUID(bytes=payload[:_ID])

    def person(self, text: str) -> bytes:
        """Answer what is kept of an address in its place: 32 bytes that nobody without the key can try out."""
        return self._keyed("person", text.encode())

    def _seal(self, purpose: Purpose, payload: bytes) -> bytes:
        return self._keyed(purpose, payload)

    def _keyed(self, purpose: str, text: bytes) -> bytes:
        if self._secret is None:
            self._secret = kept_secret(self._database)
        key = hashlib.blake2b(f"mail {purpose}".encode(), key=self._secret.encode()[:64], digest_size=32).digest()
        return hashlib.blake2b(text, key=key, digest_size=_SEAL).digest()


def purpose_of(token: str) -> Purpose | None:
    """Answer what a token is for, by what it says; whether it is one, `read` tells."""
    kind = token.partition("_")[0]
    return next((purpose for purpose in PURPOSES if purpose == kind), None)
