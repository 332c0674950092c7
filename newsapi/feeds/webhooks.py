"""What webhooks are sent: bodies of events, and signatures by Standard Webhooks (standardwebhooks.com).

A receiver joins `webhook-id`, `webhook-timestamp` and the body by full stops, and compares their HMAC-SHA256 under the
shared secret with one of those in `webhook-signature`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

MOST: Final = 20_000
"""Bytes of a body, at most."""

_SECRET: Final = "whsec_"  # noqa: S105 (how secrets of Standard Webhooks begin)


def new_secret() -> str:
    """Make a secret of 256 random bits, in the form that libraries of Standard Webhooks take."""
    return _SECRET + base64.b64encode(secrets.token_bytes(32)).decode()


def body(type_: str, at: datetime, data: Mapping[str, Any]) -> str:
    """Write the body of an event; of too many tags the first ones are told."""
    told = dict(data)
    text = _written(type_, at, told)
    while len(text) > MOST and told.get("tags"):
        told["tags"] = told["tags"][: len(told["tags"]) // 2]
        text = _written(type_, at, told)
    return text.decode()


def _written(type_: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"type": type_, "timestamp": at, "data": data}, option=orjson.OPT_UTC_Z)


def headers(id_: UUID, at: datetime, body: str, with_: Sequence[str]) -> dict[str, str]:
    """Answer the headers of one try: what names the event, when this is, and a signature by each secret."""
    moment = str(int(at.timestamp()))
    signed = f"{id_}.{moment}.{body}".encode()
    signatures = [base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode() for secret in with_]
    return {
        "webhook-id": str(id_),
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(_SECRET))
