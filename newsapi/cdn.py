"""The CDN purge consumer: purges responses from a CDN by surrogate key.

A server process may send responses that are up to a second old, and a CDN that was purged too early would keep such a
response for a day. Therefore a change is purged a second after it was read, when every process knows it, and once more
five seconds later, for responses that a slow process was still sending at the time of the first purge.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog
from prometheus_client import Counter

from newsapi.cache import dependencies
from newsapi.cache.log_follower import MAX_STALENESS_SECONDS
from newsapi.changelog import offsets as changelog_offsets
from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.content.queries import facet_slugs
from newsapi.db.database import Database
from newsapi.worker.consumers import Consumer
from newsapi.worker.delayed_batches import DelayedBatches, send_request

log = structlog.get_logger("newsapi.purge")

SECOND_PURGE_DELAY_SECONDS: Final = 5.0
"""Seconds between the first purge and the second."""

MAX_KEYS_PER_PURGE: Final = 1_000
"""Maximum number of keys per purge; if there are more, as in an import, everything is purged."""

_PURGES = Counter("newsapi_purges", "Purges sent to the CDN, by outcome (done, failed)", ["outcome"])


class Cdn(Protocol):
    """A CDN that can purge responses by surrogate key."""

    def purge_keys(self, surrogate_keys: Sequence[str]) -> None:
        """Purge the responses that have one of these keys; raise OSError if the CDN does not confirm it."""

    def purge_all(self) -> None:
        """Purge everything; raise OSError if the CDN does not confirm it."""


class FastlyCdn:
    """Fastly, by its API: https://www.fastly.com/documentation/reference/api/purging/."""

    KEYS: Final = 256
    """Maximum number of keys per request."""

    def __init__(self, url: str, token: str | None) -> None:
        """Store the URL of the service and a token that may purge it."""
        self._url = url
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Fastly-Key"] = token

    def purge_keys(self, surrogate_keys: Sequence[str]) -> None:
        for start in range(0, len(surrogate_keys), self.KEYS):
            value = " ".join(surrogate_keys[start : start + self.KEYS])
            send_request("POST", f"{self._url}/purge", {**self._headers, "Surrogate-Key": value}, b"")

    def purge_all(self) -> None:
        send_request("POST", f"{self._url}/purge_all", self._headers, b"")


class VarnishCdn:
    """Varnish with the module xkey and a few lines of VCL, which the documentation shows."""

    KEYS: Final = 64
    """Maximum number of keys per request: Varnish limits a header to 8 kB."""

    def __init__(self, url: str) -> None:
        """Store the URL of the server."""
        self._url = url

    def purge_keys(self, surrogate_keys: Sequence[str]) -> None:
        for start in range(0, len(surrogate_keys), self.KEYS):
            value = " ".join(surrogate_keys[start : start + self.KEYS])
            send_request("PURGE", f"{self._url}/", {"xkey-purge": value})

    def purge_all(self) -> None:
        send_request("BAN", f"{self._url}/", {})


def make_cdn(setting: str, key: str | None) -> Cdn:
    """Return the CDN that a setting names.

    Args:
        setting: The product, a plus sign and a URL: `fastly+https://...` or `varnish+http://...`.
        key: The API token; used by Fastly only.
    """
    product, _, url = setting.partition("+")
    return FastlyCdn(url, key) if product == "fastly" else VarnishCdn(url)


class CdnPurgeConsumer(Consumer):
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
        self._first, self._second = DelayedBatches(self._purge, clock), DelayedBatches(self._purge, clock)
        self.reset()

    def reset(self) -> None:
        self._seen = LogPosition(-1, 0)
        self._first.forget()
        self._second.forget()

    def on_log_restored(self) -> None:
        self._cdn.purge_all()

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        new_rows = [row for row in rows if row.seq > self._seen.seq]
        if new_rows:
            surrogate_keys = set(_surrogate_keys(self._database, new_rows))
            self._seen = LogPosition(new_rows[-1].seq, new_rows[-1].nonce)
            # The delay counts from now, as the time in the changelog is from before the commit.
            self._first.add(surrogate_keys, self._seen, MAX_STALENESS_SECONDS)
        if first_purge := self._first.send_due():
            self._second.add(first_purge.payload, first_purge.end, SECOND_PURGE_DELAY_SECONDS)
            with self._database.transaction() as session:
                changelog_offsets.save_offset(session, changelog_offsets.PURGED_OFFSET, first_purge.end, self._now())
        second_purge = self._second.send_due()
        if second_purge is None:
            return None
        log.info("purged", keys=len(second_purge.payload), seq=second_purge.end.seq)
        return second_purge.end

    def _purge(self, surrogate_keys: Collection[str]) -> None:
        try:
            if len(surrogate_keys) > MAX_KEYS_PER_PURGE:
                self._cdn.purge_all()
            elif surrogate_keys:
                self._cdn.purge_keys(sorted(surrogate_keys))
        except OSError:
            _PURGES.labels("failed").inc()
            raise
        _PURGES.labels("done").inc()


def _surrogate_keys(database: Database, rows: Sequence[ChangeRow]) -> Iterator[str]:
    """Yield the surrogate keys of the responses that these changes made invalid."""
    facets = {facet for row in rows for facet in (*row.facets_before, *row.facets_after)}
    with database.read_transaction() as connection:
        terms_by_facet = facet_slugs.slugs_of_facets(connection, facets)
    for row in rows:
        yield from dependencies.surrogate_keys_of_change(row, terms_by_facet)
