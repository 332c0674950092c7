"""The changelog follower: what this process knows of the changelog, and which cached responses are therefore valid.

Validity depends only on the changelog in the database, and on no message that can be lost. The follower reads the
changes after its last known position: if its snapshot is older than POLL_INTERVAL_SECONDS, before any response is used
if the snapshot is older than MAX_STALENESS_SECONDS, and at once after a write of this process. The age of a snapshot
counts from the start of its query.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import structlog

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.cache.changelog_snapshot import ChangelogSnapshot
from newsapi.cache.dependencies import Dependency
from newsapi.changelog.reader import ChangelogDelta
from newsapi.errors import describe_cause

log = structlog.get_logger("newsapi.cache")

MAX_STALENESS_SECONDS = 1.0
"""Seconds for which a snapshot may be used: no response is further behind the database than that."""

POLL_INTERVAL_SECONDS = 0.2
"""Seconds after which the changelog is due to be read again."""

READ_TIMEOUT_SECONDS = 1.2
"""Seconds after which an unfinished read counts as failed. Resolving an unknown host name, for example, can take any
time, and requests must not wait for it."""

MAX_CHANGES_PER_READ = 1_000
"""Maximum number of changes per read. If there are more, every cached response is taken as invalid, so that the
follower's work does not grow with the size of an import."""

MAX_REMEMBERED = 50_000
"""Maximum number of dependencies whose last change is remembered, and of changes whose nonce is."""


class ChangelogReader(Protocol):
    """Reads the changes after a position; without a position, the last `max_changes`."""

    def __call__(self, after_seq: int | None, max_changes: int, /) -> ChangelogDelta: ...


class Validated(Protocol):
    """What is valid as long as no change affects its dependencies.

    Attributes:
        dependencies: What it was built from.
        expires_at: Unix time at which it expires whatever the changelog says; None if it does not.
        log_epoch: The changelog epoch to which the sequence number belongs.
        valid_as_of_seq: Changelog position up to which it is known to be valid.
        validated_by: The changelog snapshot that last validated it.
    """

    log_epoch: object
    valid_as_of_seq: int
    validated_by: ChangelogSnapshot | None

    @property
    def dependencies(self) -> frozenset[Dependency]: ...
    @property
    def expires_at(self) -> float | None: ...


class ChangelogFollower:
    """Follows the changelog for one process. Thread-safe."""

    def __init__(
        self,
        read: ChangelogReader,
        *,
        max_staleness: float = MAX_STALENESS_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the parts; nothing is read yet.

        Args:
            read: Function that reads the changelog.
            max_staleness: Seconds for which a snapshot may be used.
            clock: Monotonic clock, in seconds.
        """
        self._read = read
        self.max_staleness = max_staleness
        self.clock = clock
        self._lock = threading.Lock()
        self._touched: dict[Dependency, int] = {}
        self._nonces: dict[int, int] = {}
        self.snapshot = ChangelogSnapshot(-1, 0, -1e9, -1e9, -1e9, 0, {}, {}, None)
        self.own_write_at = -1e9
        self._is_failing = False
        self._failures = 0
        self._read_began_at: float | None = None
        self._closed = threading.Event()

    @property
    def is_unavailable(self) -> bool:
        """Whether the changelog cannot be read: the last read failed, or the current one takes too long."""
        began_at = self._read_began_at
        return self._is_failing or (began_at is not None and self.clock() - began_at > READ_TIMEOUT_SECONDS)

    def latest(self) -> ChangelogSnapshot | None:
        """Return a snapshot that may be used, after reading if necessary; None if the changelog cannot be read."""
        snapshot, now = self.snapshot, self.clock()
        if now < snapshot.due or (now < snapshot.trusted_until and (self.is_unavailable or self._lock.locked())):
            return snapshot
        return self.snapshot if self.catch_up(now - min(POLL_INTERVAL_SECONDS, self.max_staleness)) else None

    def catch_up(self, since: float | None = None) -> bool:
        """Read the changelog, unless another thread has read it after `since`.

        While the changelog is unavailable, a background thread retries and callers get False at once. A caller that
        waited for another thread whose read failed does not try again.

        Args:
            since: Time of the monotonic clock; now if omitted.

        Returns:
            Whether the snapshot is newer than `since`.
        """
        since = self.clock() if since is None else since
        failures = self._failures
        if self.is_unavailable or not self._lock.acquire(timeout=READ_TIMEOUT_SECONDS):
            return False
        try:
            return self.snapshot.began_at > since or (self._failures == failures and self._read_on())
        finally:
            self._lock.release()

    def close(self) -> None:
        """Stop retrying to read an unavailable changelog; wait for a read that is in progress."""
        self._closed.set()
        with self._lock:
            pass

    def _read_on(self) -> bool:
        began_at = self._read_began_at = self.clock()
        try:
            delta = self._read(self.snapshot.seq if self.snapshot.epoch else None, MAX_CHANGES_PER_READ)
        except Exception as error:  # noqa: BLE001 (whatever the error: the cached responses are used until it is over)
            self._on_failure(error)
            return False
        finally:
            self._read_began_at = None
        self._apply(delta, began_at)
        if self._is_failing:
            log.warning("changelog available again", seq=delta.seq)
        self._is_failing = False
        return True

    def _on_failure(self, error: Exception) -> None:
        self._failures += 1
        if not self._is_failing:
            self._is_failing = True
            log.warning("changelog unavailable", cause=describe_cause(error))
            threading.Thread(target=self._retry, name="follower", daemon=True).start()

    def _retry(self) -> None:
        """Read until it succeeds; runs in its own thread, so that no request waits for an attempt that hangs."""
        done = False
        while not done and not self._closed.wait(POLL_INTERVAL_SECONDS):
            with self._lock:
                done = self._closed.is_set() or self._read_on()

    def after_local_write(self) -> None:
        """Read the changelog after a write of this process, so that it sends nothing older from then on."""
        self.own_write_at = self.clock()
        if not self.catch_up():
            # The snapshot is older than the write, so it must not be used any more.
            self.snapshot = replace(self.snapshot, due=-1e9, trusted_until=-1e9)

    def snapshot_with(self, seq: int, nonce: int) -> ChangelogSnapshot | None:
        """Return a snapshot that has a change, after reading the changelog if that is newer.

        Args:
            seq: The position of the change, which was read from the database.
            nonce: Its nonce.

        Returns:
            The snapshot; None if the changelog cannot be read, or the change is not in it or too old to be known.
        """
        if seq > self.snapshot.seq:
            self.catch_up()
        snapshot = self.snapshot
        return snapshot if snapshot.has_change(seq, nonce) else None

    def is_valid(self, response: Validated, snapshot: ChangelogSnapshot) -> bool:
        """Return whether a response of this process is valid as of a snapshot, and note it in the response."""
        if response.validated_by is snapshot:
            return True
        if response.log_epoch is not snapshot.epoch or response.valid_as_of_seq < snapshot.complete_from_seq:
            return False
        if response.expires_at is not None and time.time() >= response.expires_at:
            return False
        if response.valid_as_of_seq < snapshot.seq:
            touched, valid_as_of_seq = snapshot.touched, response.valid_as_of_seq
            for dependency in response.dependencies:
                if touched.get(dependency, 0) > valid_as_of_seq:
                    return False
            response.valid_as_of_seq = snapshot.seq
        response.validated_by = snapshot
        return True

    def still_holds(self, response: CachedResponse) -> bool:
        """Return whether a response of this process is still valid by a snapshot that may be used."""
        return self.clock() < self.snapshot.trusted_until and self.is_valid(response, self.snapshot)

    def validate_foreign(self, response: CachedResponse, snapshot: ChangelogSnapshot) -> bool:
        """Return whether a response built by another process is valid.

        It is valid only if the changelog has the same nonce at the position of the build.
        """
        if not snapshot.has_change(response.seq, response.nonce):
            return False
        response.log_epoch = snapshot.epoch
        return self.is_valid(response, snapshot)

    def _apply(self, delta: ChangelogDelta, began_at: float) -> None:
        previous = self.snapshot
        epoch, complete_from_seq = previous.epoch, previous.complete_from_seq
        # Before the first change (seq 0) there is no nonce to compare.
        nonce_differs = previous.seq > 0 and delta.start_nonce != previous.nonce
        if epoch is None or delta.seq < previous.seq or nonce_differs:
            # The first read, or the database was restored and its changelog went another way: nothing that is cached
            # belongs to it.
            epoch, complete_from_seq = object(), delta.seq - len(delta.changes or ())
            self._touched, self._nonces = {}, {}
        if delta.changes is None:
            self._touched, self._nonces, complete_from_seq = {}, {}, delta.seq
        for change in delta.changes or ():
            self._nonces[change.seq] = change.nonce
            self._touched.update(dict.fromkeys(dependencies.dependencies_of_change(change), change.seq))
        if max(len(self._touched), len(self._nonces)) > MAX_REMEMBERED:
            complete_from_seq = self._forget()
        self.snapshot = ChangelogSnapshot(
            seq=delta.seq,
            nonce=delta.nonce,
            began_at=began_at,
            due=began_at + min(POLL_INTERVAL_SECONDS, self.max_staleness),
            trusted_until=began_at + self.max_staleness,
            complete_from_seq=complete_from_seq,
            touched=self._touched,
            nonces=self._nonces,
            epoch=epoch,
        )

    def _forget(self) -> int:
        """Keep the newer half of what is remembered: of the dependencies or of the changes, whichever are more.

        The mappings are replaced, not changed: threads that still use an older snapshot keep its mappings.

        Returns:
            The new `complete_from_seq`.
        """
        seqs = sorted(self._touched.values() if len(self._touched) > len(self._nonces) else self._nonces)
        complete_from_seq = seqs[len(seqs) // 2]
        self._touched = {dependency: seq for dependency, seq in self._touched.items() if seq > complete_from_seq}
        self._nonces = {seq: nonce for seq, nonce in self._nonces.items() if seq > complete_from_seq}
        return complete_from_seq
