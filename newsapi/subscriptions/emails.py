"""Emails to subscribers as multipart text and HTML in their language. The module has no side effects.

The same input yields the same Message-ID and, except for the multipart boundary, the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from functools import cache
from typing import Final, TypedDict
from uuid import UUID

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from newsapi.subscriptions.messages import MESSAGES

MAX_ARTICLES_PER_EMAIL: Final = 30
"""Maximum number of articles in an email; of further ones it gives the number."""


class _UnfoldedUrlHeader(UnstructuredHeader):
    """A header whose value is one URL: folded it would be encoded, and mail clients would not recognize it."""

    max_count = 1

    def fold(self, *, policy: Policy) -> str:
        """Return the header as one line, which may have 998 characters (RFC 5322, section 2.1.1)."""
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]


class _Headers(HeaderRegistry):
    """A registry that caches header classes.

    The standard library creates a class for each header of each message, which takes a tenth of the time of a message.
    """

    @cache  # noqa: B019 (there is one registry)
    def __getitem__(self, name: str) -> type[BaseHeader]:
        return super().__getitem__(name)


_HEADERS = _Headers()
_HEADERS.map_to_type("list-unsubscribe", _UnfoldedUrlHeader)  # type: ignore[arg-type]  # a mixin, as those of the library
_POLICY: Final = EmailPolicy(
    linesep=SMTP.linesep, max_line_length=SMTP.max_line_length, header_factory=_HEADERS, cte_type="7bit"
)
"""Raises an error if a header value contains a line break."""

_TEMPLATES: Final = Environment(
    loader=PackageLoader("newsapi.subscriptions"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderInfo:
    """The sender of all emails: the From mailbox, the display name, and the privacy policy for the footer."""

    sender: str
    name: str
    privacy_url: str | None

    @property
    def domain(self) -> str:
        """The domain of the From address."""
        return self.sender.rpartition("@")[2].rstrip(">")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailEnvelope:
    """The data of one email apart from its content: recipient, language, message token, and due time."""

    to: str
    language: str
    message_token: str
    due_at: datetime
    manage_url: str


def build_confirmation(
    sender_info: SenderInfo, envelope: EmailEnvelope, *, topic: str, confirm_url: str, consent: str
) -> EmailMessage:
    """Return the email of the double opt-in, which asks the owner of the address to confirm a subscription."""
    messages = MESSAGES[envelope.language]
    values = {"topic": topic, "confirm_url": confirm_url, "consent": consent}
    return _build_message(
        sender_info, envelope, "confirmation", messages["confirm_subject"].format(topic=topic), values
    )


def build_reminder(sender_info: SenderInfo, envelope: EmailEnvelope, *, topic: str) -> EmailMessage:
    """Return the email that answers a request for a subscription that is already active."""
    messages = MESSAGES[envelope.language]
    return _build_message(
        sender_info, envelope, "reminder", messages["already_subject"].format(topic=topic), {"topic": topic}
    )


class EmailPicture(TypedDict):
    """A picture of an article in an email."""

    url: str
    alt: str


class EmailArticle(TypedDict):
    """An article in an email; `label` is the name of its section, and empty if it has none."""

    id: UUID
    url: str
    headline: str
    standfirst: str | None
    label: str
    byline: str | None
    picture: EmailPicture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertContent:
    """The content of an alert.

    Attributes:
        frequency: "immediate", "daily" or "weekly".
        topics: The subscribed topics as `format_topic` returns them.
        names: The names of the topics.
        since: The date of the subscription, formatted; used if there is one topic.
        articles: The articles, newest first.
        leave_url: The page on which a subscriber unsubscribes.
        one_click_url: The URL to which a mail client posts (RFC 8058).
    """

    frequency: str
    topics: Sequence[str]
    names: Sequence[str]
    since: str
    articles: Sequence[EmailArticle]
    leave_url: str
    one_click_url: str


def build_alert(sender_info: SenderInfo, envelope: EmailEnvelope, content: AlertContent) -> EmailMessage:
    """Return an alert with new articles, with the headers of a mailing list (RFC 2369, RFC 8058)."""
    messages = MESSAGES[envelope.language]
    more = max(0, len(content.articles) - MAX_ARTICLES_PER_EMAIL)
    values = {
        "articles": content.articles[:MAX_ARTICLES_PER_EMAIL],
        "more": messages["more"].format(count=more) if more else "",
        "why": _why(messages, content),
        "heading": messages["new_article"]
        if len(content.articles) == 1
        else messages.get(f"{content.frequency}_head", ""),
        "leave_url": content.leave_url,
        "leave": messages["leave" if len(content.topics) == 1 else "leave_all"],
    }
    email = _build_message(sender_info, envelope, "alert", _subject(messages, content), values)
    email["List-Unsubscribe"] = f"<{content.one_click_url}>"
    email["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    email["List-Id"] = f"<alerts.{sender_info.domain}>"
    email["Precedence"] = "bulk"
    return email


def _subject(messages: Mapping[str, str], content: AlertContent) -> str:
    if len(content.articles) == 1:
        return f"{content.names[0]}: {content.articles[0]['headline']}"
    if len(content.topics) == 1:
        return messages["some_subject"].format(count=len(content.articles), topic=content.topics[0])
    return messages[f"{content.frequency}_subject"].format(count=len(content.articles))


def _why(messages: Mapping[str, str], content: AlertContent) -> str:
    if len(content.topics) == 1:
        return messages["why"].format(day=content.since, topic=content.topics[0])
    joined = f"{', '.join(content.topics[:-1])} {messages['and']} {content.topics[-1]}"
    return messages["why_several"].format(topics=joined)


def _build_message(
    sender_info: SenderInfo, envelope: EmailEnvelope, template: str, subject: str, values: Mapping[str, object]
) -> EmailMessage:
    email = EmailMessage(policy=_POLICY)
    email["From"] = sender_info.sender
    email["To"] = Address(addr_spec=envelope.to)
    email["Subject"] = " ".join(subject.split())
    email["Date"] = envelope.due_at
    email["Message-ID"] = f"<{envelope.message_token}@{sender_info.domain}>"
    email["Auto-Submitted"] = "auto-generated"
    variables = {
        "heading": "",
        "messages": MESSAGES[envelope.language],
        "sender": sender_info,
        "subject": subject,
        "envelope": envelope,
        **values,
    }
    text = _TEMPLATES.get_template(f"{template}.txt").render(variables)
    html = _TEMPLATES.get_template(f"{template}.html").render(variables)
    email.set_content(text, cte="quoted-printable")
    email.add_alternative(html, subtype="html", cte="quoted-printable")
    email["Content-Language"] = envelope.language  # set last: setting the content drops all Content-* headers
    return email
