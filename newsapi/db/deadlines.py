"""PostgreSQL connections whose waits have a deadline.

A server that hangs (stopped, swapped out, behind a network that drops packets) does not reply at all. Its own
`statement_timeout` and TCP then take minutes to notice, and libpq waits at least two seconds to connect. Here every
wait for the server has a deadline: connecting, statements, commit, rollback, and the ping before a connection is used
again. After the deadline the socket is closed, so that a late reply is not read as the reply to another statement.

Connecting includes one message, because a pooler accepts clients while it cannot reach its server. The reply shows
whether the server is a primary that another one has replaced (`newsapi.db.timelines`). The message also tells the
server after which time the machine of its client is gone: by default it keeps a session for two hours more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

from newsapi.db import timelines
from newsapi.db.timelines import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg.abc import PQGen, PQGenConn
    from psycopg.pq.abc import PGresult
    from sqlalchemy.pool import ConnectionPoolEntry

CONNECT_TIMEOUT_SECONDS = 0.6
"""Time limit for connecting to one server, unless the URL has another (`connect_timeout`)."""

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

KEEPALIVES: Final = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
"""When a connection on which nothing is sent is probed, in seconds, and how many probes may stay unanswered."""

UNACKNOWLEDGED_MS: Final = 60_000
"""Milliseconds for which data that was sent may stay unacknowledged."""

CONNECTION_OPTIONS: Final = {**KEEPALIVES, "tcp_user_timeout": UNACKNOWLEDGED_MS}
"""Options of the client library for waits without a limit, those of migrations."""

_SERVER_SETTINGS: Final = {f"tcp_{name}": value for name, value in KEEPALIVES.items()} | {
    "tcp_user_timeout": UNACKNOWLEDGED_MS
}
_SET_UP: Final = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SERVER_SETTINGS.items())
"""SQL expressions that set these limits in the session: the server then notices that a client's machine is gone."""

LIMIT_OPTION: Final = "newsapi_limit_seconds"
"""Execution option of an engine: the time limit of one statement, in seconds."""

_WAIT_INTERVAL_SECONDS = 0.1
_survey_lock = threading.Lock()
_surveyed: set[tuple[str, str]] = set()
"""The hosts and ports of the URLs whose servers were asked for their timelines."""

_Result = TypeVar("_Result")


class DeadlineConnection(psycopg.Connection[TupleRow]):
    """A connection whose waits end after `limit` seconds (None: no limit) with an OperationalError.

    Attributes:
        limit: Time limit for each wait.
        refuses_replaced: Whether servers that another one has replaced are refused.
        timeline: The timeline of the server when the connection was made; None if it is a standby or does not tell.
    """

    limit: float | None = READ_TIMEOUT_SECONDS
    refuses_replaced: ClassVar[bool] = True
    timeline: Timeline | None = None

    @property
    def is_replaced(self) -> bool:
        """Whether another server has been promoted since."""
        return self.timeline is not None and timelines.register.is_outdated(self.timeline)

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
        steps = cls._connect_to_current(conninfo)
        limit = float(conninfo_to_dict(conninfo).get("connect_timeout") or 0) or CONNECT_TIMEOUT_SECONDS
        deadline = time.monotonic() + limit
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
        finally:
            steps.close()

    @classmethod
    def _connect_to_current(cls, conninfo: str) -> PQGenConn[DeadlineConnection]:
        """Connect, and close the connection again unless the server replies and was not replaced."""
        connection: DeadlineConnection = yield from super()._connect_gen(conninfo)
        try:
            yield from connection._set_up()
        except BaseException:  # GeneratorExit too: the deadline has passed
            connection.close()
            raise
        return connection

    def _set_up(self) -> PQGenConn[None]:
        steps = self._exec_command(
            f"SELECT {timelines.COLUMNS}, {_SET_UP} FROM {timelines.SOURCE}"  # noqa: S608 (constants)
            if self.refuses_replaced
            else f"SELECT {_SET_UP}"
        )
        try:
            awaited = next(steps)
            while True:
                awaited = steps.send((yield self.pgconn.socket, awaited))
        except StopIteration as stop:
            result: PGresult = stop.value
        except (psycopg.ProgrammingError, psycopg.NotSupportedError):  # a service that does not have these functions
            return
        cluster, wal_file = (result.get_value(0, column) for column in range(2))
        if self.refuses_replaced and cluster and wal_file:
            self.timeline = Timeline.from_row(cluster, wal_file)
            timelines.register.note(self.timeline)
        if self.is_replaced:
            raise psycopg.OperationalError("another server was promoted in place of this one")


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
        if connection_type.refuses_replaced:
            hosts, ports = (str(keywords.get(name, "")) for name in ("host", "port"))
            _survey(partial(DeadlineConnection.connect, **keywords), hosts, ports)
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
        if connection.is_replaced:
            raise InvalidatePoolError
        try:
            connection.check_out()
        except psycopg.OperationalError as error:
            raise InvalidatePoolError from error
        connection.limit = limit


def _survey(connect: Callable[..., DeadlineConnection], hosts: str, ports: str) -> None:
    """Note the timelines of all servers that reply, once for each URL with several servers.

    Without it, a process that starts when a replaced primary is back would use it, if the URL names it first.
    """
    all_hosts, all_ports = hosts.split(","), ports.split(",")
    if len(all_hosts) == 1:
        return
    if len(all_ports) == 1:
        all_ports *= len(all_hosts)
    with _survey_lock:
        if (hosts, ports) in _surveyed:
            return
        for host, port in zip(all_hosts, all_ports, strict=True):
            with suppress(psycopg.Error):
                connect(host=host, port=port, target_session_attrs="any").close()
        _surveyed.add((hosts, ports))
