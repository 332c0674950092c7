"""Completes records from the database with what is computed: URLs, local dates, by-lines, image renditions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from newsapi.content.article_types import ArticleRow, TermRow
from newsapi.content.presentation import consent as presentation_consent
from newsapi.content.presentation.renditions import Renditions
from newsapi.content.schemas.subscription_offer import FOLLOWABLE_KINDS, FREQUENCIES
from newsapi.content.tables.images import LEAD_POSITION
from newsapi.settings import Settings
from newsapi.text import html
from newsapi.text.bylines import format_byline
from newsapi.text.internal_links import InternalLinks
from newsapi.text.json_types import JsonObject, JsonValue
from newsapi.web.feed_formats import FEED_FORMATS

NO_RIGHTS = dict.fromkeys(("holder", "terms", "license_url", "syndicatable", "expires_at", "ai"))
NO_SEO = dict.fromkeys(("title", "description", "robots"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyAccess:
    """How much of article bodies a caller may read: `full`, `teaser` or `none`.

    Attributes:
        default_level: The level for articles outside the caller's entitlement.
        entitled_level: The level for articles within it.
        brands: Slugs of the brands that the entitlement covers; None for all.
        sections: Slugs of the sections that it covers; None for all.
    """

    default_level: str
    entitled_level: str
    brands: Collection[str] | None = None
    sections: Collection[str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the caller may read the full body of every article."""
        return self.default_level == self.entitled_level == "full"

    def level_for(self, record: Mapping[str, JsonValue]) -> str:
        """Return the level for an article; the record needs its `brand` and `section`."""
        for name, slugs in (("brand", self.brands), ("section", self.sections)):
            if slugs is not None and (record[name] or {"slug": None})["slug"] not in slugs:
                return self.default_level
        return self.entitled_level


FULL_ACCESS = BodyAccess(default_level="full", entitled_level="full")
"""The body access of editors."""


class ArticlePresenter:
    """Completes records in place, from the settings: URLs of the API and the site, the time zone, body access."""

    def __init__(self, settings: Settings) -> None:
        """Read the settings. URLs are made from these alone, never from a request."""
        self.api = settings.api_url
        self._site = settings.article_url
        self._preview = settings.preview_url
        parts = urlsplit(settings.article_url or self.api)
        self.site = f"{parts.scheme}://{parts.netloc}/"
        self.publisher = settings.publisher or parts.netloc
        self._pages = {"brand": settings.brand_url, "author": settings.author_url, "section": settings.section_url}
        self._renditions = Renditions(settings.image_url, settings.image_key, settings.image_salt)
        self._passage = settings.subscription_url or f"{self.api}/subscriptions"
        self._zone = settings.time_zone
        consent = presentation_consent.consent_text(settings.mail_language, settings.publisher, settings.privacy_url)
        self._box = {"frequencies": FREQUENCIES if settings.smtp_url else (), "consent": consent._asdict()}
        self.public = BodyAccess(default_level=settings.public_body, entitled_level=settings.public_body)
        api_template = self.api.replace("{", "{{").replace("}", "}}") + "/v1/articles/{slug}"
        self.own_links = InternalLinks([template for template in (settings.article_url, api_template) if template])

    def article_url(self, record: Mapping[str, JsonValue]) -> str:
        """Return the URL of an article's page on the site; its URL in the API if no template is configured."""
        if self._site is None:
            return f"{self.api}/v1/articles/{record['slug']}"
        # An article without a section or brand needs a URL too: a dash takes the place of the missing slug.
        section, brand = ((record[name] or {"slug": "-"})["slug"] for name in ("section", "brand"))
        return self._site.format(slug=record["slug"], section=section, brand=brand, id=record["id"])

    def preview_url(self, record: Mapping[str, JsonValue], token: str) -> str:
        """Return the URL of a page on the site that shows a draft with the token of a preview link."""
        url = self.article_url(record)
        if self._preview is None:
            return f"{url}{'&' if '?' in url else '?'}preview={token}"
        parts = urlsplit(url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        return self._preview.format(token=token, path=quote(path, safe="/"))

    def site_url(self, kind: str, slug: str) -> str | None:
        """Return the URL of a brand's, author's or section's page on the site; None if no template is configured."""
        template = self._pages.get(kind)
        return template.format(slug=slug) if template else None

    def subscription_page_url(self, token: str) -> str:
        """Return the URL that an email links to: the site's subscription page with the token, or our own page."""
        return f"{self._passage}{'&' if '?' in self._passage else '?'}token={token}"

    def summary(self, record: ArticleRow) -> ArticleRow:
        """Complete an article summary in place and return it."""
        self_url = f"{self.api}/v1/articles/{record['slug']}"
        record["url"] = self.article_url(record)
        self._add_date(record)
        measured = record.get("measured_images", {})
        record["image"] = self._renditions.picture(record["image"], measured.get(LEAD_POSITION))
        record["links"] = {"self": self_url, "related": f"{self_url}/related"}
        if record["materially_updated_at"] is None:
            record["materially_updated_at"] = record["published_at"]
        return record

    def _add_date(self, record: ArticleRow) -> None:
        published_at = record["published_at"]  # None for a draft without a time
        record["published_on"] = None if published_at is None else published_at.astimezone(self._zone).date()

    def card(self, record: ArticleRow) -> ArticleRow:
        """Complete an article on a card in place and return it."""
        stored, measured = record["image"], record.get("measured_images", {})
        self._add_date(record)
        record["image"] = self._renditions.card_picture(stored, measured.get(LEAD_POSITION))
        return record

    def article(self, record: ArticleRow, body_access: BodyAccess | None = None) -> ArticleRow:
        """Complete a full article, or the part of it that was loaded, and cut the body to what the caller may read.

        Every view that returns a body takes it from here. Without `body_access`, the public's applies.

        Returns:
            The same record, completed in place.
        """
        self.summary(record)
        brand = record["brand"]
        links = record["links"]
        links["jsonld"] = f"{links['self']}/jsonld"
        links["brand"] = f"{self.api}/v1/brands/{brand['slug']}" if brand else None
        links["subscriptions"] = f"{links['brand']}/subscriptions" if brand else None
        authors = [author["name"] for author in record["authors"]]
        record["byline"] = format_byline(authors, record["published_on"], record["language"])
        record["reading_minutes"] = html.reading_minutes(record["word_count"])
        record["translations"] = [
            {"language": item["language"], "slug": item["slug"], "url": self.article_url(item)}
            for item in record.get("translations", ())
        ]
        if "body_html" in record:
            self._share(record, body_access or self.public)
            self._detail(record)
        return record

    @staticmethod
    def body(record: Mapping[str, JsonValue], body_access: BodyAccess) -> str | None:
        """Return as much of an article's body, as HTML, as the caller may read; None if nothing."""
        level = body_access.level_for(record)
        if level == "none":
            return None
        return html.make_teaser(record["body_html"]) if level == "teaser" else str(record["body_html"])

    def _share(self, record: ArticleRow, body_access: BodyAccess) -> None:
        record["has_whole_body"] = body_access.level_for(record) == "full"
        body = self.body(record, body_access)
        record["body_html"] = body
        record["body_text"] = html.html_to_text(body) if body else body

    def _detail(self, record: ArticleRow) -> None:
        record["canonical_url"] = record["canonical_url"] or record["url"]
        record["rights"] = record["rights"] or NO_RIGHTS
        record["seo"] = record["seo"] or NO_SEO
        picture, measured = self._renditions.picture, record.get("measured_images", {})
        record["media"] = [
            {**item, "id": item["id"] or str(number), "image": picture(item["image"], measured.get(number))}
            for number, item in enumerate(record["media"], 1)
        ]

    def term(self, kind: str, record: TermRow) -> TermRow:
        """Complete a brand, author, section or tag in place and return it."""
        slug = record["slug"]
        links: JsonObject = {
            "self": f"{self.api}/v1/{kind}s/{slug}",
            "articles": f"{self.api}/v1/articles?{kind}={quote(slug)}",
        }
        record["links"] = links
        if kind in self._pages:
            record["url"] = self.site_url(kind, slug)
        if kind in FOLLOWABLE_KINDS:
            links["subscriptions"] = f"{links['self']}/subscriptions"
        if kind == "brand":
            record["subscription"] = self._box
            links["feeds"] = {format_.name: format_.url(self.api, brand=slug) for format_ in FEED_FORMATS}
        for name in ("logo", "avatar"):
            if name in record:
                record[name] = self._renditions.picture(record[name], is_cropped=False)
        return record
