"""What a record still lacks before it is shown: addresses, the local day, the by-line, sizes of pictures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from newsapi.schemas.boxes import FOLLOWED, FREQUENCIES
from newsapi.schemas.renditions import Renditions
from newsapi.settings import Settings
from newsapi.text import markup, phrases
from newsapi.text.bylines import byline
from newsapi.text.own_links import OwnLinks

Record = dict[str, Any]

NO_RIGHTS = dict.fromkeys(("holder", "terms", "license_url", "syndicatable", "expires_at", "ai"))
FEEDS = ("rss", "atom", "json", "ninjs")
"""The forms that a feed comes in, as they are named in its address."""

NO_SEO = dict.fromkeys(("title", "description", "robots"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """How much of a body somebody gets, `full`, `teaser` or `none`: `inside` of what his key is for, and `outside`.

    `brands` and `sections` are the slugs that it is for: None for any.
    """

    outside: str
    inside: str
    brands: Collection[str] | None = None
    sections: Collection[str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is held back of any body."""
        return self.outside == self.inside == "full"

    def body_of(self, record: Mapping[str, Any]) -> str:
        """How much of the body of this article."""
        for name, slugs in (("brand", self.brands), ("section", self.sections)):
            if slugs is not None and (record[name] or {"slug": None})["slug"] not in slugs:
                return self.outside
        return self.inside


WHOLE = Sharing(outside="full", inside="full")
"""What the desk gets."""


class Presentation:
    """Completes records in place; it knows where the API and the site are and in which zone a day begins."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; addresses never come from a request."""
        self.api = settings.api_url
        self._site = settings.article_url
        parts = urlsplit(settings.article_url or self.api)
        self.site = f"{parts.scheme}://{parts.netloc}/"
        self.publisher = settings.publisher or parts.netloc
        self._pages = {"brand": settings.brand_url, "author": settings.author_url, "section": settings.section_url}
        self.picture = Renditions(settings.image_url, settings.image_key, settings.image_salt).picture
        self._passage = settings.subscription_url or f"{self.api}/subscriptions"
        self._zone = settings.time_zone
        consent = phrases.consent(settings.mail_language, settings.publisher, settings.privacy_url)
        self._box = {"frequencies": FREQUENCIES if settings.smtp_url else (), "consent": consent._asdict()}
        self.public = Sharing(outside=settings.public_body, inside=settings.public_body)
        here = self.api.replace("{", "{{").replace("}", "}}") + "/v1/articles/{slug}"
        self.own_links = OwnLinks([template for template in (settings.article_url, here) if template])

    def article_url(self, record: Mapping[str, Any]) -> str:
        """The article's page on the site; its address here where no template is set."""
        if self._site is None:
            return f"{self.api}/v1/articles/{record['slug']}"
        # An article without a section or brand still needs an address: a dash stands for what it has not.
        section, brand = ((record[name] or {"slug": "-"})["slug"] for name in ("section", "brand"))
        return self._site.format(slug=record["slug"], section=section, brand=brand, id=record["id"])

    def page_of(self, kind: str, slug: str) -> str | None:
        """The page of a brand, author or section on the site; None where it has none."""
        template = self._pages.get(kind)
        return template.format(slug=slug) if template else None

    def passage(self, token: str) -> str:
        """Where a link in a mail leads: the site's page for it, or ours."""
        return f"{self._passage}{'&' if '?' in self._passage else '?'}token={token}"

    def summary(self, record: Record) -> Record:
        """Complete a summary."""
        own = f"{self.api}/v1/articles/{record['slug']}"
        record["url"] = self.article_url(record)
        day = record["published_at"]  # a draft may have none
        record["published_on"] = day and day.astimezone(self._zone).date()
        record["image"] = self.picture(record["image"])
        record["links"] = {"self": own, "related": f"{own}/related"}
        if record["materially_updated_at"] is None:
            record["materially_updated_at"] = record["published_at"]
        return record

    def article(self, record: Record, sharing: Sharing | None = None) -> Record:
        """Complete a full article, or as much of one as was loaded, and leave away what is not for who asks.

        Without `sharing` it is for anybody. Whatever shows a body takes it from here.
        """
        self.summary(record)
        brand = record["brand"]
        record["links"]["jsonld"] = f"{record['links']['self']}/jsonld"
        record["links"]["brand"] = brand and f"{self.api}/v1/brands/{brand['slug']}"
        record["links"]["subscriptions"] = brand and f"{record['links']['brand']}/subscriptions"
        record["byline"] = byline([a["name"] for a in record["authors"]], record["published_on"], record["language"])
        record["reading_minutes"] = markup.reading_minutes(record["word_count"])
        record["translations"] = [
            {"language": item["language"], "slug": item["slug"], "url": self.article_url(item)}
            for item in record.get("translations", ())
        ]
        if "body_html" in record:
            self._share(record, sharing or self.public)
            self._detail(record)
        return record

    @staticmethod
    def body(record: Mapping[str, Any], sharing: Sharing) -> str | None:
        """Answer as much of a body, in HTML, as is for who asks: None for nothing of it."""
        how = sharing.body_of(record)
        if how == "none":
            return None
        return markup.teaser(record["body_html"]) if how == "teaser" else str(record["body_html"])

    def _share(self, record: Record, sharing: Sharing) -> None:
        record["has_whole_body"] = sharing.body_of(record) == "full"
        record["body_html"] = self.body(record, sharing)
        record["body_text"] = record["body_html"] and markup.to_text(record["body_html"])

    def _detail(self, record: Record) -> None:
        record["canonical_url"] = record["canonical_url"] or record["url"]
        record["rights"] = record["rights"] or NO_RIGHTS
        record["seo"] = record["seo"] or NO_SEO
        record["media"] = [
            {**item, "id": item["id"] or str(number), "image": self.picture(item["image"])}
            for number, item in enumerate(record["media"], 1)
        ]

    def term(self, kind: str, record: Record) -> Record:
        """Complete a brand, author, section or tag."""
        slug = record["slug"]
        record["links"] = {
            "self": f"{self.api}/v1/{kind}s/{slug}",
            "articles": f"{self.api}/v1/articles?{kind}={quote(slug)}",
        }
        if kind in FOLLOWED:
            record["links"]["subscriptions"] = f"{record['links']['self']}/subscriptions"
        if kind == "brand":
            record["subscription"] = self._box
            feeds = f"{self.api}/v1/feeds/articles"
            record["links"]["feeds"] = {form: f"{feeds}.{form}?brand={slug}" for form in FEEDS}
        for name in ("logo", "avatar"):
            if name in record:
                record[name] = self.picture(record[name])
        return record
