"""Calls webhooks: plans what changes mean for whom, and tries each delivery until it is answered or has had its days.

A delivery is planned when every node knows the change and the CDN has dropped what it made untrue, in the transaction
that moves the listener's place: so each is planned once. It is tried at least once: whoever is killed while one is
under way has it tried again, under the same id.
"""

from __future__ import annotations

import http.client
import time
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from newsapi import __version__
from newsapi.actions import webhooks as events
from newsapi.cache.follower import BOUND
from newsapi.feeds import webhooks as wire
from newsapi.outbox import calls
from newsapi.outbox.worker import Listener
from newsapi.schemas.presentation import Presentation
from newsapi.store import changes, places, webhooks
from newsapi.store.database import Database, Session
from newsapi.store.places import Point
from newsapi.store.webhooks import Tried

log = structlog.get_logger("newsapi.webhooks")

GATHERED: Final = 0.7
"""Seconds between plans: what changes meanwhile goes into one `cache.invalidated`."""

AT_ONCE: Final = 5_000
"""Changes that are planned at once, after which the place is moved; each seen together are at most `worker.BLOCK`."""

UNPURGED: Final = 30.0
"""Seconds that we wait for the CDN to have dropped what a change made untrue."""

RETRIES: Final = (
    *(timedelta(seconds=number) for number in (1, 2, 5, 10, 30, 60, 120, 300, 900, 1_800)),
    *(timedelta(hours=number) for number in (1, 2, 4, 8, 12, 12, 12, 12, 8)),
)
"""How long to wait after each try that failed: three days in all."""

PAUSED: Final = timedelta(days=3)
"""After so long without one answer a webhook is paused."""

KEPT: Final = timedelta(days=30)
"""How long the log of what was delivered is kept."""

LANES, THREADS = 4, 64
"""Calls at once to one webhook, and to all. One that fails has one lane: 60 dead ones leave room for the living."""

IN_A_ROW: Final = 5
"""Deliveries that a lane makes before it is written down how they went."""

GOOD: Final = range(200, 300)
GONE: Final = 410

_TRIES = Counter("newsapi_webhook_tries", "Calls of webhooks", ["outcome"])
_PAUSED = Gauge("newsapi_webhooks_paused", "Webhooks that are paused", multiprocess_mode="livemostrecent")
_UNPURGED = Counter("newsapi_webhook_unpurged", "Events that left though the CDN had not answered a purge for long")


@dataclass(slots=True)
class _Seen:
    """Changes that were seen together: after which one, up to which, and when (of a clock that never goes back)."""

    start: int
    end: Point
    at: float


class Webhooks(Listener):
    """The listener that calls webhooks."""

    name = "webhooks"

    def __init__(
        self,
        database: Database,
        shown: Presentation,
        *,
        purges: bool,
        private: bool,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts; `purges`: a CDN is told first; `private`: addresses of private networks may be called."""
        self._database = database
        self._shown = shown
        self._purges = purges
        self._now, self._clock = now, clock
        self._private = private
        self._pool: ThreadPoolExecutor | None = None
        self._tidied: datetime | None = None
        self._under_way: dict[Future[list[Tried]], tuple[UUID, list[UUID]]] = {}
        self.forget()

    def forget(self) -> None:
        self._seen: list[_Seen] = []
        self._planned: list[dict[str, Any]] = []
        self._planned_at = float("-inf")

    def take(self, changed: Sequence[Any]) -> Point | None:
        if changed:
            last = changed[-1]
            self._seen.append(_Seen(changed[0].seq - 1, Point(last.seq, last.mark), self._clock()))
        self._note_answers()
        with self._database.reading() as connection:
            hooks = webhooks.told(connection, self._now())
        self._call_what_is_due(hooks)
        return self._plan(hooks)

    def write(self, session: Session) -> None:
        if self._planned:
            webhooks.plan(session, self._planned)
        self._planned = []

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
            self._note_answers()

    # --- planning ---

    def _plan(self, hooks: Sequence[Any]) -> Point | None:
        now = self._clock()
        ready = self._ready(now) if now - self._planned_at >= GATHERED else []
        if not ready:
            return None
        start, end = ready[0].start, ready[-1].end
        with self._database.reading() as connection:
            _, rows = changes.block(connection, start, end.seq - start)
            self._planned = events.planned(connection, hooks, rows, self._shown, now=self._now()) if hooks else []
        self._seen = self._seen[len(ready) :]
        self._planned_at = now
        return end

    def _ready(self, now: float) -> list[_Seen]:
        """Answer what may leave now, the first first, and no more of it than is planned at once."""
        found: list[_Seen] = []
        seen = [each for each in self._seen if each.at + BOUND <= now]
        purged = self._purged() if seen else 0
        for each in seen:
            is_late = each.end.seq > purged
            if (is_late and each.at + UNPURGED > now) or (found and each.end.seq - found[0].start > AT_ONCE):
                break
            if is_late:
                _UNPURGED.inc(each.end.seq - each.start)
            found.append(each)
        return found

    def _purged(self) -> float:
        """Answer up to which change the CDN has dropped what is no longer true; any where there is none."""
        if not self._purges:
            return float("inf")
        with self._database.reading() as connection:
            return places.noted(connection, places.PURGED)

    # --- calling ---

    def _call_what_is_due(self, hooks: Sequence[Any]) -> None:
        busy = [id_ for _, ids in self._under_way.values() for id_ in ids]
        taken = Tally(hook for hook, _ in self._under_way.values())
        active = {hook.id: hook for hook in hooks if hook.paused_at is None}
        free = {id_: (1 if hook.failing_since else LANES) - taken[id_] for id_, hook in active.items()}
        _PAUSED.set(len(hooks) - len(active))
        if not active:
            return
        with self._database.reading() as connection:
            most = {id_: lanes * IN_A_ROW for id_, lanes in free.items()}
            until = places.noted(connection, self.name)
            rows = webhooks.due(connection, self._now(), most, busy, until=until)
        for id_ in {row.webhook_id for row in rows}:
            mine = [row for row in rows if row.webhook_id == id_]
            for lane in range(free[id_]):
                self._start(active[id_], mine[lane :: free[id_]])

    def _start(self, hook: Any, rows: Sequence[Any]) -> None:
        if not rows or len(self._under_way) >= THREADS:
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="webhook")
        job = self._pool.submit(self._deliver, hook, rows)
        self._under_way[job] = hook.id, [row.id for row in rows]

    def _deliver(self, hook: Any, rows: Sequence[Any]) -> list[Tried]:
        """Make some deliveries, up to the first that fails."""
        found = []
        for row in rows:
            found.append(self._try(hook, row))
            if not found[-1].good:
                break
        return found

    def _try(self, hook: Any, row: Any) -> Tried:
        now = self._now()
        secrets = [hook.secret]
        if hook.former_secret and now < hook.former_until:
            secrets.append(hook.former_secret)
        headers = {"Content-Type": "application/json", "User-Agent": f"newsapi/{__version__}"}
        headers |= wire.headers(row.id, now, row.body, secrets)
        status, error = None, None
        try:
            status = calls.post(hook.url, row.body.encode(), headers, private=self._private)
        except (OSError, ValueError, http.client.HTTPException) as problem:
            error = str(problem)[:200] or type(problem).__name__
        good = status in GOOD
        _TRIES.labels("answered" if good else "failed").inc()
        wait = RETRIES[row.attempts] if row.attempts < len(RETRIES) else None
        due_at = self._now() + wait if wait and not good and status != GONE else None
        return Tried(row.id, hook.id, self._now(), good, status, error, due_at)

    def _note_answers(self) -> None:
        done = [job for job in self._under_way if job.done()]
        tries = [tried for job in done if not job.cancelled() for tried in job.result()]
        now = self._now()
        tidy = self._tidied is None or now - self._tidied >= timedelta(minutes=10)
        if not (tries or tidy):
            return
        with self._database.transaction() as session:
            webhooks.note(session, tries)
            for id_ in webhooks.pause(session, failing_before=now - PAUSED, now=now):
                log.warning("webhook paused", webhook=str(id_))
            if tidy:
                webhooks.forget(session, finished_before=now - KEPT)
                self._tidied = now
        for job in done:
            del self._under_way[job]
