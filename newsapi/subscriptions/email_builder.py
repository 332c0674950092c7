"""Builds emails from planned deliveries: URLs, links with their tokens, and texts in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from newsapi.content.article_types import ArticleRow
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.subscriptions import emails, messages
from newsapi.subscriptions.commands import CONFIRMATION_TIMEOUT, SubscriptionContext
from newsapi.subscriptions.emails import AlertContent, EmailEnvelope, SenderInfo
from newsapi.subscriptions.queries import FollowedTerm
from newsapi.text.bylines import format_byline

LEAVE, MANAGE = timedelta(days=730), timedelta(days=30)
"""How long the links of an email are valid: the one to unsubscribe, and the one to manage all subscriptions."""

EMAIL_IMAGE_WIDTH: Final = 640
"""Maximum width in pixels of an image in an email: enough for a phone, and half of what a large screen needs."""


class EmailBuilder:
    """Builds the emails of one publisher."""

    def __init__(self, context: SubscriptionContext, presentation: ArticlePresenter) -> None:
        """Store the parts.

        Args:
            context: Settings, and the signer of tokens.
            presentation: Renders articles and builds URLs.
        """
        self._box, self._shown = context, presentation
        settings = context.settings
        self._head = SenderInfo(
            sender=settings.mail_from, name=presentation.publisher, privacy_url=settings.privacy_url
        )

    def article(self, record: ArticleRow) -> Mapping[str, Any]:
        """Return an article as the email templates need it; see `AlertContent`."""
        summary = self._shown.summary(record)
        section, image = summary["section"], summary["image"]
        picture = None
        if image:
            renditions = [
                rendition
                for rendition in image["renditions"]
                if rendition["name"] == "16x9" and rendition["width"] <= EMAIL_IMAGE_WIDTH
            ]
            widest = max(renditions, key=lambda rendition: rendition["width"]) if renditions else image
            picture = {"url": widest["url"], "alt": image["alt"] or ""}
        names = [author["name"] for author in summary["authors"]]
        return {
            "id": summary["id"],
            "url": summary["url"],
            "headline": summary["headline"],
            "standfirst": summary["standfirst"],
            "label": section["name"] if section else "",
            "byline": format_byline(names, summary["published_on"], summary["language"]),
            "picture": picture,
        }

    def build_confirmation(self, row: Any, term: FollowedTerm) -> EmailMessage:
        """Return the email about a subscription itself: a request to confirm it, or a note that it is active.

        Args:
            row: The subscription, with the columns of its subscriber.
            term: The term that is followed.

        Returns:
            The email. The Message-ID is the same whenever the same request is sent again.
        """
        topic_text = messages.format_topic(term.kind, term.name, row.language)
        # A request that the server put off is sent again as the same email. A reminder is known only by the time at
        # which it was requested.
        requested_at = row.notice_due_at if row.state == "active" else row.requested_at
        letter = self._letter(row, f"{row.id} {requested_at.timestamp()}", row.notice_due_at)
        if row.state == "active":
            return emails.reminder(self._head, letter, topic=topic_text)
        token = self._box.token_signer.sign("confirm", row.id, row.requested_at + CONFIRMATION_TIMEOUT)
        consent = self._box.consent(row.language)
        # A page of the publisher may show a consent text of its own under its own version, which is unknown here.
        consent_text = consent.text if consent.version == row.consent_version else row.consent_version
        url = self._shown.subscription_page_url(token)
        return emails.confirmation(self._head, letter, topic=topic_text, confirm_url=url, consent=consent_text)

    def build_alert(
        self, rows: Sequence[Any], articles: Mapping[UUID, Mapping[str, Any]], terms: Mapping[int, FollowedTerm]
    ) -> EmailMessage:
        """Return the email about planned changes, with the newest article first and each article once.

        Args:
            rows: The planned deliveries of one email, oldest first.
            articles: The articles by id, from `article`.
            terms: The followed terms by facet id.

        Returns:
            The email. The Message-ID depends on the subscriber and the due time only.
        """
        first = rows[0]
        row_by_subscription = {row.subscription_id: row for row in rows}
        followed_terms = [terms[row.facet_id] for row in row_by_subscription.values()]
        unsubscribe_id = first.subscription_id if len(row_by_subscription) == 1 else first.subscriber_id
        token = self._box.token_signer.sign("leave", unsubscribe_id, first.due_at + LEAVE)
        article_ids = dict.fromkeys(row.article_id for row in reversed(rows))
        since = first.confirmed_at.astimezone(ZoneInfo(first.time_zone)).date()
        content = AlertContent(
            frequency=first.frequency,
            topics=[messages.format_topic(term.kind, term.name, first.language) for term in followed_terms],
            names=[term.name for term in followed_terms],
            since=messages.format_long_date(since, first.language),
            articles=[articles[id_] for id_ in article_ids],
            leave_url=self._shown.subscription_page_url(token),
            one_click_url=f"{self._shown.api}/v1/subscriptions/unsubscribe?token={token}",
        )
        letter = self._letter(first, f"{first.subscriber_id} {first.due_at.timestamp()}", first.due_at)
        return emails.alert(self._head, letter, content)

    def _letter(self, row: Any, key: str, due_at: datetime) -> EmailEnvelope:
        manage_url = self._shown.subscription_page_url(
            self._box.token_signer.sign("manage", row.subscriber_id, due_at + MANAGE)
        )
        return EmailEnvelope(to=row.email, language=row.language, message_key=key, due_at=due_at, manage_url=manage_url)
