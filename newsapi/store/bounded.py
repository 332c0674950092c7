"""A PostgreSQL connection that does not wait for ever.

A server that hangs (stopped, swapped out, behind a network that swallows packets) answers nothing, so neither its own
`statement_timeout` nor TCP helps for minutes, and libpq waits two seconds at least to connect. Here every wait for the
server has an end: of connecting, statements, commit, rollback, and of the ping before a connection is used again. After
it the socket is closed, as what would come later belongs to nobody.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import errors
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy.pool import ConnectionPoolEntry

CONNECT = 0.6
"""Seconds in which a connection must stand."""

PING = 0.4
"""Seconds in which an idle connection must answer. With CONNECT it is a second: a connection that a firewall forgot is
replaced within the time of one statement."""

READ = 1.0
"""Seconds that one statement of a reader may take, on its way there and back."""

DESK = 5.0
"""Seconds that one statement of somebody's write may take: he waits for it, and for his turn behind others."""

WRITE = 30.0
"""Seconds that one statement of a writer may take: a block of an import is slow, and others wait for their turn."""

_STEP = 0.1
_Found = TypeVar("_Found")


class Bounded(psycopg.Connection[Any]):
    """A connection whose every wait ends after `limit` seconds (None: never), with an OperationalError."""

    limit: float | None = READ

    def wait(self, gen: Generator[Any, Any, _Found], interval: float = _STEP, timeout: float | None = None) -> _Found:
        """Do what psycopg does, up to the limit. Data that is there already is taken, however late it is."""
        try:
            return super().wait(gen, interval, self.limit if timeout is None else timeout)
        except errors._WaitTimeout as error:  # noqa: SLF001 (what psycopg says that `wait` raises)
            self.close()
            raise psycopg.OperationalError("the server does not answer in time") from error

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Generator[Any, Any, Bounded]:
        """Connect, looking at the clock each time that the driver comes back to say that it still waits."""
        steps = super()._connect_gen(conninfo)
        end = time.monotonic() + CONNECT
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() > end:
                    raise psycopg.OperationalError("the server does not answer in time")
                wanted = steps.send(ready)
        except StopIteration as done:
            made: Bounded = done.value
            return made


def bound(engine: Engine, limit: float, *, begins: bool) -> None:
    """Let an engine make such connections, with a limit in seconds for each statement.

    `begins` is for readers: a connection that is taken is in a transaction already. To begin it is to ask whether the
    server is still there, so that no other question is needed; one that is gone is replaced.
    """

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: Any, named: Any) -> Bounded:
        return Bounded.connect(*arguments, autocommit=begins, **named)

    @event.listens_for(engine, "checkin")
    def rest(connection: Bounded | None, record: ConnectionPoolEntry) -> None:
        if connection is None:
            return
        connection.limit = PING
        if record.info["pool"] is not engine.pool:  # which was disposed of meanwhile: nobody will ask it any more
            connection.close()

    @event.listens_for(engine, "checkout")
    def work(connection: Bounded, record: ConnectionPoolEntry, _fairy: object) -> None:
        record.info["pool"] = engine.pool
        if begins:
            try:
                connection.execute("BEGIN", prepare=False)
            except psycopg.OperationalError as error:
                raise InvalidatePoolError from error
        connection.limit = limit
