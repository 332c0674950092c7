"""The program as people run it: processes with their own folder and port."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from click.testing import CliRunner

from newsapi.cli import startup
from newsapi.cli.main import main
from newsapi.db.database import Database

NEWSAPI = Path(sys.executable).with_name("newsapi")
PATIENCE = 90  # seconds until a process that does not answer is given up


def environ(**values: str) -> dict[str, str]:
    """Our environment without any setting of ours but that nothing is limited or fetched, and with these."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("NEWSAPI_")}
    return {**bare, "NEWSAPI_RATE_LIMITS": "off", "NEWSAPI_MEASURE_IMAGES": "off", **values}


@contextmanager
def suspended(pids: Iterable[int]) -> Iterator[None]:
    """Suspend processes, which then accept connections and do not answer; resume them at the end."""
    pids = [*pids]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Served:
    """A server in a process of its own, and what it printed."""

    def __init__(self, process: subprocess.Popen[str], base: str, printed: Path) -> None:
        self.process, self.base, self._printed = process, base, printed
        self.connection = HTTPConnection(urlsplit(base).netloc, timeout=20)

    @property
    def printed(self) -> str:
        return self._printed.read_text()

    def get(self, address: str) -> tuple[int, str, bytes]:
        """Status, media type and body of an address of this server."""
        assert address.startswith(self.base), address
        self.connection.request("GET", address.removeprefix(self.base) or "/")
        answer: HTTPResponse = self.connection.getresponse()
        return answer.status, answer.headers.get_content_type(), answer.read()

    def json(self, address: str) -> Any:
        return orjson.loads(self.get(f"{self.base}{address}")[2])

    def close(self) -> None:
        self.connection.close()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; answer the exit status and how many seconds it took."""
        start = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(PATIENCE), time.monotonic() - start


Serve = Callable[..., Any]


def descendants(pid: int) -> list[tuple[int, str]]:
    """Return the processes below a process as pairs of id and command, in the order of their ids."""
    parents: dict[int, int] = {}
    commands: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (folder / "cmdline").read_text().replace("\0", " ").strip()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            parents[int(folder.name)], commands[int(folder.name)] = int(parent), command
    below = {pid}
    while more := {child for child, parent in parents.items() if parent in below} - below:
        below |= more
    return [(child, commands[child]) for child in sorted(below - {pid}) if child in commands]


@contextmanager
def serving(folder: Path, *words: str, port: int | None = None, **settings: str) -> Iterator[Served]:
    port = port or free_port()
    base = f"http://127.0.0.1:{port}"
    printed = folder / f"printed-{port}-{time.monotonic_ns()}"
    with printed.open("wb") as out:
        process = subprocess.Popen(
            [NEWSAPI, *words],
            cwd=folder,
            env=environ(NEWSAPI_PORT=str(port), **settings),
            stdout=out,
            stderr=out,
            text=True,
        )
    try:
        until = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, printed.read_text()
            assert time.monotonic() < until, printed.read_text()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        with closing(Served(process, base, printed)) as served:
            yield served
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`newsapi demo`, running."""
    with serving(tmp_path_factory.mktemp("demo"), "demo") as served:
        yield served


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Run a command that serves, in a folder of its own: `with serve("demo") as served`."""
    return lambda *words, **more: serving(tmp_path, *words, **more)


@pytest.fixture
def newsapi_process(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command of the command line to its end, in a process and a folder of its own."""

    def run(*words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [NEWSAPI, *words],
            cwd=tmp_path,
            env=environ(**settings),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    return run


@pytest.fixture
def newsapi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Run a command of the command line in this process, in a folder of its own; a process costs a second more."""
    databases: list[Database] = []

    class RecordedDatabase(Database):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            databases.append(self)

    monkeypatch.setattr(startup, "Database", RecordedDatabase)
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", environ(**settings))
            result = CliRunner().invoke(main, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return subprocess.CompletedProcess([*words], result.exit_code, result.stdout, result.stderr)

    yield run
    for database in databases:
        database.dispose()
