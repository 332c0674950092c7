"""A feed as IPTC ninjs 3.1: one package whose `associations` are the articles, so that the whole is valid ninjs.

What was withdrawn is `canceled`, what may not be syndicated is `withheld`: a wire service's words for "take it off" and
"do not publish". `versionCreated` is when the version that matters to readers was made.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from newsapi.feeds.feed import Feed, File, Gone, Record, files, instant, is_free, updated, urn

MEDIA_TYPE: Final = "application/json"
SCHEMA: Final = "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"
KINDS: Final = {"article": "text", "gallery": "composite", "video": "video"}
MEDIA: Final = {"image": "picture", "video": "video", "audio": "audio"}


def document(feed: Feed) -> bytes:
    """Write a page of a feed."""
    articles = [*(_article(record, feed) for record in feed.records), *map(_canceled, feed.gone)]
    head = _known(
        uri=urn(feed.id),
        type="composite",
        standard={"name": "ninjs", "version": "3.1", "schema": SCHEMA},
        title=feed.title,
        language=feed.language,
        versionCreated=instant(feed.updated),
        pubStatus="usable",
        altIds=[_known(role=role, value=url) for role, url in _pages(feed) if url],
    )
    return orjson.dumps({**head, "associations": articles})


def _pages(feed: Feed) -> tuple[tuple[str, str | None], ...]:
    return ("self", feed.own), ("first", feed.first), ("next", feed.next), ("prev", feed.prev)


def _article(record: Record, feed: Feed) -> dict[str, Any]:
    """An article; one that is withheld says which it is, and nothing of what it says."""
    free = is_free(record)
    said = _known(
        name=record["slug"],
        uri=urn(record["id"]),
        type=KINDS.get(record["format"], "composite"),
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
        said |= _content(record, feed)
    return said


def _content(record: Record, feed: Feed) -> dict[str, Any]:
    body = {"contentType": "text/html", "wordCount": record["word_count"], "value": record["body_html"]}
    return _known(
        headlines=[{"value": record["headline"]}],
        descriptions=[{"role": "standfirst", "contentType": "text/plain", "value": record["standfirst"]}]
        if record["standfirst"]
        else None,
        bodies=[body] if record["body_html"] else None,
        by=record["byline"],
        people=_named(record["authors"], "author", "author", feed),
        subjects=[
            *_named([record["section"]] if record["section"] else [], "section", "section", feed),
            *_named(record["tags"], "keyword", "tag", feed),
        ],
        objects=[
            *_named([record["brand"]] if record["brand"] else [], "about", "brand", feed),
            *_named(record["mentions"], "mentions", "brand", feed),
        ],
        infoSources=[_known(**record["source"])] if _known(**(record["source"] or {})) else None,
        associations=[_file(file) for file in files(record)],
    )


def _named(terms: Any, rel: str, kind: str, feed: Feed) -> list[dict[str, Any]]:
    return [
        {"name": term["name"], "rel": rel, "literal": term["slug"], "uri": f"{feed.api}/v1/{kind}s/{term['slug']}"}
        for term in terms
    ]


def _rights(record: Record) -> dict[str, Any]:
    said = record["rights"]
    terms = [said["terms"], said["ai"] and f"AI: {said['ai']}"]
    return {
        "copyrightHolder": said["holder"],
        "copyrightNotice": f"© {said['holder']}" if said["holder"] else None,
        "usageTerms": " · ".join(term for term in terms if term) or None,
        "rightsInfo": {"linkedRights": said["license_url"]} if said["license_url"] else None,
    }


def _file(file: File) -> dict[str, Any]:
    size = _known(
        name="original",
        href=file.url,
        contentType=file.type,
        width=file.width,
        height=file.height,
        duration=file.seconds,
    )
    texts = (("alt", file.alt), ("caption", file.caption))
    return _known(
        name=file.medium,
        uri=file.url,
        type=MEDIA[file.medium],
        by=file.credit,
        descriptions=[{"role": role, "contentType": "text/plain", "value": text} for role, text in texts if text],
        renditions=[size],
    )


def _canceled(gone: Gone) -> dict[str, Any]:
    return _known(
        name=gone.slug,
        uri=urn(gone.id),
        version=gone.version and str(gone.version),
        versionCreated=instant(gone.at),
        pubStatus="canceled",
        altIds=[{"role": "slug", "value": gone.slug}],
    )


def _known(**found: Any) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value not in (None, [], "")}
