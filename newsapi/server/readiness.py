"""How a new server process tells its supervisor that it answers requests."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Protocol

READY: bytes = b"ready"


class StartingApplication(Protocol):
    """An application that calls functions when its process has started."""

    def on_start(self, callback: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        """Register a function to be called with the event loop when the server process has started."""


LoadApplication = Callable[[], StartingApplication]


def load_and_report(load: LoadApplication, supervisor: socket.socket) -> StartingApplication:
    """Load the application of a server process; the supervisor is told when the process serves it.

    Args:
        load: Loads the application.
        supervisor: A socket whose other end the supervisor reads.

    Returns:
        The application.
    """

    def report() -> None:
        with contextlib.suppress(OSError):  # the supervisor no longer waits
            supervisor.sendall(READY)
        supervisor.close()

    def on_start(loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon(report)  # the server accepts connections before the event loop runs its first callback

    application = load()
    application.on_start(on_start)
    return application
