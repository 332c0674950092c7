"""How a server process takes leave of its clients when it is told to stop, so that none writes into a closed door."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, Final, Protocol

FAREWELL: Final = 1.0
"""Seconds for which a process that is told to stop goes on, and ends every connection with the answer it gives."""


class Leaving(Protocol):
    """What runs in a server process, as far as its end is concerned."""

    def leave(self) -> None:
        """From now on have every answer end its connection."""

    def __rsgi_init__(self, loop: Any) -> None: ...


def polite(application: Leaving) -> Leaving:
    """Have an RSGI application take leave of its clients when its process is told to stop.

    granian would close what is idle at once, and the request that is on its way there is lost.
    """
    begin: Callable[[Any], None] = application.__rsgi_init__

    def init(loop: Any) -> None:
        begin(loop)

        def take_leave() -> None:
            application.leave()
            # granian takes SIGINT and SIGTERM alike; this one is left to it.
            loop.call_later(FAREWELL, os.kill, os.getpid(), signal.SIGINT)

        loop.add_signal_handler(signal.SIGTERM, take_leave)

    application.__rsgi_init__ = init  # type: ignore[method-assign]
    return application
