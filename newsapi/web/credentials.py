"""Generation and verification of API keys and preview tokens. Only their hashes are stored."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final, Literal, NamedTuple

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_PREFIX_LENGTH: Final = 10
_SHAPE: Final = re.compile(rf"((?:key|see)_[{_ALPHABET}]{{{_PREFIX_LENGTH}}})_[A-Za-z0-9_-]{{43}}", re.ASCII)


class NewCredential(NamedTuple):
    """A new credential: its public prefix, the whole secret, and the digest to store."""

    prefix: str
    secret: str
    digest: bytes


def generate_credential(kind: Literal["key", "see"]) -> NewCredential:
    """Generate a secret of 256 random bits after a public prefix that identifies it."""
    prefix = f"{kind}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_PREFIX_LENGTH))
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    return NewCredential(prefix, secret, digest(secret))


def digest(secret: str) -> bytes:
    """Return the SHA-256 digest (32 bytes) of a secret.

    A slow password hash protects secrets that people choose. 256 random bits cannot be guessed however fast the hash
    is, and a slow hash would make every request expensive.

    Args:
        secret: The whole credential, prefix included.

    Returns:
        The digest to store or to compare.
    """
    return hashlib.sha256(secret.encode()).digest()


def prefix_of(secret: str) -> str | None:
    """Return the public prefix of a secret, or None if it does not have the format of a generated credential."""
    match = _SHAPE.fullmatch(secret)
    return match[1] if match else None


def matches_digest(stored_digest: bytes, secret: str) -> bool:
    """Return whether a secret has the stored digest, in constant time."""
    return hmac.compare_digest(stored_digest, digest(secret))
