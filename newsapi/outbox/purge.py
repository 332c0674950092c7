"""Tells a CDN what to drop, by the words of `Surrogate-Key`.

A node may answer as of a second ago, and a CDN that was told too early keeps that for a day. So it is told when a
second has passed since a change was seen, by when every node knows it, and once more five seconds later: what a slow
node still had under way when the first purge came is dropped by the second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
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
"""Words that are told one by one; if more have to go at once, as in an import, everything goes."""

_PURGES = Counter("newsapi_purges", "Purges sent to the CDN", ["outcome"])


class Cdn(Protocol):
    """A CDN that drops answers by the words they bear."""

    def drop(self, told: Sequence[str]) -> None:
        """Have it drop what bears one of these words; raises OSError where it does not say that it did."""

    def drop_all(self) -> None:
        """Have it drop everything; raises OSError."""


class Fastly:
    """Fastly's API: https://www.fastly.com/documentation/reference/api/purging/."""

    KEYS: Final = 256
    """Words that a request may name."""

    def __init__(self, url: str, token: str | None) -> None:
        """Take the address of the service and a token that may purge it."""
        self._url = url
        self._headers = {"Accept": "application/json", **({"Fastly-Key": token} if token else {})}

    def drop(self, told: Sequence[str]) -> None:
        for start in range(0, len(told), self.KEYS):
            some = " ".join(told[start : start + self.KEYS])
            send("POST", f"{self._url}/purge", {**self._headers, "Surrogate-Key": some}, b"")

    def drop_all(self) -> None:
        send("POST", f"{self._url}/purge_all", self._headers, b"")


class Varnish:
    """Varnish with the module xkey, and a few lines of VCL (README)."""

    KEYS: Final = 64
    """Words that a request names: a header has room for 8 kB there."""

    def __init__(self, url: str) -> None:
        """Take the address of the server."""
        self._url = url

    def drop(self, told: Sequence[str]) -> None:
        for start in range(0, len(told), self.KEYS):
            send("PURGE", f"{self._url}/", {"xkey-purge": " ".join(told[start : start + self.KEYS])})

    def drop_all(self) -> None:
        send("BAN", f"{self._url}/", {})


def to_cdn(setting: str, key: str | None) -> Cdn:
    """Answer the CDN that a setting names: its flavour, a plus, its address."""
    flavour, _, url = setting.partition("+")
    return Fastly(url, key) if flavour == "fastly" else Varnish(url)


class Purge(Listener):
    """The listener that purges. It is done with a change when the second purge was answered."""

    name = "purge"

    def __init__(
        self,
        database: Database,
        cdn: Cdn,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take where words are looked up, and who is told."""
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

    def take(self, changed: Sequence[Any]) -> Point | None:
        new = [change for change in changed if change.seq > self._seen.seq]
        if new:
            told = set(_words(self._database, new))
            self._seen = Point(new[-1].seq, new[-1].mark)
            # Counted from now, when it was seen: the time in the log is that before the commit.
            self._first.add(told, self._seen, BOUND)
        if first := self._first.sent():
            self._again.add(first.told, first.end, AGAIN)
            with self._database.transaction() as session:
                places.note(session, places.PURGED, first.end, self._now())
        again = self._again.sent()
        if again is None:
            return None
        log.info("purged", words=len(again.told), seq=again.end.seq)
        return again.end

    def _tell(self, told: Collection[str]) -> None:
        try:
            if len(told) > MOST:
                self._cdn.drop_all()
            elif told:
                self._cdn.drop(sorted(told))
        except OSError:
            _PURGES.labels("failed").inc()
            raise
        _PURGES.labels("done").inc()


def _words(database: Database, changed: Iterable[Any]) -> Iterator[str]:
    """The words of these changes, in the contract's terms."""
    rows = list(changed)
    touched = {facet for row in rows for facet in (*row.facets_before, *row.facets_after)}
    with database.reading() as connection:
        named = words.of_facets(connection, touched)
    for row in rows:
        yield from tags.dropped(row, named)
