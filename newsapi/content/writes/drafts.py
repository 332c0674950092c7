"""Drafts: incoming articles, cleaned and complete, with references as slugs. Nothing here uses the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from urllib.parse import urlsplit
from uuid import UUID

from newsapi.settings import Settings
from newsapi.text import html
from newsapi.text.json_types import JsonObject, JsonValue
from newsapi.web.wire import format_instant

NOON = time(12)
LISTS = ("authors", "mentions", "tags")
TERM_KIND_OF_FIELD = {"brand": "brand", "section": "section", "authors": "author", "mentions": "brand", "tags": "tag"}
"""The kind of term that each reference field of an article holds."""


@dataclass(frozen=True, slots=True, eq=False)
class ArticleDraft:
    """An incoming article, cleaned. References and previous slugs are slugs; `references` is by field.

    `source_line` and `source_digest` are those of an imported line; 0 and None if the article comes from the API.
    """

    source_line: int
    source_digest: bytes | None
    id: UUID | None
    slug: str
    values: JsonObject
    references: dict[str, list[str]]
    previous_slugs: tuple[str, ...]

    def keys(self) -> set[str | UUID]:
        """Return the slugs and the id of this article; two articles of a batch may not share any."""
        keys: set[str | UUID] = {self.slug, *self.previous_slugs}
        if self.id:
            keys.add(self.id)
        return keys


def make_draft(
    values: Mapping[str, JsonValue], settings: Settings, *, source_line: int = 0, source_digest: bytes | None = None
) -> ArticleDraft:
    """Return a draft of the values that a schema has loaded; sanitizes HTML and completes dates.

    Args:
        values: All fields of an article. A date without a time becomes noon of that day in the time zone of the
            settings.
        settings: The time zone, the base of relative URLs and the hosts of embeds.
        source_line: Number of the line that is imported.
        source_digest: Digest of that line.

    Returns:
        The draft.
    """
    columns = dict(values)
    references = {field: columns.pop(field) for field in LISTS}
    for field in ("brand", "section"):
        slug = columns.pop(field)
        references[field] = [slug] if slug else []
    id_, given_previous_slugs = columns.pop("id"), columns.pop("previous_slugs")
    columns = clean_values(columns, settings)
    previous_slugs = tuple(slug for slug in given_previous_slugs if slug != columns["slug"])
    return ArticleDraft(source_line, source_digest, id_, columns["slug"], columns, references, previous_slugs)


def clean_values(values: Mapping[str, JsonValue], settings: Settings) -> JsonObject:
    """Return the values with sanitized HTML, formatted times and derived fields; any field may be missing."""
    columns = dict(values)
    if "body_html" in columns:
        columns["body_html"] = clean_body(columns["body_html"], settings)
        columns["word_count"] = html.word_count(html.html_to_text(columns["body_html"]))
    if "corrections" in columns:
        columns["corrections"] = [{**item, "at": format_instant(item["at"])} for item in columns["corrections"]]
    if (rights := columns.get("rights")) and rights["expires_at"]:
        columns["rights"] = {**rights, "expires_at": format_instant(rights["expires_at"])}
    if "published_at" in columns:
        columns |= _publication_time(columns["published_at"], columns.pop("published_precision", None), settings)
    return columns


def clean_body(body_html: str, settings: Settings) -> str:
    """Return the sanitized HTML of an article body, with absolute URLs."""
    return html.sanitize_html(body_html, base=_base(settings), embed_hosts=settings.embed_hosts).html


def _publication_time(published: date | None, precision: str | None, settings: Settings) -> JsonObject:
    """Return publication time and precision; a date without a time is noon of that day in the time zone."""
    if not isinstance(published, datetime):
        return {
            "published_at": _noon_in_zone(published, settings),
            "published_precision": "day" if published else precision or "second",
        }
    if precision == "day":
        published = _noon_in_zone(published.astimezone(settings.time_zone).date(), settings)
    return {"published_at": published, "published_precision": precision or "second"}


def _base(settings: Settings) -> str:
    """Return the base of relative URLs in a body: the site or, if no article URL is set, this API."""
    parts = urlsplit(settings.article_url or settings.api_url)
    return f"{parts.scheme}://{parts.netloc}/"


def _noon_in_zone(day: date | None, settings: Settings) -> datetime | None:
    return datetime.combine(day, NOON, settings.time_zone).astimezone(UTC) if day else None
