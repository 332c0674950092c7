"""Applies bounce messages and complaints: suppresses the addresses that are gone or whose owners complained.

A notice counts only for the recipient of an email that was sent from here. Anyone can send a message that looks like a
bounce; the token of the email, in the return path or the Message-ID, is known only to those who received the email.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from newsapi.errors import TokenExpired
from newsapi.subscriptions import addresses, commands, queries
from newsapi.subscriptions.bounces import Notice, parse_notice
from newsapi.subscriptions.commands import SubscriptionContext
from newsapi.subscriptions.delivery_failures import FailureKind


@dataclass(frozen=True, slots=True)
class NoticeResult:
    """What became of the reports of one notice.

    Attributes:
        suppressed: Reports whose addresses are suppressed now.
        kept: Details of the reports that do not concern the recipient, or not for good, such as a status.
        not_ours: Reports about emails that were not sent from here to that address.
        is_notice: Whether the message is a bounce message or a complaint.
    """

    suppressed: int = 0
    kept: tuple[str, ...] = ()
    not_ours: int = 0
    is_notice: bool = True


def apply_notice(context: SubscriptionContext, raw: bytes, *, now: datetime) -> NoticeResult:
    """Apply a bounce message or a complaint.

    Args:
        context: Database, settings and token signer.
        raw: The message as received by the mail server.
        now: The current time.

    Returns:
        What became of it; nothing was changed unless `suppressed` is positive.
    """
    notice = parse_notice(raw)
    if notice is None:
        return NoticeResult(is_notice=False)
    hashes: set[bytes] = set()
    kept: list[str] = []
    not_ours = 0
    for report in notice.reports:
        recipient = next((hash_ for hash_ in _hashes(context, report.emails) if _is_ours(context, notice, hash_)), None)
        if recipient is None:
            not_ours += 1
        elif notice.is_complaint or report.kind is FailureKind.RECIPIENT_GONE:
            hashes.add(recipient)
        else:
            kept.append(f"{report.kind or 'no failure'} ({report.detail or 'no status'})")
    if not hashes and not kept:
        hashes = {*_hashes_of_leave_tokens(context, notice, now=now)}
        not_ours = 0 if hashes else max(not_ours, 1)
    commands.suppress_hashes(context, hashes, "complaint" if notice.is_complaint else "bounce", now=now)
    return NoticeResult(len(hashes), tuple(kept), not_ours)


def _hashes(context: SubscriptionContext, emails: tuple[str, ...]) -> Iterator[bytes]:
    return (context.token_signer.hash_email(addresses.email_identity(email)) for email in emails)


def _is_ours(context: SubscriptionContext, notice: Notice, email_hash: bytes) -> bool:
    """Return whether the notice contains the token of an email that was sent to this address."""
    return any(context.token_signer.is_message_token(token, email_hash) for token in notice.message_tokens)


def _hashes_of_leave_tokens(context: SubscriptionContext, notice: Notice, *, now: datetime) -> Iterator[bytes]:
    """Yield the recipients of a complaint that are known only by links in the email: many reports hide addresses."""
    for token in notice.leave_tokens:
        with suppress(TokenExpired), context.database.read_transaction() as connection:
            id_ = context.token_signer.verify(token, "leave", now=now)
            subscription = queries.find_subscription(connection, id_)
            subscriber = queries.find_subscriber(connection, subscription.subscriber_id if subscription else id_)
            if subscriber is not None:
                yield subscriber.email_hash
