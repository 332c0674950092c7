"""The function that renders a feed in each format of `newsapi.web.feed_formats`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from newsapi.feeds import atom, jsonfeed, ninjs, rss
from newsapi.feeds.feed import Feed
from newsapi.web.feed_formats import ATOM, JSON_FEED, NINJS, RSS, FeedFormat

Renderer: TypeAlias = Callable[[Feed], bytes]
"""Returns a page of a feed as a document in one format."""

RENDERERS: Final[Mapping[FeedFormat, Renderer]] = {
    RSS: rss.render,
    ATOM: atom.render,
    JSON_FEED: jsonfeed.render,
    NINJS: ninjs.render,
}
