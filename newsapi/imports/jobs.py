"""Imports over the API: a request stores the file, and a worker imports it in time slices."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import BinaryIO, Final, TypeAlias, cast
from uuid import UUID

import structlog

from newsapi.content.writes.hooks import WriteHooks
from newsapi.content.writes.writer import WriteContext
from newsapi.db.database import Database, Session
from newsapi.db.types import uuid7
from newsapi.errors import (
    FieldError,
    InvalidBody,
    MigrationsPending,
    NewsError,
    NotFound,
    TransitionNotAllowed,
    Unavailable,
)
from newsapi.imports import loader, queries, registry
from newsapi.imports.format_choice import FormatRefused, choose_format, describe_empty
from newsapi.imports.import_run import ImportPosition, ImportRun
from newsapi.imports.line_index import LineIndex
from newsapi.imports.mapping import MappingDocument
from newsapi.imports.queries import ImportJob
from newsapi.imports.readers.xml.text_decoding import HEAD_BYTES
from newsapi.imports.report import ImportReport, RecordError
from newsapi.keys import audit
from newsapi.settings import Settings
from newsapi.web.caller import Caller

log = structlog.get_logger("newsapi.worker")

OnFinished: TypeAlias = Callable[[Session, UUID, str, datetime], None]
"""Called in the transaction that ends an import, with its id, its final state and the time."""

MAX_FAILURES: Final = 5
"""Failures at one position of the file after which an import is given up. A worker that is killed does not count."""

TIME_SLICE_SECONDS: Final = 2.0
"""Seconds of work between two checks of the worker's lease. Other writers can write between the batches of a slice."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is imported.

    Attributes:
        format: The name of the import format.
        mapping: The mapping of the categories of the file; None for the default.
        overwrite: Whether the import replaces what editors changed.
    """

    format: str
    mapping: MappingDocument | None = None
    overwrite: bool = False


def create_import(
    context: WriteContext,
    caller: Caller,
    chunks: Iterable[bytes],
    *,
    options: ImportOptions,
) -> UUID:
    """Store an uploaded file and queue its import. Each chunk is stored as it arrives.

    Args:
        context: Database, settings and clock.
        caller: The key that revisions and the audit entry name.
        chunks: The file; all chunks but the last have `PART_BYTES` bytes.
        options: The format of the file, and how it is imported.

    Returns:
        The id of the import.

    Raises:
        InvalidBody: The file is empty, or has another format.
    """
    id_ = uuid7()
    with context.database.transaction() as session:
        now = context.clock(session.connection())
        queries.insert_import(
            session, id=id_, **asdict(options), created_by=caller.name, created_at=now, updated_at=now
        )
    try:
        count = 0
        for count, chunk in enumerate(chunks, 1):
            if count == 1:
                _check_format(chunk, options.format)
            with context.database.transaction() as session:
                queries.append_chunk(session, id_, count - 1, chunk, context.clock(session.connection()))
        if not count:
            raise InvalidBody([FieldError("", "is empty")])
        with context.database.transaction() as session:
            now = context.clock(session.connection())
            queries.transition(session, id_, [queries.RECEIVING], state="queued", updated_at=now)
            audit.insert_entry(
                session, occurred_at=now, actor=caller.name, action="create", kind="import", subject_id=id_
            )
    except BaseException:
        # If this fails, the worker deletes the incomplete import an hour later.
        with suppress(NewsError), context.database.transaction() as session:
            queries.delete_import(session, id_)
        raise
    return id_


def _check_format(chunk: bytes, name: str) -> None:
    """Raise InvalidBody if a file does not have the format."""
    try:
        choose_format(chunk[:HEAD_BYTES], name)
    except FormatRefused as error:
        raise InvalidBody([FieldError("", str(error))]) from error


def cancel(context: WriteContext, caller: Caller, id_: UUID, *, on_finished: OnFinished) -> None:
    """Cancel an import; what it has written so far is kept.

    Args:
        context: Database, settings and clock.
        caller: The key that the audit entry names.
        id_: The import. Cancelling it twice is no error.
        on_finished: Called when the import ends.

    Raises:
        NotFound: There is no such import.
        TransitionNotAllowed: The import has ended.
    """
    with context.database.transaction() as session:
        now = context.clock(session.connection())
        if queries.transition(session, id_, queries.OPEN_STATES, state="cancelled", updated_at=now):
            audit.insert_entry(
                session, occurred_at=now, actor=caller.name, action="cancel", kind="import", subject_id=id_
            )
            on_finished(session, id_, "cancelled", now)
            return
        row = queries.get_import(session.connection(), id_)
    if row is None:
        raise NotFound
    if row.state != "cancelled":
        raise TransitionNotAllowed(row.state, "cancelled", ())


class LeaseLost(Exception):
    """The worker lost the lease of an import: the import was cancelled, or another worker acquired it."""


class ImportRunner:
    """Runs the queued imports of one worker, one after the other, each from the position that was reached before."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        now: Callable[[], datetime],
        hooks: WriteHooks,
        on_finished: OnFinished,
    ) -> None:
        """Prepare to run imports.

        Args:
            database: The database.
            settings: The settings.
            now: Returns the time, aware and in UTC.
            hooks: What other packages do in the transactions of an import.
            on_finished: Called when an import ends.
        """
        self._database, self._settings, self._now = database, settings, now
        self._hooks, self._on_finished = hooks, on_finished
        self._steps_left: Generator[None] | None = None

    def run_slice(self) -> int:
        """Work for `TIME_SLICE_SECONDS` and return the number of steps; raise what an import fails with."""
        end, count = time.monotonic() + TIME_SLICE_SECONDS, 0
        while time.monotonic() < end:
            if self._steps_left is None:
                self._steps_left = self._next()
            if self._steps_left is None:
                break
            steps, self._steps_left = self._steps_left, None  # an import that raises is started again by the next call
            if next(steps, steps) is None:
                self._steps_left = steps
            count += 1
        return count

    def release(self) -> None:
        """Stop; the import is continued later from the last batch that was committed."""
        if self._steps_left is not None:
            self._steps_left.close()
            self._steps_left = None

    def _next(self) -> Generator[None] | None:
        """Return the steps of the next queued import; without one, delete the files of imports that have ended."""
        with self._database.read_transaction() as connection:
            job = queries.find_next_job(connection)
            has_garbage = job is None and queries.has_garbage(connection, self._now())
        if has_garbage:
            with self._database.transaction() as session:
                queries.collect_garbage(session, self._now())
        return None if job is None else self._run(job)

    def _run(self, job: ImportJob) -> Generator[None]:
        """Run an import under its lease: an unexpected error is recorded, an outage of the database is not."""
        holder = secrets.token_hex(8)
        with self._database.transaction() as session:
            if not queries.acquire(session, job.id, holder, now=self._now()):
                return
        log.info("import started", id=str(job.id), format=job.format, line=job.line)
        progress = _ImportProgress(job, holder, self._on_finished, self._now)
        try:
            yield from self._steps(job, progress)
        except LeaseLost:
            log.warning("import lease lost", id=str(job.id))
            return
        except (Unavailable, MigrationsPending):
            raise
        except Exception:
            with suppress(NewsError, LeaseLost), self._database.transaction() as session:
                progress.fail(session)
            raise
        log.info("import finished", id=str(job.id))

    def _steps(self, job: ImportJob, progress: _ImportProgress) -> Generator[None]:
        """Import the rest of the file, one transaction per step."""
        with io.BufferedReader(queries.SpooledFile(self._database, job.id, job.size_bytes), 1 << 16) as file:
            stream = cast("BinaryIO", file)
            record_format = registry.get_format(job.format, job.mapping, self._settings.time_zone)
            line_index = LineIndex(stream, record_format)
            run = ImportRun(
                self._database,
                self._settings,
                self._now,
                self._hooks,
                lambda _line, _error: None,  # the report has the errors
                line_index,
                report=progress.report,
                actor=job.created_by,
                record_format=record_format,
                overwrite=job.overwrite,
                save_position=progress.save,
            )
            # Build the index now: within a transaction it would block other writers, and the lease would expire.
            yield from line_index.build()
            for _ in loader.iter_batches(run, stream, ImportPosition(job.line, job.offset)):
                yield
            stream.seek(0)
            head = stream.read(HEAD_BYTES)
        with self._database.transaction() as session:
            progress.finish(session, head)
        self._database.analyze()


class _ImportProgress:
    """The report and the position of an import, saved in its row."""

    def __init__(self, job: ImportJob, holder: str, on_finished: OnFinished, now: Callable[[], datetime]) -> None:
        self._id, self._holder, self._on_finished, self._now = job.id, holder, on_finished, now
        self._failures = job.failures
        self.report = ImportReport.from_json({**job.report, "errors": job.errors})

    def save(self, session: Session, position: ImportPosition) -> None:
        """Save the progress in the transaction that writes the lines. Raises LeaseLost."""
        self._failures = 0
        self.write(session, line=position.line, offset=position.offset, failures=0, **self._report_columns())

    def _report_columns(self) -> dict[str, object]:
        """Return the columns of the report: those of their own, and the others as a document."""
        members = self.report.to_json()
        own = {"created", "updated", "unchanged", "rejected", "errors", "left_out"}  # the last follows from omissions
        report = {name: value for name, value in members.items() if name not in own}
        return {**self.report.total.to_json(), "errors": members["errors"], "report": report}

    def fail(self, session: Session) -> None:
        """Count a failure; end the import after `MAX_FAILURES` at one position. Raises LeaseLost."""
        if self._failures + 1 < MAX_FAILURES:
            queries.save_progress(session, self._id, self._holder, {"failures": self._failures + 1})
            return
        error: RecordError = {
            "line": 0,
            "pointer": "",
            "message": f"the import failed {MAX_FAILURES} times at the same position and was stopped",
        }
        job = queries.get_import(session.connection(), self._id)
        errors = [*(job.errors if job else []), error]
        self.end(session, "failed", errors=errors)

    def finish(self, session: Session, head: bytes) -> None:
        """End the import of a file with this beginning; it has failed if nothing was found. Raises LeaseLost."""
        if not self.report.is_empty:
            self.end(session, "done")
            return
        error: RecordError = {"line": 1, "pointer": "", "message": describe_empty(head)}
        self.end(session, "failed", errors=[error])

    def end(self, session: Session, state: str, **columns: object) -> None:
        """Save the final state and call `on_finished`. Raises LeaseLost."""
        self.write(session, state=state, **columns)
        self._on_finished(session, self._id, state, self._now())

    def write(self, session: Session, **columns: object) -> None:
        """Update the row; raise LeaseLost if this worker no longer has the lease."""
        if not queries.save_progress(session, self._id, self._holder, {**columns, "updated_at": self._now()}):
            raise LeaseLost
