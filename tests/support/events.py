"""Changelog consumers that tests run step by step, a clock of seconds, and a CDN whose responses tests choose."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import select

from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.tables import ChangelogHead
from newsapi.db.database import Database, Session
from newsapi.worker.consumer import Consumer
from newsapi.worker.consumers import ConsumerRunner
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


class Seconds:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def later(runner: ConsumerRunner, seconds: Seconds, by: float) -> float:
    """Move the clock and run one step of a consumer."""
    seconds.now += by
    return runner.step()


def changelog_seq(database: Database) -> int:
    """Return the number of the last change."""
    with database.read_transaction() as connection:
        return connection.execute(select(ChangelogHead.seq)).scalar_one()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


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
