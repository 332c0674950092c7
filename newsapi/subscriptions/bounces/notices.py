"""Bounce messages (RFC 3464 and others) and complaints (RFC 5965): what they report about which addresses.

The fields of RFC 3464 are read here. Bounces without them are recognized by flufl.bounce, which knows the formats of
many mail servers and returns the addresses; the reason is read from the text.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from email.message import Message
from email.utils import getaddresses
from typing import Final, Literal

from flufl.bounce import all_failures

from newsapi.subscriptions import addresses
from newsapi.subscriptions.bounces import notice_parts
from newsapi.subscriptions.bounces.notice_parts import MAX_RECIPIENTS, STATUS_TYPES, Fields
from newsapi.subscriptions.delivery_failures import (
    MAX_TEXT_LENGTH,
    DeliveryFailure,
    FailureKind,
    classify_failure,
)

# The library logs the tracebacks of its own errors, which may contain addresses.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

COMPLAINT_TYPES: Final = frozenset({"abuse", "opt-out", "opt-out-list"})
"""Types of feedback with which a recipient asks for no further email; others report viruses or authentication."""

MAX_NAMED_ADDRESSES: Final = 50
"""Addresses in the text of a bounce that are tried."""

_FEEDBACK_TYPES: Final = frozenset({"message/feedback-report"})
_RECIPIENT_FIELDS: Final = ("original-recipient", "final-recipient", "x-actual-recipient")
_ESCAPED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}")
_ADDRESS: Final = re.compile(r"[^\s<>;,:()\"]{1,64}@[^\s<>;,:()\"]{1,253}")
_NEXT_RECIPIENT: Final = re.compile(r"^[ \t]*<?[^\s<>@]{1,64}@[^\s<>@]{1,253}(?:>?:? *$|>?:)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What a notice reports about one recipient.

    Attributes:
        emails: The addresses that may be those of the recipient, normalized, the likeliest first.
        kind: Why the email was not delivered; None if it was delivered, and for complaints.
        detail: The status or the type of feedback, for the operator.
    """

    emails: tuple[str, ...]
    kind: FailureKind | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A bounce message or a complaint.

    Attributes:
        reports: One for each recipient that is named.
        message_tokens: What may be tokens of the emails that it is about.
        leave_tokens: What may be tokens to unsubscribe, of a complaint that names no recipient.
        is_complaint: Whether it is a report of a recipient and not of a mail server.
    """

    reports: tuple[RecipientReport, ...]
    message_tokens: frozenset[str]
    leave_tokens: frozenset[str] = frozenset()
    is_complaint: bool = False


def parse_notice(raw: bytes) -> Notice | None:
    """Return what a message reports, or None if it is neither a bounce message nor a complaint.

    Args:
        raw: The message as received by the mail server.

    Returns:
        The notice. Whether it is about an email that was really sent must be checked with its tokens.
    """
    message = notice_parts.load_message(raw)
    complaint = _parse_complaint(message)
    if complaint is not None:
        return complaint
    reports = _parse_status_fields(message) or _parse_other_bounce(message)
    if not reports and not notice_parts.find_parts(message, STATUS_TYPES):
        return None
    return Notice(tuple(reports), notice_parts.find_message_tokens(message))


def parse_bounce(raw: bytes) -> list[str]:
    """Return the addresses that a bounce message reports as gone; whether we wrote to them is not checked.

    Args:
        raw: The bounce message as received by the mail server.

    Returns:
        The addresses, normalized.
    """
    notice = parse_notice(raw)
    reports = notice.reports if notice else ()
    return [*dict.fromkeys(report.emails[0] for report in reports if report.kind and report.kind.is_gone)]


# --- bounces with the fields of RFC 3464 ------------------------------------------------------------------------------


def _parse_status_fields(message: Message) -> list[RecipientReport]:
    blocks = [
        fields
        for part in notice_parts.find_parts(message, STATUS_TYPES)
        for fields in notice_parts.list_field_blocks(part)
    ] or notice_parts.find_status_fields(message)
    rows = [(emails, fields) for fields in blocks if (emails := _recipients_of(fields))]
    if not rows:
        return []
    text, sender = notice_parts.human_text(message), _sender_of(message)
    reports = []
    for emails, fields in rows:
        failure = _read_failure(fields, _text_about(text, emails, is_alone=len(rows) == 1))
        kind = _classify_action(fields) or classify_failure(replace(failure, sender=sender, recipients=emails))
        reports.append(RecipientReport(emails, None if kind == "delivered" else kind, _first(fields, "status")))
    return reports


def _classify_action(fields: Fields) -> FailureKind | Literal["delivered"] | None:
    """Return what the field Action says by itself; None if delivery failed."""
    action, status = _first(fields, "action").lower(), _first(fields, "status")
    if action.startswith("delay"):
        return FailureKind.TEMPORARY
    has_failed = action.startswith(("fail", "error")) or (not action and status.startswith(("4", "5")))
    return None if has_failed else "delivered"


def _read_failure(fields: Fields, human_text: str) -> DeliveryFailure:
    """Return what the fields say about the failure of one recipient, or the text for people if they do not."""
    status, diagnostic = _first(fields, "status"), _first(fields, "diagnostic-code")
    reply = diagnostic.partition(";")[2].strip() if ";" in diagnostic else diagnostic
    _, _, comment = status.partition("(")
    command = _find_command(reply) or _find_command(human_text) or "RCPT"
    return DeliveryFailure(text=reply or f"{_find_reply(human_text)} {comment}", status=status, command=command)


def _recipients_of(fields: Fields) -> tuple[str, ...]:
    """Return the addresses of the fields of a recipient, the one that the email was sent to first."""
    original = _first(fields, "original-recipient").rpartition(";")[2].strip()
    if original and not _parse_recipient(original):
        return ()
    values = (value for name in _RECIPIENT_FIELDS for value in fields.get(name, []))
    return tuple(dict.fromkeys(email for value in values if (email := _parse_recipient(value))))


def _parse_recipient(value: str) -> str | None:
    """Return the address of a field such as `rfc822; anna@example.com`; RFC 6533 allows escaped characters."""
    unescaped = _ESCAPED.sub(lambda match: chr(min(int(match[1], 16), 0x10FFFF)), value.rpartition(";")[2])
    found = _ADDRESS.search(unescaped)
    try:
        return addresses.parse_email(found[0]) if found else None
    except ValueError:
        return None


def _first(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[0]


# --- other bounces ----------------------------------------------------------------------------------------------------


def _parse_other_bounce(message: Message) -> list[RecipientReport]:
    delayed, failed = (emails[:MAX_RECIPIENTS] for emails in _failed_recipients(message))
    reports = [RecipientReport((email,), FailureKind.TEMPORARY) for email in delayed]
    text = notice_parts.human_text(message)
    is_alone = len(failed) == 1
    reports += [_classify_text((email,), _text_about(text, (email,), is_alone=is_alone)) for email in failed]
    if not reports and _is_from_mail_system(message):
        emails = _named_addresses(message, text)
        reports = [_classify_text(emails, text)] if emails else []
    return reports


def _classify_text(emails: tuple[str, ...], text: str) -> RecipientReport:
    failure = DeliveryFailure(text=_find_reply(text), command=_find_command(text) or "RCPT")
    return RecipientReport(emails, classify_failure(failure))


def _is_from_mail_system(message: Message) -> bool:
    """Return whether a message has a sender or a subject as bounces have; replies of people have neither."""
    names = {address.partition("@")[0].lower() for _, address in getaddresses([str(message.get("From", ""))])}
    return bool(names & _MAIL_SYSTEM_NAMES) or bool(_BOUNCE_SUBJECT.search(str(message.get("Subject", ""))))


_MAIL_SYSTEM_NAMES: Final = frozenset({"mailer-daemon", "postmaster", "post_master", "mail-daemon", "mdaemon"})
_BOUNCE_SUBJECT: Final = re.compile(
    r"undeliver|deliver\w* (?:fail|problem|status)|fail\w* (?:notice|deliver)|returned mail", re.IGNORECASE
)


def _named_addresses(message: Message, text: str) -> tuple[str, ...]:
    """Return the recipient of the returned email, and the addresses that the text names; not those of the bounce."""
    returned = _emails_of(notice_parts.returned_headers(message).get("to", []))
    own = {*_emails_of(str(value) for name in ("From", "To", "Cc") for value in message.get_all(name, []))}
    named = _emails_of(_ADDRESS.findall(text)[:MAX_NAMED_ADDRESSES])
    return tuple(email for email in dict.fromkeys([*returned, *named]) if email not in own)


def _failed_recipients(message: Message) -> tuple[list[str], list[str]]:
    """Return the addresses to which delivery is delayed, and those to which it failed."""
    named = _emails_of(str(value) for value in message.get_all("X-Failed-Recipients", []))
    if named:
        return [], named
    if not getaddresses([str(message.get("From", ""))]):
        return [], []  # the library expects a sender
    try:
        delayed, failed = all_failures(message)
    except Exception:  # noqa: BLE001 (the library reads hostile input and promises no type of error)
        return [], []
    decoded = ([email.decode("ascii", "replace") for email in emails] for emails in (delayed, failed))
    first, second = (_emails_of(sorted(emails)) for emails in decoded)
    return first, second


def _emails_of(values: Iterable[str]) -> list[str]:
    """Return the valid addresses of header values, normalized."""
    emails = (_parse_recipient(address) for _, address in getaddresses([*values]))
    return [*dict.fromkeys(email for email in emails if email)]


# --- the text of a bounce ---------------------------------------------------------------------------------------------


def _text_about(text: str, emails: tuple[str, ...], *, is_alone: bool) -> str:
    """Return what the text says about a recipient: from the line with the address to the next recipient."""
    lowered = text.lower()
    position = next((at for email in emails if (at := lowered.find(email.lower())) >= 0), None)
    if position is None:
        return text[:MAX_TEXT_LENGTH] if is_alone else ""
    start = text.rfind("\n", 0, position) + 1
    about = text[start : start + MAX_TEXT_LENGTH]
    following = _NEXT_RECIPIENT.search(about, max(about.find("\n"), position - start))
    return about[: following.start()] if following and not is_alone else about


def _find_reply(text: str) -> str:
    """Return the paragraph of a text that quotes the reply of a server, from its code on; else the whole text."""
    found = _REPLY.search(text)
    return found[0] if found else text


_REPLY: Final = re.compile(r"(?<![\w.#:-])[45]\d\d[ -](?:[^\n]*\n(?=[ \t]*\S)){0,12}[^\n]*")


def _find_command(text: str) -> str:
    """Return the SMTP command that was refused, "MAIL", "RCPT" or "DATA"; empty if a text does not say so."""
    found = _COMMAND.search(text)
    command = _COMMANDS[found[1].lower()] if found else ""
    # Commands may be sent before the reply to RCPT is read.
    return "RCPT" if command == "DATA" and _NO_RECIPIENT.search(text) else command


_COMMAND: Final = re.compile(
    r"(?:in reply to|in response to|following|after|>>>|not like(?: our)?) ?(?:the )?(?:end of )?"
    r"(mail|sender|rcpt|recipient|data|message)\b",
    re.IGNORECASE,
)
_NO_RECIPIENT: Final = re.compile(r"no valid recipients|need rcpt", re.IGNORECASE)
_COMMANDS: Final = {
    "mail": "MAIL",
    "sender": "MAIL",
    "rcpt": "RCPT",
    "recipient": "RCPT",
    "data": "DATA",
    "message": "DATA",
}


def _sender_of(message: Message) -> str:
    """Return the address of the sender of the returned email, as its header names it."""
    senders = getaddresses(notice_parts.returned_headers(message).get("from", []))
    return senders[0][1] if senders else ""


# --- complaints -------------------------------------------------------------------------------------------------------


def _parse_complaint(message: Message) -> Notice | None:
    """Return what a report of RFC 5965 says, or one of Outlook.com, which marks the recipient in the returned email."""
    returned = notice_parts.returned_headers(message)
    parts = notice_parts.find_parts(message, _FEEDBACK_TYPES)
    if parts:
        fields = (notice_parts.list_field_blocks(parts[0]) or [{}])[0]
        kind = _first(fields, "feedback-type").lower()
        named = [*fields.get("original-rcpt-to", []), *fields.get("removal-recipient", [])]
    elif _OUTLOOK_FIELD in returned:
        kind, named = "abuse", returned[_OUTLOOK_FIELD]
    else:
        return None
    is_complaint = kind in COMPLAINT_TYPES
    emails = tuple(_emails_of([*named, *returned.get("to", [])]))
    return Notice(
        (RecipientReport(emails, None, kind),) if emails else (),
        notice_parts.find_message_tokens(message),
        notice_parts.find_leave_tokens(message) if is_complaint else frozenset(),
        is_complaint=is_complaint,
    )


_OUTLOOK_FIELD: Final = "x-hmxmroriginalrecipient"
