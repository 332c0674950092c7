"""How the processes of `newsapi serve` start and end: forked from a process that has imported the application.

Importing the application takes two seconds of CPU time and 60 MB. The supervisor therefore starts one process that only
imports it, the fork server of `multiprocessing`, and the server processes and the worker are forked from that process:
they start at once and share its memory. The supervisor imports none of it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import threading
import time
from importlib import import_module
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Final

from granian._granian import SocketHolder
from setproctitle import setproctitle

from newsapi.server.memory import limit_free_memory

PARENT_POLL_SECONDS: Final = 1.0
"""Seconds between two checks whether the process that this one was forked from still runs."""

START_ATTEMPTS: Final = 50
START_RETRY_SECONDS: Final = 0.1
"""How often, and after how many seconds, starting a process is tried again while the fork server ends."""

PRELOADED_MODULE: Final = "newsapi.server.preloaded"
"""The module that the fork server imports."""


def fork_context() -> ForkServerContext:
    """Return the context whose processes are forked from one that has imported the application."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED_MODULE])
    return context


def spawn_context() -> SpawnContext:
    """Return the context whose processes import the application themselves, as it is installed when they start."""
    return multiprocessing.get_context("spawn")


def start_process(process: BaseProcess) -> None:
    """Start a child process, also at the moment at which the fork server ends.

    The fork server counts as running until the system has removed it, but connections to it are refused before. The
    next attempt starts another one.

    Raises:
        OSError: The process could not be started.
    """
    for _ in range(START_ATTEMPTS - 1):
        try:
            process.start()
        except (ConnectionError, EOFError, FileNotFoundError):
            time.sleep(START_RETRY_SECONDS)
        else:
            return
    process.start()


def call(target: str, *arguments: str) -> None:
    """Import the function of a child process, named as `module:function`, and call it with these arguments."""
    module, _, function = target.partition(":")
    getattr(import_module(module), function)(*arguments)


def begin_child_process(title: str) -> None:
    """Name a child process, limit the free memory that it keeps, and end it when its supervisor has ended.

    SIGTERM is sent to this process when its supervisor, or the process that it was forked from, has ended, for example
    because it was killed.

    Args:
        title: What `ps` and `top` show as the command of the process.
    """
    setproctitle(title)
    limit_free_memory()
    supervisor, parent_pid = multiprocessing.parent_process(), os.getppid()
    if supervisor is None:
        return

    def watch() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # it is for the main thread, which may block it
        while os.getppid() == parent_pid and supervisor.is_alive():
            supervisor.join(PARENT_POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor", daemon=True).start()


class ListenerHandle:
    """granian's handle of a listening socket, for a child process.

    The handle alone is pickled as the number of its file descriptor, which differs in a forked process; this one is
    pickled with the socket.
    """

    def __init__(self, listener: socket.socket, backlog: int) -> None:
        """Use a listening socket of this process."""
        self._listener, self._backlog = listener, backlog

    def __reduce__(self) -> tuple[object, ...]:
        return _build_holder, (self._listener, self._backlog)


def _build_holder(listener: socket.socket, backlog: int) -> SocketHolder:
    return SocketHolder(listener.detach(), False, backlog)  # type: ignore[call-arg]  # noqa: FBT003 (not a UNIX socket)
