"""The supervisor of `newsapi serve`: server processes that share one port, a worker and a search indexer.

granian starts and joins the server processes; this module adds what granian lacks. On Linux each of its processes would
have a listening socket of its own, and when a process ends, the connections queued on its socket are lost. Here the
supervisor owns one socket for each slot: the next process of the slot continues with the same queue, and the other
processes get the new connections until then (`listeners`). In addition, a process that is told to stop first closes
connections with `Connection: close` for a moment, so that no client sends a request on a connection that is being
closed (`graceful_shutdown`).
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from multiprocessing.connection import wait as wait_for_any
from typing import Final

import structlog
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer, WorkerProcess

from newsapi.server import metrics
from newsapi.server.fork_server import ChildProcess, ForkServer, call
from newsapi.server.listeners import LISTEN_BACKLOG, ListenerHandle, Listeners
from newsapi.server.readiness import READY, LoadApplication, load_and_report
from newsapi.server.signal_event import SignalEvent
from newsapi.server.worker_process import MIN_UPTIME_SECONDS, RESTART_DELAY_SECONDS, SupervisedProcess
from newsapi.settings import Settings

log = structlog.get_logger("newsapi.server")

SHUTDOWN_TIMEOUT_SECONDS: Final = 30
"""Seconds that a stopping process has to finish its requests; then it is killed."""

HEADER_READ_TIMEOUT_MS: Final = 25_000
"""Milliseconds in which the header section of a request must arrive, counted from the previous response. This is also
the idle timeout."""

MAX_HEADER_BYTES: Final = 64 << 10
"""Maximum size of the header section of a request."""

MAX_CONNECTIONS: Final = 4_096
"""Maximum number of open connections per process; more wait in the listen queue."""

WORKER_TARGET: Final = "newsapi.cli.processes:run_supervised_worker"
"""The function that the worker process runs."""

INDEXER_TARGET: Final = "newsapi.cli.processes:run_search_indexer"
"""The function that the search indexer runs."""

STARTUP_TIMEOUT_SECONDS: Final = 60.0
"""Seconds that a new process has to start; the process that it replaces is told to stop when the new one answers."""

STARTUP_POLL_SECONDS: Final = 0.2
"""Seconds between checks, while a new process starts, whether the server is to stop."""


class _ForkedServerProcess(WorkerProcess):
    """A server process that is forked from the fork server."""

    def __init__(
        self, fork_server: ForkServer, supervisor: MPServer, slot: int, target: object, args: tuple[object, ...]
    ) -> None:
        self._fork_server = fork_server
        super().__init__(supervisor, slot, target, args)  # type: ignore[no-untyped-call]

    def _spawn(self, target: Callable[..., object], args: tuple[object, ...]) -> None:
        self.inner = ChildProcess(self._fork_server, target, args)


class ServerSupervisor(MPServer):
    """Starts, restarts, replaces and stops the server processes, the worker and the search indexer."""

    def __init__(self, settings: Settings, address: str, fork_server: ForkServer) -> None:
        """Configure granian; nothing is started yet.

        Args:
            settings: Their `port` and `processes`.
            address: The numeric address to listen on.
            fork_server: From which processes are forked.
        """
        super().__init__(
            "newsapi.cli.processes:server_app",
            factory=True,
            address=address,
            port=settings.port,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,  # version detection has no read timeout
            loop=Loops.uvloop,
            workers=settings.processes,
            websockets=False,
            backlog=LISTEN_BACKLOG,
            backpressure=MAX_CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_READ_TIMEOUT_MS, max_buffer_size=MAX_HEADER_BYTES),
            respawn_failed_workers=True,
            respawn_interval=STARTUP_TIMEOUT_SECONDS,
            workers_kill_timeout=SHUTDOWN_TIMEOUT_SECONDS,
            log_enabled=True,
            log_level=LogLevels.warning,
            log_dictconfig={"loggers": {"_granian": {}}},  # its messages take the form of our own (`logs`)
        )
        self.main_loop_interrupt = SignalEvent()  # type: ignore[assignment]
        self._listeners = Listeners()
        self._readiness: dict[int, tuple[socket.socket, socket.socket]] = {}
        self._fork_server = fork_server
        self._background_processes = [
            SupervisedProcess(name, partial(self._create_process, *call_arguments))
            for name, *call_arguments in (
                # Each worker has the id of the previous one, and so its leases: it does not wait for their expiry.
                ("newsapi-worker", WORKER_TARGET, secrets.token_hex(8)),
                ("newsapi-search-indexer", INDEXER_TARGET),
            )
        ]
        self.on_reload(self._begin_reload)

    def run_preparation(self, target: str, *arguments: str) -> int:
        """Run a function in a process with the application; call this before `serve`.

        Args:
            target: The function, named as `module:function`.
            *arguments: Its arguments.

        Returns:
            The exit status of the process.
        """
        process = self._create_process(target, *arguments)
        process.start()
        process.join()
        return process.exitcode or 0

    def _create_process(self, target: str, *arguments: str) -> ChildProcess:
        return ChildProcess(self._fork_server, call, (target, *arguments))

    def _begin_reload(self) -> None:
        """Replace the worker and the search indexer, and let new processes import the code that is installed now."""
        self._fork_server.renew()
        for process in self._background_processes:
            process.restart()

    def _init_shared_socket(self) -> None:
        """Create one listening socket per slot: the system balances connections, and a queue outlives its process."""
        self._listeners.open(self.bind_addr, self.bind_port, self.workers)

    def _drop_shared_socket(self) -> None:
        self._listeners.close()

    def _spawn_worker(self, idx: int, target: object, callback_loader: LoadApplication) -> WorkerProcess:  # type: ignore[override]
        self._ssp = None
        self._sso = self._listeners.sockets[idx]
        self._shd = ListenerHandle(self._sso)  # type: ignore[assignment]
        for end in self._readiness.pop(idx, ()):
            end.close()
        self._readiness[idx] = socket.socketpair()
        load = partial(load_and_report, callback_loader, self._readiness[idx][1])
        process = super()._spawn_worker(idx, target, load)
        return _ForkedServerProcess(self._fork_server, self, idx, target, process.inner._args)  # noqa: SLF001 (those of granian)

    def _spawn_workers(self, spawn_target: object, target_loader: object) -> None:
        super()._spawn_workers(spawn_target, target_loader)  # type: ignore[no-untyped-call]
        for process in self._background_processes:
            process.start()

    def _respawn_workers(
        self, workers: Iterable[int], spawn_target: object, target_loader: object, delay: float = 0
    ) -> None:
        """Replace processes: on a reload, or without a delay those that ended by themselves.

        If one process ended twice within seconds, granian would stop all the others too; this override prevents that.
        """
        slots = sorted(set(workers))
        if delay:
            for slot in slots:
                if not self._replace(slot, spawn_target, target_loader):
                    return
            return
        for slot in slots:
            self._listeners.abandon(slot)
        old_processes = [self.wrks[slot] for slot in slots]
        log.warning("server process ended", slots=slots, statuses=[old.inner.exitcode for old in old_processes])
        if any(time.monotonic() - old.birth < MIN_UPTIME_SECONDS for old in old_processes):
            time.sleep(RESTART_DELAY_SECONDS)
        super()._respawn_workers(slots, spawn_target, target_loader)
        self.respawned_wrks.clear()
        for slot in slots:
            threading.Thread(target=self._restore_listener, args=(slot, self.wrks[slot]), daemon=True).start()
        for old in old_processes:
            metrics.drop_process(old.inner.pid)

    def _replace(self, slot: int, spawn_target: object, target_loader: object) -> bool:
        """Replace the process of a slot when its successor answers; return False if that does not start."""
        old, new = self.wrks[slot], self._spawn_worker(slot, spawn_target, target_loader)  # type: ignore[arg-type]
        new.interrupt_by_parent = True  # until it has the slot, its end is no end of the slot's process
        new.start()  # type: ignore[no-untyped-call]
        if not self._await_answer(slot, new):
            if not self.interrupt_signal:
                log.error("new server process does not start; the old one goes on", slot=slot)
            self._end(new, kill=True)
            return False
        self.wrks[slot] = new
        new.interrupt_by_parent = False
        self._end(old)
        self.interrupt_children[:] = [child for child in self.interrupt_children if child != slot]
        if not new.is_alive():  # type: ignore[no-untyped-call]
            self.interrupt_children.append(slot)
            self.main_loop_interrupt.set()
        return True

    def _restore_listener(self, slot: int, process: WorkerProcess) -> None:
        """Direct new connections to the socket of a slot again when its new process answers. In a thread."""
        with contextlib.suppress(OSError):  # the process was replaced, and its pipe closed
            while process.is_alive() and not self.interrupt_signal:  # type: ignore[no-untyped-call]
                if self._await_answer(slot, process):
                    self._listeners.restore(slot)
                    return

    def _await_answer(self, slot: int, process: WorkerProcess) -> bool:
        """Wait until a new process answers; return False if it ends, takes too long, or the server is to stop."""
        receiver, sender = self._readiness[slot]
        sender.close()
        deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
        while time.monotonic() < deadline and not self.interrupt_signal:
            events = wait_for_any([receiver, process.inner.sentinel], STARTUP_POLL_SECONDS)
            if receiver in events:
                with contextlib.suppress(OSError):
                    return bool(receiver.recv(len(READY)))
            if events:
                return False
        return False

    def _end(self, process: WorkerProcess, *, kill: bool = False) -> None:
        """Stop a process; kill it at once, or after SHUTDOWN_TIMEOUT_SECONDS."""
        if not kill:
            process.terminate()  # type: ignore[no-untyped-call]
            process.join(SHUTDOWN_TIMEOUT_SECONDS)  # type: ignore[no-untyped-call]
        if kill or process.is_alive():  # type: ignore[no-untyped-call]
            process.kill()  # type: ignore[no-untyped-call]
            process.join()  # type: ignore[no-untyped-call]
        metrics.drop_process(process.inner.pid)

    def _stop_workers(self) -> None:
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT_SECONDS
        for process in self._background_processes:
            process.stop()
        super()._stop_workers()  # type: ignore[no-untyped-call]
        for process in self._background_processes:
            process.join(max(0.0, deadline - time.monotonic()))

    def shutdown(self, exit_code: int = 0) -> None:
        """Stop all processes; one that ended by itself meanwhile, for example by Ctrl-C, is not an error."""
        self.interrupt_children.clear()
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]
