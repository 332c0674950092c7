"""Drafts: incoming articles, cleaned and complete, with references as slugs. Nothing here uses the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TypeAlias, TypedDict
from urllib.parse import urlsplit
from uuid import UUID

from newsapi.settings import Settings
from newsapi.text import html
from newsapi.text.body_html.context import BodyMedia, Removal
from newsapi.text.json_types import JsonObject, JsonValue
from newsapi.web.wire import format_instant

NOON = time(12)
MAX_MEDIA = 500
"""Media of an article."""

MAX_URL_CHARACTERS = 2_000
"""Length of the URL of a media file; a longer one is left out."""

LISTS = ("authors", "mentions", "tags")
TERM_KIND_OF_FIELD = {"brand": "brand", "section": "section", "authors": "author", "mentions": "brand", "tags": "tag"}
"""The kind of term that each reference field of an article holds."""


DraftKey: TypeAlias = str | UUID | tuple[str, str]
"""What only one article of a batch may have: a slug, an id, or the pair of "source_id" and its value."""


@dataclass(frozen=True, eq=False)
class ArticleDraft:
    """An incoming article, cleaned. References and previous slugs are slugs; `references` is by field.

    `source_line` and `source_digest` are those of an imported line; 0 and None if the article comes from the API.
    `source_id` is its identity in the source of the import, if it has one.
    `removals` is what was removed from the body, or replaced by a link. It has no slots, because pickling an immutable
    object with slots, which parser processes send, takes longer.
    """

    source_line: int
    source_digest: bytes | None
    id: UUID | None
    slug: str
    values: JsonObject
    references: dict[str, list[str]]
    previous_slugs: tuple[str, ...]
    source_id: str | None = None
    removals: tuple[Removal, ...] = ()

    def keys(self) -> set[DraftKey]:
        """Return the slugs and the ids of this article; two articles of a batch may not share any."""
        keys: set[DraftKey] = {self.slug, *self.previous_slugs}
        if self.id:
            keys.add(self.id)
        if self.source_id:
            keys.add(("source_id", self.source_id))
        return keys


def make_draft(
    values: Mapping[str, JsonValue],
    settings: Settings,
    *,
    source_line: int = 0,
    source_digest: bytes | None = None,
) -> ArticleDraft:
    """Return a draft of the values that a schema has loaded; sanitizes HTML and completes dates.

    Args:
        values: All fields of an article. A date without a time becomes noon of that day in the time zone of the
            settings. Relative URLs of the body are resolved against `base_url`, or else against the site.
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
    id_, source_id, base_url = columns.pop("id"), columns.pop("source_id", None), columns.pop("base_url", None)
    given_previous_slugs = columns.pop("previous_slugs")
    body = clean_body(columns["body_html"], settings, base=base_url)
    columns |= {"body_html": body.html, "media": add_media(columns["media"], body.media)}
    columns = complete_values(columns, settings)
    slug = columns["slug"]
    previous_slugs = tuple(former for former in given_previous_slugs if former != slug)
    return ArticleDraft(
        source_line,
        source_digest,
        id_,
        slug,
        columns,
        references,
        previous_slugs,
        source_id,
        body.removals,
    )


def complete_values(values: Mapping[str, JsonValue], settings: Settings) -> JsonObject:
    """Return the values with formatted times and derived fields; any field may be missing, the body is sanitized."""
    columns = dict(values)
    if "body_html" in columns:
        columns["word_count"] = html.body_word_count(columns["body_html"])
    if "corrections" in columns:
        columns["corrections"] = [{**item, "at": format_instant(item["at"])} for item in columns["corrections"]]
    if (rights := columns.get("rights")) and rights["expires_at"]:
        columns["rights"] = {**rights, "expires_at": format_instant(rights["expires_at"])}
    if "published_at" in columns:
        columns |= _publication_time(columns["published_at"], columns.pop("published_precision", None), settings)
    return columns


def clean_body(body_html: str, settings: Settings, *, base: str | None = None) -> html.SanitizedHtml:
    """Return the sanitized HTML of an article body, with absolute URLs.

    Args:
        body_html: The body as it came in.
        settings: The base of relative URLs and the hosts of embeds.
        base: The base of relative URLs instead of that of the settings.

    Returns:
        The body, with what was removed from it and the audio and video files in it.
    """
    return html.sanitize_html(body_html, base=base or _base(settings), embed_hosts=settings.embed_hosts)


class DraftMediaFile(TypedDict):
    """A file of a video or audio, as it is stored."""

    url: str
    type: str | None
    width: int | None
    height: int | None


class MediaItem(TypedDict):
    """One of the media of an article, as it is stored."""

    id: str | None
    kind: str
    image: object
    sources: list[DraftMediaFile]
    embed_url: str | None
    poster: str | None
    duration_seconds: float | None
    captions: list[dict[str, str]]
    caption: str | None
    credit: str | None


def add_media(media: Sequence[MediaItem], found: Iterable[BodyMedia]) -> list[MediaItem]:
    """Return the media of an article with the audio and video files of its body.

    Args:
        media: The media that the writer lists.
        found: The files of the body; those that are listed already are not added.

    Returns:
        The media that the writer lists, then the others.
    """
    items = list(media)
    known = {url for item in items for url in _urls(item)}
    for body_media in found:
        item = _media_item(body_media)
        urls = set(_urls(item))
        if urls and not urls & known and len(items) < MAX_MEDIA:
            known |= urls
            items.append(item)
    return items


def _urls(item: MediaItem) -> list[str]:
    return [source["url"] for source in item["sources"]] + ([item["embed_url"]] if item["embed_url"] else [])


def _media_item(media: BodyMedia) -> MediaItem:
    sources: list[DraftMediaFile] = [
        {"url": url, "type": source.type, "width": None, "height": None}
        for source in media.sources
        if (url := _media_url(source.url))
    ]
    captions = [{"language": language, "url": url} for language, text in media.captions if (url := _media_url(text))]
    return {
        "id": None,
        "kind": media.kind,
        "image": None,
        "sources": sources,
        "embed_url": None,
        "poster": _media_url(media.poster),
        "duration_seconds": None,
        "captions": captions,
        "caption": media.caption,
        "credit": None,
    }


def _media_url(url: str | None) -> str | None:
    """Return a URL in the form that the API accepts for media; None if it is too long."""
    encoded = (url or "").replace("'", "%27")
    return encoded if 0 < len(encoded) <= MAX_URL_CHARACTERS else None


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
