"""An event that signal handlers can set."""

from __future__ import annotations

import contextlib
import os
import select


class SignalEvent:
    """An event like `threading.Event` that takes no lock, so that a signal handler can set it at any moment.

    A handler runs in the main thread between any two instructions. `threading.Event.set` waits for a lock there that
    the interrupted code, such as the same handler for an earlier signal, may hold: then the process hangs. Here the
    event is a byte in a pipe.
    """

    def __init__(self) -> None:
        """Create the pipe, which stays open as long as the process."""
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._is_set = False

    def set(self) -> None:
        """Set the event and wake up all threads that wait for it."""
        self._is_set = True
        with contextlib.suppress(BlockingIOError):  # the pipe is full: the event is set
            os.write(self._writer, b"\0")

    def is_set(self) -> bool:
        """Return whether the event is set."""
        return self._is_set

    def clear(self) -> None:
        """Reset the event."""
        self._is_set = False
        with contextlib.suppress(BlockingIOError):
            while os.read(self._reader, 4_096):
                pass

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the event is set, or for `timeout` seconds; return whether it is set."""
        poll = select.poll()
        poll.register(self._reader, select.POLLIN)
        poll.poll(None if timeout is None else timeout * 1_000)
        return self._is_set
