"""A server of image files that behaves as its paths say."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import pytest
from PIL import Image

from newsapi.images import worker as image_worker
from newsapi.images.worker import ImageMeasurer
from tests.support.processes import free_port


def picture(width=160, height=90, color=(200, 60, 20), format_="JPEG", **options):
    """Return an image file of one colour."""
    content = BytesIO()
    Image.new("RGBA" if len(color) == 4 else "RGB", (width, height), color).save(content, format_, **options)
    return content.getvalue()


class ImageServer:
    """A real HTTP server; `files` are the answers by path, and `asked` counts the requests."""

    def __init__(self):
        self.files = {}
        self.asked, self.times = Counter(), []
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                kept.asked[self.path] += 1
                kept.times.append(time.monotonic())
                answer = kept.files.get(self.path, (404, {}, b""))
                if callable(answer):
                    answer(self)
                    return
                status, headers, body = answer if isinstance(answer, tuple) else (200, {}, answer)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """Say nothing: clients end connections here."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def files():
    server = ImageServer()
    yield server
    server.close()


@pytest.fixture
def closed_port():
    """A port of this machine on which nothing listens."""
    return free_port()


@pytest.fixture
def measurer(database, clock, monkeypatch):
    """The task of the worker, without pauses between requests."""
    monkeypatch.setattr(image_worker, "REQUEST_INTERVAL_SECONDS", 0.0)
    return ImageMeasurer(database, allow_private=True, now=clock)


@pytest.fixture
def measure(measurer):
    """Let the task measure all files that are due, and return their number."""

    def measure():
        total = 0
        while count := measurer._run_slice():
            total += count
        return total

    return measure
