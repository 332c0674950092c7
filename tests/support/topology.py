"""Several machines on one: the parts of `deploy/compose.yaml` as processes of this machine, on its loopback address.

    python -m tests.support.topology [FOLDER]

PostgreSQL and Valkey come from wheels, Varnish, PgBouncer and Prometheus from packages of Debian.
"""

import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import click

from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.support import pgbouncer, prometheus, replication, servers, varnish
from tests.support.processes import NEWSAPI, environ, free_port
from tests.support.programs import Program

PACKAGES = {
    "varnish varnish-modules": varnish.PROGRAM,
    "pgbouncer": pgbouncer.PROGRAM,
    "prometheus": prometheus.PROGRAM,
}
MISSING = [packages for packages, program in PACKAGES.items() if program is None]
"""Packages of Debian that are not installed."""

NODES = 2
POOL_SIZE = 30
"""Sessions of PgBouncer: more than the connections for writes of all processes."""

SCOPES = ("content:write", "content:publish", "drafts:read")


class Topology:
    """Two API nodes, a worker, PostgreSQL with a replica, PgBouncer, Redis, Varnish, Prometheus.

    Attributes:
        base: URL of Varnish, where readers and editors come in.
        key: An API key of an editor.
        varnish: The Varnish at `base`.
        parts: What can be killed and started again, by name.
    """

    def __init__(self, folder: Path, report: Callable[[str], object] = lambda _: None) -> None:
        """Store where configurations, indexes and logs are kept, and who is told of the progress."""
        self._folder = folder
        self._report = report
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
        redis = ["--port", str(redis_port), "--bind", "127.0.0.1", *servers.VALKEY]
        self._add("redis", Program([servers.valkey_program(), *redis], redis_port, self.log("redis")))
        server = f"host=127.0.0.1 port={primary.port}"
        self._add(
            "pgbouncer",
            pgbouncer.make_pgbouncer(
                primary.folder, self.log("pgbouncer"), server, port=pgbouncer_port, pool_size=POOL_SIZE
            ),
        )
        self.base = f"http://127.0.0.1:{varnish_port}"
        hosts = f"host=127.0.0.1:{pgbouncer_port}&host=127.0.0.1:{primary.port}"
        settings = {
            "NEWSAPI_DATABASE_URL": f"postgresql://postgres@/postgres?{hosts}",
            "NEWSAPI_DATABASE_REPLICA_URLS": replica.url.replace("+psycopg", ""),
            "NEWSAPI_PREPARED_STATEMENTS": "off",  # PgBouncer before 1.21 in transaction mode
            "NEWSAPI_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "NEWSAPI_PURGE_URL": f"varnish+{self.base}",
            "NEWSAPI_API_URL": self.base,
            "NEWSAPI_SECRET_KEY": secrets.token_hex(32),
            "NEWSAPI_TRUSTED_PROXIES": "127.0.0.1/32",
            "NEWSAPI_PROCESSES": "1",
        }
        metrics_ports = [self._add_newsapi("worker", "worker", settings)]  # first, so that it gets all leases
        urls = []
        for name in self.node_names:
            port = free_port()
            metrics_ports.append(self._add_newsapi(name, "serve", settings | {"NEWSAPI_PORT": str(port)}, port))
            urls.append(f"http://127.0.0.1:{port}")
        self.varnish = varnish.Varnish(self._folder, *urls, port=varnish_port)
        self._add("varnish", self.varnish)
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
        nodes = self._stack.enter_context(replication.streaming(free_port(), free_port()))
        for name, node in zip(("primary", "replica"), nodes, strict=True):
            self.parts[name] = node
            self.log(name).symlink_to(node.folder / "log")
            self._stack.callback(self._keep_log, node, name)
            self._report_start(name, node.port, began)
        return nodes

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
        environment = environ(**settings, **own)
        self._add(
            name,
            Program([NEWSAPI, command], port or metrics_port, self.log(name), folder=folder, environment=environment),
        )
        return metrics_port

    def _add(self, name: str, program: Program) -> None:
        began = time.monotonic()
        self._stack.enter_context(program)
        self.parts[name] = program
        self._report_start(name, program.port, began)

    def _report_start(self, name: str, port: int, began: float) -> None:
        self._report(f"{name:12} 127.0.0.1:{port:<6} ready after {time.monotonic() - began:4.1f} s")


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
