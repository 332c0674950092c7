"""A real PgBouncer in transaction mode in front of a PostgreSQL."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.processes import free_port
from tests.support.programs import Program

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin")

CONFIGURATION = """\
[databases]
* = {server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
"""


def make_pgbouncer(folder: Path, log: Path, server: str, *, port: int, pool_size: int) -> Program:
    """Return a PgBouncer that is not started yet.

    Args:
        folder: Where its configuration is written; the user `nobody` must be able to read it.
        log: The file for its output.
        server: Address of PostgreSQL in the configuration: `host=FOLDER` or `host=127.0.0.1 port=PORT`.
        port: The port to listen on.
        pool_size: Maximum number of sessions.
    """
    assert PROGRAM
    path = folder / "pgbouncer.ini"
    path.write_text(CONFIGURATION.format(server=server, port=port, pool_size=pool_size))
    return Program([PROGRAM, path], port, log, unprivileged=True)


@contextmanager
def pgbouncer(url: str, *, pool_size: int = 12) -> Iterator[str]:
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
        with make_pgbouncer(folder, folder / "log", f"host={folder_of_socket}", port=port, pool_size=pool_size):
            yield address.replace("@", f"@127.0.0.1:{port}")
