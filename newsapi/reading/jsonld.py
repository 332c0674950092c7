"""Articles as JSON-LD: a schema.org NewsArticle with the properties that search engines use.

The vocabulary is https://schema.org/NewsArticle; the selection of properties follows
https://developers.google.com/search/docs/appearance/structured-data/article and, for videos, .../video. Unknown
properties are left out and never null; properties that can have several values are always lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final

from newsapi.text.json_types import JsonObject, JsonValue

Record = Mapping[str, JsonValue]
SchemaOrgNode = JsonObject
PageOf = Callable[[str, str], str | None]
"""Maps a kind (`author`, `brand`) and a slug to the URL of the page on the site; None if there is no page."""

SHAPES: Final = ("16x9", "4x3", "1x1")


def _no_page(_kind: str, _slug: str) -> None:
    return None


def news_article(
    record: Record, *, publisher: str | None = None, accessible_for_free: bool = True, site_url_of: PageOf = _no_page
) -> SchemaOrgNode:
    """Return a complete article as a NewsArticle.

    `publisher` is the name of the publication, `accessible_for_free` says whether all readers get the whole body, and
    `site_url_of` returns the pages of authors and brands.

    Returns:
        A node in which `dateModified` is the time of the last material change.
    """
    brand, section = record["brand"], record["section"]
    return _thing(
        "NewsArticle",
        headline=record["headline"],
        description=record["standfirst"],
        image=_shapes(record["image"]),
        datePublished=_time(record["published_at"]),
        dateModified=_time(record["materially_updated_at"]),
        author=[_person(author, site_url_of) for author in record["authors"]],
        publisher=publisher and _thing("Organization", name=publisher),
        mainEntityOfPage={"@type": "WebPage", "@id": record["canonical_url"]},
        url=record["url"],
        inLanguage=record["language"],
        articleSection=section and section["name"],
        keywords=[tag["name"] for tag in record["tags"]],
        about=_named("Brand", "brand", [brand] if brand else [], site_url_of),
        mentions=_named("Brand", "brand", record["mentions"], site_url_of),
        wordCount=record["word_count"],
        isAccessibleForFree=accessible_for_free,
        correction=[
            _thing("CorrectionComment", text=correction["text"], datePublished=_time(correction["at"]))
            for correction in record["corrections"]
        ],
        license=record["rights"]["license_url"],
        workTranslation=[
            _thing("Article", url=translation["url"], inLanguage=translation["language"])
            for translation in record["translations"]
        ],
        video=_videos(record) if record["format"] == "video" else None,
        associatedMedia=_gallery(record) if record["format"] == "gallery" else None,
    )


def script_safe(serialized: bytes) -> bytes:
    """Return JSON escaped for use inside a `script` element: nothing in it ends the element or opens a comment."""
    for character, escaped in _ESCAPES:
        serialized = serialized.replace(character, escaped)
    return serialized


# In JSON these characters occur in strings only, where an escape has the same meaning.
_ESCAPES: Final = (
    (b"<", rb"\u003c"),
    (b">", rb"\u003e"),
    (b"&", rb"\u0026"),
    ("\u2028".encode(), rb"\u2028"),
    ("\u2029".encode(), rb"\u2029"),
)


def _thing(type_: str, **members: object) -> SchemaOrgNode:
    context = {"@context": "https://schema.org"} if type_ == "NewsArticle" else {}
    known = {name: value for name, value in members.items() if value not in (None, "", [])}
    return {**context, "@type": type_, **known}


def _named(type_: str, kind: str, refs: Iterable[Record], site_url_of: PageOf) -> list[SchemaOrgNode]:
    return [_thing(type_, name=ref["name"], url=site_url_of(kind, ref["slug"])) for ref in refs]


def _person(author: Record, site_url_of: PageOf) -> SchemaOrgNode:
    return _thing(
        "Person",
        name=author["name"],
        url=site_url_of("author", author["slug"]),
        jobTitle=author.get("job_title"),
        sameAs=author.get("same_as"),
    )


def _time(value: datetime | str | None) -> str | None:
    """Return a time in RFC 3339 format, UTC; None for a draft that has none."""
    return value if value is None or isinstance(value, str) else value.isoformat().removesuffix("+00:00") + "Z"


def _shapes(image: Record | None) -> list[SchemaOrgNode]:
    """Return the largest rendition of each aspect ratio; the original if there is no rendition."""
    if image is None:
        return []
    by_width = sorted(image["renditions"], key=lambda rendition: rendition["width"] or 0)
    largest = {rendition["name"]: rendition for rendition in by_width}
    return [_image(image, largest[ratio]) for ratio in SHAPES if ratio in largest] or [_image(image, image)]


def _image(image: Record, rendition: Record, item: Record | None = None) -> SchemaOrgNode:
    """Return a rendition of an image; caption and credit of its gallery item come before those of the image."""
    described = item or image
    return _thing(
        "ImageObject",
        url=rendition["url"],
        width=rendition["width"],
        height=rendition["height"],
        caption=described["caption"] or image["caption"],
        creditText=described["credit"] or image["credit"],
    )


def _gallery(record: Record) -> list[SchemaOrgNode]:
    items = [item for item in record["media"] if item["kind"] == "image" and item["image"]]
    return [_image(item["image"], item["image"], item) for item in items]


def _videos(record: Record) -> list[SchemaOrgNode]:
    """Return the videos that have a source or a player."""
    videos = [item for item in record["media"] if item["kind"] == "video"]
    return [_video(item, record) for item in videos if item["sources"] or item["embed_url"]]


def _video(item: Record, record: Record) -> SchemaOrgNode:
    """Return a video with its first source; name and thumbnail are required, so the article's are the fallback."""
    source = item["sources"][0] if item["sources"] else dict.fromkeys(("url", "type", "width", "height"))
    thumbnail = item["image"] or record["image"]
    return _thing(
        "VideoObject",
        name=record["headline"],
        description=item["caption"] or record["standfirst"],
        thumbnailUrl=item["poster"] or (thumbnail and thumbnail["url"]),
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
    """Return a duration in ISO 8601 format, such as PT1H2M3S."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    parts = [f"{value}{unit}" for value, unit in ((hour, "H"), (minute, "M"), (second, "S")) if value]
    return "PT" + ("".join(parts) or "0S")
