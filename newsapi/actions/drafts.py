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
    digest: bytes | None
    id: UUID | None
    slug: str
    values: dict[str, Any]
    references: dict[str, list[str]]
    previous_slugs: tuple[str, ...]

    def keys(self) -> set[str | UUID]:
        """What names this article: no two of one batch may share any."""
        return {self.slug, *self.previous_slugs, *((self.id,) if self.id else ())}


def drafted(values: Mapping[str, Any], settings: Settings, *, line: int = 0, digest: bytes | None = None) -> Draft:
    """Clean what a schema has read: HTML becomes safe, a plain date becomes noon of that day in the newsroom's zone."""
    kept = dict(values)
    references = {name: kept.pop(name) for name in LISTS}
    references |= {name: [slug] if (slug := kept.pop(name)) else [] for name in ("brand", "section")}
    id_, previous = kept.pop("id"), kept.pop("previous_slugs")
    kept = cleaned(kept, settings)
    previous = tuple(slug for slug in previous if slug != kept["slug"])
    return Draft(line, digest, id_, kept["slug"], kept, references, previous)


def cleaned(values: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Clean those of the fields that are there."""
    kept = dict(values)
    if "body_html" in kept:
        kept["body_html"] = clean_body(kept["body_html"], settings)
        kept["word_count"] = markup.word_count(markup.to_text(kept["body_html"]))
    if "corrections" in kept:
        kept["corrections"] = [{**item, "at": written(item["at"])} for item in kept["corrections"]]
    if (rights := kept.get("rights")) and rights["expires_at"]:
        kept["rights"] = {**rights, "expires_at": written(rights["expires_at"])}
    if "published_at" in kept:
        kept |= _dated(kept["published_at"], kept.pop("published_precision", None), settings)
    return kept


def clean_body(html: str, settings: Settings) -> str:
    """Make the HTML of a body safe."""
    return markup.clean(html, base=_base(settings), embed_hosts=settings.embed_hosts)


def _dated(moment: date | None, precision: str | None, settings: Settings) -> dict[str, Any]:
    """The time of publication and how exact it is: a plain date is noon of that day in the newsroom's zone."""
    if not isinstance(moment, datetime):
        return {
            "published_at": _noon(moment, settings),
            "published_precision": "day" if moment else precision or "second",
        }
    if precision == "day":
        moment = _noon(moment.astimezone(settings.time_zone).date(), settings)
    return {"published_at": moment, "published_precision": precision or "second"}


def _base(settings: Settings) -> str:
    """What relative addresses in a body are relative to: the site, or this API where there is none."""
    parts = urlsplit(settings.article_url or settings.api_url)
    return f"{parts.scheme}://{parts.netloc}/"


def _noon(day: date | None, settings: Settings) -> datetime | None:
    return datetime.combine(day, NOON, settings.time_zone).astimezone(UTC) if day else None
