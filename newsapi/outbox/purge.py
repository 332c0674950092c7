"""The CDN purge consumer: purges responses from a CDN by surrogate key.

A server process may send responses that are up to a second old, and a CDN that was purged too early would keep such a
response for a day. Therefore a change is purged a second after it was read, when every process knows it, and once more
five seconds later, for responses that a slow process was still sending at the time of the first purge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from prometheus_client import Counter

from newsapi.cache import tags
from newsapi.cache.follower import BOUND
from newsapi.outbox.rounds import Rounds, send
from newsapi.outbox.worker import Listener
from newsapi.store import places, words
from newsapi.store.database import Database
from newsapi.store.places import Point

log = structlog.get_logger("newsapi.purge")

AGAIN: Final = 5.0
"""Seconds between the first purge and the second."""

MOST: Final = 1_000
"""Maximum number of keys per purge; if there are more, as in an import, everything is purged."""

_PURGES = Counter("newsapi_purges", "Purges sent to the CDN", ["outcome"])


class Cdn(Protocol):
    """A CDN that can purge responses by surrogate key."""

    def drop(self, surrogate_keys: Sequence[str]) -> None:
        """Purge the responses that have one of these keys; raise OSError if the CDN does not confirm it."""

    def drop_all(self) -> None:
        """Purge everything; raise OSError if the CDN does not confirm it."""


class Fastly:
    """Fastly, by its API: https://www.fastly.com/documentation/reference/api/purging/."""

    KEYS: Final = 256
    """Maximum number of keys per request."""

    def __init__(self, url: str, token: str | None) -> None:
        """Store the URL of the service and a token that may purge it."""
        self._url = url
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Fastly-Key"] = token

    def drop(self, surrogate_keys: Sequence[str]) -> None:
        for start in range(0, len(surrogate_keys), self.KEYS):
            value = " ".join(surrogate_keys[start : start + self.KEYS])
            send("POST", f"{self._url}/purge", {**self._headers, "Surrogate-Key": value}, b"")

    def drop_all(self) -> None:
        send("POST", f"{self._url}/purge_all", self._headers, b"")


class Varnish:
    """Varnish with the module xkey and a few lines of VCL, which the documentation shows."""

    KEYS: Final = 64
    """Maximum number of keys per request: Varnish limits a header to 8 kB."""

    def __init__(self, url: str) -> None:
        """Store the URL of the server."""
        self._url = url

    def drop(self, surrogate_keys: Sequence[str]) -> None:
        for start in range(0, len(surrogate_keys), self.KEYS):
            value = " ".join(surrogate_keys[start : start + self.KEYS])
            send("PURGE", f"{self._url}/", {"xkey-purge": value})

    def drop_all(self) -> None:
        send("BAN", f"{self._url}/", {})


def to_cdn(setting: str, key: str | None) -> Cdn:
    """Return the CDN that a setting names.

    Args:
        setting: The product, a plus sign and a URL: `fastly+https://...` or `varnish+http://...`.
        key: The API token; used by Fastly only.
    """
    product, _, url = setting.partition("+")
    return Fastly(url, key) if product == "fastly" else Varnish(url)


class Purge(Listener):
    """Purges the CDN. A change is finished when the second purge was confirmed."""

    name = "purge"

    def __init__(
        self,
        database: Database,
        cdn: Cdn,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the parts.

        Args:
            database: Where the slugs of facets are looked up.
            cdn: The CDN to purge.
            now: Returns the current time in UTC, timezone-aware.
            clock: Monotonic clock, in seconds.
        """
        self._database = database
        self._cdn = cdn
        self._now = now
        self._first, self._again = Rounds(self._tell, clock), Rounds(self._tell, clock)
        self.forget()

    def forget(self) -> None:
        self._seen = Point(-1, 0)
        self._first.forget()
        self._again.forget()

    def set_back(self) -> None:
        self._cdn.drop_all()

    def take(self, rows: Sequence[Any]) -> Point | None:
        new_rows = [row for row in rows if row.seq > self._seen.seq]
        if new_rows:
            surrogate_keys = set(_words(self._database, new_rows))
            self._seen = Point(new_rows[-1].seq, new_rows[-1].mark)
            # The delay counts from now, as the time in the changelog is from before the commit.
            self._first.add(surrogate_keys, self._seen, BOUND)
        if first_purge := self._first.sent():
            self._again.add(first_purge.told, first_purge.end, AGAIN)
            with self._database.transaction() as session:
                places.note(session, places.PURGED, first_purge.end, self._now())
        second_purge = self._again.sent()
        if second_purge is None:
            return None
        log.info("purged", keys=len(second_purge.told), seq=second_purge.end.seq)
        return second_purge.end

    def _tell(self, surrogate_keys: Collection[str]) -> None:
        try:
            if len(surrogate_keys) > MOST:
                self._cdn.drop_all()
            elif surrogate_keys:
                self._cdn.drop(sorted(surrogate_keys))
        except OSError:
            _PURGES.labels("failed").inc()
            raise
        _PURGES.labels("done").inc()


def _words(database: Database, rows: Sequence[Any]) -> Iterator[str]:
    """Yield the surrogate keys of the responses that these changes made invalid."""
    facets = {facet for row in rows for facet in (*row.facets_before, *row.facets_after)}
    with database.reading() as connection:
        terms_by_facet = words.of_facets(connection, facets)
    for row in rows:
        yield from tags.dropped(row, terms_by_facet)
