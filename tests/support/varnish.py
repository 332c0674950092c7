"""A real Varnish with the configuration of `deploy/varnish`."""

import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tests.support.processes import PATIENCE, free_port

FOLDER = Path(__file__).parents[2] / "deploy/varnish"
PROGRAM = shutil.which("varnishd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


BACKEND = re.compile(r"^backend node1 \{.*?^\}\n", re.MULTILINE | re.DOTALL)
"""The only backend of the configuration."""


class Varnish:
    """Varnish in front of the servers at `backends`; it can be killed and started again at the same address."""

    def __init__(self, folder: Path, *backends: str, port: int | None = None, purgers: str = "127.0.0.1") -> None:
        self._port = port or free_port()
        self._folder = folder
        self.base = f"http://127.0.0.1:{self._port}"
        (folder / "newsapi.vcl").write_text((FOLDER / "newsapi.vcl").read_text())
        (folder / "backends.vcl").write_text(_backends(backends, purgers))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        assert PROGRAM
        words = [
            "-F",
            "-n",
            str(self._folder / "varnish"),
            "-a",
            f"127.0.0.1:{self._port}",
            "-s",
            "malloc,64m",
            "-j",
            "none",
        ]
        printed = self._folder / "varnish.log"
        with printed.open("ab") as out:
            self._process = subprocess.Popen(
                [PROGRAM, *words, "-f", str(self._folder / "newsapi.vcl")], stdout=out, stderr=out, process_group=0
            )
        until = time.monotonic() + PATIENCE
        while True:
            assert self._process.poll() is None, printed.read_text()
            assert time.monotonic() < until, printed.read_text()
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None


def _backends(urls: Sequence[str], purgers: str) -> str:
    """Return the text of `backends.vcl`, adapted to these servers and to the address that may purge."""
    text = (FOLDER / "backends.vcl").read_text()
    found = BACKEND.search(text)
    assert found
    backends, added = "", ""
    for number, url in enumerate(map(urlsplit, urls), 1):
        backend = found[0].replace("node1", f"node{number}").replace("127.0.0.1", str(url.hostname))
        backends += f"{backend.replace('8000', str(url.port))}\n"
        added += f"    nodes.add_backend(node{number});\n"
    text = BACKEND.sub(lambda _: backends, text)
    for old, new in (("    nodes.add_backend(node1);\n", added), ('    "127.0.0.1";\n', f'    "{purgers}";\n')):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text
