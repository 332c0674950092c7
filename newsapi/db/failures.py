"""Failures of a database: driver errors as errors of the package, with the cause in one line for operators."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from newsapi.errors import DiskFull, MigrationsPending, Unavailable

DRIVER_ERRORS: Final = (sqlite3.Error, psycopg.Error)
"""Base classes of all driver errors."""

OPERATIONAL_ERRORS: Final = (sqlite3.OperationalError, psycopg.OperationalError)
"""Driver errors that are caused by the state of the database and not by the statement."""

UNDEFINED_SQLSTATES: Final = ("42P01", "42703")
"""SQLSTATEs of PostgreSQL for an undefined table and an undefined column."""

DISK_FULL_CODES: Final = ("53100", sqlite3.SQLITE_FULL)
"""Error codes of both databases for a full disk."""

UNUSABLE_CODES: Final = ("42501", "25006", sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
"""Codes of further errors about the database: missing privileges, a read-only server; no database, a damaged one."""

LOST_STATEMENT_SQLSTATES: Final = ("26000", "42P05")
"""SQLSTATEs of PostgreSQL for a prepared statement that the session does not know, or knows already."""

MAX_CAUSE_LENGTH: Final = 500


@contextmanager
def translate_driver_errors(url: URL) -> Iterator[None]:
    """Translate driver errors about an unreachable, slow, full or unmigrated database into errors of this package.

    Args:
        url: The database, which the cause of the failure names.

    Yields:
        Nothing.

    Raises:
        Unavailable: The database cannot be reached or used, or did not reply in time.
        MigrationsPending: A table or column is missing.
        DiskFull: The disk of the database is full.
        DBAPIError: Another error of the driver, as it was raised.
    """
    try:
        yield
    except PoolTimeout as error:
        raise Unavailable("All connections of this process are in use.") from error
    except (DBAPIError, *DRIVER_ERRORS) as error:
        driver_error = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(driver_error, "sqlstate", None) or _sqlite_code(driver_error)
        if code in UNDEFINED_SQLSTATES or str(driver_error).startswith("no such "):
            raise MigrationsPending from error
        if code in DISK_FULL_CODES:
            raise DiskFull from error
        is_operational = isinstance(driver_error, OPERATIONAL_ERRORS) or _is_bad_option(driver_error)
        is_operational = is_operational or is_lost_statement(driver_error)
        if is_operational or code in UNUSABLE_CODES or getattr(error, "connection_invalidated", False):
            raise Unavailable(describe_failure(driver_error, url)) from error
        raise


def is_lost_statement(error: BaseException | None) -> bool:
    """Return whether a prepared statement of psycopg does not fit the session any more; unprepared it would run."""
    if not isinstance(error, psycopg.Error):
        return False
    # The message of a plan whose result type has changed depends on the language of the server.
    return error.sqlstate in LOST_STATEMENT_SQLSTATES or error.diag.source_function == "RevalidateCachedQuery"


def _sqlite_code(error: BaseException | None) -> int | None:
    """Return the primary result code of SQLite, without the details of an extended code."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_bad_option(error: BaseException | None) -> bool:
    """Return whether the client library of PostgreSQL refused an option in the query of the URL."""
    return isinstance(error, psycopg.ProgrammingError) and any(text in str(error) for text in _BAD_OPTIONS)


_BAD_OPTIONS: Final = ("connection option", "bad value for connect_timeout")


def describe_failure(error: BaseException | None, url: URL) -> str:
    """Return the cause of a failure in one line, without the password of the URL.

    Args:
        error: The error of the driver.
        url: The database.

    Returns:
        The cause, such as "SQLite cannot use /var/news.sqlite3: the folder /var does not exist.".
    """
    if url.get_backend_name() == "sqlite":
        text = _describe_sqlite(error, url.database or ":memory:")
    else:
        text = _describe_postgresql(error, url)
    if url.password:
        text = text.replace(str(url.password), "***")
    return f"{text[:MAX_CAUSE_LENGTH].rstrip('.')}."


def server_name(url: URL) -> str:
    """Return the host and the port of a database server, or of several, as the URL has them."""
    hosts = url.query.get("host", ())
    if url.host or not hosts:
        return f"{url.host or 'local server'}{f':{url.port}' if url.port else ''}"
    return hosts if isinstance(hosts, str) else ", ".join(hosts)


def _describe_postgresql(error: BaseException | None, url: URL) -> str:
    """Return the message of the server, of the client library or of the name resolution."""
    message, _, _ = str(error).partition("Multiple connection attempts failed")
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return f"PostgreSQL at {server_name(url)}, database {url.database or url.username or ''}: {' '.join(lines)}"


def _describe_sqlite(error: BaseException | None, path: str) -> str:
    folder, code = Path(path).absolute().parent, _sqlite_code(error)
    reason = str(error)
    if code == sqlite3.SQLITE_CANTOPEN:
        if not folder.is_dir():
            reason = f"the folder {folder} does not exist"
        elif Path(path).is_dir():
            reason = "it is a folder"
        elif not _may(folder, os.W_OK):
            reason = f"the folder {folder} is read-only"
        elif not _may(path, os.R_OK):
            reason = "this user may not read the file"
    elif code == sqlite3.SQLITE_READONLY:
        reason = "the file is read-only" if _may(folder, os.W_OK) else f"the folder {folder} is read-only"
    elif code == sqlite3.SQLITE_NOTADB:
        reason = "it is not a SQLite database"
    elif code == sqlite3.SQLITE_INTERRUPT:
        return "SQLite interrupted a read that executed too many instructions"
    elif code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        reason = "another process has locked it"
    return f"SQLite cannot use {path}: {reason}"


def _may(path: str | Path, mode: int) -> bool:
    """Return whether the effective user of this process may use a file or folder in a mode of `os.access`."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)
