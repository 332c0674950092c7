"""The parts of a bounce message or complaint: status fields, the text for people, and tokens of the returned email.

Messages come from the network and may be malformed or hostile: their size and the length of their lines are bounded,
and every function returns what it can read.
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import Message
from email.parser import HeaderParser
from typing import Final

from newsapi.subscriptions.tokens import MESSAGE_TOKEN_LENGTH

MAX_MESSAGE_BYTES: Final = 1 << 18
"""Bytes of a message that are read; the report stands before the returned email."""

MAX_LINE_BYTES: Final = 998
"""Bytes of a line that are read (RFC 5322, section 2.1.1), which bounds the cost of regular expressions."""

MAX_TOKENS: Final = 100
"""Tokens of one message that are tried."""

MAX_RECIPIENTS: Final = 100
"""Recipients of one report that are read; an email that was sent from here has one."""

STATUS_TYPES: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
"""Media types of the fields of RFC 3464 and RFC 6533."""

_RETURNED_TYPES: Final = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}
)

_BLANK_LINES: Final = re.compile(rb"\n(?:[ \t]*\n){2,}")
_LONG_LINE: Final = re.compile(rb"([^\n]{%d})[^\n]+" % MAX_LINE_BYTES)
_MESSAGE_TOKEN: Final = re.compile(rf"(?<![0-9a-z])([0-9a-f]{{{MESSAGE_TOKEN_LENGTH}}})@", re.IGNORECASE)
_LEAVE_TOKEN: Final = re.compile(r"leave_[\w-]{40,100}")
_TAG: Final = re.compile(
    r"<(?:style|script)\b.{0,5000}?</(?:style|script)>|</?[a-z!][^<>@]{0,500}>", re.IGNORECASE | re.DOTALL
)
_RETURNED_EMAIL: Final = re.compile(
    r"^[-=*+ ]*(?:this is a copy of|below (?:this line )?is a copy|(?:your )?original message|returned (?:message|mail)"
    r"|message headers?|header of (?:the|your) message|included is a copy|enclosed is a copy|unsent message"
    r"|forwarded message|text of your message|the (?:body|header) of)\b"
    r"|^[> ]*(?:received|return-path|message-id|dkim-signature|reporting-mta): ",
    re.IGNORECASE | re.MULTILINE,
)

_RECIPIENT_FIELDS: Final = frozenset({"final-recipient", "original-recipient", "action", "status", "diagnostic-code"})

Fields = dict[str, list[str]]
"""Values of fields, by name in lower case."""


def load_message(raw: bytes) -> Message:
    """Return a message with lines of bounded length; line ends may be LF, CRLF or CR."""
    unix = raw[:MAX_MESSAGE_BYTES].replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\0", b"")
    bounded = _BLANK_LINES.sub(b"\n\n", _LONG_LINE.sub(rb"\1", unix))
    return message_from_bytes(bounded, policy=policy.compat32)


def find_parts(message: Message, types: frozenset[str]) -> list[Message]:
    """Return the parts of a message with one of these media types, without those of a returned email."""
    if message.get_content_type() in types:
        return [message]
    if message.get_content_maintype() == "message":
        return []
    return [part for child in _children(message) for part in find_parts(child, types)]


def list_field_blocks(part: Message) -> list[Fields]:
    """Return the blocks of fields of a report: that of the message, and one for each recipient."""
    return split_fields(_decoded_text(part))


def split_fields(text: str) -> list[Fields]:
    """Return the blocks of fields in a text. A field of a recipient that is repeated begins a new block."""
    blocks: list[Fields] = []
    for chunk in re.split(r"\n[ \t]*\n", text):
        fields: Fields = {}
        for field, value in HeaderParser(policy=policy.compat32).parsestr(chunk.strip()).items():
            name = field.lower()
            if name in fields and name in _RECIPIENT_FIELDS:
                blocks.append(fields)
                fields = {}
            fields.setdefault(name, []).append(" ".join(str(value).split()))
        if fields:
            blocks.append(fields)
    return blocks[:MAX_RECIPIENTS]


def find_status_fields(message: Message) -> list[Fields]:
    """Return the blocks of status fields in a message whose parts cannot be told apart, or that was forwarded."""
    text = re.sub(r"(?m)^(?:> ?)+", "", all_text(message))
    starts = [match.start() for match in re.finditer(r"(?mi)^(?:final|original)-recipient:", text)]
    chunks = (text[start : start + 2_000] for start in starts[:1])
    return [fields for chunk in chunks for fields in split_fields(chunk) if "action" in fields]


def all_text(message: Message) -> str:
    """Return the text of all parts, those of the returned email included."""
    return "\n\n".join(_decoded_text(part) for part in message.walk() if not part.is_multipart())


def human_text(message: Message) -> str:
    """Return the text that explains a bounce to people, up to the returned email."""
    texts: list[str] = []
    for part in _leading_parts(message):
        text = _decoded_text(part)
        texts.append(_TAG.sub(" ", text) if part.get_content_type() == "text/html" and not texts else text)
    text = "\n".join(texts)
    returned = _RETURNED_EMAIL.search(text)
    return text[: returned.start()] if returned else text


def returned_headers(message: Message) -> Fields:
    """Return the header of the email that was returned; empty if it was not."""
    for part in find_parts(message, _RETURNED_TYPES):
        blocks = list_field_blocks(part)
        if blocks:
            return blocks[0]
    text = all_text(message)
    returned = _RETURNED_EMAIL.search(text)
    for chunk in re.split(r"\n[ \t]*\n", text[returned.start() :] if returned else "")[:4]:
        fields = HeaderParser(policy=policy.compat32).parsestr(chunk.strip())
        if fields.get("Message-ID") or fields.get("To"):
            return {name.lower(): [" ".join(str(value).split())] for name, value in fields.items()}
    return {}


def find_message_tokens(message: Message) -> frozenset[str]:
    """Return what may be message tokens: in the return path that the bounce was sent to, and in the returned email."""
    return frozenset(token.lower() for token in _find_all(_MESSAGE_TOKEN, message))


def find_leave_tokens(message: Message) -> frozenset[str]:
    """Return what may be tokens to unsubscribe, of links in the returned email."""
    return frozenset(_find_all(_LEAVE_TOKEN, message))


def _find_all(pattern: re.Pattern[str], message: Message) -> list[str]:
    tokens: dict[str, None] = {}
    for part in message.walk():
        header = "\n".join(str(value) for value in part.values())
        body = "" if part.is_multipart() else _decoded_text(part)
        tokens |= dict.fromkeys(pattern.findall(f"{header}\n{body}"))
    return [*tokens][:MAX_TOKENS]


def _children(part: Message) -> list[Message]:
    payload = part.get_payload() if part.is_multipart() else []
    return [child for child in payload if isinstance(child, Message)]


def _leading_parts(message: Message) -> list[Message]:
    """Return the parts of text in front of the report and the returned email."""
    parts: list[Message] = []
    for part in message.walk():
        if part.get_content_maintype() == "message" or part.get_content_type() in _RETURNED_TYPES:
            break
        if not part.is_multipart():  # a multipart message without parts has a wrong boundary
            parts.append(part)
    plain = [part for part in parts if part.get_content_type() != "text/html"]
    return plain or parts


def _decoded_text(part: Message) -> str:
    """Return the text of a part, whatever its encoding; unknown characters are replaced."""
    raw = _content(part)
    if part.is_multipart():  # the parser takes fields apart without decoding them
        leaf = Message(policy=policy.compat32)
        leaf["Content-Transfer-Encoding"] = str(part.get("Content-Transfer-Encoding", "7bit"))
        leaf.set_payload(raw.decode("ascii", "surrogateescape"))
        raw = _content(leaf)
    try:
        text = raw.decode(str(part.get_content_charset("utf-8")), "replace")
    except (ValueError, LookupError):
        text = raw.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode()  # some charsets yield surrogates


def _content(part: Message) -> bytes:
    """Return the content of a part; of one that was taken apart, the headers and contents of its children."""
    if not part.is_multipart():
        payload = part.get_payload(decode=True)
        return payload if isinstance(payload, bytes) else b""
    chunks = []
    for child in _children(part):
        header = "\n".join(f"{name}: {value}" for name, value in child.raw_items())
        chunks.append(header.encode("utf-8", "surrogateescape") + b"\n\n" + _content(child))
    return b"\n\n".join(chunks)
