"""Applies bounce messages and complaints: suppresses the addresses that are gone or whose owners complained.

A notice counts only for the recipient of an email that was sent from here. Anyone can send a message that looks like a
bounce; the token of the email, in the return path or the Message-ID, is known only to those who received the email.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from newsapi.errors import TokenExpired
from newsapi.subscriptions import addresses, commands, queries
from newsapi.subscriptions.bounces.notices import Notice, RecipientReport, parse_notice
from newsapi.subscriptions.commands import SubscriptionContext
from newsapi.subscriptions.delivery_failures import FailureKind

MAX_DAILY_UNKNOWN_HOSTS: Final = 10
"""Addresses suppressed in a day because their host is unknown; more of them mean that the mail server has no DNS."""

MAX_DAILY_BOUNCE_SHARE: Final = 0.1
"""Share of all subscribers that may be suppressed in a day because of bounces."""

MIN_DAILY_BOUNCES: Final = 100
"""Addresses that may be suppressed in a day because of bounces, however few subscribers there are."""

SuppressionReason = Literal["bounce", "unknown host", "complaint"]


@dataclass(frozen=True, slots=True)
class NoticeResult:
    """What became of the reports of one notice.

    Attributes:
        suppressed: Reports whose addresses are suppressed now.
        kept: Details of the reports that do not concern the recipient, or not for good, such as a status.
        held_back: Details of the reports that would suppress too many addresses in a day.
        not_ours: Reports about emails that were not sent from here to that address.
        is_notice: Whether the message is a bounce message or a complaint.
    """

    suppressed: int = 0
    kept: tuple[str, ...] = ()
    held_back: tuple[str, ...] = ()
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
    suppressed: list[RecipientReport] = []
    kept: list[RecipientReport] = []
    held_back: list[RecipientReport] = []
    for report in notice.reports:
        recipient = next((hash_ for hash_ in _hashes(context, report.emails) if _is_ours(context, notice, hash_)), None)
        reason = _reason(notice, report)
        if recipient is None:
            continue
        if reason is None:
            kept.append(report)
        elif _is_over_limit(context, reason, now=now):
            held_back.append(report)
        else:
            suppressed.append(report)
            commands.suppress_hashes(context, [recipient], reason, now=now)
    count, not_ours = len(suppressed), len(notice.reports) - len(suppressed) - len(kept) - len(held_back)
    if not (suppressed or kept or held_back):
        hashes = {*_hashes_of_leave_tokens(context, notice, now=now)}
        commands.suppress_hashes(context, hashes, "complaint", now=now)
        count, not_ours = len(hashes), 0 if hashes else max(not_ours, 1)
    return NoticeResult(count, _details(kept), _details(held_back), not_ours)


def _reason(notice: Notice, report: RecipientReport) -> SuppressionReason | None:
    """Return for which reason a report suppresses an address; None if it does not."""
    if notice.is_complaint:
        return "complaint"
    if report.kind is None or not report.kind.is_gone:
        return None
    return "unknown host" if report.kind is FailureKind.HOST_GONE else "bounce"


def _is_over_limit(context: SubscriptionContext, reason: SuppressionReason, *, now: datetime) -> bool:
    """Return whether so many addresses were suppressed for a reason that the fault is probably on this side."""
    if reason == "complaint":
        return False
    with context.database.read_transaction() as connection:
        count = queries.count_suppressions(connection, reason, now - timedelta(days=1))
        if reason == "unknown host":
            return count >= MAX_DAILY_UNKNOWN_HOSTS
        if count < MIN_DAILY_BOUNCES:
            return False
        return count >= MAX_DAILY_BOUNCE_SHARE * (count + queries.count_subscribers(connection))


def _details(reports: Sequence[RecipientReport]) -> tuple[str, ...]:
    return tuple(f"{report.kind or 'no failure'} ({report.detail or 'no status'})" for report in reports)


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
