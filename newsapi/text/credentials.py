"""Secrets that are given out once: keys and preview links. Made here, and kept by others only as what they hash to."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final, Literal, NamedTuple

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_OPEN: Final = 10
_SHAPE: Final = re.compile(rf"((?:key|see)_[{_ALPHABET}]{{{_OPEN}}})_[A-Za-z0-9_-]{{43}}", re.ASCII)


class Minted(NamedTuple):
    """A new secret: its open part, the whole, and what is kept of it."""

    prefix: str
    secret: str
    digest: bytes


def mint(kind: Literal["key", "see"]) -> Minted:
    """Make a secret of 256 random bits behind an open part, by which it is found and named."""
    prefix = f"{kind}_" + "".join(secrets.choice(_ALPHABET) for _ in range(_OPEN))
    secret = f"{prefix}_{secrets.token_urlsafe(32)}"
    return Minted(prefix, secret, digest(secret))


def digest(secret: str) -> bytes:
    """Answer the SHA-256 of a secret.

    A slow hash protects what people think up. Of 256 random bits nobody tries one in his lifetime, fast as it may be,
    and a slow one would only make every request dear.
    """
    return hashlib.sha256(secret.encode()).digest()


def prefix_of(secret: str) -> str | None:
    """Answer the open part of a secret; None for what was never made here."""
    found = _SHAPE.fullmatch(secret)
    return found[1] if found else None


def is_same(kept: bytes, secret: str) -> bool:
    """Tell whether a secret is the one that this was kept of, in the same time whatever it is."""
    return hmac.compare_digest(kept, digest(secret))
