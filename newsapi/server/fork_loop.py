"""The fork server itself: the loop that forks processes and reports how they ended (`fork_server` is its other end)."""

from __future__ import annotations

import errno
import io
import os
import pickle
import selectors
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NoReturn

from setproctitle import setproctitle

MAX_DESCRIPTORS: Final = 8
"""Maximum number of file descriptors that a process is started with."""

LENGTH: Final = struct.Struct("!I")
NUMBER: Final = struct.Struct("!i")
"""Messages: the length of a pickled call; and a process id, an exit status, or a negative error number."""


class _Unpickler(pickle.Unpickler):  # noqa: S301 (what the supervisor sent)
    """Reads a pickled call; its sockets are made of these file descriptors."""

    def __init__(self, pickled_call: bytes, descriptors: Sequence[int]) -> None:
        super().__init__(io.BytesIO(pickled_call))
        self._sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]

    def persistent_load(self, position: int) -> socket.socket:
        return self._sockets[position]


def serve_forks(control: socket.socket) -> NoReturn:
    """Be the fork server: fork processes as the other end of a socket asks, until that end is closed.

    The calling process must have one thread. It exits, and the processes that were forked from it get SIGTERM then.
    """
    setproctitle("newsapi fork server")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the supervisor stops all processes
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    try:
        _ForkLoop(control).run()
    except BaseException:  # noqa: BLE001 (reported here: nothing of the calling process may run in this one)
        traceback.print_exc()
    os._exit(0)


class _ForkLoop:
    """The loop of the fork server."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._statuses: dict[int, int] = {}  # of each process, where its exit status is written
        self._alive_reader, self._alive_writer = os.pipe()  # the writer is closed when this process ends
        self._woken_reader, self._woken_writer = os.pipe()
        os.set_blocking(self._woken_reader, False)
        os.set_blocking(self._woken_writer, False)

    def run(self) -> None:
        """Fork and wait for processes until the socket is closed."""
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only with a handler does it wake the loop
        signal.set_wakeup_fd(self._woken_writer, warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._woken_reader, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == self._woken_reader:
                        self._report_ends()
                    elif not self._handle_request():
                        return

    def _handle_request(self) -> bool:
        """Fork a process; return False if the socket is closed."""
        try:
            header, descriptors, _, _ = socket.recv_fds(self._control, LENGTH.size, MAX_DESCRIPTORS)
            if not header:
                return False
            [length] = LENGTH.unpack(header)
            pickled_call = self._control.recv(length, socket.MSG_WAITALL)
        except ConnectionError:
            return False
        status, *others = descriptors
        try:
            number = os.fork()
        except OSError as error:
            number = -(error.errno or errno.EAGAIN)
        if not number:
            self._run_child(pickled_call, others, status)
        if number > 0:
            self._statuses[number] = status
        else:
            others.append(status)
        for descriptor in others:
            os.close(descriptor)
        with suppress(ConnectionError):
            self._control.sendall(NUMBER.pack(number))
        return True

    def _report_ends(self) -> None:
        """Write the exit statuses of the processes that have ended."""
        with suppress(BlockingIOError):
            while os.read(self._woken_reader, 4_096):
                pass
        with suppress(ChildProcessError):  # there are no more
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                descriptor = self._statuses.pop(ended[0])
                with suppress(BrokenPipeError):  # the supervisor has closed its end
                    os.write(descriptor, NUMBER.pack(os.waitstatus_to_exitcode(ended[1])))
                os.close(descriptor)

    def _run_child(self, pickled_call: bytes, descriptors: Sequence[int], status: int) -> NoReturn:
        """Be a forked process: run its function and exit."""
        exitcode = 1
        try:
            self._leave_loop(status)
            target, args = _Unpickler(pickled_call, descriptors).load()
            exitcode = _call_as_program(target, args)
            threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 (waits for threads, as Python does at its end)
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except BaseException:  # noqa: BLE001 (reported here, because this process has the stack of another one)
            traceback.print_exc()
        finally:
            os._exit(exitcode)

    def _leave_loop(self, status: int) -> None:
        """Undo in a forked process what only the fork server needs, and end when that ends."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._control.close()
        for descriptor in (self._alive_writer, self._woken_reader, self._woken_writer):
            os.close(descriptor)
        for descriptor in (status, *self._statuses.values()):
            os.close(descriptor)
        threading.Thread(target=self._end_with_fork_server, name="fork server", daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _end_with_fork_server(self) -> None:
        """Send SIGTERM to this process when the fork server has ended. In a thread."""
        os.read(self._alive_reader, 1)
        os.kill(os.getpid(), signal.SIGTERM)


def _call_as_program(target: Callable[..., object], args: tuple[object, ...]) -> int:
    """Call a function, report an exception as Python does at the end of a program, and return the exit status."""
    try:
        target(*args)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        sys.stderr.write(f"{error.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 (also KeyboardInterrupt)
        traceback.print_exc()
        return 1
    return 0
