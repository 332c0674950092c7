"""Bodies and signatures of webhook events by Standard Webhooks (https://www.standardwebhooks.com).

A receiver joins `webhook-id`, `webhook-timestamp` and the body with full stops, computes the HMAC-SHA256 of the result
with the shared secret, and compares it with the signatures in `webhook-signature`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

MAX_BODY_BYTES: Final = 20_000
"""Maximum size of a body."""

_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 (the prefix of all Standard Webhooks secrets)


def generate_secret() -> str:
    """Generate a secret of 256 random bits in the format of Standard Webhooks libraries."""
    return _SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def build_event(type_: str, timestamp: datetime, data: Mapping[str, object]) -> str:
    """Return the JSON body of an event; if it exceeds MAX_BODY_BYTES, the list `tags` is shortened."""
    serialized, tags = _serialize_event(type_, timestamp, data), data.get("tags")
    while len(serialized) > MAX_BODY_BYTES and isinstance(tags, list) and tags:
        tags = tags[: len(tags) // 2]
        serialized = _serialize_event(type_, timestamp, {**data, "tags": tags})
    return serialized.decode()


def _serialize_event(type_: str, timestamp: datetime, data: Mapping[str, object]) -> bytes:
    return orjson.dumps({"type": type_, "timestamp": timestamp, "data": data}, option=orjson.OPT_UTC_Z)


def signed_headers(id_: UUID, attempted_at: datetime, body: str, signing_secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers of a delivery attempt: event id, time of the attempt, and one signature for each secret."""
    timestamp = str(int(attempted_at.timestamp()))
    signed_content = f"{id_}.{timestamp}.{body}".encode()
    signatures = [
        base64.b64encode(hmac.digest(_key(secret), signed_content, hashlib.sha256)).decode()
        for secret in signing_secrets
    ]
    return {
        "webhook-id": str(id_),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
