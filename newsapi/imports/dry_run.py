"""Dry runs: an import whose changes are rolled back at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from newsapi.db.database import Connection, Database, Session


class RolledBackTransaction:
    """One transaction in place of those of an import: each batch sees what the ones before it have written."""

    def __init__(self, session: Session) -> None:
        """Use a session whose transaction is rolled back later."""
        self._session = session

    @contextmanager
    def read_transaction(self) -> Iterator[Connection]:
        """Read within the transaction.

        Yields:
            The connection of the transaction.
        """
        yield self._session.connection()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Write within the transaction.

        Yields:
            The session of the transaction, which is not committed.
        """
        yield self._session
        self._session.flush()
        self._session.expunge_all()


@contextmanager
def roll_back_at_end(database: Database) -> Iterator[RolledBackTransaction]:
    """Open a transaction for a whole import, and roll it back.

    It runs the code of an import on the database itself, and so its report is right. Other writes wait for its end.

    Args:
        database: The database.

    Yields:
        What the import reads from and writes to.
    """
    with database.transaction() as session:
        yield RolledBackTransaction(session)
        session.rollback()
