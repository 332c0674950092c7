"""A PostgreSQL with a streaming replica: real servers that a test pauses, kills, promotes and starts again."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg

from newsapi.db.database import Database
from newsapi.migrations.upgrade import upgrade
from tests.support import servers
from tests.support.machines import SUBNET, Machine
from tests.support.processes import descendants

PATIENCE = 30
HBA = "".join(
    f"{kind} {databases} all {addresses} trust\n"
    for databases in ("all", "replication")
    for kind, addresses in (("local", ""), ("host", "127.0.0.1/32"), ("host", SUBNET))
)
"""Who may connect to a server on a machine of its own: every machine."""


class Node:
    """One server; its data stay in its folder while it is down. `url` is SQLAlchemy's URL of its database `postgres`.

    It listens on its Unix socket and on a port, which it keeps: of the loopback address, or of its machine.
    """

    def __init__(self, port: int, settings: dict[str, str] | None = None, machine: Machine | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="newsapi-"))
        self.data = self.folder / "data"
        self.port = port
        self.address = machine.address if machine else "127.0.0.1"
        self.url = f"postgresql+psycopg://postgres@{self.address}:{port}/postgres"
        self._machine = machine
        self.settings = {
            **servers.CARELESS,
            "listen_addresses": self.address,
            "port": str(port),
            "synchronous_commit": "on",  # else a commit is sent to the replica up to a second later
            "wal_keep_size": "1GB",  # a replica that was down finds the log that it needs
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = self.settings
        if self._machine:
            rules = self.folder / "pg_hba.conf"
            rules.write_text(HBA)
            settings = {**settings, "hba_file": str(rules)}
        with self._machine.entered() if self._machine else nullcontext():
            self._process, _ = servers.postgresql_on(self.data, self.folder, settings)
        servers.wait_for(self._process, self.folder)

    def stop(self, number: int = signal.SIGINT) -> None:
        """Stop without waiting for clients; SIGKILL ends all processes of the server at once."""
        if self._process is None:
            return
        if number == signal.SIGKILL:
            for pid in (self.pid, *self.process_ids()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        else:
            self._process.send_signal(number)
        self._process.wait(PATIENCE)
        self._process = None

    def remove(self) -> None:
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str, *parameters: object) -> Any:
        """Run a statement by the Unix socket; return the first value of its result, if there is one."""
        socket = f"host={self.folder} port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(socket, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def process_ids(self) -> list[int]:
        """The processes below that of the server: those of its sessions, and of its own work."""
        return [pid for pid, _ in descendants(self.pid)]

    def session_cpu_seconds(self) -> float:
        """CPU time of the sessions over the network that are open, user and system."""
        ticks = 0
        for pid, command in descendants(self.pid):
            if "postgres postgres 127.0.0.1" in command:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def copy_from(self, primary: "Node", options: str = "") -> None:
        """Make this node a streaming replica of another one (`pg_basebackup -R`); `options` of its connection."""
        become = servers.postgresql_user()
        self.data.mkdir(mode=0o700)
        if become:
            self.folder.chmod(0o711)
            os.chown(self.data, become["user"], become["group"])
        program = servers.postgresql_programs(primary.folder) / "bin/pg_basebackup"
        source = f"host={primary.address} port={primary.port} user=postgres {options}"
        with self._machine.entered() if self._machine else nullcontext():
            subprocess.run(
                [program, "-D", self.data, "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync"],
                check=True,
                cwd="/",
                **become,
            )

    def await_replay(self, primary: "Node") -> None:
        """Return when this replica has everything that the primary has now."""
        target = primary.execute("SELECT pg_current_wal_lsn()::text")
        until = time.monotonic() + PATIENCE
        while not self.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", target):
            assert time.monotonic() < until
            time.sleep(0.01)


@contextmanager
def streaming(primary_port: int, replica_port: int) -> Iterator[tuple[Node, Node]]:
    """A primary with the tables of newsapi, and a streaming replica of it."""
    with replicated(Node(primary_port), Node(replica_port)) as nodes:
        yield nodes


@contextmanager
def replicated(primary: Node, replica: Node, options: str = "") -> Iterator[tuple[Node, Node]]:
    """Run a primary with the tables of newsapi, and a replica that streams from it by a connection with `options`."""
    try:
        primary.start()
        database = Database(f"postgresql+psycopg://postgres@:{primary.port}/postgres?host={primary.folder}")
        with database.connection() as connection:
            upgrade(connection)
        database.dispose()
        replica.copy_from(primary, options)
        replica.start()
        yield primary, replica
    finally:
        replica.remove()
        primary.remove()
