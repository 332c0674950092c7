"""Tells a CDN what to drop, by the words of `Surrogate-Key`.

A node may answer as of a second ago, and a CDN that was told too early keeps that for a day. So it is told when a
second has passed since a change was seen, by when every node knows it, and once more five seconds later: what a slow
node still had under way when the first purge came is dropped by the second.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import structlog
from prometheus_client import Counter

from newsapi.cache import tags
from newsapi.cache.follower import BOUND
from newsapi.outbox.worker import Listener
from newsapi.store import places, words
from newsapi.store.database import Database
from newsapi.store.places import Point

log = structlog.get_logger("newsapi.purge")

AGAIN: Final = 5.0
"""Seconds between the first purge and the second."""

MOST: Final = 1_000
"""Words that are told one by one; if more have to go at once, as in an import, everything goes."""

TIMEOUT: Final = 3.0
"""Seconds that a CDN may take to connect, and to answer."""

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
            _send("POST", f"{self._url}/purge", {**self._headers, "Surrogate-Key": some})

    def drop_all(self) -> None:
        _send("POST", f"{self._url}/purge_all", self._headers)


class Varnish:
    """Varnish with the module xkey, and a few lines of VCL (README)."""

    KEYS: Final = 64
    """Words that a request names: a header has room for 8 kB there."""

    def __init__(self, url: str) -> None:
        """Take the address of the server."""
        self._url = url

    def drop(self, told: Sequence[str]) -> None:
        for start in range(0, len(told), self.KEYS):
            _send("PURGE", f"{self._url}/", {"xkey-purge": " ".join(told[start : start + self.KEYS])})

    def drop_all(self) -> None:
        _send("BAN", f"{self._url}/", {})


def to_cdn(setting: str, key: str | None) -> Cdn:
    """Answer the CDN that a setting names: its flavour, a plus, its address."""
    flavour, _, url = setting.partition("+")
    return Fastly(url, key) if flavour == "fastly" else Varnish(url)


class _NoDetour(urllib.request.HTTPRedirectHandler):
    """A purge that is led elsewhere is not done: a redirect would turn it into a GET, and carry the token along."""

    def redirect_request(self, *_args: Any) -> None:
        """Lead nowhere: the status is an error then."""


_OPENER: Final = urllib.request.build_opener(_NoDetour)


def _send(method: str, url: str, headers: dict[str, str]) -> None:
    request = urllib.request.Request(url, method=method, headers=headers, data=b"" if method == "POST" else None)  # noqa: S310 (Settings takes http and https alone)
    _OPENER.open(request, timeout=TIMEOUT).close()  # whatever is not 2xx is raised, and an OSError


@dataclass(slots=True)
class _Round:
    """Words that are to go together, up to which change, and when (of a clock that never goes back)."""

    told: set[str]
    end: Point
    due: float

    def join(self, later: _Round) -> None:
        self.told |= later.told
        self.end, self.due = later.end, max(self.due, later.due)


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
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        self._seen = Point(-1, 0)
        self._first: list[_Round] = []
        self._again: list[_Round] = []

    def set_back(self) -> None:
        self._cdn.drop_all()

    def take(self, changed: Sequence[Any]) -> Point | None:
        new = [change for change in changed if change.seq > self._seen.seq]
        if new:
            told = set(_words(self._database, new))
            self._seen = Point(new[-1].seq, new[-1].mark)
            # Counted from now, when it was seen: the time in the log is that before the commit.
            self._first.append(_Round(told, self._seen, self._clock() + BOUND))
        if first := self._sent(self._first):
            with self._database.transaction() as session:
                places.note(session, places.PURGED, first.end, self._now())
            self._again.append(_Round(first.told, first.end, self._clock() + AGAIN))
        again = self._sent(self._again)
        return again.end if again else None

    def _sent(self, rounds: list[_Round]) -> _Round | None:
        """Send what is due, as one; answer it, or None. What fails stays, as one."""
        now = self._clock()
        due = [one for one in rounds if one.due <= now]
        if not due:
            return None
        whole = due[0]
        for later in due[1:]:
            whole.join(later)
        rounds[: len(due)] = [whole]
        try:
            if len(whole.told) > MOST:
                self._cdn.drop_all()
            elif whole.told:
                self._cdn.drop(sorted(whole.told))
        except OSError:
            _PURGES.labels("failed").inc()
            raise
        _PURGES.labels("done").inc()
        log.info("purged", words=len(whole.told), seq=whole.end.seq)
        del rounds[0]
        return whole


def _words(database: Database, changed: Iterable[Any]) -> Iterator[str]:
    """The words of these changes, in the contract's terms."""
    rows = list(changed)
    touched = {facet for row in rows for facet in (*row.facets_before, *row.facets_after)}
    with database.reading() as connection:
        named = words.of_facets(connection, touched)
    for row in rows:
        yield from tags.dropped(row, named)
