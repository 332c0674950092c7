"""A real Varnish with the configuration of `deploy/varnish`."""

import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from tests.support.processes import PATIENCE, free_port

CONFIGURATION = Path(__file__).parents[2] / "deploy/varnish/newsapi.vcl"
PROGRAM = shutil.which("varnishd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


class Varnish:
    """Varnish in front of the server at `backend`; it can be killed and started again at the same address."""

    def __init__(self, folder: Path, backend: str, port: int | None = None, purgers: str = "127.0.0.1") -> None:
        self._port = port or free_port()
        self._folder = folder
        self.base = f"http://127.0.0.1:{self._port}"
        text = CONFIGURATION.read_text()
        text = text.replace('.host = "127.0.0.1"', f'.host = "{urlsplit(backend).hostname}"')
        text, count = re.subn(r'\.port = "8000"', f'.port = "{urlsplit(backend).port}"', text)
        assert count == 1
        text, count = re.subn(r'^    "127.0.0.1";\n', f'    "{purgers}";\n', text, flags=re.MULTILINE)
        assert count == 1
        (folder / "newsapi.vcl").write_text(text)
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
