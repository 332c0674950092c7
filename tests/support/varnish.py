"""A real Varnish with the configuration of `deploy/varnish`."""

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from tests.support.machines import Machine
from tests.support.processes import free_port
from tests.support.programs import Program

FOLDER = Path(__file__).parents[2] / "deploy/varnish"
PROGRAM = shutil.which("varnishd", path="/usr/sbin:/usr/local/sbin:/usr/bin")

BACKEND = re.compile(r"^backend node1 \{.*?^\}\n", re.MULTILINE | re.DOTALL)
"""The only backend of the configuration."""


class Varnish(Program):
    """Varnish in front of the servers at `backends`; its configuration, data and log are in `folder`.

    `edit` changes the configuration. Requests to purge are accepted from the addresses `purgers`.
    """

    def __init__(
        self,
        folder: Path,
        *backends: str,
        port: int | None = None,
        purgers: Sequence[str] = ("127.0.0.1",),
        edit: Callable[[str], str] = str,
        machine: Machine | None = None,
    ) -> None:
        assert PROGRAM
        port = port or free_port()
        self.base = f"http://{machine.address if machine else '127.0.0.1'}:{port}"
        configuration = folder / "newsapi.vcl"
        configuration.write_text(edit((FOLDER / "newsapi.vcl").read_text()))
        (folder / "backends.vcl").write_text(_backends(backends, purgers))
        listen_address = "0.0.0.0" if machine else "127.0.0.1"
        options = f"-F -a {listen_address}:{port} -s malloc,64m -j none -n".split()
        command: list[str | Path] = [PROGRAM, *options, folder / "varnish", "-f", configuration]
        super().__init__(command, port, folder / "varnish.log", machine=machine)
        self._data = folder / "varnish"

    def count(self, name: str) -> int:
        """Return a counter of varnishstat, such as `cache_hit`, since its start."""
        command: list[str | Path] = ["varnishstat", "-n", self._data, "-j", "-f", f"MAIN.{name}"]
        done = subprocess.run(command, capture_output=True, check=True)
        return int(orjson.loads(done.stdout)["counters"][f"MAIN.{name}"]["value"])


def _backends(urls: Sequence[str], purgers: Sequence[str]) -> str:
    """Return the text of `backends.vcl`, adapted to these servers and to the addresses that may purge."""
    text = (FOLDER / "backends.vcl").read_text()
    found = BACKEND.search(text)
    assert found
    backends, added = "", ""
    for number, url in enumerate(map(urlsplit, urls), 1):
        backend = found[0].replace("node1", f"node{number}").replace("127.0.0.1", str(url.hostname))
        backends += f"{backend.replace('8000', str(url.port))}\n"
        added += f"    nodes.add_backend(node{number});\n"
    text = BACKEND.sub(lambda _: backends, text)
    allowed = "".join(f'    "{address}";\n' for address in purgers)
    for old, new in (("    nodes.add_backend(node1);\n", added), ('    "127.0.0.1";\n', allowed)):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text
