"""The follower: what this process knows of the log, and hence which kept answers it may still send.

Validity is decided by the database's own log and by no message that can be lost. The follower reads on from its place:
at the latest when what it knows is older than DUE, before any answer is trusted when it is older than BOUND, and at
once after a write of this process. What it knows counts from the start of its query.
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
"""Seconds for which what was read may be trusted: no answer is further behind the database."""

DUE = 0.2
"""Seconds after which it is time to read again."""

LATE = 1.2
"""Seconds after which a reading that is still under way counts as failed: the name of a host that is not to be found
can take any time, and whoever waited for it so long has waited enough."""

MOST = 1_000
"""Changes that are read one by one. After more at once, all that was kept is taken as touched: a follower's work does
not grow with that of an import."""

REMEMBERED = 50_000
"""Words whose last touch is remembered."""


class Change(tags.Change, Protocol):
    """A row of the log."""

    @property
    def seq(self) -> int: ...
    @property
    def mark(self) -> int: ...


class News(NamedTuple):
    """What happened in the log since a place: the mark of the change at that place, the head, the changes between.

    `changes` is None where there are too many.
    """

    place_mark: int | None
    seq: int
    mark: int
    changes: Sequence[Change] | None


class Read(Protocol):
    """Reads the log on from a place; without one, the last `most` changes."""

    def __call__(self, place: int | None, most: int) -> News: ...


@dataclass(frozen=True, slots=True, eq=False)
class Stamp:
    """What was known when: the head of the log by a query begun at `at` (seconds, of a clock that never goes back).

    `touched` is the last change by word, `floor` the change before which touches are not remembered, `marks` those of
    the changes since. `line` is the same object for as long as the log goes one way: a restored backup starts another.
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
    """Follows the log for one process; safe for many threads."""

    def __init__(self, read: Read, *, bound: float = BOUND, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the function that reads the log; nothing is read yet."""
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
        """Whether the log cannot be read just now: the last reading failed, or one takes too long."""
        began = self._began
        return self._failing or (began is not None and self.clock() - began > LATE)

    def known(self) -> Stamp | None:
        """Answer what is known and may be trusted, after reading if need be; None where the log cannot be read."""
        stamp, now = self.stamp, self.clock()
        if now < stamp.due or (now < stamp.until and (self.away or self._lock.locked())):
            return stamp
        return self.stamp if self.catch_up(now - min(DUE, self.bound)) else None

    def catch_up(self, since: float | None = None) -> bool:
        """Read on, unless that was done after `since` (now, if left out) by somebody else; whether it went well.

        While the log cannot be read nobody tries it here: a thread does, and the others are told so at once. Who waited
        for somebody whose reading failed does not try after him.
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
        """Try no more to read a log that is away; a reading that is under way comes to its end first."""
        self._closed.set()
        with self._lock:
            pass

    def _read_on(self) -> bool:
        began = self._began = self.clock()
        try:
            news = self._read(self.stamp.seq if self.stamp.line else None, MOST)
        except Exception as error:  # noqa: BLE001 (whatever it is: what is kept is all there is, until it is over)
            self._failed(error)
            return False
        finally:
            self._began = None
        self._take(news, began)
        if self._failing:
            log.warning("log back", seq=news.seq)
        self._failing = False
        return True

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if not self._failing:
            self._failing = True
            log.warning("log away", cause=repr(error.__cause__ or error)[:300])
            threading.Thread(target=self._try_again, name="follower", daemon=True).start()

    def _try_again(self) -> None:
        """Read until it goes well: in a thread of its own, so that no reader pays for a try that hangs."""
        done = False
        while not done and not self._closed.wait(DUE):
            with self._lock:
                done = self._closed.is_set() or self._read_on()

    def wrote(self) -> None:
        """Take note of a write of this process: from now on it answers nothing older."""
        self.own_write_at = self.clock()
        if not self.catch_up():
            # What was known is older than that write, and nothing of it is to be trusted any more.
            self.stamp = replace(self.stamp, due=-1e9, until=-1e9)

    def judge(self, answer: Answer, stamp: Stamp) -> bool:
        """Whether an answer of this process is true as of what is known."""
        if answer.proven is stamp:
            return True
        if answer.line is not stamp.line or answer.true_at < stamp.floor:
            return False
        if answer.until is not None and time.time() >= answer.until:
            return False
        if answer.true_at < stamp.seq:
            touched, true_at = stamp.touched, answer.true_at
            for word in answer.words:
                if touched.get(word, 0) > true_at:
                    return False
            answer.true_at = stamp.seq
        answer.proven = stamp
        return True

    def proves(self, answer: Answer) -> bool:
        """Whether an answer of this process still holds, by a log that was read less than the bound ago."""
        return self.clock() < self.stamp.until and self.judge(answer, self.stamp)

    def adopt(self, answer: Answer, stamp: Stamp) -> bool:
        """Whether an answer that another process made is true: only where the log bears the mark it was made at."""
        mark = stamp.mark if answer.seq == stamp.seq else stamp.marks.get(answer.seq)
        if mark != answer.mark:
            return False
        answer.line = stamp.line
        return self.judge(answer, stamp)

    def _take(self, news: News, began: float) -> None:
        before = self.stamp
        line, floor = before.line, before.floor
        other = before.seq > 0 and news.place_mark != before.mark  # before the first change there is no mark to compare
        if line is None or news.seq < before.seq or other:
            # The first reading, or a log that was set back and went another way: what was kept belongs to another one.
            line, floor = object(), news.seq - len(news.changes or ())
            self._touched, self._marks = {}, {}
        if news.changes is None:
            self._touched, self._marks, floor = {}, {}, news.seq
        for change in news.changes or ():
            self._marks[change.seq] = change.mark
            self._touched.update(dict.fromkeys(tags.touched(change), change.seq))
        if len(self._touched) > REMEMBERED:
            floor = self._forget()
        self.stamp = Stamp(
            seq=news.seq,
            mark=news.mark,
            at=began,
            due=began + min(DUE, self.bound),
            until=began + self.bound,
            floor=floor,
            touched=self._touched,
            marks=self._marks,
            line=line,
        )

    def _forget(self) -> int:
        """Keep the later half of what is remembered; answer from which change on that is whole.

        New mappings, not fewer entries: who still judges by an older stamp goes on with all it had.
        """
        floor = sorted(self._touched.values())[len(self._touched) // 2]
        self._touched = {word: seq for word, seq in self._touched.items() if seq > floor}
        self._marks = {seq: mark for seq, mark in self._marks.items() if seq > floor}
        return floor
