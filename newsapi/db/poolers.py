"""Connection poolers, such as PgBouncer, between this process and PostgreSQL."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection

from newsapi.db.deadlines import DeadlineConnection

_IS_KNOWN_BY_NAME: Final = "SELECT count(*) > 0 FROM pg_prepared_statements WHERE starts_with(name, '_pg3_')"
"""Whether the session has statements under the names that psycopg gives them."""


def loses_prepared_statements(connection: Connection) -> bool:
    """Return whether a pooler passes prepared statements on without keeping track of them.

    In transaction mode, the next transaction of the client runs in another session, which does not have them. PgBouncer
    1.21 and later with `max_prepared_statements` above 0 gives them names of its own and prepares them where they are
    missing.

    Args:
        connection: A connection for reads whose engine uses prepared statements.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, DeadlineConnection):
        return False
    # A pooler tells its clients another process id than that of the session in which their statements run.
    pid: int = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    if driver.info.backend_pid == pid:
        return False
    driver.execute("SELECT 1", prepare=True)
    return bool(connection.exec_driver_sql(_IS_KNOWN_BY_NAME).scalar_one())
