"""The processes of `newsapi serve`: server processes behind one port, one worker beside them, and who sees to them all.

granian starts and joins server processes; what it leaves open is closed here. On Linux every process of its own would
listen by itself, and with the process its queue of new connections is gone: here each slot's listener belongs to the
supervisor, and the next process of the slot goes on with the same queue. And a process that is told to stop says so to
its clients for a moment (`Connection: close`) before it closes what is idle, so that none writes into a closed door.
"""

from __future__ import annotations

import socket
import sys
import time
from typing import Any, Final

import structlog
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server.mp import MPServer

from newsapi.cache import counts
from newsapi.serving.beside import PAUSE, YOUNG, Beside
from newsapi.settings import Settings

log = structlog.get_logger("newsapi.serving")

GRACE: Final = 30
"""Seconds that requests in flight have when a process is told to stop; then it is killed."""

HEAD_MS: Final = 25_000
"""Milliseconds a client has for the head of a request, counted from the answer before: also how long it may be idle."""

HEAD_BYTES: Final = 64 << 10
"""Bytes that the head of a request may take."""

CONNECTIONS: Final = 4_096
"""Connections that a process holds at once; more wait in the queue of the system."""

QUEUE: Final = 2_048
"""Connections that may wait in it."""

SILENT: Final = 10
"""Seconds that the system keeps a connection on which nothing was sent."""

START: Final = 2.0
"""Seconds that the next process has to start before the one it replaces is told to stop."""


class Processes(MPServer):
    """Server processes that share a port, and the worker: started, started again, replaced and stopped together."""

    def __init__(self, settings: Settings, address: str) -> None:
        """Take where to listen, as a number, and how many processes there shall be."""
        super().__init__(
            "newsapi.cli:application",
            factory=True,
            address=address,
            port=settings.port,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,  # while it guesses the version it has no time-out
            loop=Loops.uvloop,
            workers=settings.processes,
            websockets=False,
            backlog=QUEUE,
            backpressure=CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=HEAD_MS, max_buffer_size=HEAD_BYTES),
            respawn_failed_workers=True,
            respawn_interval=START,
            workers_kill_timeout=GRACE,
            log_enabled=True,
            log_level=LogLevels.warning,
        )
        self._listeners: list[tuple[Any, socket.socket]] = []
        self._beside = Beside([sys.executable, "-c", "from newsapi.cli import main; main()", "worker"])
        self.on_reload(self._beside.replace)

    def _init_shared_socket(self) -> None:
        """Make a listener for each slot: the system spreads connections over them, and no queue dies with a process."""
        for _ in range(self.workers):
            held = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
            own = socket.socket(fileno=held.get_fd())
            own.set_inheritable(True)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                # Of the connections that come by it: granian has no time-out for a client that reads nothing.
                own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, HEAD_MS)
            if hasattr(socket, "TCP_DEFER_ACCEPT"):
                # A process meets a connection when its request is there: so none is closed because nothing came yet.
                own.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, SILENT)
            self._listeners.append((held, own))

    def _drop_shared_socket(self) -> None:
        for _, own in self._listeners:
            own.close()

    def _spawn_worker(self, idx: int, target: Any, callback_loader: Any) -> Any:  # type: ignore[override]
        self._ssp = None
        self._shd, self._sso = self._listeners[idx]
        return super()._spawn_worker(idx, target, callback_loader)

    def _spawn_workers(self, spawn_target: Any, target_loader: Any) -> None:
        super()._spawn_workers(spawn_target, target_loader)  # type: ignore[no-untyped-call]
        self._beside.start()

    def _respawn_workers(self, workers: Any, spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        """Replace processes; without a delay they ended by themselves.

        granian would give up when one ends twice within seconds, and with it all that are well.
        """
        slots = sorted(set(workers))
        ended = [self.wrks[slot] for slot in slots]
        if not delay:
            log.warning("server process ended", slots=slots, statuses=[old.inner.exitcode for old in ended])
            if any(time.monotonic() - old.birth < YOUNG for old in ended):
                time.sleep(PAUSE)
        super()._respawn_workers(slots, spawn_target, target_loader, delay)
        self.respawned_wrks.clear()
        for old in ended:
            counts.forget(old.inner.pid)

    def _stop_workers(self) -> None:
        self._beside.stop()
        super()._stop_workers()  # type: ignore[no-untyped-call]
        self._beside.join(GRACE)

    def shutdown(self, exit_code: int = 0) -> None:
        """Stop everything; a process that ended of itself meanwhile, by Ctrl-C for example, is no failure of ours."""
        self.interrupt_children.clear()
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]
