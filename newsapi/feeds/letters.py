"""Mails: what people are written, as multipart text and HTML in their language. Pure: no server is asked for anything.

A mail that is made again of the same facts has the same Message-ID and the same bytes but for its boundary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from newsapi.text.phrases import PHRASES

MOST: Final = 30
"""Articles that one mail shows; of the others it tells how many there are."""


class _Whole(UnstructuredHeader):
    """A header whose value is one address of the web: folded it would be encoded, and no mail program would find it."""

    max_count = 1

    def fold(self, *, policy: Any) -> str:
        """Write it on one line, which may have 998 characters (RFC 5322)."""
        return f"{self.name}: {self}{policy.linesep}"  # type: ignore[attr-defined]


class _Headers(HeaderRegistry):
    """The library makes a class for each header of each mail, a tenth of what a mail costs; here each is made once."""

    @cache  # noqa: B019 (there is one registry)
    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(name)


_HEADERS = _Headers()
_HEADERS.map_to_type("list-unsubscribe", _Whole)  # type: ignore[arg-type]  # a mixin, as those of the library
_POLICY: Final = EmailPolicy(
    linesep=SMTP.linesep, max_line_length=SMTP.max_line_length, header_factory=_HEADERS, cte_type="7bit"
)
"""It refuses line breaks in what is set, whatever it is."""

_TEMPLATES: Final = Environment(
    loader=PackageLoader("newsapi.feeds"),
    autoescape=select_autoescape(("html",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterhead:
    """Whom mail is from, how we call ourselves, and what stands beneath it."""

    sender: str
    name: str
    privacy_url: str | None

    @property
    def domain(self) -> str:
        """The domain that mail is from."""
        return self.sender.rpartition("@")[2].rstrip(">")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One mail before it is written: to whom, in which language, what it is known by (`key`) and when it was due."""

    to: str
    language: str
    key: str
    at: datetime
    manage_url: str


def confirmation(head: Letterhead, letter: Letter, *, topic: str, confirm_url: str, consent: str) -> EmailMessage:
    """Ask whether the person who has the mailbox wants what was typed into a box."""
    words = PHRASES[letter.language]
    values = {"topic": topic, "confirm_url": confirm_url, "consent": consent}
    return _written(head, letter, "confirmation", words["confirm_subject"].format(topic=topic), values)


def reminder(head: Letterhead, letter: Letter, *, topic: str) -> EmailMessage:
    """Tell somebody who asks for what they have that they have it."""
    words = PHRASES[letter.language]
    return _written(head, letter, "reminder", words["already_subject"].format(topic=topic), {"topic": topic})


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What an alert tells.

    `topics` are what was asked for, as they go on from "updates", and `names` how it is called; `since` the day on
    which one was asked for, written out. An article has `url`, `headline`, `standfirst`, `label`, `byline` and
    `picture` (None or `url` and `alt`). A person ends it at `leave_url`, a mail program at `one_click_url`.
    """

    frequency: str
    topics: Sequence[str]
    names: Sequence[str]
    since: str
    articles: Sequence[Mapping[str, Any]]
    leave_url: str
    one_click_url: str


def alert(head: Letterhead, letter: Letter, news: News) -> EmailMessage:
    """Tell of articles."""
    words = PHRASES[letter.language]
    more = max(0, len(news.articles) - MOST)
    values = {
        "articles": news.articles[:MOST],
        "more": words["more"].format(count=more) if more else "",
        "why": _why(words, news),
        "head": words["new_article"] if len(news.articles) == 1 else words.get(f"{news.frequency}_head", ""),
        "leave_url": news.leave_url,
        "leave": words["leave" if len(news.topics) == 1 else "leave_all"],
    }
    mail = _written(head, letter, "alert", _subject(words, news), values)
    mail["List-Unsubscribe"] = f"<{news.one_click_url}>"
    mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail["List-Id"] = f"<alerts.{head.domain}>"
    mail["Precedence"] = "bulk"
    return mail


def _subject(words: Mapping[str, str], news: News) -> str:
    if len(news.articles) == 1:
        return f"{news.names[0]}: {news.articles[0]['headline']}"
    if len(news.topics) == 1:
        return words["some_subject"].format(count=len(news.articles), topic=news.topics[0])
    return words[f"{news.frequency}_subject"].format(count=len(news.articles))


def _why(words: Mapping[str, str], news: News) -> str:
    if len(news.topics) == 1:
        return words["why"].format(day=news.since, topic=news.topics[0])
    joined = f"{', '.join(news.topics[:-1])} {words['and']} {news.topics[-1]}"
    return words["why_several"].format(topics=joined)


def _written(head: Letterhead, letter: Letter, template: str, subject: str, values: Mapping[str, Any]) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = head.sender
    mail["To"] = Address(addr_spec=letter.to)
    mail["Subject"] = " ".join(subject.split())
    mail["Date"] = letter.at
    mail["Message-ID"] = f"<{hashlib.blake2b(letter.key.encode(), digest_size=16).hexdigest()}@{head.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    known = {"head": "", "words": PHRASES[letter.language], "from_": head, "subject": subject, "letter": letter}
    for kind in ("txt", "html"):
        text = _TEMPLATES.get_template(f"{template}.{kind}").render({**known, **values})
        if kind == "txt":
            mail.set_content(text, cte="quoted-printable")
        else:
            mail.add_alternative(text, subtype="html", cte="quoted-printable")
    mail["Content-Language"] = letter.language  # not before: setting the content drops all that begins so
    return mail
