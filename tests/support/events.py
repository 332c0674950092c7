"""Workers taken step by step, on each database, with clocks that stand still; and a CDN that answers as it is told."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from newsapi.changelog.offsets import LogPosition
from newsapi.db.database import Database, Session
from newsapi.worker.consumers import Consumer, ConsumerRunner
from tests.support.fake_servers import Elsewhere


class Recorder(Consumer):
    """Notes what it is told, and is done with it at once, unless it is told to fail."""

    name = "recorder"

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.events: list[str] = []
        self.fails: Exception | None = None
        self.write_down: Callable[[Session], object] | None = None

    def handle(self, changed: Sequence[Any]) -> LogPosition | None:
        if self.fails:
            raise self.fails
        self.seen += [change.seq for change in changed]
        return LogPosition(changed[-1].seq, changed[-1].nonce) if changed else None

    def commit(self, session: Session) -> None:
        if self.write_down:
            self.write_down(session)

    def reset(self) -> None:
        self.events.append("forget")

    def on_log_restored(self) -> None:
        self.events.append("set back")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def worker(database: Database, clock: Callable[[], Any]) -> Callable[[Consumer], ConsumerRunner]:
    """A listener in the hands of one more worker."""
    return lambda listener: ConsumerRunner(database, listener, now=clock)


@pytest.fixture
def follow(worker: Callable[[Consumer], ConsumerRunner], recorder: Recorder) -> ConsumerRunner:
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
