"""A proxy before a server's socket, for whoever wants trouble on the way: refused, swallowed, late or cut off."""

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Iterator

LINGER = struct.pack("ii", 1, 0)  # close with a reset


class Proxy:
    """Listens on 127.0.0.1 and leads to a Unix socket; `mode` is calm, refuse, hang, slow or reset.

    `asked` is how many pieces clients have sent since it was set to 0.
    """

    def __init__(self, target: str) -> None:
        self.mode, self.delay, self.asked = "calm", 0.2, 0
        self._target, self._closed = target, False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._closed = True
        while self._threads:
            self._threads.pop().join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed:
            if not select.select([self._listener], [], [], 0.02)[0]:
                continue
            client, _ = self._listener.accept()
            if self.mode == "refuse":  # at once, if not by the kernel
                self._cut(client)
                continue
            thread = threading.Thread(target=self._lead, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _lead(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, contextlib.suppress(OSError):
            server.connect(self._target)
            while not self._closed and self.mode != "refuse":
                for side in select.select([client, server], [], [], 0.02)[0]:
                    while self.mode == "hang" and not self._closed:
                        time.sleep(0.01)
                    piece = side.recv(1 << 16)
                    if not piece:
                        return
                    if side is client:
                        self.asked += 1
                        server.sendall(piece)
                    elif self.mode == "reset":
                        client.sendall(piece[: len(piece) // 2])
                        self._cut(client)
                        return
                    else:
                        time.sleep(self.delay if self.mode == "slow" else 0)
                        client.sendall(piece)

    @staticmethod
    def _cut(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        client.close()


@contextlib.contextmanager
def before(url: str) -> Iterator[Proxy]:
    """A proxy before the server of `unix:///path/socket`."""
    proxy = Proxy(url.removeprefix("unix://"))
    try:
        yield proxy
    finally:
        proxy.close()
