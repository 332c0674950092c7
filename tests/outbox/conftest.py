"""Workers taken step by step, on each database, with clocks that stand still; and a CDN that answers as it is told."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from newsapi.outbox.worker import Follow, Listener
from newsapi.store.database import Database, Session
from newsapi.store.places import Point
from tests.elsewhere import Elsewhere


class Recorder(Listener):
    """Notes what it is told, and is done with it at once, unless it is told to fail."""

    name = "recorder"

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.events: list[str] = []
        self.fails: Exception | None = None
        self.write_down: Callable[[Session], object] | None = None

    def take(self, changed: Sequence[Any]) -> Point | None:
        if self.fails:
            raise self.fails
        self.seen += [change.seq for change in changed]
        return Point(changed[-1].seq, changed[-1].mark) if changed else None

    def write(self, session: Session) -> None:
        if self.write_down:
            self.write_down(session)

    def forget(self) -> None:
        self.events.append("forget")

    def set_back(self) -> None:
        self.events.append("set back")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def worker(database: Database, clock: Callable[[], Any]) -> Callable[[Listener], Follow]:
    """A listener in the hands of one more worker."""
    return lambda listener: Follow(database, listener, now=clock)


@pytest.fixture
def follow(worker: Callable[[Listener], Follow], recorder: Recorder) -> Follow:
    """The recorder, at the head of an empty log."""
    made = worker(recorder)
    made.step()
    recorder.events.clear()
    return made


@pytest.fixture
def cdn() -> Iterator[Elsewhere]:
    made = Elsewhere()
    yield made
    made.close()
