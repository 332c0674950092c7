"""What an editor read through Varnish is nobody else's: drafts, revisions, previews, withdrawn articles."""

import time
from datetime import UTC, datetime

import httpx
import pytest

from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.support.client import EVERYTHING
from tests.support.processes import free_port, serving
from tests.support.varnish import PROGRAM, Varnish

pytestmark = [pytest.mark.real_time, pytest.mark.skipif(PROGRAM is None, reason="Varnish is not installed")]

PATIENCE = 40
SECRET = "zyxwvut"
"""A word of what is hidden."""

READS = 3
PUBLISH = 'unset beresp.http.Vary; set beresp.http.Cache-Control = "public";'
"""Lets Varnish take every response for a public one. Keeping responses to keys alone leaks nothing: `Vary` names
`Authorization`."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A server behind a Varnish that it purges; the paths that show what is hidden, and those that must not."""
    folder = tmp_path_factory.mktemp("leaks")
    port, url = free_port(), f"sqlite:///{folder / 'news.sqlite3'}"
    settings = {"NEWSAPI_DATABASE_URL": url, "NEWSAPI_PURGE_URL": f"varnish+http://127.0.0.1:{port}"}
    with serving(folder, "serve", NEWSAPI_PROCESSES="1", **settings) as served, Varnish(folder, served.base, port=port):
        database = Database(url)
        key = key_commands.create(database, "anna", EVERYTHING, now=datetime.now(UTC))
        database.dispose()
        with httpx.Client(base_url=served.base, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE) as desk:
            yield Site(served.base, f"http://127.0.0.1:{port}", desk, folder)


class Site:
    def __init__(self, base, front, desk, folder):
        self.base, self.front, self.desk, self.folder = base, front, desk, folder
        usual = {"body_html": "<p>Testo.</p>", "brand": "land-rover"}
        self.write("POST", "/v1/brands", {"name": "Land Rover"})
        hidden = {**usual, "headline": f"{SECRET} headline", "body_html": f"<p>{SECRET} of the Velar</p>"}
        self.write("POST", "/v1/articles", {**usual, "slug": "velar", "headline": "Velar", "status": "published"})
        self.write("POST", "/v1/articles", {**hidden, "slug": "draft"})
        later = {"status": "scheduled", "published_at": "2030-01-01T00:00:00Z"}
        self.write("POST", "/v1/articles", {**hidden, **later, "slug": "scheduled"})
        self.write("POST", "/v1/articles", {**hidden, "slug": "gone", "status": "published"})
        self.write("DELETE", "/v1/articles/gone")
        self.write("POST", "/v1/articles", {**hidden, "slug": "mended", "status": "published"})
        self.write("PATCH", "/v1/articles/mended", {"headline": "Mended", "body_html": "<p>As it should be.</p>"})
        preview = self.write("POST", "/v1/articles/draft/preview-links", {})["token"]
        self.paths = [
            "/v1/articles/draft",
            "/v1/articles/draft/related",
            "/v1/articles/draft/jsonld",
            "/v1/articles/draft/revisions",
            "/v1/articles/draft/revisions/1",
            "/v1/articles/scheduled?include=related,blocks",
            "/v1/articles/gone",
            "/v1/articles/gone/revisions/1",
            "/v1/articles/mended/revisions",
            "/v1/articles/mended/revisions/1",
            "/v1/articles/mended",
            "/v1/articles/velar/related",
            "/v1/articles?status=draft",
            "/v1/articles?status=scheduled,withdrawn",
            "/v1/articles",
            "/v1/articles?brand=land-rover&total=true",
            f"/v1/search?q={SECRET}",
            f"/v1/suggest?q={SECRET}",
        ]
        self.preview = f"preview={preview}"
        self.previewed = ["/v1/articles/draft", "/v1/articles", "/v1/articles?brand=land-rover"]

    def write(self, method, path, body=None):
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self.desk.request(method, path, json=body, headers={"If-Match": "*", "Content-Type": kind})
        assert answer.is_success, answer.text
        return answer.json()["data"] if answer.content else {}

    def wait_until_purged(self):
        """Wait until no copy shows what was public for a moment."""
        until = time.monotonic() + PATIENCE
        while any(shows_secret(httpx.get(self.front + path)) for path in self.paths):
            assert time.monotonic() < until
            time.sleep(0.1)


def shows_secret(answer):
    """Whether a response shows the hidden word; it may repeat the word of a question."""
    asked = str(answer.request.url.raw_path, "ascii")
    text = answer.text + "".join(answer.headers.values())
    return SECRET in text.replace(asked, "").replace(f"q={SECRET}", "").replace(f'"{SECRET}"', "")


def sweep(site, front):
    """Read everything as an editor, then as anybody; return what the editor saw of it and what anybody saw."""
    authorization = site.desk.headers["Authorization"]
    seen_by_editor, leaks, read = [], [], 0
    with httpx.Client(base_url=front, timeout=PATIENCE) as anybody:
        for path in site.paths:
            for _ in range(READS):
                answer = anybody.get(path, headers={"Authorization": authorization})
                seen_by_editor += [answer] if shows_secret(answer) else []
            for _ in range(READS):
                read += 1
                leaks += [path] if shows_secret(anybody.get(path)) else []
        for path in site.previewed:
            address = f"{path}{'&' if '?' in path else '?'}{site.preview}"
            for _ in range(READS):
                answer = anybody.get(address)
                seen_by_editor += [answer] if shows_secret(answer) else []
                read += 1
                leaks += [path] if shows_secret(anybody.get(path)) else []
    return seen_by_editor, leaks, read


def test_nothing_that_an_editor_reads_is_sent_to_anybody_else(site, record_property):
    site.wait_until_purged()
    seen_by_editor, leaks, read = sweep(site, site.front)
    assert len(seen_by_editor) >= READS * 8
    assert {answer.headers["Cache-Control"] for answer in seen_by_editor} == {"private, no-store"}
    assert leaks == []
    record_property("measured", f"{len(leaks)} leaks in {read} anonymous reads of {len(site.paths)} addresses")


def test_a_varnish_that_keeps_responses_to_keys_would_leak_them(site, tmp_path, record_property):
    def keep(text):
        text = text.replace("req.http.Authorization || ", "").replace("no-store|private", "never")
        return text.replace("sub vcl_backend_response {", f"sub vcl_backend_response {{{PUBLISH}", 1)

    with Varnish(tmp_path, site.base, edit=keep) as careless:
        _, leaks, read = sweep(site, careless.base)
    assert leaks
    record_property("control", f"a Varnish that keeps them leaks {len(leaks)} of {read}")
