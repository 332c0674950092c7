"""Benchmark of cached and of built responses, relative to other servers in the same run: `python -m bench.cache_hits`.

Three servers return the same bytes: granian with a minimal application, nginx with a file (if it is installed), and
newsapi. Each has one process and the same settings, except where a load says "2 processes". The loads run one after
the other in several rounds; the medians are reported, because timings vary. CPU time is that of the server's processes
and of PostgreSQL, per request.

A "miss" is a list of 20 that was not requested before; it is cached afterwards. A "built" list or page is one of a
server without any cache. Needs `wrk`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import click
import orjson

from bench.corpus import records
from bench.cpu_time import cpu_seconds, postmaster_id
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.imports import loader as import_loader
from newsapi.migrations.upgrade import upgrade
from newsapi.settings import Settings
from newsapi.write_hooks import WRITE_HOOKS
from tests.support import servers

LIST_PATH = "/v1/articles?brand=land-rover&limit=20"
CONNECTIONS = 64
BUILD_CONNECTIONS = 16
INDEX_TIMEOUT_SECONDS = 600
BARE = """
import orjson, sys
from granian.constants import Interfaces, Loops
from granian.server import Server
HEADERS, BODY = [], b""
def application():
    async def answer(scope, proto):
        proto.response_bytes(200, HEADERS, BODY)
    HEADERS[:] = [tuple(pair) for pair in orjson.loads(open("headers.json").read())]
    globals()["BODY"] = open("body", "rb").read()
    return answer
if __name__ == "__main__":
    Server("bare:application", factory=True, address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.RSGI,
           loop=Loops.uvloop, workers=1, websockets=False, log_enabled=False).serve()
"""
NGINX = """
worker_processes 1; daemon off; pid nginx.pid; error_log stderr error;
events {{ worker_connections 512; }}
http {{ access_log off; sendfile on; keepalive_requests 1000000000; default_type application/json;
  open_file_cache max=10;
  server {{ listen 127.0.0.1:{port} backlog=1024; location / {{ root {folder}; try_files /body =404; }} }} }}
"""


class Load(NamedTuple):
    """Requests a second; median and 99th percentile of the response time, and CPU time per request, in milliseconds."""

    rate: float
    p50: float
    p99: float
    cpu: float = 0.0


class Server(NamedTuple):
    """The URL of a server, and the ids of the processes whose CPU time is counted with their descendants."""

    url: str
    pids: tuple[int, ...]


def free_port() -> int:
    """Return a free port of the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[Any], port: int, folder: Path, **environment: str) -> Iterator[Server]:
    """Run a server until the block is left; yield it when it accepts connections."""
    server = subprocess.Popen(
        list(map(str, command)), cwd=folder, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=None
    )
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield Server(f"http://127.0.0.1:{port}", (server.pid,))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def wrk(
    server: Server, path: str, seconds: float, *headers: str, connections: int = CONNECTIONS, script: Path | None = None
) -> Load:
    """Load a URL with wrk; raise ClickException if a response or connection fails."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency", "--timeout=30s"]
    command += [argument for header in headers for argument in ("-H", header)]
    command += ["-s", str(script)] if script else []
    cpu_before = cpu_seconds(server.pids)
    output = subprocess.run([*command, server.url + path], capture_output=True, text=True, check=True).stdout
    cpu = cpu_seconds(server.pids) - cpu_before
    if re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (?!connect 0, read 0, write 0, timeout 0)", output):
        raise click.ClickException(output)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output)[1])  # type: ignore[index]
    requests = int(re.search(r"(\d+) requests in", output)[1])  # type: ignore[index]
    if not requests:
        raise click.ClickException(f"{server.url}{path} completed no request in {seconds} s")
    return Load(rate, _milliseconds(output, "50%"), _milliseconds(output, "99%"), cpu / requests * 1000)


def _milliseconds(output: str, percentile: str) -> float:
    number, unit = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s)", output).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def fill(url: str, articles: int) -> None:
    """Create the tables and import a synthetic archive."""
    database = Database(url)
    with database.connection() as connection:
        upgrade(connection)
    with tempfile.TemporaryFile() as file:
        file.writelines(orjson.dumps(record) + b"\n" for record in records(articles))
        file.seek(0)
        settings = Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"})
        import_loader.import_records(database, settings, file, hooks=WRITE_HOOKS, now=utc_now, reject=lambda *_: None)
    database.analyze()
    database.dispose()


def serve(stack: ExitStack, folder: Path, url: str, **settings: str) -> Server:
    """Start `newsapi serve` on a database, with one server process."""
    port = free_port()
    command = [Path(sys.executable).with_name("newsapi"), "serve"]
    defaults = {
        "NEWSAPI_DATABASE_URL": url,
        "NEWSAPI_PORT": str(port),
        "NEWSAPI_PROCESSES": "1",
        "NEWSAPI_LOG_LEVEL": "error",
        "NEWSAPI_RATE_LIMITS": "off",
    }
    return stack.enter_context(process(command, port, folder, **defaults | settings))


def _bare(stack: ExitStack, folder: Path) -> Server:
    (folder / "bare.py").write_text(BARE)
    port = free_port()
    return stack.enter_context(process([sys.executable, "bare.py", port], port, folder))


def _nginx(stack: ExitStack, folder: Path) -> Server | None:
    program = shutil.which("nginx")
    if program is None:
        return None
    port = free_port()
    (folder / "nginx.conf").write_text(NGINX.format(port=port, folder=folder))
    folder.chmod(0o755)
    return stack.enter_context(process([program, "-p", folder, "-c", folder / "nginx.conf"], port, folder))


def _save_response(folder: Path, url: str) -> str:
    """Save a response of newsapi for the other servers; return its ETag."""
    with urlopen(Request(url)) as response:  # noqa: S310 (our own server)
        body, headers = response.read(), response.headers.items()
    excluded = {"server", "date", "content-length", "connection"}
    saved_headers = [[name, value] for name, value in headers if name.lower() not in excluded]
    (folder / "headers.json").write_bytes(orjson.dumps(saved_headers))
    (folder / "body").write_bytes(body)
    return dict(headers)["etag"]


MISS_SCRIPT = """
local n = (os.time() * 997) % 86400  -- every URL is requested once, across rounds too
request = function()
  n = n + 1
  return wrk.format("GET", string.format("/v1/articles?limit=20&published_from=2001-01-01T%02d:%02d:%02dZ",
    math.floor(n / 3600) % 24, math.floor(n / 60) % 60, n % 60))
end
"""


PAGE_SCRIPT = """
local paths, n = {{{}}}, 0
request = function()
  n = n + 1
  return wrk.format("GET", paths[n % #paths + 1])
end
"""


@click.command()
@click.option("--articles", default=2_000, show_default=True, help="Number of articles in the archive.")
@click.option("--seconds", default=3.0, show_default=True, help="Duration of each load.")
@click.option("--rounds", default=5, show_default=True)
def main(articles: int, seconds: float, rounds: int) -> None:
    """Measure all loads, and print their rates and ratios as a table."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        loads = _loads(stack, folder, articles, seconds)
        results: dict[str, list[Load]] = {name: [] for name in loads}
        for number in range(rounds):
            for name, load in loads.items():
                results[name].append(load())
            click.echo(f"round {number + 1} of {rounds}", err=True)
    _print_table(results)


def _loads(stack: ExitStack, folder: Path, articles: int, seconds: float) -> dict[str, Callable[[], Load]]:
    """Start all servers; return the loads by name."""
    sqlite_url = f"sqlite:///{folder}/news.sqlite3"
    fill(sqlite_url, articles)
    redis = stack.enter_context(servers.valkey())
    postgresql_url = stack.enter_context(servers.postgresql())
    fill(postgresql_url, articles)
    postmaster = postmaster_id(postgresql_url)
    on_sqlite = serve(stack, folder, sqlite_url)
    etag = _save_response(folder, on_sqlite.url + LIST_PATH)
    without_memory = serve(stack, folder, sqlite_url, NEWSAPI_CACHE_MB="0", NEWSAPI_REDIS_URL=redis)
    bare, nginx = _bare(stack, folder), _nginx(stack, folder)
    loads: dict[str, Callable[[], Load]] = {
        "bare application": lambda: wrk(bare, "/", seconds),
        **({"nginx, a file": lambda: wrk(nginx, "/", seconds)} if nginx else {}),
        "hit": lambda: wrk(on_sqlite, LIST_PATH, seconds),
        "hit, 304": lambda: wrk(on_sqlite, LIST_PATH, seconds, f"If-None-Match: {etag}"),
        "hit, ready br": lambda: wrk(on_sqlite, LIST_PATH, seconds, "Accept-Encoding: br"),
        "hit in Redis, memory cold": lambda: wrk(without_memory, LIST_PATH, seconds),
    }
    misses, pages = folder / "misses.lua", folder / "pages.lua"
    misses.write_text(MISS_SCRIPT)
    paths = _article_paths(on_sqlite.url)
    pages.write_text(PAGE_SCRIPT.format(", ".join(f"{path!r}" for path in paths)))

    def build(server: Server, script: Path) -> Callable[[], Load]:
        return lambda: wrk(server, "", seconds, connections=BUILD_CONNECTIONS, script=script)

    for database, url, extra_pids in (("SQLite", sqlite_url, ()), ("PostgreSQL", postgresql_url, (postmaster,))):
        cached = on_sqlite if database == "SQLite" else serve(stack, folder, url)
        _store_related_lists(cached.url, paths)
        uncached = serve(stack, folder, url, NEWSAPI_CACHE_MB="0")
        doubled = serve(stack, folder, url, NEWSAPI_CACHE_MB="0", NEWSAPI_PROCESSES="2")
        cached, uncached, doubled = (
            Server(server.url, server.pids + extra_pids) for server in (cached, uncached, doubled)
        )
        loads[f"miss, {database}"] = build(cached, misses)
        loads[f"built, {database}"] = build(uncached, misses)
        loads[f"built, {database}, 2 processes"] = build(doubled, misses)
        loads[f"built article page, {database}"] = build(uncached, pages)
    return loads


def _article_paths(url: str) -> list[str]:
    """Return the paths of complete pages of the newest articles."""
    articles = _read_json(f"{url}/v1/articles?limit=100&fields=slug")["data"]
    return [f"/v1/articles/{article['slug']}?include=related,blocks" for article in articles]


def _store_related_lists(url: str, paths: list[str]) -> None:
    """Wait for the worker to index the archive, and request each page once, which stores its related articles."""
    deadline = time.monotonic() + INDEX_TIMEOUT_SECONDS
    while "behind" in str(_read_json(f"{url}/readyz")):
        if time.monotonic() > deadline:
            raise click.ClickException("the worker did not index the archive in time")
        time.sleep(1)
    for path in paths:
        _read_json(url + path)


def _read_json(url: str) -> Any:
    with urlopen(url, timeout=30) as response:  # noqa: S310 (our own server)
        return orjson.loads(response.read())


def _print_table(results: dict[str, list[Load]]) -> None:
    click.echo("| load | requests/s | ratio to bare | lowest - highest | p50 ms | p99 ms | CPU ms |")
    click.echo("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, loads in results.items():
        ratios = [load.rate / bare.rate for load, bare in zip(loads, results["bare application"], strict=True)]
        rate, p50, p99, cpu = (statistics.median(values) for values in zip(*loads, strict=True))
        spread = f"{min(ratios):.3f} - {max(ratios):.3f}"
        click.echo(
            f"| {name} | {rate:,.0f} | {statistics.median(ratios):.3f} | {spread} | {p50:.2f} | {p99:.2f} | {cpu:.3f} |"
        )


if __name__ == "__main__":
    main()
