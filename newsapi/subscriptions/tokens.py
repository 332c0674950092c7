"""Signed tokens for the links in emails (confirm, unsubscribe, manage), message tokens, and hashes of email addresses.

Tokens are not stored, not even as a hash: a token consists of its purpose, subject and expiry, authenticated with a
secret key. So each email has links of its own, and an email that is sent again has the same links. The rows of the
subscription tell whether a token was used.

A message token is the local part of a Message-ID and a part of the return path. It proves that an email was sent to an
address, so that a bounce can be checked without a record of sent emails.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final, Literal, get_args
from uuid import UUID

from newsapi.db.database import Database
from newsapi.db.types import EPOCH
from newsapi.errors import TokenExpired
from newsapi.web.cursors import stored_secret

Purpose = Literal["confirm", "leave", "manage"]
PURPOSES: Final = get_args(Purpose)

_ID_BYTES: Final = 16
_EXPIRY_BYTES: Final = 5
"""Size of the expiry, in seconds since 1970."""

_MAC_BYTES: Final = 32

_MESSAGE_NONCE_BYTES: Final = 6
_MESSAGE_MAC_BYTES: Final = 10
MESSAGE_TOKEN_LENGTH: Final = 2 * (_MESSAGE_NONCE_BYTES + _MESSAGE_MAC_BYTES)
"""Length of a message token in hexadecimal digits."""


class TokenSigner:
    """Signs and verifies tokens.

    A token is its purpose, an underscore, and the unpadded base64url form of subject id, expiry and a 256-bit MAC.
    """

    def __init__(self, database: Database, secret: str | None = None) -> None:
        """Use `secret`, or the secret stored in the database if it is None."""
        self._database = database
        self._secret = secret

    def sign(self, purpose: Purpose, subject: UUID, expires_at: datetime) -> str:
        """Return a token from which `verify` returns `subject` until the expiry."""
        payload = subject.bytes + ((expires_at - EPOCH) // timedelta(seconds=1)).to_bytes(_EXPIRY_BYTES)
        return f"{purpose}_{base64.urlsafe_b64encode(payload + self._mac(purpose, payload)).decode().rstrip('=')}"

    def verify(self, token: str, purpose: Purpose, *, now: datetime) -> UUID:
        """Return the subject of a token.

        Args:
            token: The token as the client sent it.
            purpose: The purpose that the token must have.
            now: The current time.

        Returns:
            The id that the token was signed for.

        Raises:
            TokenExpired: The token has expired, has another purpose or is invalid. The error is the same for all
                three, so that guessing reveals nothing.
        """
        claimed, _, text = token.partition("_")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        payload, mac = raw[: _ID_BYTES + _EXPIRY_BYTES], raw[_ID_BYTES + _EXPIRY_BYTES :]
        is_authentic = hmac.compare_digest(mac, self._mac(purpose, payload))
        # Reject non-canonical encodings of the same bytes: a token has exactly one text.
        is_canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=") == text
        expiry = timedelta(seconds=int.from_bytes(payload[_ID_BYTES:]))
        if not is_authentic or not is_canonical or claimed != purpose or expiry < now - EPOCH:
            raise TokenExpired
        return UUID(bytes=payload[:_ID_BYTES])

    def hash_email(self, text: str) -> bytes:
        """Return the keyed hash that is stored in place of an email address or a mailbox.

        Without the key it cannot be tested against guessed addresses.

        Returns:
            32 bytes.
        """
        return self._keyed("person", text.encode())

    def message_token(self, message_key: str, email_hash: bytes) -> str:
        """Return the token of an email; an email with the same key to the same address has the same token.

        Args:
            message_key: What distinguishes the email from others to the same address.
            email_hash: The keyed hash of the recipient's address, from `hash_email`.

        Returns:
            MESSAGE_TOKEN_LENGTH hexadecimal digits in lower case, as mail servers may change the case.
        """
        nonce = hashlib.blake2b(message_key.encode(), digest_size=_MESSAGE_NONCE_BYTES).digest()
        return (nonce + self._message_mac(nonce, email_hash)).hex()

    def is_message_token(self, token: str, email_hash: bytes) -> bool:
        """Return whether this is the token of an email that was sent to the address with this hash."""
        try:
            raw = bytes.fromhex(token)
        except ValueError:
            return False
        nonce, mac = raw[:_MESSAGE_NONCE_BYTES], raw[_MESSAGE_NONCE_BYTES:]
        return hmac.compare_digest(mac, self._message_mac(nonce, email_hash))

    def _message_mac(self, nonce: bytes, email_hash: bytes) -> bytes:
        return self._keyed("message", nonce + email_hash)[:_MESSAGE_MAC_BYTES]

    def _mac(self, purpose: Purpose, payload: bytes) -> bytes:
        return self._keyed(purpose, payload)

    def _keyed(self, purpose: str, message: bytes) -> bytes:
        if self._secret is None:
            self._secret = stored_secret(self._database)
        key = hashlib.blake2b(f"mail {purpose}".encode(), key=self._secret.encode()[:64], digest_size=32).digest()
        return hashlib.blake2b(message, key=key, digest_size=_MAC_BYTES).digest()


def claimed_purpose(token: str) -> Purpose | None:
    """Return the purpose that a token states, without verifying the token; None if it is not a known purpose."""
    claimed = token.partition("_")[0]
    return next((purpose for purpose in PURPOSES if purpose == claimed), None)
