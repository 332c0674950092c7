"""Bounce messages (RFC 3464): which email addresses they report as permanently undeliverable."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import Final

from newsapi.subscriptions import addresses

_PERMANENT_STATUS: Final = re.compile(r"5\.(1\.\d+|2\.1)(?!\d)", re.ASCII)
"""Status codes of RFC 3463: bad address (5.1.x), or mailbox disabled (5.2.1)."""


def parse_bounce(message: bytes) -> list[str]:
    """Return the email addresses that a bounce message (RFC 3464) reports as permanently undeliverable.

    Other failures are ignored: a full mailbox is temporary, and a block of this server is not the subscriber's fault.

    Args:
        message: The bounce message as received by the mail server.

    Returns:
        The addresses, normalised.
    """
    emails = []
    for part in message_from_bytes(message, policy=policy.default).walk():
        fields = {name: " ".join(value.split()) for name, value in part.items()}
        status, action = fields.get("Status", ""), fields.get("Action", "").lower()
        _, _, recipient = fields.get("Original-Recipient", fields.get("Final-Recipient", "")).partition(";")
        if action == "failed" and _PERMANENT_STATUS.match(status):
            try:
                emails.append(addresses.parse_email(recipient.strip(" <>")))
            except ValueError:
                continue
    return emails
