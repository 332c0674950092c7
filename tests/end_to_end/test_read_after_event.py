"""Who is told of a change finds it wherever he looks: events against plain reads of two servers, and one recall."""

import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

import orjson
import pytest

from newsapi.cdn import SECOND_PURGE_DELAY_SECONDS
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from newsapi.web.feed_formats import FEED_FORMATS
from tests.support.fake_servers import Elsewhere

SCOPES = ("content:write", "content:publish", "webhooks")
ARTICLES = 20
USUAL = {"brand": "land-rover", "status": "published"}
PATIENCE = 40
"""Seconds after which something never comes; what is promised is 2."""


class Desk:
    """Writes to one server."""

    def __init__(self, base, key):
        self.netloc, self.key = urlsplit(base).netloc, key

    def send(self, method, path, body=None, **headers):
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        named = {"Authorization": f"Bearer {self.key}", "Content-Type": kind, "If-Match": "*", **headers}
        connection = HTTPConnection(self.netloc, timeout=20)
        connection.request(method, path, orjson.dumps(body) if body is not None else None, named)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        assert answer.status < 300, text
        return orjson.loads(text)["data"]


def read(base, path):
    """A plain read, as anybody's: status and text."""
    connection = HTTPConnection(urlsplit(base).netloc, timeout=20)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


@pytest.fixture
def elsewhere():
    """A CDN and a partner."""
    cdn, partner = Elsewhere(), Elsewhere()
    yield cdn, partner
    cdn.close()
    partner.close()


@pytest.fixture
def house(serve, database_url, elsewhere):
    """Two servers over one database, with a CDN; the desk writes to the first, which tells the partner."""
    cdn, partner = elsewhere
    database = Database(database_url)
    secret = key_commands.create(database, "anna", SCOPES, now=datetime.now(UTC))
    database.dispose()
    settings = {
        "NEWSAPI_DATABASE_URL": database_url,
        "NEWSAPI_PROCESSES": "1",
        "NEWSAPI_PURGE_URL": f"varnish+{cdn.url}",
        "NEWSAPI_WEBHOOK_PRIVATE": "allow",
    }
    with ExitStack() as stack:
        bases = [stack.enter_context(serve("serve", **settings)).base for _ in range(2)]
        desk = Desk(bases[0], secret)
        events = [f"article.{name}" for name in ("published", "updated", "withdrawn")]
        desk.send("POST", "/v1/webhooks", {"url": partner.url, "events": events})
        yield bases, desk


@pytest.mark.parametrize("events", [60, pytest.param(1_000, marks=pytest.mark.long)])
@pytest.mark.timeout(1_800)
def test_a_plain_read_after_an_event_is_never_older(house, elsewhere, events):
    bases, desk = house
    _, partner = elsewhere
    heard, wrong, counting = [], [], threading.Lock()

    def look(call):
        data = orjson.loads(call.body)["data"]
        found = [read(base, f"/v1/articles/{data['slug']}") for base in bases]
        versions = [orjson.loads(text)["data"]["version"] if status == 200 else status for status, text in found]
        with counting:
            heard.append(data["seq"])
            if any(status != 200 for status, _ in found) or min(versions) < data["version"]:
                wrong.append((data["slug"], data["version"], versions))

    partner.heed = look
    for number in range(ARTICLES):
        desk.send("POST", "/v1/articles", {"slug": f"a-{number}", "headline": "Uno", "status": "published"})
        for base in bases:  # from now on both have an answer kept, which every change makes untrue
            assert read(base, f"/v1/articles/a-{number}?min_seq=1")[0] in {200, 404}
    for number in range(events - ARTICLES):
        desk.send("PATCH", f"/v1/articles/a-{number % ARTICLES}", {"headline": f"Numero {number}"})
    until = time.monotonic() + PATIENCE + events / 10
    while len(heard) < events and time.monotonic() < until:
        time.sleep(0.1)
    assert len({*heard}) == events
    assert wrong == []


@pytest.mark.timeout(200)
def test_a_withdrawal_is_on_every_channel(house, elsewhere):
    bases, desk = house
    cdn, partner = elsewhere
    mark, words = "velar-ritirata", "Range Rover Velar: il nuovo SUV coupé con la trazione integrale"
    others = "Prezzi e motori della Range Rover Velar, dal diesel al benzina: arriva in autunno"
    desk.send("POST", "/v1/brands", {"slug": "land-rover", "name": "Land Rover"})
    gone, near = (
        desk.send("POST", "/v1/articles", {"slug": slug, "headline": said, "body_html": f"<p>{said}.</p>", **USUAL})
        for slug, said in ((mark, words), ("velar-vicina", others))
    )
    listed = ["/v1/articles", f"/v1/articles/{near['id']}/related", "/sitemap-1.xml", "/sitemap-news.xml"]
    listed += [
        "/v1/search?q=velar",
        "/v1/search?q=velar&facets=brand,section",
        "/v1/articles?q=velar",
        "/v1/suggest?q=velar",
    ]
    feeds = [feed_format.path for feed_format in FEED_FORMATS]

    def shown(path):
        """Whether a page shows the article as one to be read: a tombstone has its id and no headline."""
        text = read(bases[1], path)[1]
        return words in text or f"/{mark}</loc>" in text

    def waits(*paths, there):
        until = time.monotonic() + PATIENCE
        while any(shown(path) != there for path in paths):
            assert time.monotonic() < until, [path for path in paths if shown(path) != there]
            time.sleep(0.05)
        return time.monotonic()

    waits(*listed, *feeds, there=True)
    count = -1
    while len(partner.asked) < 2 or len(cdn.asked) > count:  # until the second purge of what was published, too
        count = len(cdn.asked)
        time.sleep(SECOND_PURGE_DELAY_SECONDS + 1)
    head = orjson.loads(read(bases[1], "/v1/changes")[1])["cursor"]
    cdn.asked.clear()
    partner.asked.clear()
    began = time.monotonic()
    desk.send("DELETE", f"/v1/articles/{gone['id']}?reason=legal&note=Sentenza")
    at = {path: waits(path, there=False) - began for path in (*listed, *feeds)}
    assert read(bases[1], f"/v1/articles/{mark}")[0] == 410
    changed = orjson.loads(read(bases[1], f"/v1/changes?cursor={head}")[1])["data"]
    told = [(row["id"], row["action"], row["reason"]) for row in changed]
    assert told == [(gone["id"], "delete", "withdrawn")]
    while not (partner.asked and cdn.asked):
        assert time.monotonic() - began < PATIENCE
        time.sleep(0.02)
    at["webhook"] = time.monotonic() - began
    print({channel: round(seconds, 2) for channel, seconds in at.items()})  # noqa: T201 (figures)
    [event] = [orjson.loads(asked.body) for asked in partner.asked]
    assert (event["type"], event["data"]["id"]) == ("article.withdrawn", gone["id"])
    assert event["data"]["gone"]["reason"] == "legal"
    assert f"slug:{mark}" in cdn.asked[0].words
