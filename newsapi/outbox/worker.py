"""The worker: has every listener follow the log from its own place, each in a thread, so that none waits for another.

Several workers may run. A listener is held by one of them at a time, by a lease in the row of its place, and a place is
moved only by its holder: one that was stopped for a minute finds that it is not, and begins again.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from prometheus_client import Counter, Gauge

from newsapi.store import changes, places
from newsapi.store.database import Database, Session
from newsapi.store.places import Point

log = structlog.get_logger("newsapi.worker")

LEASE: Final = timedelta(seconds=15)
"""How long a listener is held without another word: so much later another worker goes on, if its holder was killed."""

RENEWED: Final = timedelta(seconds=10)
"""What is left of a lease when it is renewed."""

POLL: Final = 0.2
"""Seconds between looks at the head of the log."""

BLOCK: Final = 1_000
"""Changes that are read at once."""

PATIENCE: Final = 60.0
"""Seconds between tries of a listener that keeps failing, at most; half a second after the first time."""

_LAG = Gauge(
    "newsapi_listener_lag",
    "Changes that a listener has not done with",
    ["listener"],
    multiprocess_mode="livemostrecent",
)
_FAILURES = Counter("newsapi_listener_failures", "Times that a listener failed", ["listener"])


class Listener:
    """Whatever follows the log. It is told every change in order, and after a failure some of them again."""

    name: str
    from_the_first = False
    """Whether a new listener is told all there ever was, and not only what comes."""

    def take(self, changed: Sequence[Any]) -> Point | None:
        """Take the next rows of the log, which may be none, and do what is due; answer the last change it is done with.

        None while it is done with nothing. What it raises has it tried again later, with the same rows and with more.
        """
        raise NotImplementedError

    def write(self, session: Session) -> None:
        """Write what belongs to the changes it said it is done with, in the transaction that moves its place."""

    def forget(self) -> None:
        """Drop what was not done: it is told again, to this worker or to another."""

    def close(self) -> None:
        """End what is under way, and write down how it ended: the worker stops."""

    def set_back(self) -> None:
        """Do what is to be done when the log is another one than before: an older copy was restored."""


class Worker:
    """All listeners of one process."""

    def __init__(self, database: Database, listeners: Sequence[Listener], *, now: Callable[[], datetime]) -> None:
        """Take the parts; nothing is read yet. `now` answers the time, aware and in UTC."""
        self.follows = [Follow(database, listener, now=now) for listener in listeners]

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; what is being done then is finished, and every place let go of."""
        threads = [
            threading.Thread(target=follow.run, args=(stop,), name=follow.listener.name) for follow in self.follows
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        for thread in threads:
            thread.join()


class Follow:
    """One listener and its place in the log."""

    def __init__(self, database: Database, listener: Listener, *, now: Callable[[], datetime]) -> None:
        """Take the parts; the place is taken with the first step."""
        self.listener = listener
        self._database = database
        self._now = now
        self._holder = ""
        self._until: datetime | None = None
        self._place = self._read = Point(0, 0)
        self._failures = 0

    def run(self, stop: threading.Event) -> None:
        """Take steps until `stop` is set."""
        while not stop.is_set():
            stop.wait(self.step())
        self.let_go()

    def step(self) -> float:
        """Read on and do what is due; answer after how many seconds to come again."""
        try:
            more = self._hold() and self._go_on()
        except Exception as error:  # noqa: BLE001 (whatever a listener fails by, it is tried again and the others go on)
            self._failures += 1
            _FAILURES.labels(self.listener.name).inc()
            wait = min(PATIENCE, 2.0 ** min(self._failures - 2, 10))
            log.warning("listener failed", listener=self.listener.name, error=repr(error)[:300], again_in=wait)
            return wait
        if self._failures:
            log.warning("listener goes on", listener=self.listener.name)
        self._failures = 0
        return 0.0 if more else POLL

    def let_go(self) -> None:
        """Leave the place to the next worker."""
        if self._until is not None:
            try:
                self.listener.close()
                self._lose()
                with self._database.transaction() as session:
                    places.release(session, self.listener.name, self._holder)
            except Exception as error:  # noqa: BLE001 (then the lease runs out)
                log.warning("place not released", listener=self.listener.name, error=repr(error)[:300])

    def _hold(self) -> bool:
        """Take the place or hold it longer; False where another worker has it."""
        now = self._now()
        if self._until is not None and timedelta() <= self._until - now - RENEWED <= LEASE:
            return True
        held, holder = self._until is not None, self._holder or secrets.token_hex(8)
        with self._database.transaction() as session:
            place = places.take(
                session, self.listener.name, holder, now, LEASE, from_the_first=self.listener.from_the_first
            )
        if place is None:
            if held:
                log.warning("place lost to another worker", listener=self.listener.name)
            self._lose()
            return False
        if not held or place != self._place:
            self.listener.forget()
            self._place = self._read = place
            log.info("place taken", listener=self.listener.name, seq=place.seq)
        self._holder, self._until = holder, now + LEASE
        return True

    def _lose(self) -> None:
        self._until = None
        self.listener.forget()

    def _go_on(self) -> bool:
        with self._database.reading() as connection:
            head = places.head(connection)
            mark: int | None = self._read.mark
            rows: Sequence[Any] = ()
            if head != self._read:
                mark, rows = changes.block(connection, self._read.seq, BLOCK)
        if head.seq < self._read.seq or (self._read.seq and mark != self._read.mark):
            self._begin_anew(head)
            return True
        done = self.listener.take(rows)
        if rows:
            self._read = Point(rows[-1].seq, rows[-1].mark)
        if done is not None and done.seq > self._place.seq:
            self._move_or_begin_again(done)
        _LAG.labels(self.listener.name).set(head.seq - self._place.seq)
        return len(rows) == BLOCK

    def _move_or_begin_again(self, end: Point) -> None:
        """Move the place; where that fails, what was prepared is lost with it and has to be told again."""
        try:
            self._move(end)
        except Exception:
            self.listener.forget()
            self._read = self._place
            raise

    def _begin_anew(self, head: Point) -> None:
        """The log was set back to an older copy and went another way: go on at its head."""
        log.warning("log was set back", listener=self.listener.name, place=self._place.seq, head=head.seq)
        self.listener.forget()
        self.listener.set_back()
        self._move(head)
        self._read = self._place

    def _move(self, end: Point) -> None:
        with self._database.transaction() as session:
            moved = places.move(session, self.listener.name, self._holder, start=self._place, end=end, now=self._now())
            if moved:
                self.listener.write(session)
        if moved:
            self._place = end
        else:
            log.warning("place lost to another worker", listener=self.listener.name)
            self._holder = ""
            self._lose()
