"""What a record still lacks before it is shown: addresses, the local day, the by-line, sizes of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from newsapi.schemas.boxes import FOLLOWED, FREQUENCIES
from newsapi.schemas.renditions import Renditions
from newsapi.settings import Settings
from newsapi.text import markup, phrases
from newsapi.text.bylines import byline
from newsapi.text.own_links import OwnLinks

Record = dict[str, Any]

NO_RIGHTS = dict.fromkeys(("holder", "terms", "license_url", "syndicatable", "expires_at", "ai"))
NO_SEO = dict.fromkeys(("title", "description", "robots"))


class Presentation:
    """Completes records in place; it knows where the API and the site are and in which zone a day begins."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings; addresses never come from a request."""
        self.api = settings.api_url
        self._site = settings.article_url
        self._pages = {"brand": settings.brand_url, "author": settings.author_url, "section": settings.section_url}
        self.picture = Renditions(settings.image_url, settings.image_key, settings.image_salt).picture
        self._passage = settings.subscription_url or f"{self.api}/subscriptions"
        self._zone = settings.time_zone
        consent = phrases.consent(settings.mail_language, settings.publisher, settings.privacy_url)
        self._box = {"frequencies": FREQUENCIES if settings.smtp_url else (), "consent": consent._asdict()}
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

    def article(self, record: Record) -> Record:
        """Complete a full article, or as much of one as was loaded."""
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
            self._detail(record)
        return record

    def _detail(self, record: Record) -> None:
        record["body_text"] = markup.to_text(record["body_html"])
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
        for name in ("logo", "avatar"):
            if name in record:
                record[name] = self.picture(record[name])
        return record
