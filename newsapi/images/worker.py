"""The task of the worker that measures the files of images, each once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

from prometheus_client import Counter

from newsapi.changelog import writer as changelog_writer
from newsapi.db.database import Database
from newsapi.images import queries
from newsapi.images.measurement import ImageProblem, measure_url
from newsapi.images.queries import DueFile, Outcome
from newsapi.server.memory import return_free_memory
from newsapi.worker.consumer import IDLE_INTERVAL_SECONDS, QUIET_INTERVAL_SECONDS
from newsapi.worker.periodic import PeriodicTask

HOSTS_PER_SLICE: Final = 4
"""Number of hosts that are read from at the same time."""

FILES_PER_HOST: Final = 10
"""Maximum number of files of a host that are read in one slice."""

REQUEST_INTERVAL_SECONDS: Final = 0.2
"""Seconds between the starts of two requests to a host."""

SLICE_SECONDS: Final = 4.0
"""Seconds after which no further file is read, so that the lease is renewed in time."""

_CHECKED = Counter("newsapi_images_checked", "Files of images that were read, by what was found", ["result"])


class ImageMeasurer(PeriodicTask):
    """Measures the files of images a few at a time; what was not read yet is in the database."""

    name = "images"

    def __init__(self, database: Database, *, allow_private: bool, now: Callable[[], datetime]) -> None:
        """Store the parts.

        Args:
            database: Where the files are recorded.
            allow_private: Whether files at addresses of private networks are read.
            now: Returns the current time in UTC, timezone-aware.
        """
        super().__init__(self._run_slice)
        self._database = database
        self._measure = partial(measure_url, allow_private=allow_private)
        self._now = now
        self._last_host = ""
        self._has_measured = False  # since the last time that nothing was due

    @property
    def idle_interval_seconds(self) -> float:  # type: ignore[override]
        """Seconds between steps: files may wait, but not an offset that is to be committed, whose lag is reported."""
        return IDLE_INTERVAL_SECONDS if self._uncommitted else QUIET_INTERVAL_SECONDS

    def _run_slice(self) -> int:
        """Measure the next files, and return their number."""
        batches = self._next_batches()
        if not batches:
            if self._has_measured:
                return_free_memory()  # images were decoded in it
                self._has_measured = False
            return 0
        with self._database.transaction() as session:
            batches = [queries.claim_files(session, files, self._now()) for files in batches]
        end = time.monotonic() + SLICE_SECONDS
        with ThreadPoolExecutor(max_workers=HOSTS_PER_SLICE, thread_name_prefix="images") as pool:
            outcomes = [
                outcome for batch in pool.map(partial(self._measure_batch, end=end), batches) for outcome in batch
            ]
        self._has_measured = True
        read = {outcome.file.id for outcome in outcomes}
        with self._database.transaction() as session:
            changelog_writer.acquire_write_lock(session)
            queries.save_outcomes(session, outcomes, self._now())
            queries.release_files(
                session, [file for batch in batches for file in batch if file.id not in read], self._now()
            )
        for outcome in outcomes:
            _CHECKED.labels(outcome.problem or "measured").inc()
        return len(outcomes)

    def _next_batches(self) -> list[list[DueFile]]:
        """Return files that are due, of the next hosts in turn, so that a host with many files delays no other."""
        batches: list[list[DueFile]] = []
        hosts: set[str] = set()
        with self._database.read_transaction() as connection:
            while len(batches) < HOSTS_PER_SLICE:
                batch = queries.list_due_files(connection, self._last_host, self._now(), FILES_PER_HOST)
                if not batch and not self._last_host:
                    break
                self._last_host = batch[0].host if batch else ""
                if self._last_host in hosts:
                    break
                if batch:
                    hosts.add(self._last_host)
                    batches.append(batch)
        return batches

    def _measure_batch(self, files: Sequence[DueFile], *, end: float) -> list[Outcome]:
        """Measure the files of one host until the time is over."""
        outcomes: list[Outcome] = []
        for file in files:
            started = time.monotonic()
            if started > end:
                break
            try:
                outcomes.append(Outcome(file, self._measure(file.url)))
            except ImageProblem as problem:
                outcomes.append(Outcome(file, None, problem.args[0]))
            time.sleep(max(0.0, started + REQUEST_INTERVAL_SECONDS - time.monotonic()))
        return outcomes
