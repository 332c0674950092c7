"""The feed formats. Routes, access rules, `links.feeds`, WebSub topics and the OpenAPI document are derived from them.

A new format needs an entry here and a renderer in `newsapi.feeds.renderers`; tests name a format without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

FEEDS_PATH: Final = "/v1/feeds/articles"
"""Path of the feeds without the suffix of their format."""


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """A format of feeds.

    Attributes:
        name: Name of the format, which is the suffix of its URLs and its member in `links.feeds`.
        media_type: Media type of the documents.
        title: Name and version of the standard, for the documentation.
    """

    name: str
    media_type: str
    title: str

    @property
    def suffix(self) -> str:
        """The end of the path of a feed, with its dot."""
        return f".{self.name}"

    @property
    def path(self) -> str:
        """The path of the feed of all articles."""
        return FEEDS_PATH + self.suffix

    @property
    def operation_id(self) -> str:
        """The `operationId` of the feed in the OpenAPI document."""
        return f"getFeed{self.name.title()}"

    @property
    def is_xml(self) -> bool:
        """Whether documents are XML; otherwise they are JSON."""
        return self.media_type.endswith("+xml")

    def url(self, api_url: str, **filters: str) -> str:
        """Return the URL of the feed of the articles that match the filters."""
        return f"{api_url}{self.path}{'?' if filters else ''}{urlencode(filters)}"


RSS: Final = FeedFormat("rss", "application/rss+xml", "RSS 2.0 with Media RSS")
ATOM: Final = FeedFormat(
    "atom", "application/atom+xml", "Atom (RFC 4287) with pages (RFC 5005) and tombstones (RFC 6721)"
)
JSON_FEED: Final = FeedFormat("json", "application/feed+json", "JSON Feed 1.1")
NINJS: Final = FeedFormat("ninjs", "application/json", "an IPTC ninjs 3.1 package")

FEED_FORMATS: Final = (RSS, ATOM, JSON_FEED, NINJS)
