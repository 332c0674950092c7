"""The background processes of `newsapi serve`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import structlog

from newsapi.server import metrics
from newsapi.server.fork_server import ChildProcess

log = structlog.get_logger("newsapi.server")

MIN_UPTIME_SECONDS: Final = 5.0
"""Minimum uptime in seconds: a process that ends earlier is restarted only after RESTART_DELAY_SECONDS."""

RESTART_DELAY_SECONDS: Final = 1.0


class SupervisedProcess:
    """A child process that is started again whenever it ends, until `stop` is called."""

    def __init__(self, name: str, create: Callable[[], ChildProcess]) -> None:
        """Store the name of the process and the function that returns one to start; nothing is started yet."""
        self._name = name
        self._create = create
        self._stopping = threading.Event()
        self._process: ChildProcess | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name=name, daemon=True)

    def start(self) -> None:
        """Start the process, and watch it in a thread."""
        self._thread.start()

    def restart(self) -> None:
        """Ask the running process to finish its work and exit; a new one starts then."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def stop(self) -> None:
        """Ask the running process to finish its work and exit, and do not start another."""
        self._stopping.set()
        self.restart()

    def join(self, timeout: float) -> None:
        """Wait until the process has exited; kill it after `timeout` seconds."""
        self._thread.join(timeout)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            started_at = time.monotonic()
            with self._lock:
                if self._stopping.is_set():
                    return
                self._process = process = self._create()
                process.start()
            process.join()
            if process.pid is not None:
                metrics.drop_process(process.pid)
            if self._stopping.is_set():
                return
            log.warning("background process ended", process=self._name, status=process.exitcode)
            if time.monotonic() - started_at < MIN_UPTIME_SECONDS:
                self._stopping.wait(RESTART_DELAY_SECONDS)
