"""The worker beside the server processes: started, watched, stopped. And how each ends with its supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from typing import Final

import structlog

from newsapi.cache import counts

log = structlog.get_logger("newsapi.serving")

YOUNG: Final = 5.0
"""A process that ends within so many seconds is not started again before PAUSE has passed."""

PAUSE: Final = 1.0


class Beside:
    """A command in a process of its own, started again whenever it ends, until it is stopped."""

    def __init__(self, command: list[str]) -> None:
        """Take the words of the command; nothing is started yet."""
        self._command = command
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name="worker", daemon=True)

    def start(self) -> None:
        """Start it, and watch it."""
        self._thread.start()

    def replace(self) -> None:
        """Have the one that runs end what it does; the next one starts then."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def stop(self) -> None:
        """Have it end what it does, and start none after it."""
        self._stopping.set()
        self.replace()

    def join(self, seconds: float) -> None:
        """Wait until it has ended; kill it if it has not by then."""
        self._thread.join(seconds)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            born = time.monotonic()
            with self._lock:
                if self._stopping.is_set():
                    return
                self._process = subprocess.Popen(  # noqa: S603 (words of ours)
                    self._command, env={**os.environ, PARENT: str(os.getpid())}
                )
            status = self._process.wait()
            counts.forget(self._process.pid)
            if self._stopping.is_set():
                return
            log.warning("worker ended", status=status)
            if time.monotonic() - born < YOUNG:
                self._stopping.wait(PAUSE)


PARENT: Final = "NEWSAPI_SUPERVISOR"
"""Names, in the environment of the worker, the process that started it and sees to it."""


def end_with(parent: int) -> None:
    """Have this process stop when its supervisor is gone, killed for example: nobody else would stop it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PAUSE)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor", daemon=True).start()
