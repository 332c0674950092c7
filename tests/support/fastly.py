"""A small Fastly: its API for purging, and one node of its edge with the snippets of `deploy/fastly`.

It follows the documentation of Fastly; nothing was compared with the real one.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_KEYS_PER_REQUEST = 256
TOKEN = "fastly-token"
SERVICE_PATH = "/service/SU1Z0isxPaozGVKXdv0eY"


@dataclass
class Copy:
    """A response that the edge keeps; after a soft purge it is stale, and sent only if the API fails."""

    response: Any
    keys: frozenset[str]
    is_stale: bool = False


class Fastly:
    """The API at `url`, and an edge in front of `origin`, a test client.

    Attributes:
        purges: Path, surrogate keys and status of each request to purge.
        requests_left: Number of requests until the rate limit; None for no limit.
        is_origin_down: Whether the edge cannot reach the origin.
    """

    def __init__(self, origin: Any) -> None:
        self._origin = origin
        self._copies: dict[str, Copy] = {}
        self.purges: list[tuple[str, frozenset[str], int]] = []
        self.requests_left: int | None = None
        self.is_origin_down = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                keys = frozenset((self.headers["Surrogate-Key"] or "").split())
                soft = self.headers["Fastly-Soft-Purge"] == "1"
                status, body = outer.purge(self.path, keys, token=self.headers["Fastly-Key"], soft=soft)
                outer.purges.append((self.path, keys, status))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{SERVICE_PATH}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- the API ---

    def purge(self, path: str, keys: frozenset[str], *, token: str | None, soft: bool) -> tuple[int, dict[str, str]]:
        """Purge as a request asks; return status and body of the response."""
        if token != TOKEN:
            return 401, {"msg": "Provided credentials are missing or invalid"}
        if self.requests_left is not None:
            if self.requests_left == 0:
                return 429, {"msg": "You have exceeded your API rate limit"}
            self.requests_left -= 1
        if path == f"{SERVICE_PATH}/purge_all":  # never soft
            self._copies.clear()
            return 200, {"status": "ok"}
        if path != f"{SERVICE_PATH}/purge":
            return 404, {"msg": "Record not found"}
        if not 0 < len(keys) <= MAX_KEYS_PER_REQUEST:
            return 400, {"msg": f"Please specify between 1 and {MAX_KEYS_PER_REQUEST} surrogate keys"}
        self._remove(lambda copy: bool(copy.keys & keys), soft=soft)
        return 200, {key: f"108-1391560174-{number}" for number, key in enumerate(sorted(keys))}

    def _remove(self, is_purged: Callable[[Copy], bool], *, soft: bool) -> None:
        for path, copy in [(path, copy) for path, copy in self._copies.items() if is_purged(copy)]:
            if soft:
                copy.is_stale = True
            else:
                del self._copies[path]

    # --- the edge ---

    def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        """Return the kept response or that of the origin; None if there is neither."""
        if headers and "Authorization" in headers:
            return self._origin.get(path, headers=headers)
        copy = self._copies.get(path)
        if copy and (self.is_origin_down or not copy.is_stale):  # stale-if-error
            return copy.response
        if self.is_origin_down:
            return None
        response = self._origin.get(path, headers=headers)
        lifetime = re.search(r"max-age=([0-9]+)", response.headers.get("CDN-Cache-Control", ""))
        if lifetime and int(lifetime[1]) > 0 and response.status_code < 500:
            self._copies[path] = Copy(response, frozenset(response.headers["Surrogate-Key"].split()))
        return response
