"""A MariaDB server of its own for a peer, with the defaults of MariaDB."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.peers.sites import running

SHARED = "--no-defaults", "--skip-networking"


class MariaDB(NamedTuple):
    """A running server: its socket, its version, its process, and its user, who needs no password."""

    socket: Path
    version: str
    process_id: int
    user: str

    def run(self, statements: str) -> None:
        """Run SQL statements."""
        _client(self.socket, self.user, statements)

    def create(self, database: str) -> None:
        """Create a database unless it exists."""
        self.run(f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4")


@contextmanager
def mariadb(folder: Path) -> Iterator[MariaDB]:
    """Run MariaDB on the data in a folder, which is created if it does not exist."""
    user = "mysql" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    data = folder / "mariadb"
    if not data.exists():
        data.mkdir(parents=True)
        shutil.chown(data, user)
        install = ["mariadb-install-db", "--no-defaults", f"--user={user}", f"--datadir={data}", "--skip-test-db"]
        subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="mariadb-") as place:
        shutil.chown(place, user)
        Path(place).chmod(0o755)
        socket = Path(place) / "socket"
        command = ["mariadbd", *SHARED, f"--user={user}", f"--datadir={data}", f"--socket={socket}"]
        command.append(f"--pid-file={place}/pid")

        def ready() -> None:
            if not socket.exists():
                raise FileNotFoundError(socket)

        with running(command, folder, {}, ready=ready) as process_id:
            version = _client(socket, "root", "SELECT version()").split("-")[0]
            yield MariaDB(socket, f"MariaDB {version}", process_id, "root")


def _client(socket: Path, user: str, statements: str) -> str:
    command = ["mariadb", "--no-defaults", "-N", "-B", f"--socket={socket}", f"--user={user}"]
    return subprocess.run(command, input=statements, capture_output=True, text=True, check=True).stdout.strip()
