"""What every form of a feed is made of: what it is called, where its pages are, its articles, what was withdrawn.

Order and `updated` go by `materially_updated_at`, and an id is a `urn:uuid:`: a typo that was put right, or a new
address, makes nobody read an article again.

An article that may not be syndicated (`rights.syndicatable` is false) comes without its body and its pictures: whoever
follows a feed still learns that it is there and where to read it, as from any link, and a page keeps its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

Record = Mapping[str, Any]
PageOf = Callable[[str, str], str | None]
"""From a kind (`author`, `brand`) and a slug to the page on the site; None if it has none."""

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed was last updated that never had an entry."""

GENERATOR: Final = "newsapi"


class Gone(NamedTuple):
    """An article that was public: its id, the slug it had, its version and when it was taken away."""

    id: UUID
    slug: str
    version: int | None
    at: datetime


class File(NamedTuple):
    """A picture, a film or a sound: `medium` is image, video or audio, `seconds` how long it plays."""

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

    `home` is its page on the site, `own`, `first`, `next` and `prev` are pages of the feed itself; `records` are
    complete articles, those changed last first; `gone` are withdrawals of this feed's articles, the last first.
    """

    id: UUID
    title: str
    publisher: str
    home: str
    api: str
    own: str
    first: str
    next: str | None
    prev: str | None
    hub: str | None
    language: str | None
    records: Sequence[Record]
    gone: Sequence[Gone]
    page_of: PageOf

    @property
    def updated(self) -> datetime:
        """When it last changed in a way that matters to readers."""
        times = [updated(record) for record in self.records] + [one.at for one in self.gone]
        return max(times, default=NEVER)


def urn(id_: UUID) -> str:
    """An id as everybody understands it, for ever."""
    return f"urn:uuid:{id_}"


def instant(value: datetime | str | None) -> str | None:
    """A time as it is written (RFC 3339, UTC); a draft may have none."""
    return value if value is None or isinstance(value, str) else value.isoformat().removesuffix("+00:00") + "Z"


def updated(record: Record) -> datetime:
    """When an article last changed in a way that matters; a draft, which a preview link may show, at all."""
    found: datetime = record["materially_updated_at"] or record["updated_at"]
    return found


def is_free(record: Record) -> bool:
    """Whether others may show the article: nobody said that they may not."""
    return record["rights"]["syndicatable"] is not False


def rights(record: Record) -> str | None:
    """What is said of rights, in one line; None where nothing is."""
    said = record["rights"]
    parts = [f"© {said['holder']}" if said["holder"] else None, said["terms"], said["ai"] and f"AI: {said['ai']}"]
    return " · ".join(part for part in parts if part) or None


def files(record: Record) -> Iterator[File]:
    """The pictures, films and sounds of an article that others may show, its own picture first, each once."""
    if not is_free(record):
        return
    seen: set[str] = set()
    for file in _files(record):
        if file.url not in seen:
            seen.add(file.url)
            yield file


def _files(record: Record) -> Iterator[File]:
    if record["image"]:
        yield _picture(record["image"], {})
    for item in record["media"]:
        if item["kind"] == "image" and item["image"]:
            yield _picture(item["image"], item)
        elif item["kind"] in {"video", "audio"}:
            for source in item["sources"]:
                size = (source["type"], source["width"], source["height"])
                said = (None, item["caption"], item["credit"], item["duration_seconds"])
                yield File(source["url"], item["kind"], *size, *said)


def _picture(image: Record, item: Record) -> File:
    original = next((size for size in image["renditions"] if size["name"] == "original"), {"type": None})
    return File(
        image["url"],
        "image",
        original["type"],
        image["width"],
        image["height"],
        image["alt"],
        item.get("caption") or image["caption"],
        item.get("credit") or image["credit"],
    )


def keywords(record: Record) -> Iterator[tuple[str, str, str]]:
    """Kind, slug and name of what an article is filed under: its section, its brand, brands it names, its tags."""
    groups = (
        ("section", [record["section"]]),
        ("brand", [record["brand"], *record["mentions"]]),
        ("tag", record["tags"]),
    )
    for kind, terms in groups:
        for term in terms:
            if term:
                yield kind, term["slug"], term["name"]
