"""PostgreSQL connections for reads: one transaction per checkout, whose end keeps the prepared statements.

psycopg prepares a statement by name at its sixth execution on a connection. From then on the server neither parses nor
plans it again, which takes about twice as long as to execute the statement of a list. But psycopg discards all prepared
statements at a ROLLBACK, which is how SQLAlchemy ends a transaction that wrote nothing. A read has nothing to undo, so
here it ends with COMMIT.

A session can lose its prepared statements: by DISCARD ALL, by a pooler that moves the client to another session, or
because a migration changed the type of a column. The transaction then starts again and the statement runs unprepared,
unless something was read in the transaction already: another snapshot must not continue it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import RowFactory, TupleRow, tuple_row

from newsapi.db.deadlines import DeadlineConnection
from newsapi.db.failures import is_lost_statement

if TYPE_CHECKING:
    from psycopg.abc import Params, QueryNoTemplate
    from psycopg.pq.abc import PGconn


BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""Begins a transaction that sees one snapshot and cannot write."""


class ReadCursor(psycopg.Cursor[TupleRow]):
    """A cursor that survives the loss of the prepared statements of its session."""

    connection: ReadConnection

    def execute(  # type: ignore[override]  # neither SQLAlchemy nor this package passes templates
        self,
        query: QueryNoTemplate,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool | None = None,
    ) -> ReadCursor:
        """Execute a statement as psycopg does; once more, if the first statement of a transaction was not known."""
        try:
            super().execute(query, params, prepare=prepare, binary=binary)
        except psycopg.Error as error:
            if self.connection.has_read or not is_lost_statement(error):
                raise
            self.connection.restart()
            super().execute(query, params, prepare=False, binary=binary)
        self.connection.has_read = True
        return self


class ReadConnection(DeadlineConnection):
    """A connection that is in a transaction from its checkout on.

    Attributes:
        has_read: Whether a statement of the current transaction has returned.
        begin_statement: The SQL that begins a transaction.
    """

    has_read: bool = False
    begin_statement: str = BEGIN_READING

    def __init__(self, pgconn: PGconn, row_factory: RowFactory[TupleRow] = tuple_row) -> None:
        """Take the arguments of psycopg's connection."""
        super().__init__(pgconn, row_factory)
        self.cursor_factory = ReadCursor

    def check_out(self) -> None:
        """Begin a transaction, which also shows whether the connection works."""
        self.has_read = False
        psycopg.Cursor(self).execute(self.begin_statement.encode(), prepare=False)

    def restart(self) -> None:
        """Begin the transaction anew after an error; psycopg forgets its prepared statements."""
        super().rollback()
        self.check_out()

    def rollback(self) -> None:
        """End the transaction by COMMIT, or by ROLLBACK after an error."""
        if self.info.transaction_status == TransactionStatus.INTRANS:
            with self.closed_if_lost():
                self.commit()
        else:
            super().rollback()


class ReplicaConnection(ReadConnection):
    """A connection for reads to a replica, which may have been promoted without taking the place of the primary."""

    refuses_replaced: ClassVar[bool] = False
