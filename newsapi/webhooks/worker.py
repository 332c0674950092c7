"""The webhook consumer: plans which webhooks get which events, and attempts each delivery until it succeeds or expires.

Deliveries are planned when every server process knows the change and the CDN has purged the responses it made invalid,
in the transaction that commits the consumer's offset: so each is planned exactly once. It is attempted at least once:
if a worker is killed during an attempt, the delivery is attempted again with the same id.
"""

from __future__ import annotations

import http.client
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from prometheus_client import Counter, Gauge

from newsapi import __version__
from newsapi.cache.log_follower import MAX_STALENESS_SECONDS
from newsapi.changelog import failed_changes
from newsapi.changelog import offsets as changelog_offsets
from newsapi.changelog import reader as changelog_reader
from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.db.database import Connection, Database, Session
from newsapi.tracing import spans
from newsapi.webhooks import events, queries, signing
from newsapi.webhooks.queries import DeliveryAttempt, DueDelivery, NewDelivery, WebhookRow
from newsapi.worker import safe_http
from newsapi.worker.consumer import Consumer

log = structlog.get_logger("newsapi.webhooks")

PLAN_INTERVAL_SECONDS: Final = 0.7
"""Seconds between plans: changes within this time are combined into one `cache.invalidated` event."""

MAX_CHANGES_PER_PLAN: Final = 5_000
"""Maximum number of changes per plan and offset commit; a single batch has at most `consumers.BATCH_SIZE`."""

PURGE_WAIT_SECONDS: Final = 30.0
"""Maximum seconds to wait until the CDN has purged the responses that a change made invalid."""

_RETRY_SECONDS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 900, 1_800)
_RETRY_HOURS: Final = (1, 2, 4, 8, 12, 12, 12, 12, 8)

RETRY_SCHEDULE: Final = tuple(
    [timedelta(seconds=seconds) for seconds in _RETRY_SECONDS] + [timedelta(hours=hours) for hours in _RETRY_HOURS]
)
"""Delay after each failed attempt, three days in total."""

HASTENED_RETRY_SECONDS: Final = 5
"""Seconds after which failed deliveries are attempted again when their webhook has answered another call."""

MAX_HASTENED_ATTEMPTS: Final = len(_RETRY_SECONDS)
"""Failed attempts of a delivery up to which it is hastened: the attempts of the following days are not used up by a
webhook that answers now and then."""

PAUSE_AFTER: Final = timedelta(days=3)
"""Time without any successful delivery after which a webhook is paused."""

LOG_RETENTION: Final = timedelta(days=30)
"""How long finished deliveries are kept."""

MAX_CALLS_PER_WEBHOOK: Final = 4
MAX_CALLS: Final = 64
"""Maximum number of concurrent calls to one webhook, and in total. A failing webhook gets only one lane, so that 60 of
them leave threads for the others."""

MAX_BULK_CALLS_PER_WEBHOOK: Final = 2
MAX_BULK_CALLS: Final = 32
"""How many of these calls may be for events of imports, so that other events find a free lane."""

DELIVERIES_PER_COMMIT: Final = 5
"""Number of deliveries that a lane makes before their results are recorded."""

QUEUE_CHECK_SECONDS: Final = 10.0
"""Seconds between looks for the deliveries that have waited longest."""

SUCCESS_STATUSES: Final = range(200, 300)
STATUS_GONE: Final = 410

_ATTEMPTS = Counter("newsapi_webhook_attempts", "Webhook delivery attempts, by outcome (answered, failed)", ["outcome"])
_PAUSED = Gauge("newsapi_webhooks_paused", "Paused webhooks", multiprocess_mode="livemostrecent")
_QUEUE_AGE = Gauge(
    "newsapi_webhook_queue_age_seconds",
    "Seconds that the delivery that waits longest has been due, by what caused it (edit, import)",
    ["cause"],
    multiprocess_mode="livemostrecent",
)
_PURGE_TIMEOUTS = Counter(
    "newsapi_webhook_purge_timeouts", "Changes delivered without waiting longer for the CDN purge"
)


@dataclass(slots=True)
class _SeenRange:
    """Changes that were read together: after `start`, up to and including `end`, at a time of the monotonic clock."""

    start: int
    end: LogPosition
    read_at: float


class _Call(NamedTuple):
    """A lane in use: the webhook that is called, the deliveries, and whether they are events of an import."""

    webhook_id: UUID
    delivery_ids: Sequence[UUID]
    is_bulk: bool


class WebhookConsumer(Consumer):
    """Plans and delivers webhook events."""

    name = "webhooks"

    def __init__(
        self,
        database: Database,
        presentation: ArticlePresenter,
        *,
        wait_for_purge: bool,
        allow_private: bool,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Store the parts.

        Args:
            database: The database.
            presentation: Renders articles and builds URLs.
            wait_for_purge: Whether a CDN is purged, which is then waited for.
            allow_private: Whether addresses of private networks may be called.
            now: Returns the current time in UTC, timezone-aware.
            clock: Monotonic clock, in seconds.
        """
        self._database = database
        self._presentation = presentation
        self._wait_for_purge = wait_for_purge
        self._now, self._clock = now, clock
        self._allow_private = allow_private
        self._pool: ThreadPoolExecutor | None = None
        self._cleaned_up_at: datetime | None = None
        self._calls: dict[Future[list[DeliveryAttempt]], _Call] = {}
        self.reset()

    @property
    def is_busy(self) -> bool:
        """Whether changes wait to be planned, or webhooks are being called."""
        return bool(self._unplanned or self._calls)

    def reset(self) -> None:
        self._unplanned: list[_SeenRange] = []
        self._planned: list[NewDelivery] = []
        self._planned_at = self._queue_checked_at = float("-inf")

    def handle(self, rows: Sequence[ChangeRow]) -> LogPosition | None:
        if rows:
            last = rows[-1]
            self._unplanned.append(_SeenRange(rows[0].seq - 1, LogPosition(last.seq, last.nonce), self._clock()))
        self._record_finished()
        with self._database.read_transaction() as connection:
            webhooks = queries.list_eligible(connection, self._now())
        self._start_due_deliveries(webhooks)
        self._report_queue_age(webhooks)
        return self._plan(webhooks)

    def retry(self, rows: Sequence[ChangeRow]) -> None:
        with self._database.read_transaction() as connection:
            request = events.PlanRequest(queries.list_eligible(connection, self._now()), rows, (), self._now())
            self._planned = events.plan_deliveries(connection, request, self._presentation)

    def commit(self, session: Session) -> None:
        if self._planned:
            queries.insert_deliveries(session, self._planned)
        self._planned = []

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
            self._record_finished()

    # --- planning ---

    def _plan(self, webhooks: Sequence[WebhookRow]) -> LogPosition | None:
        """Prepare the deliveries of the changes that are ready; return the position of the last one."""
        now = self._clock()
        ready = self._list_ready(now) if now - self._planned_at >= PLAN_INTERVAL_SECONDS else []
        if not ready:
            return None
        start, end = ready[0].start, ready[-1].end
        with self._database.read_transaction() as connection:
            _, rows = changelog_reader.read_batch(connection, start, end.seq - start)
            unpurged = self._list_unpurged(connection, start, end.seq)
            request = events.PlanRequest(webhooks, rows, unpurged, self._now())
            planned = events.plan_deliveries(connection, request, self._presentation) if webhooks else []
        self._planned = planned
        self._unplanned = self._unplanned[len(ready) :]
        self._planned_at = now
        return end

    def _list_ready(self, now: float) -> list[_SeenRange]:
        """Return the changes that may be delivered now, oldest first, at most MAX_CHANGES_PER_PLAN."""
        ready: list[_SeenRange] = []
        known_everywhere = [
            changes_read for changes_read in self._unplanned if changes_read.read_at + MAX_STALENESS_SECONDS <= now
        ]
        if not known_everywhere:
            return []
        start = known_everywhere[0].start
        until = min(known_everywhere[-1].end.seq, start + MAX_CHANGES_PER_PLAN)
        with self._database.read_transaction() as connection:
            unpurged = sorted(self._list_unpurged(connection, start, until))
        for changes_read in known_everywhere:
            count = bisect_right(unpurged, changes_read.end.seq) - bisect_right(unpurged, changes_read.start)
            if count and changes_read.read_at + PURGE_WAIT_SECONDS > now:
                break
            if ready and changes_read.end.seq - ready[0].start > MAX_CHANGES_PER_PLAN:
                break
            _PURGE_TIMEOUTS.inc(count)
            ready.append(changes_read)
        return ready

    def _list_unpurged(self, connection: Connection, after_seq: int, until_seq: int) -> set[int]:
        """Return the changes in a range for which the CDN has not confirmed the purge; none if there is no CDN."""
        if not self._wait_for_purge:
            return set()
        purged_seq = changelog_offsets.get_purged_seq(connection)
        failed = failed_changes.list_seqs(connection, changelog_offsets.PURGE_CONSUMER, after_seq, until_seq)
        return failed | {*range(max(after_seq, purged_seq) + 1, until_seq + 1)}

    # --- calling ---

    def _start_due_deliveries(self, webhooks: Sequence[WebhookRow]) -> None:
        """Start the deliveries that are due, as far as lanes are free."""
        ids_in_flight = [id_ for call in self._calls.values() for id_ in call.delivery_ids]
        active = {webhook.id: webhook for webhook in webhooks if webhook.paused_at is None}
        _PAUSED.set(len(webhooks) - len(active))
        free_lanes = {id_: self._count_free_lanes(webhook) for id_, webhook in active.items()}
        if not active:
            return
        with self._database.read_transaction() as connection:
            limits = {id_: lanes * DELIVERIES_PER_COMMIT for id_, lanes in free_lanes.items()}
            until = changelog_offsets.get_offset(connection, self.name)
            rows = queries.list_due(connection, self._now(), limits, ids_in_flight, until=until)
        for is_bulk in (False, True):  # the events of imports get the lanes that all others leave
            rows_by_webhook: dict[UUID, list[DueDelivery]] = {}
            for row in rows:
                if row.is_bulk == is_bulk:
                    rows_by_webhook.setdefault(row.webhook_id, []).append(row)
            for id_, own_rows in rows_by_webhook.items():
                lanes = min(free_lanes[id_], self._count_bulk_lanes(id_) if is_bulk else MAX_CALLS_PER_WEBHOOK)
                for lane in range(lanes):
                    free_lanes[id_] -= self._start_call(active[id_], own_rows[lane::lanes], is_bulk=is_bulk)

    def _report_queue_age(self, webhooks: Sequence[WebhookRow]) -> None:
        """Set the metrics of the queue, once in QUEUE_CHECK_SECONDS."""
        if self._clock() - self._queue_checked_at < QUEUE_CHECK_SECONDS:
            return
        self._queue_checked_at, now = self._clock(), self._now()
        ids_in_flight = [id_ for call in self._calls.values() for id_ in call.delivery_ids]
        with self._database.read_transaction() as connection:
            until = changelog_offsets.get_offset(connection, self.name)
            limits = {webhook.id: 1 for webhook in webhooks if webhook.paused_at is None}
            oldest = queries.list_due(connection, now, limits, ids_in_flight, until=until)
        for cause, is_bulk in (("edit", False), ("import", True)):
            waits = [(now - row.next_attempt_at).total_seconds() for row in oldest if row.is_bulk == is_bulk]
            _QUEUE_AGE.labels(cause).set(max(waits, default=0.0))

    def _count_free_lanes(self, webhook: WebhookRow) -> int:
        """Return how many more calls to a webhook may be started."""
        used = sum(call.webhook_id == webhook.id for call in self._calls.values())
        return (1 if webhook.failing_since else MAX_CALLS_PER_WEBHOOK) - used

    def _count_bulk_lanes(self, webhook_id: UUID) -> int:
        """Return how many more calls with events of imports may be started, to this webhook and in total."""
        used = [call.webhook_id for call in self._calls.values() if call.is_bulk]
        return max(0, min(MAX_BULK_CALLS_PER_WEBHOOK - used.count(webhook_id), MAX_BULK_CALLS - len(used)))

    def _start_call(self, webhook: WebhookRow, rows: Sequence[DueDelivery], *, is_bulk: bool) -> bool:
        """Start deliveries one after the other in a thread; return False if there are none or no thread is free."""
        if not rows or len(self._calls) >= MAX_CALLS:
            return False
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MAX_CALLS, thread_name_prefix="webhook")
        future = self._pool.submit(self._deliver, webhook, rows)
        self._calls[future] = _Call(webhook.id, [row.id for row in rows], is_bulk)
        return True

    def _deliver(self, webhook: WebhookRow, rows: Sequence[DueDelivery]) -> list[DeliveryAttempt]:
        """Attempt deliveries one after the other, up to the first failure."""
        attempts = []
        for row in rows:
            attempt = self._attempt(webhook, row)
            attempts.append(attempt)
            if not attempt.succeeded:
                break
        return attempts

    def _attempt(self, webhook: WebhookRow, row: DueDelivery) -> DeliveryAttempt:
        attributes = {"newsapi.webhook.id": str(webhook.id), "newsapi.event.type": row.type}
        attributes |= {"newsapi.delivery.id": str(row.id), "server.address": urlsplit(webhook.url).hostname or ""}
        with spans.span("webhook delivery", attributes, kind="client", traceparent=row.traceparent) as span:
            attempt = self._send(webhook, row)
            span.set_attribute("newsapi.delivery.outcome", "answered" if attempt.succeeded else "failed")
            if attempt.status is not None:
                span.set_attribute("http.response.status_code", attempt.status)
        return attempt

    def _send(self, webhook: WebhookRow, row: DueDelivery) -> DeliveryAttempt:
        now = self._now()
        secrets = [webhook.secret]
        if webhook.previous_secret and webhook.previous_secret_expires_at and now < webhook.previous_secret_expires_at:
            secrets.append(webhook.previous_secret)
        headers = {"Content-Type": "application/json", "User-Agent": f"newsapi/{__version__}"}
        headers |= signing.signed_headers(row.id, now, row.body, secrets)
        if traceparent := spans.current_traceparent():
            headers["traceparent"] = traceparent
        status, error_text = None, None
        try:
            status = safe_http.post(webhook.url, row.body.encode(), headers, allow_private=self._allow_private)
        except (OSError, ValueError, http.client.HTTPException) as error:
            error_text = str(error)[:200] or type(error).__name__
        succeeded = status in SUCCESS_STATUSES
        _ATTEMPTS.labels("answered" if succeeded else "failed").inc()
        delay = RETRY_SCHEDULE[row.attempts] if row.attempts < len(RETRY_SCHEDULE) else None
        due_at = self._now() + delay if delay and not succeeded and status != STATUS_GONE else None
        return DeliveryAttempt(row.id, webhook.id, self._now(), succeeded, status, error_text, due_at)

    def _record_finished(self) -> None:
        """Record finished attempts, pause webhooks that failed for too long, and delete old deliveries at times."""
        done = [future for future in self._calls if future.done()]
        attempts = [attempt for future in done if not future.cancelled() for attempt in future.result()]
        now = self._now()
        cleanup_is_due = self._cleaned_up_at is None or now - self._cleaned_up_at >= timedelta(minutes=10)
        if not (attempts or cleanup_is_due):
            return
        with self._database.transaction() as session:
            queries.record_attempts(session, attempts)
            queries.hasten_retries(
                session,
                {attempt.webhook_id for attempt in attempts if attempt.succeeded},
                now + timedelta(seconds=HASTENED_RETRY_SECONDS),
                max_attempts=MAX_HASTENED_ATTEMPTS,
            )
            for id_ in queries.pause_failing(session, failing_before=now - PAUSE_AFTER, now=now):
                log.warning("webhook paused", webhook=str(id_))
            if cleanup_is_due:
                queries.delete_finished(session, finished_before=now - LOG_RETENTION)
                self._cleaned_up_at = now
        for future in done:
            del self._calls[future]
