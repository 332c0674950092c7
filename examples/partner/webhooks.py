"""Webhooks as Standard Webhooks describes them: is this message genuine, and was it seen before?

    python webhooks.py SECRET 8080      # prints what is told, and who sent what is not genuine is refused

The body is news of news: what it says is read anew from the API, so that an old message can do no harm.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import time
from collections import OrderedDict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

TOLERANCE = 300
"""Seconds that a message may be old, or ahead of our clock."""

REMEMBERED = 10_000
"""Ids of messages that are remembered, as any may come twice."""

MOST = 20_480
"""Bytes of a message."""


class NotGenuine(Exception):
    """A message that was not signed with our secret, or not now."""


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float | None = None) -> Any:
    """Answer what a message says; raises NotGenuine. While a secret is replaced, one of several signatures is ours."""
    named = {name.lower(): value for name, value in headers.items()}
    try:
        id_, stamp, given = (named[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        age = (time.time() if now is None else now) - int(stamp)
    except (KeyError, ValueError) as error:
        raise NotGenuine("a header is missing") from error
    if abs(age) > TOLERANCE:
        raise NotGenuine("too old, or from the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.digest(key, b".".join((id_.encode(), stamp.encode(), body)), hashlib.sha256))
    signatures = [one.partition(",")[2].encode() for one in given.split() if one.startswith("v1,")]
    if not any(hmac.compare_digest(one, wanted) for one in signatures):
        raise NotGenuine("not signed with our secret")
    return json.loads(body)


class Seen:
    """Ids of messages that were worked on: the same one is not worked on twice."""

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()

    def is_new(self, id_: str) -> bool:
        if id_ in self._ids:
            return False
        self._ids[id_] = None
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)
        return True


def serve(secret: str, port: int) -> None:
    seen = Seen()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            try:
                if length > MOST:
                    raise NotGenuine("too long")
                told = verify(secret, dict(self.headers), self.rfile.read(length))
            except NotGenuine as error:
                self.send_error(400, str(error))
                return
            if seen.is_new(self.headers["webhook-id"]):
                print(told["type"], told["data"], flush=True)
            self.send_response(204)
            self.end_headers()

    HTTPServer(("127.0.0.1", port), Receiver).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
