"""The commands of the page on backups, run while articles are written, and what a restore means to clients."""

import os
import re
import shutil
import subprocess
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import NamedTuple

import httpx
import pytest
import redis

from newsapi.changelog import offsets
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from newsapi.migrations.upgrade import upgrade
from newsapi.settings import Settings
from tests.docs.pages import blocks, commands
from tests.support import servers
from tests.support.client import EVERYTHING, PATCH
from tests.support.fake_servers import Elsewhere
from tests.support.processes import NEWSAPI, PATIENCE, environ, free_port, serving
from tests.support.replication import Node

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

LISTS = ["/v1/articles?limit=100", "/v1/feeds/articles.rss?limit=100", "/sitemap-1.xml", "/v1/articles/kept"]
"""Surfaces that every write of `Writer` changes, and an article that is written first and last."""


class Write(NamedTuple):
    """A confirmed write: its change, and what became of the article: version and headline, None if it is withdrawn."""

    seq: int
    slug: str
    state: tuple[int, str] | None


class Writer:
    """A newsroom that creates, changes and withdraws articles one after the other, and notes what is confirmed."""

    def __init__(self, base, key):
        self.client = httpx.Client(base_url=base, timeout=PATIENCE, headers={"Authorization": f"Bearer {key}"})
        self.writes, self.error = [], None
        self._count, self._stop = 0, threading.Event()
        self.create("kept")

    def __enter__(self):
        self._stop.clear()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    @property
    def last(self):
        return self.writes[-1]

    def go_on(self, count=25):
        """Return when so many more writes are confirmed; return the last of them."""
        target, end = len(self.writes) + count, time.monotonic() + PATIENCE
        while len(self.writes) < target:
            assert self.error is None, self.error
            assert time.monotonic() < end
            time.sleep(0.01)
        return self.last

    def _run(self):
        try:
            while not self._stop.is_set():
                self.write()
        except Exception as error:  # noqa: BLE001 (the thread of the test raises it)
            self.error = error

    def write(self):
        """Write once more: two articles of five are changed, and one is withdrawn."""
        self._count += 1
        slug, earlier = f"n{self._count}", f"n{self._count - 2}"
        match self._count % 5:
            case 3:
                self.change(earlier)
            case 4:
                self.change("kept")
            case 0:
                self.note("DELETE", f"/v1/articles/n{self._count - 4}", params={"reason": "error"})
            case _:
                self.create(slug)

    def create(self, slug):
        body = {"slug": slug, "headline": f"Notizia {slug}", "body_html": "<p>Testo.</p>", "status": "published"}
        return self.note("POST", "/v1/articles", json=body, headers={"Idempotency-Key": slug})

    def change(self, slug):
        headers = {"If-Match": "*", "Content-Type": PATCH}
        headline = f"Notizia {slug} {len(self.writes)}"
        return self.note("PATCH", f"/v1/articles/{slug}", json={"headline": headline}, headers=headers)

    def note(self, method, path, **request):
        headers = {"If-Match": "*"} if method == "DELETE" else {}
        response = self.client.request(method, path, **{"headers": headers, **request})
        assert response.is_success, response.text
        data = response.json()["data"]
        state = (data["version"], data["headline"]) if data["status"] == "published" else None
        self.writes.append(Write(data["seq"], data["slug"], state))
        return response

    def content_at(self, seq):
        """Return the state of each public article at a change."""
        states = {write.slug: write.state for write in self.writes if write.seq <= seq}
        return {slug: state for slug, state in states.items() if state is not None}


def synchronised(get):
    """Return what a partner has after a first sync: the state of each article, and the cursor."""
    content, query = {}, "limit=100"
    while True:
        page = get(f"/v1/changes?{query}")
        for change in page["data"]:
            assert change["action"] == "upsert" or change["slug"] not in content
            if change["action"] == "upsert":
                content[change["slug"]] = (change["version"], change["article"]["headline"])
        query = f"limit=100&cursor={page['cursor']}"
        if not page["has_more"]:
            return content, page["cursor"]


def head_of(url):
    database = Database(url)
    with database.read_transaction() as connection:
        head = offsets.changelog_head(connection).seq
    database.dispose()
    return head


def require_one_point(url, build, writer, confirmed):
    """Check that a restored database has the content at one change.

    Args:
        url: The restored database.
        build: Builds an application.
        writer: The newsroom.
        confirmed: The last write that was confirmed before the backup.

    Returns:
        The change.
    """
    head = head_of(url)
    client = build(Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"})).test_client()
    content, _ = synchronised(lambda path: client.get(path).json)
    assert content == writer.content_at(head)
    assert confirmed.seq <= head < writer.last.seq
    return head


class LostFuture:
    """What clients and caches have from a server before its database is restored."""

    def __init__(self, base, writer):
        self.seq = writer.last.seq
        self.slugs = {write.slug for write in writer.writes}
        with httpx.Client(base_url=base, timeout=PATIENCE) as client:
            content, self.cursor = synchronised(lambda path: client.get(path).json())
            assert content == writer.content_at(self.seq)
            wait_until(lambda: client.get("/v1/search", params={"q": "notizia"}).status_code == 200)
            self.responses = {path: [client.get(path) for _ in range(20)][-1] for path in LISTS}
        assert {response.status_code for response in self.responses.values()} == {200}
        assert "hit" in self.responses[LISTS[0]].headers["Cache-Status"]

    def require_refused(self, base, head, writer):
        """Check that a server on the restored database uses nothing of it.

        Args:
            base: URL of the server.
            head: The change to which the database was restored.
            writer: The newsroom; it writes until the changelog is longer than the lost one.
        """
        kept = writer.content_at(head)
        with httpx.Client(base_url=base, timeout=PATIENCE) as client:
            wait_until(lambda: client.get("/v1/articles").status_code == 200)
            for path, lost in self.responses.items():
                for name, value in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
                    response = client.get(path, headers={name: lost.headers[value]})
                    assert (path, name, response.status_code) == (path, name, 200)
                    assert int(response.headers["Content-Seq"]) < self.seq
                    assert shown(response) <= kept.keys(), path
            assert {article["slug"] for article in client.get(LISTS[0]).json()["data"]} == kept.keys()
            assert client.get("/v1/articles/kept").json()["data"]["headline"] == kept["kept"][1]
            for query in (f"cursor={self.cursor}", f"since={self.seq}"):
                assert problem(client.get(f"/v1/changes?{query}")) == (410, "cursor-expired")
            assert problem(client.get(f"/v1/articles?min_seq={self.seq}")) == (503, "behind")
            search = {"q": "notizia", "limit": 100}
            wait_until(lambda: client.get("/v1/search", params=search).status_code == 200)
            assert {hit["slug"] for hit in client.get("/v1/search", params=search).json()["data"]} == kept.keys()
            related = client.get("/v1/articles/kept/related?limit=20").json()["data"]
            assert {article["slug"] for article in related} <= kept.keys() - {"kept"}
            assert related

            lost = max(self.slugs - {write.slug for write in writer.writes if write.seq <= head})
            del writer.writes[[write.seq > head for write in writer.writes].index(True) :]
            assert writer.create("kept").json()["data"]["version"] == 1  # the stored response
            writer.writes.pop()
            assert writer.create(lost).json()["data"]["seq"] <= self.seq
            while writer.last.seq <= self.seq + 1:
                writer.change("kept")
            assert problem(client.get(f"/v1/changes?cursor={self.cursor}")) == (410, "cursor-expired")
            assert client.get(f"/v1/changes?since={self.seq}").status_code == 200
            for path, response in self.responses.items():
                assert client.get(path, headers={"If-None-Match": response.headers["ETag"]}).status_code == 200


def shown(response):
    """Return the slugs of articles in a response."""
    return set(re.findall(r"/v1/articles/(\w+)\b", response.text)) - {"articles"}


def problem(response):
    return response.status_code, response.json()["type"].rpartition("/")[2]


def wait_until(is_done, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < end
        time.sleep(0.1)


def run(command, folder, how=None, **variables):
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        **how or {},
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def run_newsapi(folder, *words, **settings):
    subprocess.run([NEWSAPI, *words], cwd=folder, env=environ(**settings), check=True, capture_output=True)


def key_for(url):
    database = Database(url)
    key = key_commands.create(database, "anna", EVERYTHING, now=datetime.now(UTC))
    database.dispose()
    return key


def commands_of(how):
    return [command for block in blocks("sh", how) for command in commands(block)]


@pytest.fixture
def cdn():
    cdn = Elsewhere()
    yield cdn
    cdn.close()


@pytest.fixture
def newsroom():
    """Start newsrooms, which can write until the end of the test."""
    with ExitStack() as clients:

        def newsroom(base, key):
            writer = Writer(base, key)
            clients.callback(writer.client.close)
            return writer

        yield newsroom


@pytest.fixture
def shared(pytestconfig, cdn):
    """Settings of what is outside the database: Redis and the CDN."""
    with redis.from_url(servers.redis_url(pytestconfig)) as client:
        client.flushdb()
    return {
        "NEWSAPI_REDIS_URL": servers.redis_url(pytestconfig),
        "NEWSAPI_PURGE_URL": f"varnish+{cdn.url}",
        "NEWSAPI_LOG_LEVEL": "warning",
    }


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="the program sqlite3 is not installed")
def test_copies_of_a_sqlite_file_are_one_point_and_can_be_restored(
    tmp_path, build, sqlite_template, shared, cdn, newsroom
):
    url, port = f"sqlite:///{tmp_path}/newsapi.sqlite3", free_port()
    shutil.copy(sqlite_template, tmp_path / "newsapi.sqlite3")
    with serving(tmp_path, "serve", port=port, **shared) as served:
        with newsroom(served.base, key_for(url)) as writer:
            confirmed = writer.go_on()
            printed = [run(command, tmp_path) for command in commands_of("backup")]
            writer.go_on()
        assert printed[-2:] == ["ok\n", "ok\n"]
        lost = LostFuture(served.base, writer)
        served.stop()
    for name in ("backup", "compact"):
        copy = f"sqlite:///{tmp_path}/{name}.sqlite3"
        head = require_one_point(copy, build, writer, confirmed)
    for command in commands_of("restore"):
        run(command, tmp_path)
    assert head_of(url) == head
    run_newsapi(tmp_path, "db", "upgrade")
    run_newsapi(tmp_path, "db", "mark-restored", **shared)
    cdn.asked.clear()
    with serving(tmp_path, "serve", port=port, **shared) as served:
        lost.require_refused(served.base, head, writer)
        wait_until(lambda: "BAN" in [asked.method for asked in cdn.asked])


@pytest.fixture
def node():
    """A PostgreSQL that archives its log as the page says, with an empty database `news`."""
    node = Node(free_port())
    node.url = node.url.removesuffix("postgres") + "news"
    for name in ("backups", "backups/wal"):
        (node.folder / name).mkdir()
        if user := servers.postgresql_user():
            os.chown(node.folder / name, user["user"], user["group"])
    node.settings |= server_settings("archive", node)
    try:
        node.start()
        run("createdb news", "/", **client_environment(node))
        database = Database(node.url)
        with database.connection() as connection:
            upgrade(connection)
        database.dispose()
        yield node
    finally:
        node.remove()


def in_folders(text, node):
    """Return a text of the page with the folders of this server."""
    text = re.sub(r"(?<![\w/])/data\b", str(node.data), text)
    return re.sub(r"(?<![\w/])/backups\b", f"{node.folder}/backups", text)


def server_settings(how, node):
    [block] = blocks("ini", how)
    pairs = [line.split(" = ", 1) for line in in_folders(block.text, node).splitlines()]
    return {name: value.strip("'") for name, value in pairs}


def client_environment(node):
    programs = servers.postgresql_programs(node.folder) / "bin"
    path = f"{programs}:{os.environ['PATH']}"
    return {"PATH": path, "PGHOST": "127.0.0.1", "PGPORT": str(node.port), "PGUSER": "postgres", "PGDATABASE": "news"}


def run_on_server(how, node):
    """Run commands of the page as the user of the server."""
    for command in commands_of(how):
        run(in_folders(command, node), "/", servers.postgresql_user(), **client_environment(node))


def recover(node, settings):
    """Stop the server, and restore it from its base backup and archive."""
    node.stop()
    shutil.rmtree(node.folder / "data.old", ignore_errors=True)
    run_on_server("recovery", node)
    usual = {name: value for name, value in node.settings.items() if not name.startswith(("archive_", "re"))}
    node.settings = usual | settings
    node.start()
    wait_until(lambda: not node.execute("SELECT pg_is_in_recovery()"))


def test_dumps_and_recoveries_of_postgresql_are_one_point_and_can_be_used(tmp_path, build, node, shared, cdn, newsroom):
    shared |= {"NEWSAPI_DATABASE_URL": node.url, "NEWSAPI_SEARCH_INDEX": str(tmp_path / "index")}
    with serving(tmp_path, "serve", **shared) as served:
        with newsroom(served.base, key_for(node.url)) as writer:
            before_dump = writer.go_on()
            for command in commands_of("pg_dump"):
                run(command, tmp_path, **client_environment(node))
            after_dump = writer.go_on()
            run_on_server("base backup", node)
            named = writer.last
            before_time = writer.go_on()
            moment = node.execute("SELECT now()::text")
            after_time = writer.go_on()
        lost = LostFuture(served.base, writer)

        restored = node.url + "_restored"
        assert require_one_point(restored, build, writer, before_dump) < after_dump.seq

        by_time = server_settings("recovery by time", node) | {"recovery_target_time": moment}
        recover(node, by_time)
        assert require_one_point(node.url, build, writer, before_time) < after_time.seq

        recover(node, server_settings("recovery by name", node))
        head = require_one_point(node.url, build, writer, writer.writes[0])
        assert abs(head - named.seq) <= 2
        run_newsapi(tmp_path, "db", "mark-restored", **shared)
        # The server was not restarted: its memory has responses of the lost state.
        lost.require_refused(served.base, head, writer)
        wait_until(lambda: "BAN" in [asked.method for asked in cdn.asked])
