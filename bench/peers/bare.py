"""A server that returns stored responses: `python bare.py PORT` in the folder of `responses.json`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import orjson
from granian.constants import Interfaces, Loops
from granian.server import Server

PROCESSES = 2


def create_application() -> Any:
    """Return an RSGI application that looks the response up by path and query."""
    stored = orjson.loads(Path("responses.json").read_bytes())
    responses = {
        target: ([tuple(pair) for pair in headers], body.encode()) for target, (headers, body) in stored.items()
    }

    async def application(scope: Any, protocol: Any) -> None:
        target = f"{scope.path}?{scope.query_string}" if scope.query_string else scope.path
        protocol.response_bytes(200, *responses[target])

    return application


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    Server(
        "bare:create_application",
        factory=True,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.RSGI,
        loop=Loops.uvloop,
        workers=PROCESSES,
        websockets=False,
        log_enabled=False,
    ).serve()
