"""Isolation of the changes that a consumer fails on.

A batch that keeps failing is repeated in halves, until a single change fails: that one is set aside, and the consumer
goes on with the next. An outage of the database or of another service is no fault of a change and isolates nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final, TypeVar

from sqlalchemy.exc import DBAPIError

from newsapi.errors import MigrationsPending, Unavailable
from newsapi.worker.http_requests import RequestRefused

T = TypeVar("T")

MAX_TRIES: Final = 3
"""Failures of the same batch after which it is halved, or its only change is set aside."""

MAX_ERROR_LENGTH: Final = 300
"""Maximum number of characters of an error that are stored."""

PROGRAM_LIMIT_SQLSTATE_CLASS: Final = "54"
"""Class of the SQLSTATEs of PostgreSQL for a statement that exceeds a limit, such as the size of an index row."""

STATEMENT_ERROR_CODES: Final = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG)
"""Error codes of SQLite for a statement that cannot be executed."""


class NextTry(Enum):
    """What follows the failure of a batch.

    Attributes:
        SAME_BATCH: The same batch again, after a delay.
        HALF_BATCH: The first half of the batch, at once.
        SET_ASIDE: The only change of the batch is set aside.
    """

    SAME_BATCH = "same batch"
    HALF_BATCH = "half batch"
    SET_ASIDE = "set aside"


class BatchIsolation:
    """Decides how many changes the next batch of a consumer may have.

    Attributes:
        limit: Maximum number of changes of the next batch, which is read only when the previous one is finished; None
            while no batch is being isolated.
    """

    def __init__(self) -> None:
        """Start without a limit."""
        self.limit: int | None = None
        self._tries = 0
        self._until = 0

    def on_failure(self, count: int, end: int) -> NextTry:
        """Decide what follows the failure of a batch of `count` changes, of which `end` is the last."""
        self._tries += 1
        if self._tries < MAX_TRIES:
            return NextTry.SAME_BATCH
        self._until = max(self._until, end)
        if count == 1:
            self.limit, self._tries = 1, 0
            return NextTry.SET_ASIDE
        self.limit = count // 2
        self._tries = 0 if self.limit == 1 else MAX_TRIES - 1  # a smaller batch is halved at its first failure
        return NextTry.HALF_BATCH

    def on_finished(self, seq: int) -> None:
        """Allow a larger batch after all changes up to `seq` are finished, and any size behind the batch that failed.

        Args:
            seq: The last change that is finished.
        """
        self._tries = 0
        if self.limit is not None:
            self.limit = None if seq >= self._until else self.limit * 2


def is_outage(error: Exception) -> bool:
    """Return whether an error is about the database or another service and not about a change."""
    if isinstance(error, RequestRefused):
        return False
    if isinstance(error, Unavailable):
        return not _is_statement_error(error.__cause__)
    return isinstance(error, (MigrationsPending, OSError))


def _is_statement_error(error: BaseException | None) -> bool:
    """Return whether the database works but cannot execute the statement: a value is too long, a number too large.

    Both drivers raise their operational errors for this too.
    """
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    if str(getattr(driver_error, "sqlstate", None)).startswith(PROGRAM_LIMIT_SQLSTATE_CLASS):
        return True
    return getattr(driver_error, "sqlite_errorcode", None) in STATEMENT_ERROR_CODES


def describe_error(error: Exception) -> str:
    """Return the class of an error and the first line of its message.

    The statement of a database error and its parameters are left out: they may contain content.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first_line = next(iter(str(cause).splitlines()), "")
    return f"{type(cause).__name__}: {first_line}"[:MAX_ERROR_LENGTH]


def process_in_halves(items: Sequence[T], process: Callable[[Sequence[T]], object]) -> list[tuple[T, str]]:
    """Process items together or, if that fails, in halves, down to single items.

    Args:
        items: The items.
        process: Processes some of the items; has no effect if it raises.

    Returns:
        The items that failed alone, each with its error.

    Raises:
        Exception: The database or another service does not respond.
    """
    if not items:
        return []
    try:
        process(items)
    except Exception as error:
        if is_outage(error):
            raise
        if len(items) == 1:
            return [(items[0], describe_error(error))]
        middle = len(items) // 2
        return [*process_in_halves(items[:middle], process), *process_in_halves(items[middle:], process)]
    return []
