"""The listening sockets of the server processes: one for each slot, all on the same port.

The kernel distributes new connections among the sockets. When a process ends, its socket stays open in the supervisor,
so that no connection is lost. No process accepts connections from that socket until the next process of the slot
starts. Meanwhile, a classic BPF program directs new connections to the sockets of the other processes
(SO_ATTACH_REUSEPORT_CBPF, Linux 4.5).
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Final

import structlog
from granian._granian import SocketHolder
from granian.net import SocketSpec  # type: ignore[attr-defined]

log = structlog.get_logger("newsapi.server")

LISTEN_BACKLOG: Final = 2_048
"""Maximum length of the listen queue of a socket."""

SEND_TIMEOUT_MS: Final = 25_000
"""Milliseconds for which a client may leave data that was sent unacknowledged: granian has no timeout for that."""

DEFER_ACCEPT_SECONDS: Final = 10
"""Seconds for which the system holds back a connection on which no data has arrived (TCP_DEFER_ACCEPT)."""

SO_ATTACH_REUSEPORT_CBPF: Final = 51
SO_DETACH_REUSEPORT_BPF: Final = 68
"""Options of <asm-generic/socket.h>; Python does not define them."""

_LOAD_WORD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_MODULO: Final = 0x94  # BPF_ALU | BPF_MOD | BPF_K
_JUMP_IF_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_RANDOM_NUMBER: Final = 0xFFFFF000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM


class Listeners:
    """The listening sockets, and which of them have a process. Thread-safe."""

    def __init__(self) -> None:
        """Start without sockets."""
        self.sockets: list[socket.socket] = []
        self._holders: list[SocketHolder] = []  # they close their sockets when they are deleted
        self._abandoned: set[int] = set()
        self._lock = threading.Lock()

    def open(self, address: str, port: int, count: int) -> None:
        """Listen with `count` sockets on an address and a port."""
        for _ in range(count):
            holder = SocketSpec(address, port, LISTEN_BACKLOG).build()
            listener = socket.socket(fileno=holder.get_fd())
            listener.set_inheritable(True)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # inherited by accepted connections
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SEND_TIMEOUT_MS)
            if hasattr(socket, "TCP_DEFER_ACCEPT"):
                # A process accepts a connection only when its request has arrived, so it never closes one that has not
                # sent anything yet.
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, DEFER_ACCEPT_SECONDS)
            listener.listen(LISTEN_BACKLOG)  # here, because this order is the order of indexes in BPF programs
            self._holders.append(holder)
            self.sockets.append(listener)

    def close(self) -> None:
        """Close all sockets."""
        with self._lock:
            for listener in self.sockets:
                listener.close()
            self.sockets.clear()

    def abandon(self, slot: int) -> None:
        """Direct new connections to the other sockets, because the process of this slot has ended."""
        self._direct(slot, is_abandoned=True)

    def restore(self, slot: int) -> None:
        """Direct new connections to this socket too, because a process accepts them again."""
        self._direct(slot, is_abandoned=False)

    def _direct(self, slot: int, *, is_abandoned: bool) -> None:
        with self._lock:
            if is_abandoned == (slot in self._abandoned) or not self.sockets:
                return
            self._abandoned ^= {slot}
            attended = [index for index in range(len(self.sockets)) if index not in self._abandoned]
            try:
                if self._abandoned and attended:
                    _attach(self.sockets[0], _selection_program(attended))
                else:
                    with contextlib.suppress(FileNotFoundError):  # no program is attached
                        self.sockets[0].setsockopt(socket.SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0)
            except OSError as error:  # another system than Linux: connections wait for the next process
                log.debug("connections not directed", error=str(error))


class ListenerHandle:
    """granian's handle of a listening socket, for a child process.

    The handle alone is pickled as the number of its file descriptor, which differs in another process; this one is
    pickled with the socket.
    """

    def __init__(self, listener: socket.socket) -> None:
        """Use a listening socket of this process."""
        self._listener = listener

    def __reduce__(self) -> tuple[object, ...]:
        return _build_holder, (self._listener,)


def _build_holder(listener: socket.socket) -> SocketHolder:
    return SocketHolder(listener.detach(), False, LISTEN_BACKLOG)  # type: ignore[call-arg]  # noqa: FBT003 (not a UNIX socket)


def _selection_program(indexes: Sequence[int]) -> bytes:
    """Return the instructions that choose one of the sockets with these indexes at random."""
    instructions = [(_LOAD_WORD, 0, 0, _RANDOM_NUMBER), (_MODULO, 0, 0, len(indexes))]
    for number, index in enumerate(indexes[:-1]):
        instructions += [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, index)]
    instructions.append((_RETURN, 0, 0, indexes[-1]))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)


def _attach(listener: socket.socket, program: bytes) -> None:
    """Attach a program to the group of sockets that a socket belongs to."""
    buffer = ctypes.create_string_buffer(program)
    sock_fprog = struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer))
    listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, sock_fprog)
