"""The changelog follower: what this process knows of the changelog, and which cached responses are therefore valid.

Validity depends only on the changelog in the database, and on no message that can be lost. The follower reads the
changes after its last known position: if its snapshot is older than POLL_INTERVAL_SECONDS, before any response is used
if the snapshot is older than MAX_STALENESS_SECONDS, and at once after a write of this process. The age of a snapshot
counts from the start of its query.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import structlog

from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.cache.tags import Word

log = structlog.get_logger("newsapi.cache")

BOUND = 1.0
"""Seconds for which a snapshot may be used: no response is further behind the database than that."""

DUE = 0.2
"""Seconds after which the changelog is due to be read again."""

LATE = 1.2
"""Seconds after which an unfinished read counts as failed. Resolving an unknown host name, for example, can take any
time, and requests must not wait for it."""

MOST = 1_000
"""Maximum number of changes per read. If there are more, every cached response is taken as invalid, so that the
follower's work does not grow with the size of an import."""

REMEMBERED = 50_000
"""Maximum number of dependencies whose last change is remembered."""


class Change(tags.Change, Protocol):
    """A row of the changelog."""

    @property
    def seq(self) -> int: ...
    @property
    def mark(self) -> int: ...


class News(NamedTuple):
    """The part of the changelog after a position: the nonce at the position, the head, and the changes between.

    `changes` is None if there are too many.
    """

    place_mark: int | None
    seq: int
    mark: int
    changes: Sequence[Change] | None


class Read(Protocol):
    """Reads the changes after a position; without a position, the last `max_changes`."""

    def __call__(self, after_seq: int | None, max_changes: int, /) -> News: ...


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """What was known of the changelog at one time. Immutable; the follower replaces it after each read.

    Attributes:
        seq: The last change.
        nonce: Random number of that change.
        at: When the query began, in seconds of a monotonic clock, like `due` and `trusted_until`.
        due: When the changelog should be read again.
        trusted_until: When the snapshot may no longer be used.
        complete_from_seq: Changes up to this position are not in `touched`.
        touched: The last change of each dependency.
        marks: The nonce of each change after `complete_from_seq`.
        epoch: An object that is replaced when the changelog was restored from a backup: responses of another epoch are
            invalid.
    """

    seq: int
    mark: int
    at: float
    due: float
    until: float
    floor: int
    touched: Mapping[Word, int]
    marks: Mapping[int, int]
    line: object


class Follower:
    """Follows the changelog for one process. Thread-safe."""

    def __init__(self, read: Read, *, bound: float = BOUND, clock: Callable[[], float] = time.monotonic) -> None:
        """Store the parts; nothing is read yet.

        Args:
            read: Function that reads the changelog.
            max_staleness: Seconds for which a snapshot may be used.
            clock: Monotonic clock, in seconds.
        """
        self._read = read
        self.bound = bound
        self.clock = clock
        self._lock = threading.Lock()
        self._touched: dict[Word, int] = {}
        self._marks: dict[int, int] = {}
        self.stamp = Stamp(-1, 0, -1e9, -1e9, -1e9, 0, {}, {}, None)
        self.own_write_at = -1e9
        self._failing = False
        self._failures = 0
        self._began: float | None = None
        self._closed = threading.Event()

    @property
    def away(self) -> bool:
        """Whether the changelog cannot be read: the last read failed, or the current one takes too long."""
        began_at = self._began
        return self._failing or (began_at is not None and self.clock() - began_at > LATE)

    def known(self) -> Stamp | None:
        """Return a snapshot that may be used, after reading if necessary; None if the changelog cannot be read."""
        snapshot, now = self.stamp, self.clock()
        if now < snapshot.due or (now < snapshot.until and (self.away or self._lock.locked())):
            return snapshot
        return self.stamp if self.catch_up(now - min(DUE, self.bound)) else None

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
        if self.away or not self._lock.acquire(timeout=LATE):
            return False
        try:
            return self.stamp.at > since or (self._failures == failures and self._read_on())
        finally:
            self._lock.release()

    def close(self) -> None:
        """Stop retrying to read an unavailable changelog; wait for a read that is in progress."""
        self._closed.set()
        with self._lock:
            pass

    def _read_on(self) -> bool:
        began_at = self._began = self.clock()
        try:
            delta = self._read(self.stamp.seq if self.stamp.line else None, MOST)
        except Exception as error:  # noqa: BLE001 (whatever the error: the cached responses are used until it is over)
            self._failed(error)
            return False
        finally:
            self._began = None
        self._take(delta, began_at)
        if self._failing:
            log.warning("changelog available again", seq=delta.seq)
        self._failing = False
        return True

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if not self._failing:
            self._failing = True
            log.warning("changelog unavailable", cause=repr(error.__cause__ or error)[:300])
            threading.Thread(target=self._try_again, name="follower", daemon=True).start()

    def _try_again(self) -> None:
        """Read until it succeeds; runs in its own thread, so that no request waits for an attempt that hangs."""
        done = False
        while not done and not self._closed.wait(DUE):
            with self._lock:
                done = self._closed.is_set() or self._read_on()

    def wrote(self) -> None:
        """Read the changelog after a write of this process, so that it sends nothing older from then on."""
        self.own_write_at = self.clock()
        if not self.catch_up():
            # The snapshot is older than the write, so it must not be used any more.
            self.stamp = replace(self.stamp, due=-1e9, until=-1e9)

    def judge(self, answer: Answer, stamp: Stamp) -> bool:
        """Return whether a response of this process is valid as of a snapshot, and note it in the response."""
        if answer.proven is stamp:
            return True
        if answer.line is not stamp.line or answer.true_at < stamp.floor:
            return False
        if answer.until is not None and time.time() >= answer.until:
            return False
        if answer.true_at < stamp.seq:
            touched, valid_as_of_seq = stamp.touched, answer.true_at
            for dependency in answer.words:
                if touched.get(dependency, 0) > valid_as_of_seq:
                    return False
            answer.true_at = stamp.seq
        answer.proven = stamp
        return True

    def proves(self, response: Answer) -> bool:
        """Return whether a response of this process is still valid by a snapshot that may be used."""
        return self.clock() < self.stamp.until and self.judge(response, self.stamp)

    def adopt(self, answer: Answer, stamp: Stamp) -> bool:
        """Return whether a response built by another process is valid.

        It is valid only if the changelog has the same nonce at the position of the build.
        """
        nonce = stamp.mark if answer.seq == stamp.seq else stamp.marks.get(answer.seq)
        if nonce != answer.mark:
            return False
        answer.line = stamp.line
        return self.judge(answer, stamp)

    def _take(self, delta: News, began_at: float) -> None:
        previous = self.stamp
        epoch, complete_from_seq = previous.line, previous.floor
        # Before the first change (seq 0) there is no nonce to compare.
        nonce_differs = previous.seq > 0 and delta.place_mark != previous.mark
        if epoch is None or delta.seq < previous.seq or nonce_differs:
            # The first read, or the database was restored and its changelog went another way: nothing that is cached
            # belongs to it.
            epoch, complete_from_seq = object(), delta.seq - len(delta.changes or ())
            self._touched, self._marks = {}, {}
        if delta.changes is None:
            self._touched, self._marks, complete_from_seq = {}, {}, delta.seq
        for change in delta.changes or ():
            self._marks[change.seq] = change.mark
            self._touched.update(dict.fromkeys(tags.touched(change), change.seq))
        if len(self._touched) > REMEMBERED:
            complete_from_seq = self._forget()
        self.stamp = Stamp(
            seq=delta.seq,
            mark=delta.mark,
            at=began_at,
            due=began_at + min(DUE, self.bound),
            until=began_at + self.bound,
            floor=complete_from_seq,
            touched=self._touched,
            marks=self._marks,
            line=epoch,
        )

    def _forget(self) -> int:
        """Keep the newer half of what is remembered.

        The mappings are replaced, not changed: threads that still use an older snapshot keep its mappings.

        Returns:
            The new `complete_from_seq`.
        """
        complete_from_seq = sorted(self._touched.values())[len(self._touched) // 2]
        self._touched = {dependency: seq for dependency, seq in self._touched.items() if seq > complete_from_seq}
        self._marks = {seq: nonce for seq, nonce in self._marks.items() if seq > complete_from_seq}
        return complete_from_seq
