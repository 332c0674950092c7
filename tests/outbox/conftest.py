"""Workers taken step by step, on each database, with clocks that stand still; and a CDN that answers as it is told."""

import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from newsapi.outbox.worker import Follow, Listener
from newsapi.store.database import Database, Session
from newsapi.store.places import Point


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


class Asked:
    """One request that the CDN got."""

    def __init__(self, method: str, path: str, headers: Any, body: bytes) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body

    @property
    def words(self) -> set[str]:
        return set((self.headers["Surrogate-Key"] or self.headers["xkey-purge"] or "").split())


class FakeCdn:
    """A real HTTP server in place of a CDN: keeps what it was asked, answers `status`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.status = 200
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                kept.asked.append(Asked(self.command, self.path, self.headers, body))
                self.send_response(kept.status)
                if kept.status == 302:
                    self.send_header("Location", f"{kept.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_PURGE = do_BAN = do_GET = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def cdn() -> Iterator[FakeCdn]:
    made = FakeCdn()
    yield made
    made.close()
