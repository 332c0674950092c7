"""A real Prometheus, and the check of its rules by promtool."""

import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.support.processes import PATIENCE, free_port

FOLDER = Path(__file__).parents[2] / "deploy/prometheus"
PROGRAM, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")


class Prometheus:
    """A Prometheus at `base`."""

    def __init__(self, base: str) -> None:
        self.base = base

    def get(self, path: str, **parameters: str) -> Any:
        """Return the data of a response of its API."""
        url = f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as response:
                return orjson.loads(response.read())["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error


@contextmanager
def prometheus(folder: Path, metrics_port: int, interval: str = "1s") -> Iterator[Prometheus]:
    """Run Prometheus with the configuration of `deploy/prometheus`, which scrapes a port of this machine."""
    assert PROGRAM
    configuration = (FOLDER / "prometheus.yml").read_text()
    for old, new in (("127.0.0.1:9100", f"127.0.0.1:{metrics_port}"), ("interval: 15s", f"interval: {interval}")):
        assert old in configuration
        configuration = configuration.replace(old, new)
    (folder / "prometheus.yml").write_text(configuration)
    shutil.copy(FOLDER / "newsapi.rules.yml", folder)
    address = f"127.0.0.1:{free_port()}"
    words = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    printed = folder / "printed"
    with printed.open("wb") as out:
        process = subprocess.Popen([PROGRAM, *words, f"--web.listen-address={address}"], stdout=out, stderr=out)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            assert process.poll() is None, printed.read_text()
            assert time.monotonic() < until, printed.read_text()
            try:
                urllib.request.urlopen(f"http://{address}/-/ready", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield Prometheus(f"http://{address}")
    finally:
        process.terminate()
        process.wait(PATIENCE)
