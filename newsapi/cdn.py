"""The CDN purge consumer: purges responses from a CDN by surrogate key.

A server process may send responses that are up to a second old, and a CDN that was purged too early would keep such a
response for a day. Therefore a change is purged a second after it was read, when every process knows it, and once more
five seconds later, for responses that a slow process was still sending at the time of the first purge.

A CDN that does not respond is asked again until it does. A purge that it refuses while it accepts others holds up
nothing: everything is purged in its place, or, if the CDN refuses that too, the changes concerned are set aside and
tried again later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple, Protocol

import structlog
from prometheus_client import Counter

from newsapi.cache import dependencies
from newsapi.cache.log_follower import MAX_STALENESS_SECONDS
from newsapi.changelog import failed_changes
from newsapi.changelog import offsets as changelog_offsets
from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.content.queries import facet_slugs
from newsapi.db.database import Database, Session
from newsapi.worker.consumer import QUIET_INTERVAL_SECONDS, Consumer
from newsapi.worker.delayed_batches import DelayedBatch, DelayedBatches
from newsapi.worker.http_requests import RequestLimited, send_request

log = structlog.get_logger("newsapi.purge")

SECOND_PURGE_DELAY_SECONDS: Final = 5.0
"""Seconds between the first purge and the second."""

MAX_KEYS_PER_PURGE: Final = 1_000
"""Maximum number of keys per purge; if there are more, as in an import, everything is purged."""

MAX_KEY_HEADER_BYTES: Final = 4_000
"""Maximum length of the header that names the keys of one request: CDNs and proxies limit a header to 8 kB or less."""

MAX_PURGE_SECONDS: Final = 3.0
"""Seconds after which no further request of a purge is started: the lease of the consumer must not expire."""

PROBE_KEY: Final = "newsapi-probe"
"""A key that no response has. The CDN is asked to purge it, to see whether it accepts purges at all."""

_PURGES = Counter(
    "newsapi_purges",
    "Requests to the CDN to purge responses, by outcome: done, failed (it does not respond), refused (only this one)",
    ["outcome"],
)


class Cdn(Protocol):
    """A CDN that can purge responses by surrogate key."""

    @property
    def max_keys(self) -> int:
        """Maximum number of keys per request."""

    def purge_keys(self, surrogate_keys: Sequence[str]) -> None:
        """Purge the responses that have one of these keys; raise OSError if the CDN does not confirm it."""

    def purge_all(self) -> None:
        """Purge everything; raise OSError if the CDN does not confirm it."""


class FastlyCdn:
    """Fastly, by its API: https://www.fastly.com/documentation/reference/api/purging/.

    Purges are hard: after a soft one, Fastly would send a recalled article while the API does not respond.
    """

    max_keys: Final = 256

    def __init__(self, url: str, token: str | None) -> None:
        """Store the URL of the service and a token that may purge it."""
        self._url = url
        self._headers = {"Accept": "application/json"}
        if token:
            self._headers["Fastly-Key"] = token

    def purge_keys(self, surrogate_keys: Sequence[str]) -> None:
        headers = {**self._headers, "Surrogate-Key": " ".join(surrogate_keys)}
        send_request("POST", f"{self._url}/purge", headers, b"")

    def purge_all(self) -> None:
        send_request("POST", f"{self._url}/purge_all", self._headers, b"")


class VarnishCdn:
    """Varnish with the module xkey and the configuration of `deploy/varnish/newsapi.vcl`."""

    max_keys: Final = MAX_KEYS_PER_PURGE

    def __init__(self, url: str) -> None:
        """Store the URL of the server."""
        self._url = url

    def purge_keys(self, surrogate_keys: Sequence[str]) -> None:
        send_request("PURGE", f"{self._url}/", {"xkey-purge": " ".join(surrogate_keys)})

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


class PurgeRefusal(NamedTuple):
    """Keys that the CDN refused to purge, and its error."""

    surrogate_keys: frozenset[str]
    error: str


class PurgeOutcome(NamedTuple):
    """The outcome of a purge: its last change, and the changes whose keys the CDN refused, with its error."""

    end: LogPosition
    refused: Sequence[LogPosition]
    error: str


class PurgeNotAccepted(Exception):
    """The CDN accepts purges, but refuses that of this change and a purge of everything."""


class Purger:
    """Sends purges in requests of limited size, and sees to it that a refused one does not hold up the others.

    Attributes:
        problem: Why the last purge had to be replaced by a purge of everything; None if it was accepted.
    """

    def __init__(self, cdn: Cdn, clock: Callable[[], float]) -> None:
        """Store the CDN and a monotonic clock, in seconds."""
        self._cdn = cdn
        self._clock = clock
        self.problem: str | None = None

    def purge(self, surrogate_keys: Collection[str]) -> PurgeRefusal | None:
        """Purge the responses that have one of these keys.

        Args:
            surrogate_keys: The keys; may be empty.

        Returns:
            The keys that could not be purged; None if all were, or everything was purged in their place.

        Raises:
            OSError: The CDN accepts no purge at all.
        """
        has_too_many_keys = len(surrogate_keys) > MAX_KEYS_PER_PURGE
        if has_too_many_keys and self._purge_all() is None:
            return None
        refused, error = self._purge_batches(surrogate_keys)
        if error is None:
            self.problem = None
            return None
        _PURGES.labels("refused").inc()
        self.problem = f"the CDN refused a purge: {error}"
        log.error("purge refused", keys=len(refused), error=str(error))
        if not has_too_many_keys and self._purge_all() is None:
            self.problem += "; everything was purged in its place"
            return None
        return PurgeRefusal(frozenset(refused), str(error))

    def _purge_batches(self, surrogate_keys: Collection[str]) -> tuple[list[str], OSError | None]:
        """Purge keys in batches.

        Returns:
            The keys that were refused, and the first error; no keys and None if all were purged.

        Raises:
            OSError: The CDN accepts no purge at all.
        """
        deadline = self._clock() + MAX_PURGE_SECONDS
        refused: list[str] = []
        first_error: OSError | None = None
        for batch in key_batches(sorted(surrogate_keys), self._cdn.max_keys):
            if first_error is None or self._clock() < deadline:
                error = _error_of(partial(self._cdn.purge_keys, batch))
            else:
                error = first_error
            if error is not None and first_error is None:
                first_error = error
                self._require_acceptance(error)
            refused += batch if error is not None else ()
        if surrogate_keys and first_error is None:
            _PURGES.labels("done").inc()
        return refused, first_error

    def _require_acceptance(self, error: OSError) -> None:
        """Raise the error of a purge if it is a rate limit, or the CDN does not accept any other purge either."""
        if isinstance(error, RequestLimited) or _error_of(partial(self._cdn.purge_keys, [PROBE_KEY])) is not None:
            _PURGES.labels("failed").inc()
            raise error

    def _purge_all(self) -> OSError | None:
        """Purge everything; return the error, if there is one."""
        error = _error_of(self._cdn.purge_all)
        if error is None:
            _PURGES.labels("done").inc()
        return error


def _error_of(request: Callable[[], None]) -> OSError | None:
    """Send a request; return the error with which the CDN did not confirm it, None if it did."""
    try:
        request()
    except OSError as error:
        return error
    return None


def key_batches(surrogate_keys: Iterable[str], max_keys: int) -> Iterator[list[str]]:
    """Yield keys in batches of at most `max_keys` keys and MAX_KEY_HEADER_BYTES, with a space between two keys."""
    batch: list[str] = []
    length = 0
    for surrogate_key in surrogate_keys:
        if batch and (len(batch) == max_keys or length + 1 + len(surrogate_key) > MAX_KEY_HEADER_BYTES):
            yield batch
            batch, length = [], 0
        length += len(surrogate_key) + (1 if batch else 0)
        batch.append(surrogate_key)
    if batch:
        yield batch


class CdnPurgeConsumer(Consumer):
    """Purges the CDN. A change is finished when the second purge was confirmed, or the change was set aside."""

    name = changelog_offsets.PURGE_CONSUMER
    idle_interval_seconds = QUIET_INTERVAL_SECONDS

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
        self._purger = Purger(cdn, clock)
        self._now = now
        self._first = DelayedBatches[LogPosition](self._purge, clock)
        self._second = DelayedBatches[LogPosition](self._purge, clock)
        self.reset()

    @property
    def problem(self) -> str | None:  # type: ignore[override]
        """Why the last purge had to be replaced by a purge of everything."""
        return self._purger.problem

    @property
    def is_busy(self) -> bool:
        """Whether a purge is scheduled."""
        return not (self._first.is_empty and self._second.is_empty)

    def reset(self) -> None:
        self._seen = LogPosition(-1, 0)
        self._keys: dict[LogPosition, set[str]] = {}
        self._refusal: PurgeRefusal | None = None
        self._first_outcomes: list[PurgeOutcome] = []
        self._second_outcome: PurgeOutcome | None = None
        self._first.forget()
        self._second.forget()

    def on_log_restored(self) -> None:
        self._cdn.purge_all()

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        new_rows = [row for row in rows if row.seq > self._seen.seq]
        if new_rows:
            keys = _surrogate_keys(self._database, new_rows)
            self._keys |= keys
            self._seen = LogPosition(new_rows[-1].seq, new_rows[-1].nonce)
            # The delay counts from now, as the time in the changelog is from before the commit.
            self._first.add(keys, self._seen, MAX_STALENESS_SECONDS)
        if first_purge := self._first.send_due():
            self._second.add(first_purge.payload, first_purge.end, SECOND_PURGE_DELAY_SECONDS)
            self._first_outcomes.append(self._outcome(first_purge))
        self._record_first_outcomes()
        second_purge = self._second.send_due()
        if second_purge is None:
            return None
        self._second_outcome = self._outcome(second_purge)
        for position in second_purge.payload:
            del self._keys[position]
        log.info("purged", changes=len(second_purge.payload), seq=second_purge.end.seq)
        return second_purge.end

    def commit(self, session: Session) -> None:
        outcome, self._second_outcome = self._second_outcome, None
        if outcome is not None:
            self._set_aside(session, outcome)

    def retry(self, rows: Sequence[ChangeRow]) -> None:
        """Purge changes that were set aside: every process has known them for long, so once is enough.

        Args:
            rows: The changes.

        Raises:
            PurgeNotAccepted: The CDN refused the purge again.
        """
        refusal = self._purger.purge(set().union(*_surrogate_keys(self._database, rows).values()))
        if refusal is not None:
            raise PurgeNotAccepted(refusal.error)

    def _purge(self, positions: Collection[LogPosition]) -> None:
        self._refusal = self._purger.purge(set().union(*(self._keys[position] for position in positions)))

    def _outcome(self, batch: DelayedBatch[LogPosition]) -> PurgeOutcome:
        """Return the outcome of the purge that was just made for a batch."""
        if self._refusal is None:
            return PurgeOutcome(batch.end, (), "")
        keys, error = self._refusal
        refused = sorted(position for position in batch.payload if not keys.isdisjoint(self._keys[position]))
        return PurgeOutcome(batch.end, refused, error)

    def _record_first_outcomes(self) -> None:
        """Record up to where the CDN was purged; in the same transaction, set changes aside whose purge was refused."""
        if not self._first_outcomes:
            return
        with self._database.transaction() as session:
            for outcome in self._first_outcomes:
                self._set_aside(session, outcome)
            end = self._first_outcomes[-1].end
            changelog_offsets.save_offset(session, changelog_offsets.PURGED_OFFSET, end, self._now())
        self._first_outcomes.clear()

    def _set_aside(self, session: Session, outcome: PurgeOutcome) -> None:
        failed_changes.set_aside(session, self.name, outcome.refused, outcome.error, now=self._now())


def _surrogate_keys(database: Database, rows: Sequence[ChangeRow]) -> dict[LogPosition, set[str]]:
    """Return the surrogate keys of the responses that each of these changes made invalid."""
    facets = {facet for row in rows for facet in (*row.facets_before, *row.facets_after)}
    with database.read_transaction() as connection:
        terms_by_facet = facet_slugs.slugs_of_facets(connection, facets)
    return {
        LogPosition(row.seq, row.nonce): {*dependencies.surrogate_keys_of_change(row, terms_by_facet)} for row in rows
    }
