"""Imports over the API: the file is taken in, and a worker imports it some lines at a time."""

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
"""Errors that are told; more are only counted."""

FAILURES: Final = 5
"""How often an import may fail at one place before it is given up. To be killed is no failure."""

SPELL: Final = 2.0
"""Seconds of work between two looks at the lease: what the desk wants to write comes in between anyway."""


def receive(desk: Desk, caller: Caller, pieces: Iterable[bytes], *, form: str, plan: Mapping[str, Any] | None) -> UUID:
    """Take a file in and ask for its import; answer the id. Each piece is kept as it comes.

    All pieces but the last have PART bytes. Raises BadBody where there is nothing in it.
    """
    id_ = uuid7()
    with desk.database.transaction() as session:
        now = desk.moment(session.connection())
        store.begin(session, id=id_, format=form, plan=plan, by=caller.name, created_at=now, updated_at=now)
    try:
        count = 0
        for count, piece in enumerate(pieces, 1):
            with desk.database.transaction() as session:
                store.add_part(session, id_, count - 1, piece, desk.moment(session.connection()))
        if not count:
            raise BadBody([Fault("", "is empty")])
        with desk.database.transaction() as session:
            now = desk.moment(session.connection())
            store.move(session, id_, [store.RECEIVING], state="queued", updated_at=now)
            deeds.note(session, at=now, by=caller.name, action="create", kind="import", subject_id=id_)
    except BaseException:
        with suppress(NewsError), desk.database.transaction() as session:  # else the worker does, an hour later
            store.give_up(session, id_)
        raise
    return id_


def cancel(desk: Desk, caller: Caller, id_: UUID) -> None:
    """End an import: what it wrote stays, nothing is written any more. Raises NotFound, MoveNotAllowed."""
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
    """The import is not ours any more: it was cancelled, or another worker took it."""


class Runs:
    """The imports that were asked for, as one worker does them: one after the other, each from where it was left."""

    def __init__(self, database: Database, settings: Settings, *, now: Callable[[], datetime]) -> None:
        """Take the parts; `now` answers the time, aware and in UTC."""
        self._database, self._settings, self._now = database, settings, now
        self._running: Iterator[None] | None = None

    def go_on(self) -> int:
        """Work for a moment; answer how many steps were taken. Raises whatever an import fails by."""
        end, count = time.monotonic() + SPELL, 0
        while time.monotonic() < end:
            if self._running is None:
                self._running = self._next()
            if self._running is None:
                break
            running, self._running = self._running, None  # so that one that fails is begun anew
            if next(running, running) is None:
                self._running = running
            count += 1
        return count

    def forget(self) -> None:
        """Stop; whoever goes on begins with the last lines that were written."""
        if self._running is not None:
            self._running.close()  # type: ignore[attr-defined]  # it is a generator
            self._running = None

    def _next(self) -> Iterator[None] | None:
        with self._database.reading() as connection:
            job = store.first_open(connection)
            litter = job is None and store.has_litter(connection, self._now())
        if litter:
            with self._database.transaction() as session:
                store.sweep(session, self._now())
        return None if job is None else self._run(job)

    def _run(self, job: Any) -> Iterator[None]:
        holder = secrets.token_hex(8)
        with self._database.transaction() as session:
            if not store.hold(session, job.id, holder, now=self._now()):
                return
        log.info("import goes on", id=str(job.id), format=job.format, line=job.line)
        progress = _Progress(job, holder, self._settings.api_url, self._now)
        try:
            yield from self._steps(job, progress)
        except Lost:
            log.warning("import left", id=str(job.id))
            return
        except (Unavailable, SchemaMissing):
            raise
        except Exception:
            with suppress(NewsError, Lost), self._database.transaction() as session:
                progress.fail(session)
            raise
        log.info("import done", id=str(job.id))

    def _steps(self, job: Any, progress: _Progress) -> Iterator[None]:
        """Import what is left, a transaction a step."""
        with io.BufferedReader(store.Spooled(self._database, job.id, job.size), 1 << 16) as file:
            stream = cast("BinaryIO", file)
            form = known.form(job.format, job.plan, self._settings.time_zone)
            positions = Positions(stream, form)
            run = Load(
                *(self._database, self._settings, self._now, progress.reject, positions),
                counts=progress.counts,
                by=job.by,
                form=form,
                note=progress.note,
            )
            # Beforehand, as in the midst of a transaction everybody would wait for it, and the lease run out.
            yield from positions.gather()
            for _ in imports.steps(run, stream, Reached(job.line, job.offset)):
                yield
        with self._database.transaction() as session:
            progress.end(session, "done")
        self._database.analyze()


class _Progress:
    """What became of an import so far, as it is written into its row."""

    def __init__(self, job: Any, holder: str, api: str, now: Callable[[], datetime]) -> None:
        self._id, self._holder, self._api, self._now = job.id, holder, api, now
        self._failures = job.failures
        self._errors: list[dict[str, Any]] = list(job.errors)
        self.counts = Counts(job.created, job.updated, job.unchanged, job.rejected)

    def reject(self, line: int, fault: Fault) -> None:
        if len(self._errors) < MOST_ERRORS:
            self._errors.append({"line": line, "pointer": fault.place, "message": fault.message})

    def note(self, session: Session, reached: Reached) -> None:
        """Write it beside the lines that it tells of, so that it is as true as they are."""
        counts = self.counts
        done = {name: getattr(counts, name) for name in ("created", "updated", "unchanged", "rejected")}
        self._failures = 0
        self.write(session, line=reached.line, offset=reached.offset, errors=self._errors, failures=0, **done)

    def fail(self, session: Session) -> None:
        """Count a failure, and give up where there were too many at one place. Raises Lost."""
        if self._failures + 1 < FAILURES:
            store.note(session, self._id, self._holder, {"failures": self._failures + 1})
            return
        error = {
            "line": 0,
            "pointer": "",
            "message": f"the import failed {FAILURES} times at one place; it was given up",
        }
        job = store.one(session.connection(), self._id)
        told = [*(job.errors if job else []), error]
        self.end(session, "failed", errors=told)

    def end(self, session: Session, state: str, **columns: Any) -> None:
        """Write how it ended, and tell who listens. Raises Lost."""
        self.write(session, state=state, **columns)
        webhooks.tell_import(session, self._id, state, self._api, now=self._now())

    def write(self, session: Session, **columns: Any) -> None:
        """Write columns of the row. Raises Lost where it is not ours any more."""
        if not store.note(session, self._id, self._holder, {**columns, "updated_at": self._now()}):
            raise Lost
