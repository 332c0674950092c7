"""From what is planned to mails: addresses, links with their tokens, words in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from newsapi.actions.subscriptions import CONFIRMED_IN, Box
from newsapi.feeds import letters
from newsapi.feeds.letters import Letter, Letterhead, News
from newsapi.schemas.presentation import Presentation
from newsapi.store.subscriptions import Topic
from newsapi.text import phrases
from newsapi.text.bylines import byline

LEAVE, MANAGE = timedelta(days=730), timedelta(days=30)
"""How long the links of a mail are good: to leave, and to look after all that one follows."""

WIDTH: Final = 640
"""Pixels of a picture in a mail: enough for a phone, and half as wide as the column of a large screen wants."""


class Letters:
    """Writes mails for one publisher."""

    def __init__(self, box: Box, shown: Presentation) -> None:
        """Take what makes tokens, and what knows addresses."""
        self._box, self._shown = box, shown
        found = box.settings
        self._head = Letterhead(sender=found.mail_from, name=shown.publisher, privacy_url=found.privacy_url)

    def article(self, record: dict[str, Any]) -> Mapping[str, Any]:
        """Answer an article as mails tell of it."""
        shown = self._shown.summary(record)
        section, image = shown["section"], shown["image"]
        picture = None
        if image:
            sizes = [one for one in image["renditions"] if one["name"] == "16x9" and one["width"] <= WIDTH]
            url = max(sizes, key=lambda one: one["width"])["url"] if sizes else image["url"]
            picture = {"url": url, "alt": image["alt"] or ""}
        names = [author["name"] for author in shown["authors"]]
        return {
            **{name: shown[name] for name in ("id", "url", "headline", "standfirst")},
            "label": section["name"] if section else "",
            "byline": byline(names, shown["published_on"], shown["language"]),
            "picture": picture,
        }

    def about(self, row: Any, topic: Topic) -> EmailMessage:
        """Write the mail about a subscription itself: to confirm it, or that it is there."""
        said = phrases.topic(topic.kind, topic.name, row.language)
        # A request that is put off is tried later as the same mail; a reminder has nothing but when it was asked for.
        asked_at = row.mail_since if row.state == "active" else row.requested_at
        letter = self._letter(row, f"{row.id} {asked_at.timestamp()}", row.mail_since)
        if row.state == "active":
            return letters.reminder(self._head, letter, topic=said)
        token = self._box.passes.token("confirm", row.id, row.requested_at + CONFIRMED_IN)
        consent = self._box.consent(row.language)
        # A page of the publisher's may show a text of its own, under a version of its own: then we do not know it.
        text = consent.text if consent.version == row.consent_version else row.consent_version
        url = self._shown.passage(token)
        return letters.confirmation(self._head, letter, topic=said, confirm_url=url, consent=text)

    def alert(
        self, rows: Sequence[Any], articles: Mapping[UUID, Mapping[str, Any]], topics: Mapping[int, Topic]
    ) -> EmailMessage:
        """Write the mail that tells of these planned changes, the newest first and each article once."""
        first = rows[0]
        followed = {row.subscription_id: row for row in rows}
        found = [topics[row.facet_id] for row in followed.values()]
        leaves = first.subscription_id if len(followed) == 1 else first.subscriber_id
        token = self._box.passes.token("leave", leaves, first.due_at + LEAVE)
        told = dict.fromkeys(row.article_id for row in reversed(rows))
        since = first.confirmed_at.astimezone(ZoneInfo(first.time_zone)).date()
        news = News(
            frequency=first.frequency,
            topics=[phrases.topic(topic.kind, topic.name, first.language) for topic in found],
            names=[topic.name for topic in found],
            since=phrases.day(since, first.language),
            articles=[articles[id_] for id_ in told],
            leave_url=self._shown.passage(token),
            one_click_url=f"{self._shown.api}/v1/subscriptions/unsubscribe?token={token}",
        )
        letter = self._letter(first, f"{first.subscriber_id} {first.due_at.timestamp()}", first.due_at)
        return letters.alert(self._head, letter, news)

    def _letter(self, row: Any, key: str, at: datetime) -> Letter:
        manage = self._shown.passage(self._box.passes.token("manage", row.subscriber_id, at + MANAGE))
        return Letter(to=row.email, language=row.language, key=key, at=at, manage_url=manage)
