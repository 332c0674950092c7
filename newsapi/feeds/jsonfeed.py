"""Feeds as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/). The member `_newsapi` is our extension object."""

from __future__ import annotations

import orjson

from newsapi.feeds.feed import Feed, Record, files, instant, is_syndicatable, keywords, updated, urn


def render(feed: Feed) -> bytes:
    """Return a page of a feed as a JSON Feed document."""
    withdrawn = [{"id": urn(tombstone.id), "at": instant(tombstone.at)} for tombstone in feed.tombstones]
    members = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.site_url,
        "feed_url": feed.self_url,
        "next_url": feed.next,
        "authors": [{"name": feed.publisher, "url": feed.site_url}],
        "language": feed.language,
        "hubs": [{"type": "WebSub", "url": feed.hub}] if feed.hub else None,
        "_newsapi": {"about": f"{feed.api_url}/docs", "withdrawn": withdrawn},
        "items": [_item(record, feed) for record in feed.records],
    }
    return orjson.dumps(_without_nulls(members))


def _item(record: Record, feed: Feed) -> dict[str, object]:
    body = record["body_html"] if is_syndicatable(record) else None
    attachments = [
        {"url": file.url, "mime_type": file.type, "duration_in_seconds": file.seconds}
        for file in files(record)
        if file.type and file.medium != "image"  # the main image is `image`, those of a gallery are in the body
    ]
    members = {
        "id": urn(record["id"]),
        "url": record["url"],
        "external_url": record["source"] and record["source"]["url"],
        "title": record["headline"],
        "content_html": body or None,
        "content_text": None if body else record["standfirst"] or record["headline"],  # an item needs a content
        "summary": record["standfirst"],
        "image": record["image"]["url"] if record["image"] and is_syndicatable(record) else None,
        "date_published": instant(record["published_at"]),
        "date_modified": instant(updated(record)),
        "authors": [_author(author, feed) for author in record["authors"]] or None,
        "tags": list(dict.fromkeys(name for _, _, name in keywords(record))) or None,
        "language": record["language"],
        "attachments": [_without_nulls(attachment) for attachment in attachments] or None,
        "_newsapi": {
            "rights": _without_nulls(record["rights"]),
            "brand": record["brand"],
            "section": record["section"],
        },
    }
    return _without_nulls(members)


def _author(author: Record, feed: Feed) -> dict[str, object]:
    return _without_nulls({"name": author["name"], "url": feed.site_url_of("author", author["slug"])})


def _without_nulls(members: Record) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
