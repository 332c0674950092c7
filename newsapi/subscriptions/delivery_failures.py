"""Classification of failed deliveries: is the recipient gone, may a later attempt succeed, or was the sender refused?

Replies to the worker while it sends and bounce messages that arrive later are classified by the same rules. Only the
permanent failure of a recipient ends subscriptions. So every rule that names another cause (the sender, a rate, a
policy, the size or the content of the message) is applied before the rules that name the recipient.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_TEXT_LENGTH: Final = 2_000
"""Characters of a server's text that are read; the reason comes first."""


class FailureKind(StrEnum):
    """What a failed delivery says about further emails to the same address."""

    RECIPIENT_GONE = "recipient gone"
    """The mailbox does not exist and will not: no further email."""

    HOST_GONE = "host gone"
    """The host of the address does not exist or takes no email: no further email, unless many hosts are affected."""

    TEMPORARY = "temporary"
    """A later attempt may succeed."""

    REFUSED = "refused"
    """Refused for good, but not because of the recipient: the sender, a policy, a rate, a full mailbox, the content."""

    @property
    def is_gone(self) -> bool:
        """Whether the recipient is gone, so that subscriptions end."""
        return self in {FailureKind.RECIPIENT_GONE, FailureKind.HOST_GONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFailure:
    """What a mail server said about an email that it did not deliver.

    Attributes:
        text: The text of the reply or of the Diagnostic-Code, which may contain a reply code and an enhanced status.
        code: The SMTP reply code, if it is known apart from the text.
        status: The enhanced status code (RFC 3463) of the field Status, such as "5.1.1".
        command: The SMTP command that was refused: "MAIL", "RCPT" or "DATA".
        sender: The address of the sender: a text that names it is about the sender.
        recipients: The addresses of the recipient, as the email and the server name them.
    """

    text: str = ""
    code: int | None = None
    status: str = ""
    command: str = "RCPT"
    sender: str = ""
    recipients: tuple[str, ...] = ()


def classify_failure(failure: DeliveryFailure) -> FailureKind:
    """Return the kind of a failed delivery.

    A server's own reply counts more than the field Status of the host that reports it: hosts between the two derive
    the status from the reply code alone, and then it is vague or wrong.

    Args:
        failure: What the server said.

    Returns:
        The kind; `REFUSED` if the text and the codes do not show that the recipient is the cause.
    """
    reply = " ".join(failure.text[:MAX_TEXT_LENGTH].lower().split())
    code = failure.code or _find_code(reply)
    given, reported = _find_status(reply), _find_status(failure.status)
    if (code is not None and code < 500) or (code is None and (given or reported).startswith("4")):
        return FailureKind.TEMPORARY
    # Names of addresses and hosts may contain words such as "spam" or "unknown".
    words = " ".join(_HOST.sub(" ", _ADDRESS.sub(" ", reply)).split())
    is_about_sender = failure.command == "MAIL" or _names_sender(failure, reply)
    if is_about_sender or _OTHER_CAUSE.search(words) or _OTHER_STATUS.fullmatch(given):
        return FailureKind.REFUSED
    status = given or reported
    if failure.command == "DATA" and not status.startswith("5.1."):
        return FailureKind.REFUSED  # a filter that rejects the content may claim that the recipient is unknown
    if _RECIPIENT_GONE.search(words):
        return FailureKind.RECIPIENT_GONE
    return FailureKind.HOST_GONE if _HOST_GONE.search(words) else _STATUS_KINDS.get(status, FailureKind.REFUSED)


def redact(text: str, email: str) -> str:
    """Return a server's text without the recipient's address and without any other address, for the log."""
    local, _, domain = email.rpartition("@")
    redacted = _ADDRESS.sub("<address>", " ".join(text[:MAX_TEXT_LENGTH].split()))
    for part in (local, domain):
        redacted = re.sub(re.escape(part), "<address>", redacted, flags=re.IGNORECASE) if part else redacted
    return redacted[:200]


_ADDRESS: Final = re.compile(r"<?[^\s<>@]{1,64}@[^\s<>@]{1,255}>?")

_HOST: Final = re.compile(r"(?<=\bhost )[\w-]+(?:\.[\w-]+)+(?:\[[^\]]*\])?")

_REPLY_CODE: Final = re.compile(r"(?<![\w.#-])([245]\d\d)(?=[ \-#:]|$)")
"""A reply code of SMTP: three digits, followed by a space, or by a hyphen in all but the last line."""

_ENHANCED_STATUS: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
"""An enhanced status code (RFC 3463), and no part of an IP address."""

_VAGUE_STATUS: Final = re.compile(r"[245]\.(?:0\.\d+|\d\.0|5\.\d+)")
"""A status that names no cause, or only an error of the protocol."""

_STATUS_KINDS: Final = {
    "5.1.1": FailureKind.RECIPIENT_GONE,  # unknown mailbox
    "5.1.2": FailureKind.HOST_GONE,  # unknown host
    "5.1.3": FailureKind.RECIPIENT_GONE,  # bad syntax
    "5.1.6": FailureKind.RECIPIENT_GONE,  # moved
    "5.1.10": FailureKind.HOST_GONE,  # no mail server (RFC 7505)
    "5.2.1": FailureKind.RECIPIENT_GONE,  # mailbox disabled
}
"""Kinds by enhanced status, if the text names no cause."""

_OTHER_STATUS: Final = re.compile(r"5\.1\.[789]|5\.2\.[234]|5\.3\.[1-9]|5\.6\.[1-9]|5\.7\.\d+")
"""Statuses that name the sender, a full mailbox, the mail system, the content, or a policy."""


def _find_code(text: str) -> int | None:
    """Return the first reply code of 400 or more in a text, or None."""
    codes = (int(match[1]) for match in _REPLY_CODE.finditer(text))
    return next((code for code in codes if code >= 400), None)


def _find_status(text: str) -> str:
    """Return the first enhanced status in a text that names a cause; empty if there is none.

    A temporary status is returned even if it is vague.
    """
    statuses = (".".join(match.groups()) for match in _ENHANCED_STATUS.finditer(text))
    return next((status for status in statuses if status[0] == "4" or not _VAGUE_STATUS.fullmatch(status)), "")


def _names_sender(failure: DeliveryFailure, reply: str) -> bool:
    """Return whether a reply names the address of the sender, or its domain if the recipient is of another."""
    domain = failure.sender.rpartition("@")[2].lower()
    if not domain:
        return False
    is_shared = domain in {recipient.rpartition("@")[2].lower() for recipient in failure.recipients}
    name = failure.sender.lower() if is_shared else domain
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", reply) is not None


def _alternatives(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


_REJECTED: Final = r"(?:reject|refus|denied|deny|block|ban|unknown|invalid|not exist|not found|unverif|fail)"

_OTHER_CAUSE: Final = _alternatives(
    # the sender
    rf"\bsender\b.{{0,80}}?{_REJECTED}",
    rf"{_REJECTED}.{{0,20}}?\bsender\b",
    r"\bsender(?:'s)? (?:address|domain)|(?:from|return) (?:address|domain|header)",
    r"mail from|(?:return|reverse)[- ]path",
    r"\b(?:spf|dkim|dmarc|rdns|ptr|helo|ehlo)\b|reverse (?:dns|lookup|host)|call ?(?:out|back)",
    r"\bip(?:v[46])?\b(?!=)|client host",
    r"\byour (?:e-?mail )?(?:address|domain|host|network|server|system|mail ?server)|mittente",
    # reputation and policy
    r"\bspam|\bvirus|malware|phish|\bjunk|unsolicited|\bbulk\b|reputation|\bpolic(?:y|ies)\b|aup#|abuse|preferences",
    r"block(?:ed|list|ing)|black ?list|deny ?list|\bbanned\b|\brbl\b|dnsbl|spamhaus|spamcop|barracuda|sorbs",
    r"gr[ea]y ?list|not (?:allowed|permitted|authori[sz]ed)|unauthori[sz]ed|authenticat|not accept\w* \w+ from",
    r"\brelay(?:ing)?\b(?! recipient| domain)|\bcontent\b|attachment|message (?:too|size|is too)|size limit",
    # rates and storage
    r"too (?:large|big|many|much|fast|busy|long)|\brate\b|throttl|exceed|quota|\bmax(?:imum)?\b|\bfull\b|\bpiena\b",
    r"(?:insufficient|not enough|out of) (?:\w+ )?(?:storage|space)|mailbox size",
    r"(?:couldn't|could not|can't|cannot) (?:create|open|write)",
    # for a time
    r"temporar|try (?:it )?later|again (?:later|in)|(?:not found|failure|error)[,:;.]? try again|timed? ?out",
    r"\bdeferred|\bretry|suspend|on hold|loop|too many hops",
)
"""Words that name another cause than the recipient."""

_MAILBOX: Final = r"(?:user|account|mail ?box|recipient|address(?:ee)?|inbox|person|login|alias)"

_RECIPIENT_GONE: Final = _alternatives(
    rf"\b(?:unknown|no such|invalid|non-?existent|bad destination|undeliverable|unroute?able|illegal)"
    rf"(?: \w+){{0,2}}? {_MAILBOX}",
    rf"{_MAILBOX}\b(?:[^.:;]|\.(?=\S)){{0,80}}?\b(?:unknown|not (?:be )?found|could ?n[o']t be found|does ?n[o']t exist"
    r"|not exist|no longer|not known|invalid|not (?:a )?valid|non-?existent|does ?n[o']t have|not recogni[sz]ed"
    r"|not listed|not local|inactive|disabled|deactivated"
    r"|has (?:moved|left|expired|been (?:deleted|removed|closed|disabled|terminated)))",
    r"(?:mail ?box|user) (?:is )?unavailable",
    rf"\b(?:no|there is no|not a|not our) (?:such )?(?:\w+ )?(?:{_MAILBOX}|one|customer)\b",
    r"(?:utente|casella|destinatario|indirizzo)\b.{0,40}?(?:sconosciut|inesistent|non (?:esist|trovat|valid))",
    r"recip(?:ient)?notfound|5\.1\.0 address rejected",
    r"5\.4\.1\b.{0,80}?recipient address rejected: access denied",
)
"""Words that say that the mailbox does not exist."""

_HOST_GONE: Final = _alternatives(
    r"host (?:or domain name )?(?:not found|unknown)|unknown host|no such (?:host|domain)|null mx",
    r"unroute?able mail domain|non-?existent hosts",
    r"domain (?:name )?(?:does not (?:exist|accept)|not found|invalid)|(?:invalid|illegal) (?:host/)?domain",
)
"""Words that say that the host of the address does not exist, or takes no email."""
