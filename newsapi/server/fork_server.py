"""How the processes of `newsapi serve` start and end: forked from a process that has imported the application.

Importing the application takes a second of CPU time and 90 MB. The supervisor imports it once and, before it has a
thread, forks the fork server, which waits for requests on a socket. Server processes, the worker and the search indexer
are forked from the fork server: they start at once, and all these processes share the memory of the application. Python
forbids the supervisor to fork them itself, because it has threads by then.

After an upgrade (SIGHUP), or if it was killed, the next fork server is a new interpreter, which imports the application
as it is installed then.
"""

from __future__ import annotations

import io
import os
import pickle
import select
import signal
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Final

from newsapi.server.fork_loop import LENGTH, NUMBER, serve_forks

MAIN_MODULE: Final = "newsapi.server.preloaded"
"""The module that a new interpreter runs as a fork server."""

START_ATTEMPTS: Final = 50
START_RETRY_SECONDS: Final = 0.1
"""How often, and after how many seconds, a process is started if the system has no room for it."""

LOST_STATUS: Final = 255
"""Exit status of a process whose fork server ended before it."""


def call(target: str, *arguments: str) -> None:
    """Import the function of a child process, named as `module:function`, and call it with these arguments."""
    module, _, function = target.partition(":")
    getattr(import_module(module), function)(*arguments)


class _Interpreter:
    """A process that is the fork server, or was until the last `ForkServer.renew`."""

    def __init__(self, pid: int, control: socket.socket) -> None:
        self._pid, self._control = pid, control
        self.running = 0  # processes that were forked from it
        self.is_retired = False

    @classmethod
    def fork(cls) -> _Interpreter:
        """Fork it from this process."""
        ours, theirs = socket.socketpair()
        # SIGTERM to all processes of the service must not end the fork server before those that were forked from it.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if not pid:
            ours.close()
            serve_forks(theirs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        theirs.close()
        return cls(pid, ours)

    @classmethod
    def execute(cls) -> _Interpreter:
        """Start it as a new interpreter, which imports the application."""
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.set_inheritable(True)
            # "-P": modules are not looked for in the working directory
            command = [sys.executable, "-P", "-m", MAIN_MODULE, str(theirs.fileno())]
            return cls(os.posix_spawn(command[0], command, os.environ), ours)

    def start(self, pickled_call: bytes, descriptors: Sequence[int]) -> tuple[int, int]:
        """Fork a process from it.

        Returns:
            The process id, and a file descriptor from which the exit status can be read.

        Raises:
            ConnectionError: It has ended.
            OSError: The system starts no more processes at present.
        """
        reader, writer = os.pipe()
        try:
            pid = self._request(pickled_call, [writer, *descriptors])
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        self.running += 1
        return pid, reader

    def _request(self, pickled_call: bytes, descriptors: Sequence[int]) -> int:
        socket.send_fds(self._control, [LENGTH.pack(len(pickled_call))], descriptors)
        self._control.sendall(pickled_call)
        reply = self._control.recv(NUMBER.size)
        if not reply:
            raise ConnectionResetError("the fork server has ended")
        pid: int = NUMBER.unpack(reply)[0]
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return pid

    def end_if_unused(self) -> None:
        """End it if it was retired and the processes that were forked from it have ended."""
        if self.is_retired and not self.running:
            self.end()

    def end(self) -> None:
        """End it, or reap it if it has ended."""
        self._control.close()
        os.waitpid(self._pid, 0)


class ForkServer:
    """The fork server, as the supervisor sees it. Thread-safe."""

    def __init__(self) -> None:
        """Fork it from this process, which has imported the application, and has one thread and no connection."""
        self._current = _Interpreter.fork()
        self._lock = threading.Lock()

    def renew(self) -> None:
        """From now on, fork from a new interpreter, which imports the application as it is installed now."""
        with self._lock:
            previous, self._current = self._current, _Interpreter.execute()
            previous.is_retired = True
            previous.end_if_unused()

    def start(self, pickled_call: bytes, descriptors: Sequence[int]) -> tuple[int, int, Callable[[], None]]:
        """Fork a process; if the fork server was killed, another one is started before.

        Args:
            pickled_call: What the process runs (`ChildProcess`).
            descriptors: File descriptors of which it gets copies.

        Returns:
            Its process id; a file descriptor from which its exit status can be read; and a function to be called when
            the process has ended.

        Raises:
            OSError: The process could not be started.
        """
        with self._lock:
            try:
                started = self._current.start(pickled_call, descriptors)
            except ConnectionError:
                self._current.end()
                self._current = _Interpreter.execute()
                started = self._current.start(pickled_call, descriptors)
            return *started, partial(self._count_end, self._current)

    def _count_end(self, interpreter: _Interpreter) -> None:
        with self._lock:
            interpreter.running -= 1
            interpreter.end_if_unused()


class ChildProcess:
    """A process to be forked from the fork server. Thread-safe, with the methods of `multiprocessing.Process`."""

    def __init__(self, fork_server: ForkServer, target: Callable[..., object], args: tuple[object, ...]) -> None:
        """Store the parts; nothing is started yet.

        Args:
            fork_server: From which it is forked.
            target: The function that it calls; it must be importable there.
            args: Arguments of the function. Sockets may be among them, and the process gets copies.
        """
        self.pid: int | None = None
        self.exitcode: int | None = None
        self._fork_server, self._target, self._args = fork_server, target, args
        self._status = -1
        self._on_end: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    @property
    def sentinel(self) -> int:
        """A file descriptor that is readable when the process has ended."""
        return self._status

    def start(self) -> None:
        """Start the process.

        Raises:
            OSError: It could not be started.
        """
        buffer = io.BytesIO()
        pickler = _Pickler(buffer)
        pickler.dump((self._target, self._args))
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                started = self._fork_server.start(buffer.getvalue(), pickler.descriptors)
                break
            except OSError:
                if attempt == START_ATTEMPTS:
                    raise
                time.sleep(START_RETRY_SECONDS)
        self.pid, self._status, self._on_end = started
        weakref.finalize(self, os.close, self._status)

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        self.join(0)
        return self.pid is not None and self.exitcode is None

    def join(self, timeout: float | None = None) -> None:
        """Wait until the process has ended, or for `timeout` seconds."""
        if self.exitcode is not None:
            return
        poll = select.poll()
        poll.register(self._status, select.POLLIN)
        if not poll.poll(None if timeout is None else timeout * 1_000):
            return
        with self._lock:
            if self.exitcode is None:
                status = os.read(self._status, NUMBER.size)
                self.exitcode = NUMBER.unpack(status)[0] if status else LOST_STATUS
                self._on_end()

    def terminate(self) -> None:
        """Ask the process to finish its work and exit."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.pid is not None and self.is_alive():
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)


class _Pickler(pickle.Pickler):
    """Pickles a call; sockets are replaced by the positions of their file descriptors."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.descriptors: list[int] = []

    def persistent_id(self, value: object) -> int | None:
        if not isinstance(value, socket.socket):
            return None
        if value.fileno() not in self.descriptors:
            self.descriptors.append(value.fileno())
        return self.descriptors.index(value.fileno())
