"""A feed as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/); what that has no words for is under `_newsapi`."""

from __future__ import annotations

from typing import Any, Final

import orjson

from newsapi.feeds.feed import Feed, Record, files, instant, is_free, keywords, updated, urn

MEDIA_TYPE: Final = "application/feed+json"


def document(feed: Feed) -> bytes:
    """Write a page of a feed."""
    withdrawn = [{"id": urn(gone.id), "at": instant(gone.at)} for gone in feed.gone]
    found = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.own,
        "next_url": feed.next,
        "authors": [{"name": feed.publisher, "url": feed.home}],
        "language": feed.language,
        "hubs": [{"type": "WebSub", "url": feed.hub}] if feed.hub else None,
        "_newsapi": {"about": f"{feed.api}/docs", "withdrawn": withdrawn},
        "items": [_item(record, feed) for record in feed.records],
    }
    return orjson.dumps({name: value for name, value in found.items() if value is not None})


def _item(record: Record, feed: Feed) -> dict[str, Any]:
    body = record["body_html"] if is_free(record) else None
    attached = [
        {"url": file.url, "mime_type": file.type, "duration_in_seconds": file.seconds}
        for file in files(record)
        if file.type and file.medium != "image"  # its picture is `image`, and those of a gallery are in the body
    ]
    found = {
        "id": urn(record["id"]),
        "url": record["url"],
        "external_url": record["source"] and record["source"]["url"],
        "title": record["headline"],
        "content_html": body or None,
        "content_text": None if body else record["standfirst"] or record["headline"],  # one of the two there must be
        "summary": record["standfirst"],
        "image": record["image"]["url"] if record["image"] and is_free(record) else None,
        "date_published": instant(record["published_at"]),
        "date_modified": instant(updated(record)),
        "authors": [_author(author, feed) for author in record["authors"]] or None,
        "tags": list(dict.fromkeys(name for _, _, name in keywords(record))) or None,
        "language": record["language"],
        "attachments": [_known(one) for one in attached] or None,
        "_newsapi": {"rights": _known(record["rights"]), "brand": record["brand"], "section": record["section"]},
    }
    return _known(found)


def _author(author: Record, feed: Feed) -> dict[str, Any]:
    return _known({"name": author["name"], "url": feed.page_of("author", author["slug"])})


def _known(found: Record) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}
