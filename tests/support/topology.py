"""The parts of `deploy/compose.yaml` as processes of this machine, on its loopback address or each on a "machine".

    python -m tests.support.topology [FOLDER]

PostgreSQL and Valkey come from wheels, Varnish, PgBouncer and Prometheus from packages of Debian.
"""

import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import click
import pytest

from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.support import pgbouncer, prometheus, replication, servers, varnish
from tests.support.machines import Machine, Network
from tests.support.processes import NEWSAPI, environ, free_port
from tests.support.programs import Program

PACKAGES = {
    "varnish varnish-modules": varnish.PROGRAM,
    "pgbouncer": pgbouncer.PROGRAM,
    "prometheus": prometheus.PROGRAM,
}
MISSING = [packages for packages, program in PACKAGES.items() if program is None]
NEEDS_PROGRAMS = pytest.mark.skipif(bool(MISSING), reason=f"not installed (Debian): {' '.join(MISSING)}")
"""Packages of Debian that are not installed."""

NODES = 2
POOL_SIZE = 30
"""Sessions of PgBouncer: more than the connections for writes of all processes."""

SCOPES = ("content:write", "content:publish", "drafts:read")


MACHINES = ("node1", "node2", "worker", "primary", "replica", "redis", "pgbouncer", "varnish", "client")
"""The machines of a network for a topology: one for each part but Prometheus, and one for readers and editors."""


class Topology:
    """Two API nodes, a worker, PostgreSQL with a replica, PgBouncer, Redis, Varnish, Prometheus.

    Attributes:
        base: URL of Varnish, where readers and editors come in.
        key: An API key of an editor.
        varnish: The Varnish at `base`.
        parts: What can be killed and started again, by name.
    """

    def __init__(
        self,
        folder: Path,
        report: Callable[[str], object] = lambda _: None,
        *,
        network: Network | None = None,
        settings: Mapping[str, Mapping[str, str]] | None = None,
        has_failover: bool = False,
    ) -> None:
        """Store what is needed; nothing is started yet.

        Args:
            folder: Where configurations, indexes and logs are kept.
            report: Is called with lines about the progress.
            network: A network with the machines MACHINES. Each part runs on its own, without Prometheus, and all of
                this class is used on the machine "client". If None, all parts run on this machine.
            settings: Settings of nodes and of the worker, by their name, that differ from those of the others.
            has_failover: Whether the URL of the database names the replica as well, for its promotion.
        """
        self._folder = folder
        self._report = report
        self._network = network
        self._settings = settings or {}
        self._has_failover = has_failover
        self._stack = ExitStack()
        self.parts: dict[str, Program | replication.Node] = {}
        self.base = self.key = ""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def log(self, name: str) -> Path:
        """Return the log of a part."""
        return self._folder / f"{name}.log"

    def _start(self) -> None:
        primary, replica = self._start_postgresql()
        redis_port, pgbouncer_port, varnish_port = free_port(), free_port(), free_port()
        self._add_redis(redis_port)
        self._add(
            "pgbouncer",
            pgbouncer.make_pgbouncer(
                primary.folder,
                self.log("pgbouncer"),
                f"host={primary.address} port={primary.port}",
                port=pgbouncer_port,
                pool_size=POOL_SIZE,
                machine=self._machine("pgbouncer"),
            ),
        )
        self.base = f"http://{self._address('varnish')}:{varnish_port}"
        hosts = f"host={self._address('pgbouncer')}:{pgbouncer_port}&host={primary.address}:{primary.port}"
        if self._has_failover:
            hosts += f"&host={replica.address}:{replica.port}&target_session_attrs=read-write"
        settings = {
            "NEWSAPI_DATABASE_URL": f"postgresql://postgres@/postgres?{hosts}",
            "NEWSAPI_DATABASE_REPLICA_URLS": replica.url.replace("+psycopg", ""),
            "NEWSAPI_PREPARED_STATEMENTS": "off",  # PgBouncer before 1.21 in transaction mode
            "NEWSAPI_REDIS_URL": f"redis://{self._address('redis')}:{redis_port}/0",
            "NEWSAPI_PURGE_URL": f"varnish+{self.base}",
            "NEWSAPI_API_URL": self.base,
            "NEWSAPI_SECRET_KEY": secrets.token_hex(32),
            "NEWSAPI_TRUSTED_PROXIES": f"{self._address('varnish')}/32",
            "NEWSAPI_HOST": "0.0.0.0" if self._network else "127.0.0.1",
            "NEWSAPI_PROCESSES": "1",
        }
        metrics_ports = [self._add_newsapi("worker", "worker", settings)]  # first, so that it gets all leases
        urls = []
        for name in self.node_names:
            port = free_port()
            metrics_ports.append(self._add_newsapi(name, "serve", settings | {"NEWSAPI_PORT": str(port)}, port))
            urls.append(f"http://{self._address(name)}:{port}")
        purgers = {self._address(name): None for name in ("worker", *self.node_names)}
        self.varnish = varnish.Varnish(
            self._folder, *urls, port=varnish_port, purgers=[*purgers], machine=self._machine("varnish")
        )
        self._add("varnish", self.varnish)
        if self._network is None:
            self._add("prometheus", prometheus.make_prometheus(self._folder, *metrics_ports, interval="5s"))
        database = Database(primary.url)
        self.key = key_commands.create(database, "desk", SCOPES, now=datetime.now(UTC))
        database.dispose()

    @property
    def node_names(self) -> list[str]:
        """The names of the API nodes."""
        return [f"node{number + 1}" for number in range(NODES)]

    def _start_postgresql(self) -> tuple[replication.Node, replication.Node]:
        began = time.monotonic()
        primary = replication.Node(free_port(), machine=self._machine("primary"))
        replica = replication.Node(free_port(), machine=self._machine("replica"))
        primary.settings["wal_sender_timeout"] = replica.settings["wal_receiver_timeout"] = "20s"  # as in deploy/
        nodes = self._stack.enter_context(replication.replicated(primary, replica, "connect_timeout=3"))
        for name, node in zip(("primary", "replica"), nodes, strict=True):
            self.parts[name] = node
            self.log(name).symlink_to(node.folder / "log")
            self._stack.callback(self._keep_log, node, name)
            self._report_start(name, node.port, began)
        return nodes

    def _machine(self, name: str) -> Machine | None:
        return self._network[name] if self._network else None

    def _address(self, name: str) -> str:
        return self._network[name].address if self._network else "127.0.0.1"

    def _add_redis(self, port: int) -> None:
        protected = ["--protected-mode", "no"] if self._network else ["--bind", "127.0.0.1"]
        command: list[str | Path] = [servers.valkey_program(), "--port", str(port), *protected, *servers.VALKEY]
        self._add("redis", Program(command, port, self.log("redis"), machine=self._machine("redis")))

    def _keep_log(self, node: replication.Node, name: str) -> None:
        """Copy the log of a node, whose folder is deleted when it is stopped."""
        self.log(name).unlink()
        shutil.copy(node.folder / "log", self.log(name))

    def _add_newsapi(self, name: str, command: str, settings: dict[str, str], port: int | None = None) -> int:
        """Start a process of newsapi; return the port of its metrics, on which a worker is known to be ready."""
        folder = self._folder / name
        folder.mkdir()
        metrics_port = free_port()
        own = {"NEWSAPI_METRICS_PORT": str(metrics_port), "NEWSAPI_SEARCH_INDEX": str(folder / "search")}
        program = Program(
            [NEWSAPI, command],
            port or metrics_port,
            self.log(name),
            folder=folder,
            environment=environ(**{**settings, **own, **self._settings.get(name, {})}),
            machine=self._machine(name),
        )
        self._add(name, program)
        return metrics_port

    def _add(self, name: str, program: Program) -> None:
        began = time.monotonic()
        self._stack.enter_context(program)
        self.parts[name] = program
        self._report_start(name, program.port, began)

    def _report_start(self, name: str, port: int, began: float) -> None:
        self._report(f"{name:12} {self._address(name)}:{port:<6} ready after {time.monotonic() - began:4.1f} s")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
def main(folder: Path | None) -> None:
    """Run the topology until Ctrl-C. FOLDER, which must not exist, gets configurations, indexes and logs."""
    if MISSING:
        sys.exit(f"Install these packages of Debian first: apt-get install {' '.join(MISSING)}")
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="newsapi-topology-"))
    elif folder.exists():
        sys.exit(f"{folder} exists already: name another folder.")
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    signals = {signal.SIGINT, signal.SIGTERM}
    with Topology(folder, report=click.echo) as topology:
        click.echo(f"\nReaders and editors: {topology.base}/v1/articles\nAPI key: {topology.key}\nLogs: {folder}/*.log")
        click.echo("Ctrl-C stops all parts. To kill one, send a signal to its process:")
        for name, part in topology.parts.items():
            click.echo(f"  {name:12} {part.pid}")
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        signal.sigwait(signals)
    click.echo("Stopped.")


if __name__ == "__main__":
    main()
