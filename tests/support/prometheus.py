"""A real Prometheus, and the check of its rules by promtool."""

import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from tests.support.processes import PATIENCE, free_port
from tests.support.programs import Program

FOLDER = Path(__file__).parents[2] / "deploy/prometheus"
PROGRAM, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")


class Prometheus:
    """A Prometheus at `base`."""

    def __init__(self, base: str) -> None:
        self.base = base

    def wait_until_ready(self) -> None:
        """Return when it has opened its data; it accepts connections before."""
        until = time.monotonic() + PATIENCE
        while True:
            assert time.monotonic() < until, f"{self.base} is not ready"
            with suppress(OSError):
                urllib.request.urlopen(f"{self.base}/-/ready", timeout=5).close()
                return
            time.sleep(0.1)

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of a response of its API."""
        url = f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as response:
                return orjson.loads(response.read())["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error


@contextmanager
def prometheus(folder: Path, *metrics_ports: int, interval: str = "1s") -> Iterator[Prometheus]:
    """Run Prometheus with the configuration of `deploy/prometheus`, which scrapes ports of this machine."""
    program = make_prometheus(folder, *metrics_ports, interval=interval)
    with program:
        server = Prometheus(f"http://127.0.0.1:{program.port}")
        server.wait_until_ready()
        yield server


def make_prometheus(folder: Path, *metrics_ports: int, interval: str = "1s") -> Program:
    """Return a Prometheus that is not started yet; its configuration, data and log are in `folder`."""
    assert PROGRAM
    configuration = (FOLDER / "prometheus.yml").read_text()
    targets = ", ".join(f'"127.0.0.1:{port}"' for port in metrics_ports)
    for old, new in (('"127.0.0.1:9100"', targets), ("interval: 15s", f"interval: {interval}")):
        assert old in configuration
        configuration = configuration.replace(old, new)
    path = folder / "prometheus.yml"
    path.write_text(configuration)
    shutil.copy(FOLDER / "newsapi.rules.yml", folder)
    port = free_port()
    words = [f"--config.file={path}", f"--storage.tsdb.path={folder / 'data'}"]
    return Program([PROGRAM, *words, f"--web.listen-address=127.0.0.1:{port}"], port, folder / "prometheus.log")
