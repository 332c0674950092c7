"""A real PgBouncer in transaction mode in front of a PostgreSQL."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.processes import PATIENCE, free_port

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin")

CONFIGURATION = """\
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 200
"""


@contextmanager
def pgbouncer(url: str, *, pool_size: int = 12) -> Iterator[str]:
    """Give the URL of a database through a PgBouncer in front of its server, which is in `url` as `?host=FOLDER`.

    The pool is smaller than the number of clients, so that transactions of one client run in different sessions.

    Yields:
        The URL.
    """
    assert PROGRAM
    port = free_port()
    address, _, folder_of_socket = url.partition("?host=")
    become: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="newsapi-") as folder:
        path = Path(folder, "pgbouncer.ini")
        path.write_text(CONFIGURATION.format(host=folder_of_socket, port=port, pool_size=pool_size))
        if os.geteuid() == 0:  # PgBouncer refuses to run as root
            nobody = pwd.getpwnam("nobody")
            Path(folder).chmod(0o755)
            become = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        log = Path(folder, "log")
        with log.open("wb") as out:
            process = subprocess.Popen([PROGRAM, path], stdout=out, stderr=out, cwd="/", **become)
        try:
            until = time.monotonic() + PATIENCE
            while True:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.02)
            yield address.replace("@", f"@127.0.0.1:{port}")
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
