"""The worker process of `newsapi serve`, and how server and worker processes end with their supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from typing import Final

import structlog

from newsapi.server import metrics

log = structlog.get_logger("newsapi.server")

MIN_UPTIME_SECONDS: Final = 5.0
"""Minimum uptime in seconds: a process that ends earlier is restarted only after RESTART_DELAY_SECONDS."""

RESTART_DELAY_SECONDS: Final = 1.0


class SupervisedProcess:
    """A command that runs as a child process and is restarted whenever it ends, until `stop` is called."""

    def __init__(self, command: list[str]) -> None:
        """Store the command and its arguments; nothing is started yet."""
        self._command = command
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._keep, name="worker", daemon=True)

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
                self._process = subprocess.Popen(  # noqa: S603 (the command is our own)
                    self._command, env={**os.environ, SUPERVISOR_PID_VARIABLE: str(os.getpid())}
                )
            status = self._process.wait()
            metrics.drop_process(self._process.pid)
            if self._stopping.is_set():
                return
            log.warning("worker process ended", status=status)
            if time.monotonic() - started_at < MIN_UPTIME_SECONDS:
                self._stopping.wait(RESTART_DELAY_SECONDS)


SUPERVISOR_PID_VARIABLE: Final = "_NEWSAPI_SUPERVISOR"
"""Environment variable with the process id of the supervisor, set for the worker process."""


def exit_with_parent(parent_pid: int) -> None:
    """Send SIGTERM to this process when its supervisor has ended, for example because it was killed."""

    def watch() -> None:
        while os.getppid() == parent_pid:
            time.sleep(RESTART_DELAY_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor", daemon=True).start()
