"""An article as JSON-LD: a NewsArticle of schema.org, with what search engines ask for.

The words are those of https://schema.org/NewsArticle; the choice among them follows
https://developers.google.com/search/docs/appearance/structured-data/article and, for videos, .../video. What is not
known is left out, never null; what can be many is always a list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

Record = Mapping[str, Any]
Thing = dict[str, Any]
PageOf = Callable[[str, str], str | None]
"""From a kind (`author`, `brand`) and a slug to the page on the site; None if it has none."""

SHAPES: Final = ("16x9", "4x3", "1x1")


def _no_page(_kind: str, _slug: str) -> None:
    return None


def article(record: Record, *, publisher: str | None = None, free: bool = True, page_of: PageOf = _no_page) -> Thing:
    """An article as a NewsArticle.

    In: a complete record; the name of the publication; whether every reader gets the whole body; where authors and
    brands have their pages. `dateModified` is the time of the last change that matters to readers.
    """
    brand, section = record["brand"], record["section"]
    return _thing(
        "NewsArticle",
        headline=record["headline"],
        description=record["standfirst"],
        image=_shapes(record["image"]),
        datePublished=_time(record["published_at"]),
        dateModified=_time(record["materially_updated_at"]),
        author=_named("Person", "author", record["authors"], page_of),
        publisher=publisher and _thing("Organization", name=publisher),
        mainEntityOfPage={"@type": "WebPage", "@id": record["canonical_url"]},
        url=record["url"],
        inLanguage=record["language"],
        articleSection=section and section["name"],
        keywords=[tag["name"] for tag in record["tags"]],
        about=_named("Brand", "brand", [brand] if brand else [], page_of),
        mentions=_named("Brand", "brand", record["mentions"], page_of),
        wordCount=record["word_count"],
        isAccessibleForFree=free,
        correction=[
            _thing("CorrectionComment", text=correction["text"], datePublished=_time(correction["at"]))
            for correction in record["corrections"]
        ],
        license=record["rights"]["license_url"],
        workTranslation=[
            _thing("Article", url=other["url"], inLanguage=other["language"]) for other in record["translations"]
        ],
        video=_videos(record) if record["format"] == "video" else None,
        associatedMedia=_gallery(record) if record["format"] == "gallery" else None,
    )


def script_safe(json: bytes) -> bytes:
    """The same JSON, such that it can stand inside a `script` element: nothing in it ends one or opens a comment."""
    for character, escaped in _ESCAPES:
        json = json.replace(character, escaped)
    return json


# In JSON these characters stand in texts alone, where an escape means the same.
_ESCAPES: Final = (
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    (b"&", rb"\u0026"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
)


def _thing(kind: str, **members: Any) -> Thing:
    context = {"@context": "https://schema.org"} if kind == "NewsArticle" else {}
    known = {name: value for name, value in members.items() if value not in (None, "", [])}
    return {**context, "@type": kind, **known}


def _named(kind: str, noun: str, refs: Iterable[Record], page_of: PageOf) -> list[Thing]:
    return [_thing(kind, name=ref["name"], url=page_of(noun, ref["slug"])) for ref in refs]


def _time(value: datetime | str | None) -> str | None:
    """A time as it is written; a draft may have none."""
    return value if value is None or isinstance(value, str) else value.isoformat().removesuffix("+00:00") + "Z"


def _shapes(image: Record | None) -> list[Thing]:
    """The largest rendition of each shape; the original where there is none."""
    if image is None:
        return []
    largest = {size["name"]: size for size in sorted(image["renditions"], key=lambda size: size["width"] or 0)}
    return [_image(image, largest[shape]) for shape in SHAPES if shape in largest] or [_image(image, image)]


def _image(image: Record, size: Record, item: Record | None = None) -> Thing:
    """One size of a picture; the item of a gallery it belongs to says more of it than the picture does."""
    said = item or image
    return _thing(
        "ImageObject",
        url=size["url"],
        width=size["width"],
        height=size["height"],
        caption=said["caption"] or image["caption"],
        creditText=said["credit"] or image["credit"],
    )


def _gallery(record: Record) -> list[Thing]:
    pictures = [item for item in record["media"] if item["kind"] == "image" and item["image"]]
    return [_image(item["image"], item["image"], item) for item in pictures]


def _videos(record: Record) -> list[Thing]:
    """The videos that can be played."""
    videos = [item for item in record["media"] if item["kind"] == "video"]
    return [_video(item, record) for item in videos if item["sources"] or item["embed_url"]]


def _video(item: Record, record: Record) -> Thing:
    """A video by its first file; a title and a still, which are required, come from the article where it has none."""
    source = item["sources"][0] if item["sources"] else dict.fromkeys(("url", "type", "width", "height"))
    still = item["image"] or record["image"]
    return _thing(
        "VideoObject",
        name=record["headline"],
        description=item["caption"] or record["standfirst"],
        thumbnailUrl=item["poster"] or (still and still["url"]),
        uploadDate=_time(record["published_at"]),
        duration=_duration(item["duration_seconds"]) if item["duration_seconds"] else None,
        contentUrl=source["url"],
        encodingFormat=source["type"],
        width=source["width"],
        height=source["height"],
        embedUrl=item["embed_url"],
        creditText=item["credit"],
    )


def _duration(seconds: float) -> str:
    """A duration in ISO 8601: PT1H2M3S."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    parts = [f"{value}{unit}" for value, unit in ((hour, "H"), (minute, "M"), (second, "S")) if value]
    return "PT" + ("".join(parts) or "0S")
