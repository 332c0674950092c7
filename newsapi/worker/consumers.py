"""The worker: runs every changelog consumer from its own offset, each in a thread, so that none waits for another.

Several workers may run. A consumer is run by one of them at a time, by a lease in the row of its offset, and only the
holder of the lease can move the offset: a worker that was suspended for a minute finds that it lost the lease, and
starts again from the offset.

A change that a consumer cannot process does not stop it: after some tries the change is set aside in the database, the
consumer goes on, and the change is tried again later (`newsapi.worker.isolation`). While a consumer fails, and while it
has changes set aside, its row in the database, the metrics and `/readyz` say so.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from newsapi.changelog import failed_changes
from newsapi.changelog import offsets as changelog_offsets
from newsapi.changelog import reader as changelog_reader
from newsapi.changelog.offsets import LogPosition
from newsapi.changelog.reader import ChangeRow
from newsapi.db import pool_use
from newsapi.db.database import Database, Session
from newsapi.errors import Unavailable
from newsapi.worker.consumer import Consumer
from newsapi.worker.isolation import BatchIsolation, NextTry, describe_error, is_outage
from newsapi.worker.retries import FailedChangeRetries
from newsapi.worker.ticks import seconds_until_tick

log = structlog.get_logger("newsapi.worker")

LEASE_DURATION: Final = timedelta(seconds=15)
"""How long a lease is valid after its last renewal: another worker takes over then if the holder was killed."""

LEASE_RENEWAL_MARGIN: Final = timedelta(seconds=10)
"""Time left on a lease when it is renewed."""

POLL_INTERVAL_SECONDS: Final = 0.2
"""Seconds between reads of the head of the changelog, and between steps of a consumer that is busy."""

BATCH_SIZE: Final = 1_000
"""Maximum number of changes per batch."""

MAX_BACKOFF_SECONDS: Final = 60.0
"""Maximum seconds between attempts of a consumer that keeps failing; half a second after the first failure."""

REPORT_AFTER_FAILURES: Final = 2
"""Number of failures in a row after which a consumer counts as failing."""

_LAG_CHANGES = Gauge(
    "newsapi_consumer_lag_changes",
    "Changes that a consumer has not finished yet",
    ["consumer"],
    multiprocess_mode="livemostrecent",
)
_LAG_SECONDS = Gauge(
    "newsapi_consumer_lag_seconds",
    "Age of the oldest change that a consumer has not finished yet, in seconds",
    ["consumer"],
    multiprocess_mode="livemostrecent",
)
_FAILURES = Counter("newsapi_consumer_failures", "Failures of a consumer", ["consumer"])
_FAILING = Gauge(
    "newsapi_consumer_failing",
    "Whether a consumer fails or reports a problem: 1 or 0",
    ["consumer"],
    multiprocess_mode="livemostrecent",
)


class Worker:
    """All consumers of one process."""

    def __init__(
        self, database: Database, consumers: Sequence[Consumer], *, now: Callable[[], datetime], worker_id: str = ""
    ) -> None:
        """Store the parts; nothing is read yet.

        Args:
            database: Where the changelog and the offsets are.
            consumers: The consumers to run.
            now: Returns the current time in UTC, timezone-aware.
            worker_id: Id of this worker as the holder of leases. A worker that replaces one that has ended may have its
                id, and then need not wait until the leases expire. A random id if empty.
        """
        self._database, self._now = database, now
        self.runners = [ConsumerRunner(database, consumer, now=now, worker_id=worker_id) for consumer in consumers]

    def ensure_offsets(self) -> None:
        """Give the consumers that never ran an offset, so that they process every change from now on.

        Without it, a consumer starts at the head of the changelog when a worker first runs it. What a webhook is to get
        may have been published before.
        """
        with self._database.transaction() as session:
            for consumer in (runner.consumer for runner in self.runners):
                from_the_first = consumer.from_the_first
                changelog_offsets.ensure_offset(session, consumer.name, self._now(), from_the_first=from_the_first)

    def run(self, wait_for_stop: Callable[[], object]) -> None:
        """Run until `wait_for_stop` returns; then finish the current steps and release all leases.

        Args:
            wait_for_stop: Waits in the calling thread until the worker is to stop.
        """
        stop = threading.Event()
        threads = [
            threading.Thread(target=runner.run, args=(stop,), name=runner.consumer.name) for runner in self.runners
        ]
        threads.append(threading.Thread(target=_report_pool_use, args=(stop,), name="metrics"))
        for thread in threads:
            thread.start()
        watcher = threading.Thread(target=self._watch_changelog, args=(stop,), name="changelog watcher")
        watcher.start()
        wait_for_stop()
        stop.set()
        self._wake_runners()
        for thread in (*threads, watcher):
            thread.join()

    def _watch_changelog(self, stop: threading.Event) -> None:
        """Wake all consumers whenever the head of the changelog moves, so that no consumer needs to poll it often."""
        head = None
        while not stop.wait(seconds_until_tick(POLL_INTERVAL_SECONDS)):
            try:
                with self._database.read_transaction() as connection:
                    previous, head = head, changelog_offsets.changelog_head(connection)
            except Exception as error:  # noqa: BLE001 (consumers notice an outage by their own steps, and report it)
                log.debug("head of the changelog not read", error=describe_error(error))
                continue
            if head != previous:
                self._wake_runners()

    def _wake_runners(self) -> None:
        for runner in self.runners:
            runner.wake()


def _report_pool_use(stop: threading.Event) -> None:
    while not stop.wait(seconds_until_tick(pool_use.REPORT_INTERVAL_SECONDS)):
        pool_use.report()


class ConsumerRunner:
    """Runs one consumer: holds its lease, reads the changelog and commits its offset."""

    def __init__(
        self, database: Database, consumer: Consumer, *, now: Callable[[], datetime], worker_id: str = ""
    ) -> None:
        """Store the parts; the first step acquires the lease.

        Args:
            database: Where the changelog and the offset are.
            consumer: The consumer to run.
            now: Returns the current time in UTC, timezone-aware.
            worker_id: Id of the worker as the holder of the lease; a random one if empty.
        """
        self.consumer = consumer
        self._database = database
        self._now = now
        self._woken = threading.Event()
        self._holder = worker_id
        self._lease_expires_at: datetime | None = None
        self._committed = self._read = self._attempted = LogPosition(0, 0)
        self._failures = 0
        self._isolation = BatchIsolation()
        self._retries = FailedChangeRetries(database, consumer, now=now)
        self._reported: str | None = ""  # the problem that the database knows of; "" if it was not written yet

    def run(self, stop: threading.Event) -> None:
        """Run steps until `stop` is set, then release the lease."""
        while not stop.is_set():
            seconds = self.step()
            if self._failures:
                stop.wait(seconds)  # changes do not shorten the time between attempts
            else:
                self._woken.wait(seconds_until_tick(seconds))
                self._woken.clear()
        self.release()

    def wake(self) -> None:
        """Let `run` take the next step at once."""
        self._woken.set()

    def step(self) -> float:
        """Read and handle one batch; return the seconds to wait before the next step."""
        try:
            more = self._renew_lease() and self._handle_next_batch()
            if self._lease_expires_at is not None:
                self._retry_failed_changes()
        except Exception as error:  # noqa: BLE001 (whatever the error: this consumer retries, and the others go on)
            return self._on_failure(error)
        if self._failures:
            log.warning("consumer recovered", consumer=self.consumer.name)
        self._failures = 0
        self._report(self.consumer.problem)
        if more:
            return 0.0
        return POLL_INTERVAL_SECONDS if self.consumer.is_busy else self.consumer.idle_interval_seconds

    def release(self) -> None:
        """Close the consumer and release its lease, for the next worker."""
        if self._lease_expires_at is not None:
            try:
                self.consumer.close()
                self._forget_lease()
                with self._database.transaction() as session:
                    changelog_offsets.release_lease(session, self.consumer.name, self._holder)
            except Exception as error:  # noqa: BLE001 (then the lease expires)
                log.warning("lease not released", consumer=self.consumer.name, error=describe_error(error))

    # --- the lease ---

    def _renew_lease(self) -> bool:
        """Acquire or renew the lease; return False if another worker holds it."""
        now = self._now()
        if (
            self._lease_expires_at is not None
            and timedelta() <= self._lease_expires_at - now - LEASE_RENEWAL_MARGIN <= LEASE_DURATION
        ):
            return True
        was_held, holder = self._lease_expires_at is not None, self._holder or secrets.token_hex(8)
        with self._database.transaction() as session:
            offset = changelog_offsets.acquire_lease(
                session, self.consumer.name, holder, now, LEASE_DURATION, from_the_first=self.consumer.from_the_first
            )
        if offset is None:
            if was_held:
                log.warning("lease lost to another worker", consumer=self.consumer.name)
            self._forget_lease()
            return False
        if not was_held or offset != self._committed:
            self.consumer.reset()
            self._committed = self._read = self._attempted = offset
            log.info("lease acquired", consumer=self.consumer.name, seq=offset.seq)
        self._holder, self._lease_expires_at = holder, now + LEASE_DURATION
        return True

    def _forget_lease(self) -> None:
        if self._lease_expires_at is not None:
            _LAG_CHANGES.labels(self.consumer.name).set(0)  # from now on another worker reports the lag
            _LAG_SECONDS.labels(self.consumer.name).set(0)
        self._lease_expires_at = None
        self._isolation, self._reported = BatchIsolation(), ""
        self.consumer.reset()

    def _lose_lease(self) -> None:
        log.warning("lease lost to another worker or ended by a rebuild", consumer=self.consumer.name)
        self._holder = ""
        self._forget_lease()

    # --- the next changes ---

    def _handle_next_batch(self) -> bool:
        limit = BATCH_SIZE if self._isolation.limit is None else min(BATCH_SIZE, self._isolation.limit)
        with self._database.read_transaction() as connection:
            head = changelog_offsets.changelog_head(connection)
            nonce: int | None = self._read.nonce
            rows: Sequence[ChangeRow] = ()
            if head != self._read and (self._isolation.limit is None or self._read == self._committed):
                nonce, rows = changelog_reader.read_batch(connection, self._read.seq, limit)
        if head.seq < self._read.seq or (self._read.seq and nonce != self._read.nonce):
            self._restart_at_head(head)
            return True
        if rows:
            self._attempted = LogPosition(rows[-1].seq, rows[-1].nonce)
        finished = self.consumer.handle(rows)
        if rows:
            self._read = self._attempted
        if finished is not None and finished.seq > self._committed.seq:
            self._commit_or_restart(finished)
            self._isolation.on_finished(finished.seq)
        self._report_lag(head)
        return len(rows) == limit

    def _report_lag(self, head: LogPosition) -> None:
        lag, committed_at = head.seq - self._committed.seq, None
        if lag > 0:
            with self._database.read_transaction() as connection:
                committed_at = changelog_reader.find_commit_time(connection, self._committed.seq + 1)
        age = (self._now() - committed_at).total_seconds() if committed_at else 0.0
        _LAG_CHANGES.labels(self.consumer.name).set(lag)
        _LAG_SECONDS.labels(self.consumer.name).set(max(0.0, age))

    def _commit_or_restart(self, end: LogPosition) -> None:
        """Commit the offset; if that fails, discard what was prepared and read the changes again."""
        try:
            self._commit(end)
        except Exception:
            self._discard_unfinished()
            raise

    def _discard_unfinished(self) -> None:
        self.consumer.reset()
        self._read = self._committed

    def _restart_at_head(self, head: LogPosition) -> None:
        """Continue at the head of a changelog that was restored from a backup and went another way."""
        log.warning(
            "changelog was restored from a backup",
            consumer=self.consumer.name,
            offset=self._committed.seq,
            head=head.seq,
        )
        self.consumer.reset()
        self._attempted = self._committed  # a failure from here on is about no change
        self.consumer.on_log_restored()
        self._commit(head)
        self._read = self._attempted = self._committed
        self._isolation = BatchIsolation()

    def _commit(self, end: LogPosition, *, error: str | None = None) -> None:
        """Commit the offset with the work of the consumer or, with `error`, with the change at `end` set aside."""
        with self._database.transaction() as session:
            committed = changelog_offsets.commit_offset(
                session, self.consumer.name, self._holder, start=self._committed, end=end, now=self._now()
            )
            if committed and error is None:
                self.consumer.commit(session)
            elif committed and error is not None:
                failed_changes.set_aside(session, self.consumer.name, [end], error, now=self._now())
        if committed:
            self._committed = end
        else:
            self._lose_lease()

    # --- failures ---

    def _on_failure(self, error: Exception) -> float:
        """Decide what follows a failure; return the seconds to wait before the next step."""
        self._failures += 1
        _FAILURES.labels(self.consumer.name).inc()
        next_try = NextTry.SAME_BATCH
        count = self._attempted.seq - self._committed.seq
        if self.consumer.can_set_aside and count > 0 and not is_outage(error):
            next_try = self._isolation.on_failure(count, self._attempted.seq)
        if self._failures >= REPORT_AFTER_FAILURES:
            self._report(describe_error(error))
        if next_try is NextTry.SET_ASIDE and self._set_aside(error):
            return 0.0
        wait = min(MAX_BACKOFF_SECONDS, 2.0 ** min(self._failures - 2, 10))
        if next_try is NextTry.HALF_BATCH:
            self._discard_unfinished()
            wait, self._failures = 0.0, 0
        cause = error.cause if isinstance(error, Unavailable) else None
        log.warning(
            "consumer failed", consumer=self.consumer.name, error=describe_error(error), cause=cause, retry_in=wait
        )
        return wait

    def _set_aside(self, error: Exception) -> bool:
        """Set the only unfinished change aside; return False if the consumer fails without it as well."""
        position = self._attempted
        self._discard_unfinished()
        try:
            self.consumer.handle(())
            self._commit(position, error=describe_error(error))
        except Exception as other_error:  # noqa: BLE001 (the consumer or the database fails whatever the change)
            log.warning("consumer failed", consumer=self.consumer.name, error=describe_error(other_error))
            return False
        self._read = self._committed
        self._isolation.on_finished(self._committed.seq)
        self._failures = 0
        self._retries.check_soon()
        log.error("change set aside", consumer=self.consumer.name, seq=position.seq, error=describe_error(error))
        return True

    def _retry_failed_changes(self) -> None:
        """Try changes that were set aside again, if some are due."""

        def hold_lease(session: Session) -> bool:
            here = self._committed
            return changelog_offsets.commit_offset(
                session, self.consumer.name, self._holder, start=here, end=here, now=self._now()
            )

        if not self._retries.retry_due(hold_lease):
            self._discard_unfinished()

    def _report(self, problem: str | None) -> None:
        """Record what is wrong with this consumer, for `/readyz` and operators, unless the database knows it."""
        if self._lease_expires_at is None or problem == self._reported:
            return
        try:
            with self._database.transaction() as session:
                changelog_offsets.save_failure(session, self.consumer.name, self._holder, problem, self._now())
        except Exception as error:  # noqa: BLE001 (the next step tries again)
            log.warning("state of consumer not recorded", consumer=self.consumer.name, error=describe_error(error))
            return
        _FAILING.labels(self.consumer.name).set(problem is not None)
        self._reported = problem
