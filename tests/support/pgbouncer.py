"""A real PgBouncer in transaction mode in front of a PostgreSQL."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.support.machines import Machine
from tests.support.processes import free_port
from tests.support.programs import Program

PROGRAM = os.environ.get("PGBOUNCER") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin")
"""The program to run; the environment variable PGBOUNCER names another one than that of the system."""

FIRST_WITH_PREPARED_STATEMENTS = (1, 21)
"""The first version that keeps track of prepared statements in transaction mode."""

CONFIGURATION = """\
[databases]
* = {server} user=postgres
[pgbouncer]
listen_addr = {listen_address}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
"""

DEPLOYED = Path(__file__).parents[2] / "deploy/compose/pgbouncer.ini"
TIME_LIMITS = re.compile(
    r"^(?:server_connect_timeout|server_login_retry|query_wait_timeout|tcp_\w+) = .*\n", re.MULTILINE
)
"""The lines of that configuration about servers and clients that do not answer."""


@cache
def knows_prepared_statements() -> bool:
    """Return whether the program keeps track of prepared statements."""
    assert PROGRAM
    printed = subprocess.run([PROGRAM, "--version"], check=True, capture_output=True, text=True).stdout
    version = re.search(r"PgBouncer (\d+)\.(\d+)", printed)
    assert version, printed
    return (int(version[1]), int(version[2])) >= FIRST_WITH_PREPARED_STATEMENTS


def make_pgbouncer(
    folder: Path,
    log: Path,
    server: str,
    *,
    port: int,
    pool_size: int,
    prepared_statements: bool = False,
    machine: Machine | None = None,
) -> Program:
    """Return a PgBouncer that is not started yet.

    Args:
        folder: Where its configuration is written; the user `nobody` must be able to read it.
        log: The file for its output.
        server: Address of PostgreSQL in the configuration: `host=FOLDER` or `host=127.0.0.1 port=PORT`.
        port: The port to listen on.
        pool_size: Maximum number of sessions.
        prepared_statements: Whether it keeps track of prepared statements, if it can.
        machine: The machine that it runs on; that of this process if None.
    """
    assert PROGRAM
    path = folder / "pgbouncer.ini"
    listen_address = "*" if machine else "127.0.0.1"
    configuration = CONFIGURATION.format(server=server, port=port, pool_size=pool_size, listen_address=listen_address)
    configuration += "".join(TIME_LIMITS.findall(DEPLOYED.read_text()))
    if knows_prepared_statements():
        configuration += f"max_prepared_statements = {100 if prepared_statements else 0}\n"
    path.write_text(configuration)
    return Program([PROGRAM, path], port, log, unprivileged=True, machine=machine)


@contextmanager
def pgbouncer(url: str, *, pool_size: int = 12, prepared_statements: bool = False) -> Iterator[str]:
    """Give the URL of a database through a PgBouncer in front of its server, which is in `url` as `?host=FOLDER`.

    The pool is smaller than the number of clients, so that transactions of one client run in different sessions.

    Yields:
        The URL.
    """
    address, _, folder_of_socket = url.partition("?host=")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="newsapi-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = f"host={folder_of_socket}"
        with make_pgbouncer(
            folder, folder / "log", server, port=port, pool_size=pool_size, prepared_statements=prepared_statements
        ):
            yield address.replace("@", f"@127.0.0.1:{port}")
