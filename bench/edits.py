"""Edits of a fixed set of articles over HTTP, for benchmarks of what changes do while the archive does not grow."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import urlsplit

import click
import orjson

from bench.corpus import SYLLABLES
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.support.threads import running

SCOPES = ("content:write", "content:publish", "webhooks")
EVENTS = ("article.updated", "article.corrected", "cache.invalidated")
MAX_DELAY_SECONDS = 1.0
"""Seconds by which edits may be late; later ones are left out."""

_RANDOM = random.Random(7)
_WORDS = ["".join(_RANDOM.choices(SYLLABLES, k=_RANDOM.randint(2, 4))) for _ in range(3_000)]
_SENTENCES = [" ".join(_RANDOM.choices(_WORDS, k=10)).capitalize() for _ in range(1_000)]
"""All texts come from these sentences: what processes keep of words is complete after a minute."""


class Editor:
    """Edits articles, and receives the events of these edits.

    Attributes:
        calls: Number of calls of the webhook.
        statuses: Number of responses to edits by status; 0 for none.
    """

    def __init__(self, database_url: str, base: str, slugs: Sequence[str]) -> None:
        """Create a key in the database of a server at `base`, for edits of these articles."""
        database = Database(database_url)
        key = key_commands.create(database, "desk", SCOPES, now=utc_now())
        database.dispose()
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/merge-patch+json"}
        self._netloc, self._slugs = urlsplit(base).netloc, slugs
        self._etags: dict[str, str] = {}
        self.calls = 0
        self.statuses: Counter[int] = Counter()

    @property
    def edits(self) -> int:
        """Number of edits that succeeded."""
        return self.statuses[HTTPStatus.OK]

    @contextmanager
    def editing(self, rate: float) -> Iterator[None]:
        """Edit `rate` articles a second and receive the events until the block is left."""
        stop = threading.Event()
        receiver = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(self))
        self._create_webhook(f"http://127.0.0.1:{receiver.server_address[1]}/events")
        threads = [
            threading.Thread(target=receiver.serve_forever),
            threading.Thread(target=self._edit_until, args=(stop, rate)),
        ]

        def stop_all() -> None:
            stop.set()
            receiver.shutdown()

        with receiver, running(threads, stop_all):
            yield

    def _create_webhook(self, url: str) -> None:
        connection = HTTPConnection(self._netloc, timeout=60)
        headers = self._headers | {"Content-Type": "application/json"}
        connection.request("POST", "/v1/webhooks", orjson.dumps({"url": url, "events": EVENTS}), headers)
        if connection.getresponse().status != HTTPStatus.CREATED:
            raise click.ClickException("the webhook was not created")
        connection.close()

    def _edit_until(self, stop: threading.Event, rate: float) -> None:
        """Edit the articles in turn at a rate."""
        rng, next_at = random.Random(7), time.monotonic()
        connection = HTTPConnection(self._netloc, timeout=60)
        for number in count():
            if stop.wait(max(0.0, next_at - time.monotonic())):
                return
            next_at = max(next_at + 1 / rate, time.monotonic() - MAX_DELAY_SECONDS)
            body = {"headline": rng.choice(_SENTENCES), "body_html": _make_body(rng)}
            try:
                self.statuses[self._edit(connection, self._slugs[number % len(self._slugs)], body)] += 1
            except (OSError, HTTPException):
                self.statuses[0] += 1
                connection.close()

    def _edit(self, connection: HTTPConnection, slug: str, body: dict[str, str]) -> int:
        """Edit an article, which is read before if its version is not known; return the status."""
        path = f"/v1/articles/{slug}"
        etag = self._etags.pop(slug, None)
        if etag is None:
            connection.request("GET", path, headers=self._headers)
            response = connection.getresponse()
            response.read()
            if response.status != HTTPStatus.OK:
                return response.status
            etag = response.headers["ETag"]
        connection.request("PATCH", path, orjson.dumps(body), self._headers | {"If-Match": etag})
        response = connection.getresponse()
        response.read()
        if response.status == HTTPStatus.OK:
            self._etags[slug] = response.headers["ETag"]
        return response.status


def _make_body(rng: random.Random) -> str:
    return "".join(f"<p>{'. '.join(rng.choices(_SENTENCES, k=8))}.</p>" for _ in range(4))


def _make_handler(editor: Editor) -> type[BaseHTTPRequestHandler]:
    """Return the handler of a server that counts the calls of a webhook."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            editor.calls += 1
            self.send_response(HTTPStatus.NO_CONTENT)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler
