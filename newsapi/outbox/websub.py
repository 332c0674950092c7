"""Tells a WebSub hub which feeds have changed (https://www.w3.org/TR/websub/), so that nobody has to ask all the time.

The hub fetches the feed as soon as it is told; so it is told when every node knows of the change, a second after it was
seen. Of the feeds that filters can make it is told those that others subscribe to: that of all articles, and those of
one brand, section, author or tag, in every form.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import structlog
from prometheus_client import Counter

from newsapi.cache.follower import BOUND
from newsapi.outbox.rounds import Rounds, send
from newsapi.outbox.worker import Listener
from newsapi.schemas.presentation import FEEDS
from newsapi.store import words
from newsapi.store.database import Database
from newsapi.store.places import Point

log = structlog.get_logger("newsapi.websub")

AT_ONCE: Final = 50
"""Feeds that one request names."""

MOST: Final = 500
"""Feeds that are told one by one; of more at once, as in an import, the hub is told that of all articles alone."""

FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}

_PINGS = Counter("newsapi_websub_pings", "Requests to the WebSub hub", ["outcome"])


class WebSub(Listener):
    """The listener that tells the hub. It is done with a change when the hub has taken it."""

    name = "websub"

    def __init__(self, database: Database, hub: str, api: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take where slugs are looked up, the hub's address, and where clients reach this API."""
        self._database = database
        self._hub = hub
        self._feeds = f"{api}/v1/feeds/articles"
        self._rounds = Rounds(self._tell, clock)
        self.forget()

    def forget(self) -> None:
        self._seen = Point(-1, 0)
        self._rounds.forget()

    def set_back(self) -> None:
        self._tell({""})

    def take(self, changed: Sequence[Any]) -> Point | None:
        new = [change for change in changed if change.seq > self._seen.seq]
        if new:
            self._seen = Point(new[-1].seq, new[-1].mark)
            self._rounds.add(self._filters(new), self._seen, BOUND)
        sent = self._rounds.sent()
        return sent.end if sent else None

    def _filters(self, changed: Iterable[Any]) -> set[str]:
        """The queries of the feeds that these changes are in; the empty one is that of all articles."""
        touched = {facet for row in changed for facet in (*row.facets_before, *row.facets_after)}
        if not touched:  # a list of related articles is in no feed
            return set()
        with self._database.reading() as connection:
            named = words.of_facets(connection, touched)
        return {"", *(f"?{kind}={slug}" for found in named.values() for kind, slug in found)}

    def _tell(self, told: Collection[str]) -> None:
        filters = sorted(told) if len(told) * len(FEEDS) <= MOST else [""]
        feeds = [f"{self._feeds}.{form}{query}" for query in filters for form in FEEDS]
        try:
            for start in range(0, len(feeds), AT_ONCE):
                named = [("hub.mode", "publish"), *(("hub.url", feed) for feed in feeds[start : start + AT_ONCE])]
                send("POST", self._hub, FORM, urlencode(named).encode())
        except OSError:
            _PINGS.labels("failed").inc()
            raise
        if feeds:
            _PINGS.labels("done").inc()
            log.info("hub told", feeds=len(feeds))
