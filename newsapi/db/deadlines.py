"""PostgreSQL connections whose waits have a deadline.

A server that hangs (stopped, swapped out, behind a network that drops packets) does not reply at all. Its own
`statement_timeout` and TCP then take minutes to notice, and libpq waits at least two seconds to connect. Here every
wait for the server has a deadline: connecting, statements, commit, rollback, and the ping before a connection is used
again. After the deadline the socket is closed, so that a late reply is not read as the reply to another statement.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import PQGen, PQGenConn
    from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_TIMEOUT_SECONDS = 0.6
"""Time limit for connecting."""

PING_TIMEOUT_SECONDS = 0.4
"""Time limit for the ping of an idle connection.

Together with CONNECT_TIMEOUT_SECONDS this is one second: a connection that a firewall dropped is replaced within the
time of one statement.
"""

READ_TIMEOUT_SECONDS = 1.0
"""Time limit for one statement of a read, including the network."""

EDITOR_WRITE_TIMEOUT_SECONDS = 5.0
"""Time limit for one statement of an editor's write, including the wait for other writers."""

BULK_WRITE_TIMEOUT_SECONDS = 30.0
"""Time limit for one statement of a background write: a batch of an import is slow, and waits for other writers."""

_WAIT_INTERVAL_SECONDS = 0.1
_Result = TypeVar("_Result")


class DeadlineConnection(psycopg.Connection[TupleRow]):
    """A connection whose waits end after `limit` seconds (None: no limit) with an OperationalError."""

    limit: float | None = READ_TIMEOUT_SECONDS

    def check_out(self) -> None:
        """Prepare the connection for the next use; raise OperationalError if it does not work any more."""

    def wait(
        self, gen: PQGen[_Result], interval: float = _WAIT_INTERVAL_SECONDS, timeout: float | None = None
    ) -> _Result:
        """Wait as psycopg does, but at most for the limit; data that has arrived is always read."""
        try:
            return super().wait(gen, interval, self.limit if timeout is None else timeout)
        except errors._WaitTimeout as error:  # noqa: SLF001 (the documented exception of `wait`)
            self.close()
            raise psycopg.OperationalError("the database server did not reply in time") from error

    def rollback(self) -> None:
        """Roll back; on a lost connection do nothing, because the server has rolled back by itself.

        SQLAlchemy would log an error here with its traceback, although the failure was reported where it happened.
        """
        with self.closed_if_lost():
            super().rollback()

    @contextmanager
    def closed_if_lost(self) -> Iterator[None]:
        """Close the connection if the end of a transaction fails for the loss of the connection; raise no error.

        Yields:
            Nothing.
        """
        try:
            yield
        except psycopg.OperationalError:
            self.close()

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> PQGenConn[DeadlineConnection]:
        """Connect, and check the deadline each time that the driver reports that it still waits."""
        steps = super()._connect_gen(conninfo)
        deadline = time.monotonic() + CONNECT_TIMEOUT_SECONDS
        try:
            awaited = next(steps)
            while True:
                ready = yield awaited
                if not ready and time.monotonic() > deadline:
                    raise psycopg.OperationalError("the database server did not reply in time")
                awaited = steps.send(ready)
        except StopIteration as stop:
            connection: DeadlineConnection = stop.value
            return connection


def apply_deadlines(
    engine: Engine, limit: float, connection_type: type[DeadlineConnection], *, autocommit: bool
) -> None:
    """Make an engine use such connections, with a time limit for each statement.

    Args:
        engine: An engine for PostgreSQL with psycopg.
        limit: Time limit for one statement, in seconds.
        connection_type: The class of the connections. A connection whose `check_out` fails is replaced.
        autocommit: Whether transactions begin explicitly.
    """

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _record: object, arguments: Sequence[str], keywords: Any) -> DeadlineConnection:
        return connection_type.connect(*arguments, autocommit=autocommit, **keywords)

    @event.listens_for(engine, "checkin")
    def mark_idle(connection: DeadlineConnection | None, record: ConnectionPoolEntry) -> None:
        if connection is None:
            return
        connection.limit = PING_TIMEOUT_SECONDS
        if record.info["pool"] is not engine.pool:  # the pool was disposed of and will not use the connection again
            connection.close()

    @event.listens_for(engine, "checkout")
    def mark_busy(connection: DeadlineConnection, record: ConnectionPoolEntry, _fairy: object) -> None:
        record.info["pool"] = engine.pool
        try:
            connection.check_out()
        except psycopg.OperationalError as error:
            raise InvalidatePoolError from error
        connection.limit = limit
