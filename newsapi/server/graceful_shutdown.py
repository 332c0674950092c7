"""Graceful shutdown of a server process: clients are told to close their connections before it exits."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

DRAIN_SECONDS: Final = 1.0
"""Seconds for which a process that was told to stop goes on, closing each connection after its next response."""


class Drainable(Protocol):
    """An application that can be drained."""

    def start_draining(self) -> None:
        """Close each connection after its next response from now on."""

    def on_start(self, callback: Callable[[asyncio.AbstractEventLoop], None]) -> None:
        """Register a function to be called with the event loop when the server process has started."""


_Application = TypeVar("_Application", bound=Drainable)


def with_graceful_shutdown(application: _Application) -> _Application:
    """Make an RSGI application drain its connections for DRAIN_SECONDS when its process receives SIGTERM.

    granian alone would close idle connections at once, and a request that is already on its way would be lost.

    SIGTERM is blocked from now on until the event loop handles it: the loop ignores signals that arrive between the
    installation of its handler and its first iteration.

    Args:
        application: The application, before its server process starts.

    Returns:
        The same application.
    """

    def handle_sigterm(loop: asyncio.AbstractEventLoop) -> None:
        application.start_draining()
        # granian stops on SIGINT as on SIGTERM, and its handler for SIGINT is still in place.
        loop.call_later(DRAIN_SECONDS, os.kill, os.getpid(), signal.SIGINT)

    def on_start(loop: asyncio.AbstractEventLoop) -> None:
        loop.add_signal_handler(signal.SIGTERM, handle_sigterm, loop)
        loop.call_soon(signal.pthread_sigmask, signal.SIG_UNBLOCK, {signal.SIGTERM})

    application.on_start(on_start)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    return application
