"""The WebSub consumer: tells a hub which feeds have changed (https://www.w3.org/TR/websub/).

The hub fetches a feed as soon as it is notified. Therefore it is notified a second after a change was read, when every
server process knows the change. Of all feeds that filters can select, the hub is told about those that readers
subscribe to: the feed of all articles and those of one brand, section, author or tag, in every format.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final
from urllib.parse import urlencode

import structlog
from prometheus_client import Counter

from newsapi.cache.log_follower import MAX_STALENESS_SECONDS
from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.content.queries import facet_slugs
from newsapi.db.database import Database
from newsapi.web.feed_formats import FEED_FORMATS
from newsapi.worker.consumer import QUIET_INTERVAL_SECONDS, Consumer
from newsapi.worker.delayed_batches import DelayedBatches
from newsapi.worker.http_requests import send_request

log = structlog.get_logger("newsapi.websub")

MAX_FEEDS_PER_PING: Final = 50
"""Maximum number of feeds per request."""

MAX_FEEDS: Final = 500
"""Maximum number of feeds per batch; if there are more, as in an import, only the feed of all articles is named."""

FORM_MEDIA_TYPE: Final = {"Content-Type": "application/x-www-form-urlencoded"}

_PINGS = Counter("newsapi_websub_pings", "Requests to the WebSub hub, by outcome (done, failed)", ["outcome"])


class WebSubConsumer(Consumer):
    """Notifies the hub. A change is finished when the hub has accepted the notification."""

    name = "websub"
    idle_interval_seconds = QUIET_INTERVAL_SECONDS

    def __init__(self, database: Database, hub: str, api: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Store the parts.

        Args:
            database: Where the slugs of facets are looked up.
            hub: URL of the hub.
            api: Base URL under which clients reach this API.
            clock: Monotonic clock, in seconds.
        """
        self._database = database
        self._hub = hub
        self._api_url = api
        self._batches = DelayedBatches[str](self._notify_hub, clock)
        self.reset()

    @property
    def is_busy(self) -> bool:
        """Whether a notification is scheduled."""
        return not self._batches.is_empty

    def reset(self) -> None:
        self._seen = LogPosition(-1, 0)
        self._batches.forget()

    def on_log_restored(self) -> None:
        self._notify_hub({""})

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        new_rows = [row for row in rows if row.seq > self._seen.seq]
        if new_rows:
            self._seen = LogPosition(new_rows[-1].seq, new_rows[-1].nonce)
            self._batches.add(self._filters(new_rows), self._seen, MAX_STALENESS_SECONDS)
        batch = self._batches.send_due()
        return batch.end if batch else None

    def retry(self, rows: Sequence[ChangeRow]) -> None:
        self._notify_hub(self._filters(rows))

    def _filters(self, rows: Iterable[ChangeRow]) -> set[str]:
        """Return the query strings of the feeds that changed; the empty one is the feed of all articles."""
        facets = {facet for row in rows if row.kind != "image" for facet in (*row.facets_before, *row.facets_after)}
        if not facets:  # for example, a change of related articles is no news for a feed
            return set()
        with self._database.read_transaction() as connection:
            terms_by_facet = facet_slugs.slugs_of_facets(connection, facets)
        return {"", *(f"?{kind}={slug}" for terms in terms_by_facet.values() for kind, slug in terms)}

    def _notify_hub(self, queries: Collection[str]) -> None:
        selected = sorted(queries) if len(queries) * len(FEED_FORMATS) <= MAX_FEEDS else [""]
        urls = [self._api_url + feed_format.path + query for query in selected for feed_format in FEED_FORMATS]
        try:
            for start in range(0, len(urls), MAX_FEEDS_PER_PING):
                fields = [("hub.mode", "publish")]
                fields += [("hub.url", url) for url in urls[start : start + MAX_FEEDS_PER_PING]]
                send_request("POST", self._hub, FORM_MEDIA_TYPE, urlencode(fields).encode())
        except OSError:
            _PINGS.labels("failed").inc()
            raise
        if urls:
            _PINGS.labels("done").inc()
            log.info("hub notified", feeds=len(urls))
