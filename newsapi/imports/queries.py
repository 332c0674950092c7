"""Queries on import jobs and their uploaded files.

A file is stored in the database in chunks until its import has finished. So any node can receive an upload and any
worker can run it, without a shared file system.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Row,
    Update,
    and_,
    bindparam,
    delete,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from newsapi.db import compiled_queries
from newsapi.db.database import Database
from newsapi.db.types import columns_table
from newsapi.imports.mapping import MappingDocument
from newsapi.imports.report import RecordError, ReportDocument
from newsapi.imports.tables import Import, ImportChunk

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PART_BYTES = 1 << 20
"""Size of a stored chunk of an upload."""

OPEN_STATES = ("queued", "running")
RECEIVING = "receiving"

UPLOAD_TIMEOUT = timedelta(hours=1)
"""An upload that received no chunk for this long is considered broken off and is deleted."""

GARBAGE_BATCH_SIZE = 32
"""Chunks deleted in one transaction."""

_JOB, _CHUNK = columns_table(Import), columns_table(ImportChunk)
_REPORTED_COLUMNS = [column for column in _JOB.c if column.name not in {"lease_holder", "failures", "mapping"}]

ImportRow: TypeAlias = Row[*tuple[object, ...]]
"""The columns of an import that the API returns."""


class ImportJob(NamedTuple):
    """An import to run, with the position and the results that it has reached."""

    id: UUID
    format: str
    mapping: MappingDocument | None
    created_by: str
    size_bytes: int
    line: int
    offset: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    errors: list[RecordError]
    report: ReportDocument
    overwrite: bool
    failures: int


def insert_import(session: Session, **columns: object) -> None:
    """Insert an import in the state `receiving`; the keyword arguments are further columns of the table."""
    zeros = dict.fromkeys(
        ("size_bytes", "line", "offset", "created", "updated", "unchanged", "rejected", "failures"), 0
    )
    session.execute(insert(_JOB).values(state=RECEIVING, errors=[], report={}, **zeros, **columns))


def append_chunk(session: Session, id_: UUID, number: int, data: bytes, now: datetime) -> None:
    """Store the next chunk of an upload."""
    session.execute(insert(_CHUNK).values(import_id=id_, number=number, data=data))
    job = _JOB.c
    session.execute(update(_JOB).where(job.id == id_).values(size_bytes=job.size_bytes + len(data), updated_at=now))
    connection = session.connection()
    if connection.dialect.name == "sqlite":  # SQLite would keep the last 64 MB of the file in memory
        connection.exec_driver_sql("PRAGMA shrink_memory")


def delete_import(session: Session, id_: UUID) -> None:
    """Delete an import whose upload was not completed."""
    session.execute(delete(_CHUNK).where(_CHUNK.c.import_id == id_))
    session.execute(delete(_JOB).where(_JOB.c.id == id_, _JOB.c.state == RECEIVING))


def get_import(connection: Connection, id_: UUID) -> ImportRow | None:
    """Return the import with this id, or None if it does not exist or its upload is not complete."""
    return connection.execute(
        select(*_REPORTED_COLUMNS).where(_JOB.c.id == id_, _JOB.c.state != RECEIVING)
    ).one_or_none()


def list_imports(connection: Connection, *, limit: int, before: UUID | None) -> Sequence[ImportRow]:
    """Return imports whose upload is complete, newest first; only those older than the id `before` if given."""
    statement = select(*_REPORTED_COLUMNS).where(_JOB.c.state != RECEIVING).order_by(_JOB.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(_JOB.c.id < before)
    return connection.execute(statement).all()


_NEXT_JOB = (
    select(*(_JOB.c[name] for name in ImportJob._fields))
    .where(_JOB.c.state.in_(bindparam("states", expanding=True)))
    .order_by(_JOB.c.id)
    .limit(1)
)


def find_next_job(connection: Connection) -> ImportJob | None:
    """Return the oldest import that is queued or running, or None."""
    rows = compiled_queries.fetch_rows(connection, _NEXT_JOB, {"states": OPEN_STATES})
    return ImportJob(*rows[0]) if rows else None


def transition(session: Session, id_: UUID, states: Sequence[str], **columns: object) -> bool:
    """Update an import that is in one of these states; return False if it is in another state."""
    return _updates_row(session, update(_JOB).where(_JOB.c.id == id_, _JOB.c.state.in_(states)).values(**columns))


def acquire(session: Session, id_: UUID, holder: str, *, now: datetime) -> bool:
    """Acquire an open import, even from another holder; return False if it is no longer open."""
    return transition(session, id_, OPEN_STATES, state="running", lease_holder=holder, updated_at=now)


def save_progress(session: Session, id_: UUID, holder: str, columns: Mapping[str, object]) -> bool:
    """Save the progress of an import; return False if it was cancelled or another worker holds it."""
    held_job = (_JOB.c.id == id_) & (_JOB.c.lease_holder == holder) & (_JOB.c.state == "running")
    return _updates_row(session, update(_JOB).where(held_job).values(**columns))


def _updates_row(session: Session, statement: Update) -> bool:
    return session.connection().execute(statement).rowcount == 1


def _is_garbage(broken_off_before: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Return the condition for broken-off uploads and for closed imports that still have chunks."""
    is_broken_off = (_JOB.c.state == RECEIVING) & (_JOB.c.updated_at < broken_off_before)
    chunk = _CHUNK.alias()
    has_chunks = select(chunk.c.number).where(chunk.c.import_id == _JOB.c.id).correlate(_JOB).exists()
    return is_broken_off | and_(*(_JOB.c.state != state for state in (*OPEN_STATES, RECEIVING)), has_chunks)


_GARBAGE = select(_JOB.c.id).where(_is_garbage(bindparam("broken_off_before"))).limit(1)


def has_garbage(connection: Connection, now: datetime) -> bool:
    """Return whether there are chunks of closed imports, or uploads that were broken off."""
    return bool(compiled_queries.fetch_rows(connection, _GARBAGE, {"broken_off_before": now - UPLOAD_TIMEOUT}))


def collect_garbage(session: Session, now: datetime) -> None:
    """Delete a batch of chunks that are no longer needed; when none are left, delete the broken-off uploads."""
    chunks = (
        select(_CHUNK.c.import_id, _CHUNK.c.number)
        .join(_JOB, _JOB.c.id == _CHUNK.c.import_id)
        .where(_is_garbage(now - UPLOAD_TIMEOUT))
    )
    keys = [tuple(row) for row in session.execute(chunks.limit(GARBAGE_BATCH_SIZE))]
    if keys:
        session.execute(delete(_CHUNK).where(tuple_(_CHUNK.c.import_id, _CHUNK.c.number).in_(keys)))
    else:
        session.execute(delete(_JOB).where(_JOB.c.state == RECEIVING, _JOB.c.updated_at < now - UPLOAD_TIMEOUT))


class SpooledFile(io.RawIOBase):
    """The uploaded file of an import as a seekable stream that holds one chunk in memory.

    Reading raises Unavailable if the database is not available.
    """

    def __init__(self, database: Database, id_: UUID, size: int) -> None:
        """Create the stream of an upload of `size` bytes; nothing is read yet."""
        self._database, self._id, self._size = database, id_, size
        self._position = 0
        self._number, self._chunk = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence])
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        if self._position >= self._size:
            return 0
        number, start = divmod(self._position, PART_BYTES)
        if number != self._number:
            self._number, self._chunk = number, self._read(number)
        piece = self._chunk[start : start + len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _read(self, number: int) -> bytes:
        statement = select(_CHUNK.c.data).where(_CHUNK.c.import_id == self._id, _CHUNK.c.number == number)
        with self._database.read_transaction() as connection:
            data: bytes = connection.execute(statement).scalar_one()
        return data
