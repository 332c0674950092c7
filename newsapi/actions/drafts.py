"""What an incoming article says: cleaned, completed, its references still slugs. Nothing here knows the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from newsapi.schemas.wire import written
from newsapi.settings import Settings
from newsapi.text import markup

NOON = time(12)
LISTS = ("authors", "mentions", "tags")
KIND_OF = {"brand": "brand", "section": "section", "authors": "author", "mentions": "brand", "tags": "tag"}
"""The kind of term that each reference of an article leads to."""


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """An article as it came in, cleaned; references are still slugs."""

    line: int
    digest: bytes
    id: UUID | None
    slug: str
    values: dict[str, Any]
    references: dict[str, list[str]]
    previous_slugs: tuple[str, ...]

    def keys(self) -> set[str | UUID]:
        """What names this article: no two of one batch may share any."""
        return {self.slug, *self.previous_slugs, *((self.id,) if self.id else ())}


def drafted(values: Mapping[str, Any], settings: Settings, *, line: int, digest: bytes) -> Draft:
    """Clean what a schema has read: HTML becomes safe, a plain date becomes noon of that day in the newsroom's zone."""
    kept = dict(values)
    references = {name: kept.pop(name) for name in LISTS}
    references |= {name: [slug] if (slug := kept.pop(name)) else [] for name in ("brand", "section")}
    id_, previous = kept.pop("id"), kept.pop("previous_slugs")
    kept["body_html"] = markup.clean(kept["body_html"], base=_base(settings), embed_hosts=settings.embed_hosts)
    kept["word_count"] = markup.word_count(markup.to_text(kept["body_html"]))
    kept["corrections"] = [{**item, "at": written(item["at"])} for item in kept["corrections"]]
    if (rights := kept["rights"]) and rights["expires_at"]:
        kept["rights"] = {**rights, "expires_at": written(rights["expires_at"])}
    precision = kept.pop("published_precision")
    if isinstance(kept["published_at"], datetime):
        kept["published_precision"] = precision or "second"
        if precision == "day":
            kept["published_at"] = _noon(kept["published_at"].astimezone(settings.time_zone).date(), settings)
    else:
        kept["published_precision"] = "day" if kept["published_at"] else precision or "second"
        kept["published_at"] = _noon(kept["published_at"], settings)
    previous = tuple(slug for slug in previous if slug != kept["slug"])
    return Draft(line, digest, id_, kept["slug"], kept, references, previous)


def _base(settings: Settings) -> str:
    """What relative addresses in a body are relative to: the site, or this API where there is none."""
    parts = urlsplit(settings.article_url or settings.api_url)
    return f"{parts.scheme}://{parts.netloc}/"


def _noon(day: date | None, settings: Settings) -> datetime | None:
    return datetime.combine(day, NOON, settings.time_zone).astimezone(UTC) if day else None
