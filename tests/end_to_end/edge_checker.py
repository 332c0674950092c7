"""A checker of what readers see through a cache in front: while articles and brands change, no answer may be too old.

`Content-Seq` says nothing here, as a cache keeps a response for as long as what it shows does not change. So the writer
notes when each state was sent and when it was acknowledged. Every article and brand carries its state in its headline
or name ("a3 v17"). A state that a reader sees was acknowledged, or on its way, during the read, or was replaced less
than `bound` seconds before it began.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import orjson

from tests.support.threads import running

SHOWN = re.compile(rb"([ab]\d+) v(\d+)")
BRANDS = 3
MAX_ARTICLES = 8
LISTS = (
    "/v1/articles?limit=50",
    "/v1/articles?limit=50&include=brand",
    "/v1/feeds/articles.json?limit=50",
    "/v1/feeds/articles.rss?limit=50",
)
"""Lists of all articles."""

UNKEPT = "/v1/articles?limit=50&updated_from=2000-01-01T00:00:00.{:06}Z"
"""A list of all articles that no cache has: another address each time."""

TRIES = 60
TRY_PAUSE_SECONDS = 0.5


@dataclass
class State:
    """A state of an article (its version; None: not public) or a brand, and when it was written (monotonic clock)."""

    version: int | None
    sent: float
    acknowledged: float = float("inf")


@dataclass
class Visibility:
    """How long after its acknowledgement a write was seen by a reader."""

    action: str
    seconds: float


@dataclass
class Exchange:
    """A request and the status of its response (None: none), both by the monotonic clock."""

    method: str
    path: str
    status: int | None
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass
class EdgeChecker:
    """Writes and reads at `base` with an editor's key.

    Attributes:
        bound: Seconds after which a state that was replaced may not be seen any more.
        faults: What was too old, or an error, in words.
        statuses: Number of responses to reads by status.
        oldest: The largest number of seconds that a state was seen after it had been replaced.
        repeats: Number of requests to write that were repeated, by status; None: no response.
        visible: How long each write took to be seen.
        exchanges: All requests, in the order of their ends.
        may_refuse: Whether a read may be refused with 503 and `Retry-After`.
    """

    base: str
    key: str
    bound: float
    seed: int = 7
    faults: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    oldest: float = 0.0
    repeats: Counter[int | None] = field(default_factory=Counter)
    visible: list[Visibility] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    may_refuse: bool = False
    _states: dict[str, list[State]] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)
    _write_numbers: Iterator[int] = field(default_factory=lambda: count(1))

    # --- writing ---

    def fill(self) -> None:
        for number in range(BRANDS):
            name = f"b{number}"
            self._write("POST", "/v1/brands", name, 1, {"slug": name, "name": f"{name} v1"})
        for _ in range(MAX_ARTICLES):
            self.publish()

    def publish(self) -> None:
        number = len(self._ids)
        slug = f"a{number}"
        body = {"slug": slug, "headline": f"{slug} v1", "body_html": "<p>x</p>", "brand": f"b{number % BRANDS}"}
        answer = self._write("POST", "/v1/articles", slug, 1, body | {"status": "published"})
        self._ids[slug] = answer["data"]["id"]

    def rename(self, chance: random.Random) -> None:
        # A brand whose articles were all withdrawn is in no list.
        name = chance.choice(sorted({f"b{int(slug[1:]) % BRANDS}" for slug in self._public()}))
        version = (self._states[name][-1].version or 0) + 1
        self._write("PATCH", f"/v1/brands/{name}", name, version, {"name": f"{name} v{version}"})

    def update(self, chance: random.Random) -> None:
        slug = chance.choice(self._public())
        version = (self._states[slug][-1].version or 0) + 1
        self._write("PATCH", f"/v1/articles/{self._ids[slug]}", slug, version, {"headline": f"{slug} v{version}"})

    def recall(self, chance: random.Random) -> None:
        slug = chance.choice(self._public())
        self._write("DELETE", f"/v1/articles/{self._ids[slug]}?reason=error", slug, None)

    def _public(self) -> list[str]:
        return [slug for slug in self._ids if self._states[slug][-1].version is not None]

    def run(self, seconds: float, pause: float = 0.3) -> None:
        """Write for some seconds; after each write, read until it is seen."""
        chance = random.Random(self.seed + next(self._write_numbers))
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            act = chance.choice([self.rename, self.update, self.recall])
            act(chance)
            self._await_visible(act.__name__)
            if len(self._public()) < MAX_ARTICLES:
                self.publish()
                self._await_visible("publish")
            time.sleep(pause)

    def _write(self, method: str, path: str, name: str, version: int | None, body: Any = None) -> Any:
        """Send a write until it is accepted; a repetition with the same key is not executed twice."""
        state = State(version, time.monotonic())
        self._states.setdefault(name, []).append(state)
        self._last = (name, state)
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": kind,
            "Idempotency-Key": f"write-{next(self._write_numbers)}",
            "If-Match": "*",
        }
        for _ in range(TRIES):
            status, content = self._request(method, path, orjson.dumps(body) if body else None, headers)
            if status is not None and status < 300:
                state.acknowledged = time.monotonic()
                return orjson.loads(content) if content else None
            assert status in {None, 409, 503}, (method, path, status, content)
            self.repeats[status] += 1
            time.sleep(TRY_PAUSE_SECONDS)
        msg = f"{method} {path} was never accepted"
        raise AssertionError(msg)

    def _request(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int | None, bytes]:
        connection = HTTPConnection(urlsplit(self.base).netloc, timeout=20)
        began, status, content = time.monotonic(), None, b""
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
            status = response.status
        except (OSError, HTTPException):
            pass
        finally:
            connection.close()
        self.exchanges.append(Exchange(method, path, status, began, time.monotonic()))
        return status, content

    def _await_visible(self, action: str) -> None:
        """Read what was written last until its present state is seen; record for how long it was not."""
        name, state = self._last
        path = f"/v1/articles/{name}" if name.startswith("a") else "/v1/brands"
        expected = f"{name} v{state.version}".encode()
        while True:
            began = time.monotonic()
            status, content = self._request("GET", path, None, {})
            if status == 410 if state.version is None else expected in content:
                break
            if began - state.acknowledged > 2 * self.bound:
                late = f"{action} is not seen {began - state.acknowledged:.1f} s later"
                self.faults.append(f"{path}: {late}: {status} {expected!r} {SHOWN.findall(content)}")
                return
            time.sleep(0.02)
        self.visible.append(Visibility(action, max(0.0, began - state.acknowledged)))

    # --- reading ---

    @contextmanager
    def reading(self, readers: int, pause: float = 0.02) -> Iterator[None]:
        """Read again and again until the block is left."""
        stop = threading.Event()
        threads = [
            threading.Thread(target=self._read_on, args=(number, stop, pause), daemon=True) for number in range(readers)
        ]
        with running(threads, stop.set, join_seconds=30):
            yield

    def _read_on(self, number: int, stop: threading.Event, pause: float) -> None:
        chance = random.Random(self.seed * 1000 + number)
        connection = HTTPConnection(urlsplit(self.base).netloc, timeout=20)
        while not stop.wait(pause):
            path = self._choose_path(chance)
            began = time.monotonic()
            try:
                connection.request("GET", path)
                response = connection.getresponse()
                body = response.read()
            except (OSError, HTTPException) as error:
                self.faults.append(f"{path}: {error!r}")
                connection.close()
                continue
            self.statuses[response.status] += 1
            self.exchanges.append(Exchange("GET", path, response.status, began, time.monotonic()))
            if response.status in {200, 404, 410}:
                self._judge(path, body, began)
            elif not (self.may_refuse and response.status == 503 and response.headers["Retry-After"]):
                self.faults.append(f"{path}: {response.status} {body[:200]!r}")
        connection.close()

    def _choose_path(self, chance: random.Random) -> str:
        if chance.random() < 0.2:
            return UNKEPT.format(chance.randrange(1_000_000))
        if chance.random() < 0.2:
            return "/v1/brands"
        if chance.random() < 0.5:
            return f"/v1/articles/{chance.choice([*self._ids])}"
        return chance.choice(LISTS)

    def _judge(self, path: str, body: bytes, began: float) -> None:
        ended = time.monotonic()
        shown = {(name.decode(), int(version)) for name, version in SHOWN.findall(body)}
        names = {name for name, _ in shown}
        seen: set[tuple[str, int | None]] = {*shown}
        if path.startswith("/v1/articles/"):
            article = path.rpartition("/")[2]
            seen |= {(article, None)} - {(name, None) for name in names}
        elif path != "/v1/brands":  # a list of all articles
            seen |= {(name, None) for name in [*self._ids] if name not in names}
        for name, version in seen:
            self._judge_state(path, name, version, began, ended)

    def _judge_state(self, path: str, name: str, version: int | None, began: float, ended: float) -> None:
        states = [State(None, 0.0, 0.0), *self._states[name]] if name.startswith("a") else self._states[name]
        ages = []
        for state, successor in zip(states, [*states[1:], None], strict=True):
            if state.version == version and state.sent <= ended:
                ages.append(began - successor.acknowledged if successor else 0.0)
        age = min(ages, default=float("inf"))
        if age != float("inf"):
            self.oldest = max(self.oldest, age)
        if age > self.bound:
            self.faults.append(f"{path}: {name} v{version}, replaced {age:.1f} s before")
