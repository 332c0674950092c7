"""Imports over the API: a request stores the file, and a worker imports it in time slices."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

import structlog

from newsapi.actions import imports, webhooks
from newsapi.actions.imports import Counts, Load, Reached
from newsapi.actions.keys import Caller
from newsapi.actions.writing import Desk
from newsapi.errors import BadBody, Fault, MoveNotAllowed, NewsError, NotFound, SchemaMissing, Unavailable
from newsapi.intake import known
from newsapi.intake.positions import Positions
from newsapi.model.base import uuid7
from newsapi.settings import Settings
from newsapi.store import deeds
from newsapi.store import imports as store
from newsapi.store.database import Database, Session

log = structlog.get_logger("newsapi.worker")

MOST_ERRORS: Final = 100
"""Errors that an import reports; further ones are only counted."""

FAILURES: Final = 5
"""Failures at one position of the file after which an import is given up. A worker that is killed does not count."""

SPELL: Final = 2.0
"""Seconds of work between two checks of the worker's lease. Other writers can write between the batches of a slice."""


def receive(desk: Desk, caller: Caller, pieces: Iterable[bytes], *, form: str, plan: Mapping[str, Any] | None) -> UUID:
    """Store an uploaded file and queue its import. Each chunk is stored as it arrives.

    Args:
        context: Database, settings and clock.
        caller: The key that revisions and the audit entry name.
        chunks: The file; all chunks but the last have `PART_BYTES` bytes.
        format_name: The name of the import format.
        mapping: What becomes of the categories of a file; None for the default.

    Returns:
        The id of the import.

    Raises:
        InvalidBody: The file is empty.
    """
    id_ = uuid7()
    with desk.database.transaction() as session:
        now = desk.moment(session.connection())
        store.begin(session, id=id_, format=form, plan=plan, by=caller.name, created_at=now, updated_at=now)
    try:
        count = 0
        for count, chunk in enumerate(pieces, 1):
            with desk.database.transaction() as session:
                store.add_part(session, id_, count - 1, chunk, desk.moment(session.connection()))
        if not count:
            raise BadBody([Fault("", "is empty")])
        with desk.database.transaction() as session:
            now = desk.moment(session.connection())
            store.move(session, id_, [store.RECEIVING], state="queued", updated_at=now)
            deeds.note(session, at=now, by=caller.name, action="create", kind="import", subject_id=id_)
    except BaseException:
        # If this fails, the worker deletes the incomplete import an hour later.
        with suppress(NewsError), desk.database.transaction() as session:
            store.give_up(session, id_)
        raise
    return id_


def cancel(desk: Desk, caller: Caller, id_: UUID) -> None:
    """Cancel an import; what it has written so far is kept.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        id_: The import. Cancelling it twice is no error.

    Raises:
        NotFound: There is no such import.
        TransitionNotAllowed: The import has ended.
    """
    with desk.database.transaction() as session:
        now = desk.moment(session.connection())
        if store.move(session, id_, store.OPEN, state="cancelled", updated_at=now):
            deeds.note(session, at=now, by=caller.name, action="cancel", kind="import", subject_id=id_)
            webhooks.tell_import(session, id_, "cancelled", desk.settings.api_url, now=now)
            return
        row = store.one(session.connection(), id_)
    if row is None:
        raise NotFound
    if row.state != "cancelled":
        raise MoveNotAllowed(row.state, "cancelled", ())


class Lost(Exception):
    """The worker lost the lease of an import: the import was cancelled, or another worker acquired it."""


class Runs:
    """Runs the queued imports of one worker, one after the other, each from the position that was reached before."""

    def __init__(self, database: Database, settings: Settings, *, now: Callable[[], datetime]) -> None:
        """Prepare to run imports; `now` returns the time, aware and in UTC."""
        self._database, self._settings, self._now = database, settings, now
        self._running: Iterator[None] | None = None

    def go_on(self) -> int:
        """Work for `TIME_SLICE_SECONDS` and return the number of steps; raise what an import fails with."""
        end, count = time.monotonic() + SPELL, 0
        while time.monotonic() < end:
            if self._running is None:
                self._running = self._next()
            if self._running is None:
                break
            steps, self._running = self._running, None  # an import that raises is started again by the next call
            if next(steps, steps) is None:
                self._running = steps
            count += 1
        return count

    def forget(self) -> None:
        """Stop; the import is continued later from the last batch that was committed."""
        if self._running is not None:
            self._running.close()  # type: ignore[attr-defined]  # it is a generator
            self._running = None

    def _next(self) -> Iterator[None] | None:
        """Return the steps of the next queued import; without one, delete the files of imports that have ended."""
        with self._database.reading() as connection:
            job = store.first_open(connection)
            has_garbage = job is None and store.has_litter(connection, self._now())
        if has_garbage:
            with self._database.transaction() as session:
                store.sweep(session, self._now())
        return None if job is None else self._run(job)

    def _run(self, job: Any) -> Iterator[None]:
        """Run an import under its lease: an unexpected error is recorded, an outage of the database is not."""
        holder = secrets.token_hex(8)
        with self._database.transaction() as session:
            if not store.hold(session, job.id, holder, now=self._now()):
                return
        log.info("import started", id=str(job.id), format=job.format, line=job.line)
        progress = _Progress(job, holder, self._settings.api_url, self._now)
        try:
            yield from self._steps(job, progress)
        except Lost:
            log.warning("import lease lost", id=str(job.id))
            return
        except (Unavailable, SchemaMissing):
            raise
        except Exception:
            with suppress(NewsError, Lost), self._database.transaction() as session:
                progress.fail(session)
            raise
        log.info("import finished", id=str(job.id))

    def _steps(self, job: Any, progress: _Progress) -> Iterator[None]:
        """Import the rest of the file, one transaction per step."""
        with io.BufferedReader(store.Spooled(self._database, job.id, job.size), 1 << 16) as file:
            stream = cast("BinaryIO", file)
            record_format = known.form(job.format, job.plan, self._settings.time_zone)
            line_index = Positions(stream, record_format)
            run = Load(
                self._database,
                self._settings,
                self._now,
                progress.reject,
                line_index,
                counts=progress.counts,
                by=job.by,
                form=record_format,
                note=progress.note,
            )
            # Build the index now: within a transaction it would block other writers, and the lease would expire.
            yield from line_index.gather()
            for _ in imports.steps(run, stream, Reached(job.line, job.offset)):
                yield
        with self._database.transaction() as session:
            progress.end(session, "done")
        self._database.analyze()


class _Progress:
    """The counts, errors and position of an import, saved in its row."""

    def __init__(self, job: Any, holder: str, api_url: str, now: Callable[[], datetime]) -> None:
        self._id, self._holder, self._api, self._now = job.id, holder, api_url, now
        self._failures = job.failures
        self._errors: list[dict[str, Any]] = list(job.errors)
        self.counts = Counts(job.created, job.updated, job.unchanged, job.rejected)

    def reject(self, line: int, error: Fault) -> None:
        if len(self._errors) < MOST_ERRORS:
            self._errors.append({"line": line, "pointer": error.place, "message": error.message})

    def note(self, session: Session, position: Reached) -> None:
        """Save the progress in the transaction that writes the lines. Raises LeaseLost."""
        counts = self.counts
        self._failures = 0
        self.write(
            session,
            line=position.line,
            offset=position.offset,
            errors=self._errors,
            failures=0,
            created=counts.created,
            updated=counts.updated,
            unchanged=counts.unchanged,
            rejected=counts.rejected,
        )

    def fail(self, session: Session) -> None:
        """Count a failure; end the import after `MAX_FAILURES` at one position. Raises LeaseLost."""
        if self._failures + 1 < FAILURES:
            store.note(session, self._id, self._holder, {"failures": self._failures + 1})
            return
        error = {
            "line": 0,
            "pointer": "",
            "message": f"the import failed {FAILURES} times at the same position and was stopped",
        }
        job = store.one(session.connection(), self._id)
        errors = [*(job.errors if job else []), error]
        self.end(session, "failed", errors=errors)

    def end(self, session: Session, state: str, **columns: Any) -> None:
        """Save the final state and queue `import.finished` for webhooks. Raises LeaseLost."""
        self.write(session, state=state, **columns)
        webhooks.tell_import(session, self._id, state, self._api, now=self._now())

    def write(self, session: Session, **columns: Any) -> None:
        """Update the row; raise LeaseLost if this worker no longer has the lease."""
        if not store.note(session, self._id, self._holder, {**columns, "updated_at": self._now()}):
            raise Lost
