"""Imports that were asked for: their rows, and their files, which lie in the database in parts until they are done.

So any node takes one and any worker runs it, with no folder that all of them would have to see.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Row, delete, insert, select, tuple_, update
from sqlalchemy.orm import Session

from newsapi.model import Import, ImportPart
from newsapi.model.base import table
from newsapi.store.database import Database

PART = 1 << 20
"""Bytes of a part."""

OPEN = ("queued", "running")
RECEIVING = "receiving"

LOST = timedelta(hours=1)
"""After how long without a new part a file that still comes in is given up: who sent it was cut off."""

SWEPT = 32
"""Parts that are removed at once."""

_JOB, _PART = table(Import), table(ImportPart)
SHOWN = [column for column in _JOB.c if column.name not in {"holder", "failures", "plan"}]


def begin(session: Session, **columns: Any) -> None:
    """Note an import whose file is about to come in; the columns are those of the table."""
    none_yet = dict.fromkeys(("size", "line", "offset", "created", "updated", "unchanged", "rejected", "failures"), 0)
    session.execute(insert(_JOB).values(state=RECEIVING, errors=[], **none_yet, **columns))


def add_part(session: Session, id_: UUID, number: int, data: bytes, now: datetime) -> None:
    """Keep the next part of a file."""
    session.execute(insert(_PART).values(import_id=id_, number=number, data=data))
    job = _JOB.c
    session.execute(update(_JOB).where(job.id == id_).values(size=job.size + len(data), updated_at=now))
    connection = session.connection()
    if connection.dialect.name == "sqlite":  # it would keep the last 64 MB of the file in memory
        connection.exec_driver_sql("PRAGMA shrink_memory")


def give_up(session: Session, id_: UUID) -> None:
    """Forget an import whose file did not come in whole."""
    session.execute(delete(_PART).where(_PART.c.import_id == id_))
    session.execute(delete(_JOB).where(_JOB.c.id == id_, _JOB.c.state == RECEIVING))


def one(connection: Connection, id_: UUID) -> Row[Any] | None:
    """Answer the import with this id, once its file is there."""
    return connection.execute(select(*SHOWN).where(_JOB.c.id == id_, _JOB.c.state != RECEIVING)).one_or_none()


def page(connection: Connection, *, limit: int, before: UUID | None) -> Sequence[Row[Any]]:
    """Answer imports, the last first."""
    found = select(*SHOWN).where(_JOB.c.state != RECEIVING).order_by(_JOB.c.id.desc()).limit(limit)
    return connection.execute(found if before is None else found.where(_JOB.c.id < before)).all()


def first_open(connection: Connection) -> Row[Any] | None:
    """Answer the import that is to go on."""
    return connection.execute(select(_JOB).where(_JOB.c.state.in_(OPEN)).order_by(_JOB.c.id).limit(1)).one_or_none()


def move(session: Session, id_: UUID, states: Sequence[str], **columns: Any) -> bool:
    """Change an import that is in one of these states; False where it is not."""
    return _changed(session, update(_JOB).where(_JOB.c.id == id_, _JOB.c.state.in_(states)).values(**columns))


def hold(session: Session, id_: UUID, holder: str, *, now: datetime) -> bool:
    """Take an import that is open, from whoever held it; False where it is not open any more."""
    return move(session, id_, OPEN, state="running", holder=holder, updated_at=now)


def note(session: Session, id_: UUID, holder: str, columns: Mapping[str, Any]) -> bool:
    """Note how far an import is; False where it was cancelled, or another worker holds it."""
    mine = (_JOB.c.id == id_) & (_JOB.c.holder == holder) & (_JOB.c.state == "running")
    return _changed(session, update(_JOB).where(mine).values(**columns))


def _changed(session: Session, statement: Any) -> bool:
    done: CursorResult[Any] = session.execute(statement)  # type: ignore[assignment]
    return done.rowcount == 1


def has_litter(connection: Connection, now: datetime) -> bool:
    """Whether there are parts of files that are of no use any more, or files that stopped coming in."""
    found = select(_JOB.c.id).where(_litter(now)).limit(1)
    return connection.execute(found).first() is not None


def sweep(session: Session, now: datetime) -> None:
    """Remove some of them."""
    some = select(_PART.c.import_id, _PART.c.number).join(_JOB, _JOB.c.id == _PART.c.import_id).where(_litter(now))
    keys = [tuple(row) for row in session.execute(some.limit(SWEPT))]
    if keys:
        session.execute(delete(_PART).where(tuple_(_PART.c.import_id, _PART.c.number).in_(keys)))
    else:
        session.execute(delete(_JOB).where(_JOB.c.state == RECEIVING, _JOB.c.updated_at < now - LOST))


def _litter(now: datetime) -> Any:
    """Files that stopped coming in, and closed imports that still have parts."""
    lost = (_JOB.c.state == RECEIVING) & (_JOB.c.updated_at < now - LOST)
    some = _PART.alias()
    parts = select(some.c.number).where(some.c.import_id == _JOB.c.id).correlate(_JOB).exists()
    return lost | (_JOB.c.state.not_in((*OPEN, RECEIVING)) & parts)


class Spooled(io.RawIOBase):
    """The file of an import as a stream: to be read from any place, a part in memory at once. Raises Unavailable."""

    def __init__(self, database: Database, id_: UUID, size: int) -> None:
        """Take where it lies and how long it is; nothing is read yet."""
        self._database, self._id, self._size = database, id_, size
        self._place = 0
        self._number, self._part = -1, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence])
        return self._place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._size:
            return 0
        number, start = divmod(self._place, PART)
        if number != self._number:
            self._number, self._part = number, self._read(number)
        piece = self._part[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def _read(self, number: int) -> bytes:
        found = select(_PART.c.data).where(_PART.c.import_id == self._id, _PART.c.number == number)
        with self._database.reading() as connection:
            data: bytes = connection.execute(found).scalar_one()
        return data
