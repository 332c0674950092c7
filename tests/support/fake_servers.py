"""Servers of others: a CDN, a hub, a partner who is called."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Asked:
    """One request that it got."""

    def __init__(self, method: str, path: str, headers: Any, body: bytes) -> None:
        self.method, self.path, self.headers, self.body = method, path, headers, body

    @property
    def words(self) -> set[str]:
        return set((self.headers["Surrogate-Key"] or self.headers["xkey-purge"] or "").split())


class Elsewhere:
    """A real HTTP server: keeps what it was asked, has `heed` look at it, and answers `status`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.status = 200
        self.heed: Callable[[Asked], object] = lambda _: None
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                kept.asked.append(Asked(self.command, self.path, self.headers, body))
                kept.heed(kept.asked[-1])
                self.send_response(kept.status)
                if kept.status == 302:
                    self.send_header("Location", f"{kept.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_PURGE = do_BAN = do_GET = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
