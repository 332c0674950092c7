"""The content of a feed in any format: title, page URLs, articles, and tombstones of withdrawn articles.

Order and `updated` follow `materially_updated_at`, and ids are `urn:uuid:` URNs, so that a corrected typo or a new URL
does not show an article as unread again.

An article that may not be syndicated (`rights.syndicatable` is false) has no body and no images in a feed. The entry
stays, as a link to the article, and a page keeps its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeAlias
from uuid import UUID

from newsapi.text.json_types import JsonValue

Record: TypeAlias = Mapping[str, JsonValue]
"""A complete article, as the presenter returns it."""

SiteUrlOf = Callable[[str, str], str | None]
"""Maps a kind (`author`, `brand`) and a slug to the URL of the page on the site; None if there is no page."""

NEVER_CHANGED: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""`updated` of a feed whose list never changed. RFC 4287 requires a time. It must not depend on the clock, because the
response is cached until the list changes."""

GENERATOR: Final = "newsapi"


class Tombstone(NamedTuple):
    """An article that is no longer public: its id, its last slug and version, and when it was withdrawn."""

    id: UUID
    slug: str
    version: int | None
    at: datetime


class MediaFile(NamedTuple):
    """A media file: `medium` is image, video or audio, `seconds` is the duration."""

    url: str
    medium: str
    type: str | None = None
    width: int | None = None
    height: int | None = None
    alt: str | None = None
    caption: str | None = None
    credit: str | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Feed:
    """One page of a feed.

    Attributes:
        site_url: The page on the site that lists the same articles.
        api_url: The base URL of the API.
        self_url: The URL of this page of the feed; `first`, `next` and `prev` are URLs of other pages.
        records: Complete articles, the most recently changed first.
        tombstones: Tombstones of articles of this feed, the latest first.
        changed_at: When the list last changed, which is `updated` of a page without articles and tombstones.
    """

    id: UUID
    title: str
    publisher: str
    site_url: str
    api_url: str
    self_url: str
    first: str
    next: str | None
    prev: str | None
    hub: str | None
    language: str | None
    records: Sequence[Record]
    tombstones: Sequence[Tombstone]
    changed_at: datetime
    site_url_of: SiteUrlOf

    @property
    def updated(self) -> datetime:
        """The time of the last material change of the page."""
        times = [updated(record) for record in self.records] + [tombstone.at for tombstone in self.tombstones]
        return max(times, default=self.changed_at)


def urn(id_: UUID) -> str:
    """Return an id as a URN (RFC 9562, section 4)."""
    return f"urn:uuid:{id_}"


def instant(value: datetime | str | None) -> str | None:
    """Return a time in RFC 3339 format, UTC; None for a draft that has none."""
    return value if value is None or isinstance(value, str) else value.isoformat().removesuffix("+00:00") + "Z"


def updated(record: Record) -> datetime:
    """Return the time of an article's last material change; of any change for a draft, which a preview may show."""
    updated_at: datetime = record["materially_updated_at"] or record["updated_at"]
    return updated_at


def is_syndicatable(record: Record) -> bool:
    """Return whether others may publish the article: only an explicit `syndicatable: false` forbids it."""
    return record["rights"]["syndicatable"] is not False


def rights(record: Record) -> str | None:
    """Return holder, terms and AI policy of an article in one line; None if none of them is known."""
    members = record["rights"]
    parts = [
        f"© {members['holder']}" if members["holder"] else None,
        members["terms"],
        f"AI: {members['ai']}" if members["ai"] else None,
    ]
    return " · ".join(part for part in parts if part) or None


def files(record: Record) -> Iterator[MediaFile]:
    """Yield the media files of an article that may be syndicated, its main image first, each URL once."""
    if not is_syndicatable(record):
        return
    urls: set[str] = set()
    for file in _iter_files(record):
        if file.url not in urls:
            urls.add(file.url)
            yield file


def _iter_files(record: Record) -> Iterator[MediaFile]:
    if record["image"]:
        yield _image_file(record["image"], {})
    for item in record["media"]:
        if item["kind"] == "image" and item["image"]:
            yield _image_file(item["image"], item)
        elif item["kind"] in {"video", "audio"}:
            for source in item["sources"]:
                yield MediaFile(
                    source["url"],
                    item["kind"],
                    type=source["type"],
                    width=source["width"],
                    height=source["height"],
                    caption=item["caption"],
                    credit=item["credit"],
                    seconds=item["duration_seconds"],
                )


def _image_file(image: Record, item: Record) -> MediaFile:
    renditions = (rendition for rendition in image["renditions"] if rendition["name"] == "original")
    original = next(renditions, {"type": None})
    return MediaFile(
        image["url"],
        "image",
        type=original["type"],
        width=image["width"],
        height=image["height"],
        alt=image["alt"],
        caption=item.get("caption") or image["caption"],
        credit=item.get("credit") or image["credit"],
    )


def keywords(record: Record) -> Iterator[tuple[str, str, str]]:
    """Yield kind, slug and name of the terms of an article: its section, its brand, mentioned brands, its tags."""
    groups = (
        ("section", [record["section"]]),
        ("brand", [record["brand"], *record["mentions"]]),
        ("tag", record["tags"]),
    )
    for kind, terms in groups:
        for term in terms:
            if term:
                yield kind, term["slug"], term["name"]
