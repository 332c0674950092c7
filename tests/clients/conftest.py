"""The demo, the same with words that no client knows yet, and the tools of package.json."""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from tests.support.processes import Served

HERE = Path(__file__).parent
PATIENCE = 150

Run = Callable[..., subprocess.CompletedProcess[str]]


def altered_body(body: bytes) -> bytes:
    """An answer of a later release: every value that may get company is one that nobody knows, and a field is new."""
    body = re.sub(rb'"(format|level|kind)":"[a-z]+"', rb'"\1":"hologram"', body)
    body = re.sub(rb'"type":"(paragraph|strong)"', rb'"type":"hologram"', body)
    return body.replace(b'{"data":{"id":', b'{"data":{"added":"later","id":')


@pytest.fixture(scope="session")
def altered(demo: Served) -> Iterator[str]:
    """The address of a server that answers what the demo answers, altered."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            connection = HTTPConnection(urlsplit(demo.base).netloc, timeout=20)
            connection.request("GET", self.path)
            answer = connection.getresponse()
            body = altered_body(answer.read())
            connection.close()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.headers["Content-Type"])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder with what package-lock.json names, installed by the first worker that asks."""
    folder = shared_folder(tmp_path_factory, worker_id, "tools")

    def copy() -> None:
        for name in ("package.json", "package-lock.json", "tsconfig.json"):
            shutil.copy(HERE / name, folder)

    install_packages(folder, copy)
    return folder


def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str, name: str) -> Path:
    """Return a folder that all workers of a run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / name
    folder.mkdir(exist_ok=True)
    return folder


def install_packages(folder: Path, copy: Callable[[], None], *more: tuple[str, ...]) -> None:
    """Install the packages of a lock file, once for all workers; skip the test if that is not possible.

    Args:
        folder: Where to install; all workers share it.
        copy: Copies package.json and package-lock.json, and what else is needed, to the folder.
        *more: Commands to run after the installation.
    """
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not here")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < (20, 19):
        pytest.skip(f"node {version.strip()} is older than 20.19")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        outcome = folder / "outcome"
        if not outcome.exists():
            copy()
            # Scripts of packages stay unrun: none is needed, and one reports each installation.
            command = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
            try:
                done = subprocess.run(
                    command, cwd=folder, capture_output=True, text=True, check=False, timeout=PATIENCE
                )
                outcome.write_text("" if done.returncode == 0 else done.stderr[-500:] or "failed")
            except subprocess.TimeoutExpired:
                outcome.write_text("took too long")
            if not outcome.read_text():
                for words in more:
                    execute(folder, *words)
        if said := outcome.read_text():
            pytest.skip(f"npm ci: {said}")


def execute(folder: Path, name: str | Path, *words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the packages of a folder, or another one, in this folder; it must end well."""
    program = folder / "node_modules" / ".bin" / name
    done = subprocess.run(
        [program if program.exists() else name, *words],
        cwd=folder,
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture
def run(tools: Path) -> Run:
    """Run one of the tools, or node, in their folder; it must end well."""
    return partial(execute, tools)
