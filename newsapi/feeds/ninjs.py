"""Feeds as IPTC ninjs 3.1: one package whose `associations` are the articles, so that the whole is valid ninjs.

The `pubStatus` of a withdrawn article is `canceled` ("take it off"), that of an article that may not be syndicated
`withheld` ("do not publish"). `versionCreated` is the time of the last material change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import orjson

from newsapi.feeds.feed import Feed, MediaFile, Record, Tombstone, files, instant, is_syndicatable, updated, urn

SCHEMA: Final = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"
TYPES_BY_FORMAT: Final = {"article": "text", "gallery": "composite", "video": "video"}
TYPES_BY_MEDIUM: Final = {"image": "picture", "video": "video", "audio": "audio"}


def render(feed: Feed) -> bytes:
    """Return a page of a feed as a ninjs document."""
    articles = [*(_article(record, feed) for record in feed.records), *map(_tombstone, feed.tombstones)]
    head = _without_empty(
        uri=urn(feed.id),
        type="composite",
        standard={"name": "ninjs", "version": "3.1", "schema": SCHEMA},
        title=feed.title,
        language=feed.language,
        versionCreated=instant(feed.updated),
        pubStatus="usable",
        altIds=[_without_empty(role=role, value=url) for role, url in _pages(feed) if url],
    )
    return orjson.dumps({**head, "associations": articles})


def _pages(feed: Feed) -> tuple[tuple[str, str | None], ...]:
    return ("self", feed.self_url), ("first", feed.first), ("next", feed.next), ("prev", feed.prev)


def _article(record: Record, feed: Feed) -> dict[str, object]:
    """Return an article; a withheld one has its identifiers but no content."""
    free = is_syndicatable(record)
    members = _without_empty(
        name=record["slug"],
        uri=urn(record["id"]),
        type=TYPES_BY_FORMAT.get(record["format"], "composite"),
        representationType="full" if free and record["has_whole_body"] else "partial",
        version=str(record["version"]),
        contentCreated=instant(record["published_at"]),
        versionCreated=instant(updated(record)),
        pubStatus="usable" if free else "withheld",
        language=record["language"],
        slugline=record["slug"],
        altIds=[{"role": "slug", "value": record["slug"]}, {"role": "url", "value": record["url"]}],
        expires=record["rights"]["expires_at"],
        **_rights(record),
    )
    if free:
        members |= _content(record, feed)
    return members


def _content(record: Record, feed: Feed) -> dict[str, object]:
    body = {"contentType": "text/html", "wordCount": record["word_count"], "value": record["body_html"]}
    return _without_empty(
        headlines=[{"value": record["headline"]}],
        descriptions=[{"role": "standfirst", "contentType": "text/plain", "value": record["standfirst"]}]
        if record["standfirst"]
        else None,
        bodies=[body] if record["body_html"] else None,
        by=record["byline"],
        people=_term_refs(record["authors"], "author", "author", feed),
        subjects=[
            *_term_refs([record["section"]] if record["section"] else [], "section", "section", feed),
            *_term_refs(record["tags"], "keyword", "tag", feed),
        ],
        objects=[
            *_term_refs([record["brand"]] if record["brand"] else [], "about", "brand", feed),
            *_term_refs(record["mentions"], "mentions", "brand", feed),
        ],
        infoSources=[_without_empty(**record["source"])] if _without_empty(**(record["source"] or {})) else None,
        associations=[_file(file) for file in files(record)],
    )


def _term_refs(terms: Iterable[Record], rel: str, kind: str, feed: Feed) -> list[dict[str, object]]:
    return [
        {"name": term["name"], "rel": rel, "literal": term["slug"], "uri": f"{feed.api_url}/v1/{kind}s/{term['slug']}"}
        for term in terms
    ]


def _rights(record: Record) -> dict[str, object]:
    rights = record["rights"]
    terms = [rights["terms"], f"AI: {rights['ai']}" if rights["ai"] else None]
    return {
        "copyrightHolder": rights["holder"],
        "copyrightNotice": f"© {rights['holder']}" if rights["holder"] else None,
        "usageTerms": " · ".join(term for term in terms if term) or None,
        "rightsInfo": {"linkedRights": rights["license_url"]} if rights["license_url"] else None,
    }


def _file(file: MediaFile) -> dict[str, object]:
    rendition = _without_empty(
        name="original",
        href=file.url,
        contentType=file.type,
        width=file.width,
        height=file.height,
        duration=file.seconds,
    )
    texts = (("alt", file.alt), ("caption", file.caption))
    return _without_empty(
        name=file.medium,
        uri=file.url,
        type=TYPES_BY_MEDIUM[file.medium],
        by=file.credit,
        descriptions=[{"role": role, "contentType": "text/plain", "value": text} for role, text in texts if text],
        renditions=[rendition],
    )


def _tombstone(tombstone: Tombstone) -> dict[str, object]:
    return _without_empty(
        name=tombstone.slug,
        uri=urn(tombstone.id),
        version=tombstone.version and str(tombstone.version),
        versionCreated=instant(tombstone.at),
        pubStatus="canceled",
        altIds=[{"role": "slug", "value": tombstone.slug}],
    )


def _without_empty(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value not in (None, [], "")}
