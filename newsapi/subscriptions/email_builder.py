"""Builds emails from planned deliveries: URLs, links with their tokens, and texts in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from newsapi.content.article_types import ArticleRow
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.subscriptions import emails, messages
from newsapi.subscriptions.commands import CONFIRMATION_TIMEOUT, SubscriptionContext
from newsapi.subscriptions.emails import AlertContent, EmailArticle, EmailEnvelope, EmailPicture, SenderInfo
from newsapi.subscriptions.rows import DueAlert, FollowedTerm, NoticeRow
from newsapi.text.bylines import format_byline

UNSUBSCRIBE_LINK_LIFETIME: Final = timedelta(days=730)
"""How long the link to unsubscribe is valid."""

MANAGE_LINK_LIFETIME: Final = timedelta(days=30)
"""How long the link to manage all subscriptions is valid."""

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
        self._context, self._presentation = context, presentation
        settings = context.settings
        self._sender_info = SenderInfo(
            sender=settings.mail_from, name=presentation.publisher, privacy_url=settings.privacy_url
        )

    def build_article(self, record: ArticleRow) -> EmailArticle:
        """Return an article as the email templates need it; see `EmailArticle`."""
        summary = self._presentation.summary(record)
        section, image = summary["section"], summary["image"]
        picture: EmailPicture | None = None
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

    def build_confirmation(self, notice: NoticeRow, term: FollowedTerm) -> EmailMessage:
        """Return the email about a subscription itself: a request to confirm it, or a note that it is active.

        Args:
            notice: The subscription, with the columns of its subscriber.
            term: The term that is followed.

        Returns:
            The email. The Message-ID is the same whenever the same request is sent again.
        """
        topic_text = messages.format_topic(term.kind, term.name, notice.language)
        # A request that the server put off is sent again as the same email. A reminder is known only by the time at
        # which it was requested.
        requested_at = notice.notice_due_at if notice.state == "active" else notice.requested_at
        envelope = self._envelope(notice, f"{notice.id} {requested_at.timestamp()}", notice.notice_due_at)
        if notice.state == "active":
            return emails.build_reminder(self._sender_info, envelope, topic=topic_text)
        token = self._context.token_signer.sign("confirm", notice.id, notice.requested_at + CONFIRMATION_TIMEOUT)
        consent = self._context.consent(notice.language)
        # A page of the publisher may show a consent text of its own under its own version, which is unknown here.
        consent_text = consent.text if consent.version == notice.consent_version else notice.consent_version
        url = self._presentation.subscription_page_url(token)
        return emails.build_confirmation(
            self._sender_info, envelope, topic=topic_text, confirm_url=url, consent=consent_text
        )

    def build_alert(
        self, alerts: Sequence[DueAlert], articles: Mapping[UUID, EmailArticle], terms: Mapping[int, FollowedTerm]
    ) -> EmailMessage:
        """Return the email about planned changes, with the newest article first and each article once.

        Args:
            alerts: The alerts of one email, oldest first.
            articles: The articles by id, from `build_article`.
            terms: The followed terms by facet id.

        Returns:
            The email. The Message-ID depends on the subscriber and the due time only.
        """
        first = alerts[0]
        alert_by_subscription = {alert.subscription_id: alert for alert in alerts}
        followed_terms = [terms[alert.facet_id] for alert in alert_by_subscription.values()]
        unsubscribe_id = first.subscription_id if len(alert_by_subscription) == 1 else first.subscriber_id
        token = self._context.token_signer.sign("leave", unsubscribe_id, first.due_at + UNSUBSCRIBE_LINK_LIFETIME)
        article_ids = dict.fromkeys(alert.article_id for alert in reversed(alerts))
        since = first.confirmed_at.astimezone(ZoneInfo(first.time_zone)).date()
        content = AlertContent(
            frequency=first.frequency,
            topics=[messages.format_topic(term.kind, term.name, first.language) for term in followed_terms],
            names=[term.name for term in followed_terms],
            since=messages.format_long_date(since, first.language),
            articles=[articles[id_] for id_ in article_ids],
            leave_url=self._presentation.subscription_page_url(token),
            one_click_url=f"{self._presentation.api}/v1/subscriptions/unsubscribe?token={token}",
        )
        envelope = self._envelope(first, f"{first.subscriber_id} {first.due_at.timestamp()}", first.due_at)
        return emails.build_alert(self._sender_info, envelope, content)

    def _envelope(self, recipient: NoticeRow | DueAlert, key: str, due_at: datetime) -> EmailEnvelope:
        manage_url = self._presentation.subscription_page_url(
            self._context.token_signer.sign("manage", recipient.subscriber_id, due_at + MANAGE_LINK_LIFETIME)
        )
        return EmailEnvelope(
            to=recipient.email,
            language=recipient.language,
            message_token=self._context.token_signer.message_token(key, recipient.email_hash),
            due_at=due_at,
            manage_url=manage_url,
        )
