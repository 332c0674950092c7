"""Behind a real Varnish with the configuration of `deploy/varnish`: what it keeps, and what it never shows again."""

import signal
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import pytest

from newsapi.changelog import offsets
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from tests.support.processes import free_port, serving
from tests.support.varnish import PROGRAM, Varnish

pytestmark = [pytest.mark.real_time, pytest.mark.skipif(PROGRAM is None, reason="Varnish is not installed")]

PATIENCE = 40
"""Seconds after which something never comes; what is promised is 2."""


@contextmanager
def site_in(folder):
    """A server, a Varnish in front of it, and a client of each; the client of the server may write."""
    port = free_port()
    url = f"sqlite:///{folder / 'news.sqlite3'}"
    settings = {"NEWSAPI_DATABASE_URL": url, "NEWSAPI_PROCESSES": "1"}
    with serving(folder, "serve", NEWSAPI_PURGE_URL=f"varnish+http://127.0.0.1:{port}", **settings) as served:
        database = Database(url)
        key = key_commands.create(database, "anna", ["content:write", "content:publish"], now=datetime.now(UTC))
        database.dispose()
        headers = {"Authorization": f"Bearer {key}"}
        with (
            Varnish(folder, served.base, port=port) as varnish,
            httpx.Client(base_url=varnish.base, timeout=PATIENCE) as front,
            httpx.Client(base_url=served.base, timeout=PATIENCE, headers=headers) as desk,
        ):
            write(desk, "POST", "/v1/brands", {"name": "Land Rover"})
            wait_until(lambda: front.get("/healthz").status_code == 200)
            yield Site(served, varnish, front, desk, url)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with site_in(tmp_path_factory.mktemp("varnish")) as site:
        yield site


@pytest.fixture
def mortal_site(tmp_path):
    """One for a test that kills the server."""
    with site_in(tmp_path) as site:
        yield site


class Site:
    def __init__(self, served, varnish, front, desk, url):
        self.served, self.varnish, self.front, self.desk, self._url = served, varnish, front, desk, url

    def publish(self, slug, headline):
        body = {"slug": slug, "headline": headline, "body_html": "<p>Testo</p>", "brand": "land-rover"}
        return write(self.desk, "POST", "/v1/articles", body | {"status": "published"})

    def wait_for_purges(self):
        """Wait until every change was purged twice: later purges drop no copy."""
        database = Database(self._url)

        def is_purged():
            with database.read_transaction() as connection:
                head = offsets.changelog_head(connection).seq
                return offsets.get_offset(connection, offsets.PURGE_CONSUMER) == head

        wait_until(is_purged)
        database.dispose()


def write(client, method, path, body=None):
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    answer = client.request(method, path, json=body, headers={"If-Match": "*", "Content-Type": kind})
    assert answer.is_success, answer.text
    return answer.json()["data"]


def wait_until(holds):
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def wait_for_copy(front, path):
    """Read until the response comes from Varnish: the same request id twice."""
    wait_until(lambda: request_id(front.get(path)) == request_id(front.get(path)))


def is_dead(front):
    """Whether the server behind Varnish is dead: the request is another one each time, so that no copy answers it."""
    return front.get(f"/v1/articles/{time.monotonic_ns()}").status_code == 503


def request_id(answer):
    return answer.headers["X-Request-Id"]


def headlines(front, path="/v1/articles"):
    return [item["headline"] for item in front.get(path).json().get("data", ())]


def test_a_publication_a_recall_and_a_rename_are_purged(site):
    made = site.publish("velar", "Velar")
    wait_until(lambda: "Velar" in headlines(site.front))
    for path in ("/v1/articles", "/v1/articles/velar", "/v1/brands"):
        wait_for_copy(site.front, path)
    write(site.desk, "PATCH", "/v1/brands/land-rover", {"name": "Land-Rover"})
    wait_until(lambda: site.front.get("/v1/brands").json()["data"][0]["name"] == "Land-Rover")
    wait_until(lambda: site.front.get("/v1/articles/velar").json()["data"]["brand"]["name"] == "Land-Rover")
    write(site.desk, "PATCH", "/v1/articles/velar", {"slug": "velar-2026"})
    wait_until(lambda: site.front.get("/v1/articles/velar").status_code == 308)
    site.desk.request("DELETE", f"/v1/articles/{made['id']}", headers={"If-Match": "*"}).raise_for_status()
    wait_until(lambda: site.front.get("/v1/articles/velar-2026").status_code == 410)
    wait_until(lambda: "Velar" not in headlines(site.front))


def test_cookies_advertising_and_the_order_of_parameters_share_one_copy(site):
    path = "/v1/articles?brand=land-rover&limit=5"
    wait_for_copy(site.front, path)
    kept = request_id(site.front.get(path))
    for same in (
        "/v1/articles?limit=5&brand=land-rover",
        "/v1/articles?utm_source=x&brand=land-rover&utm_medium=mail&limit=5",
        "/v1/articles?brand=land-rover&limit=5&fbclid=1&gclid=2",
    ):
        assert request_id(site.front.get(same, headers={"Cookie": "a=b"})) == kept, same
    wait_for_copy(site.front, "/v1/articles")
    assert request_id(site.front.get("/v1/articles?utm_source=x")) == request_id(site.front.get("/v1/articles"))
    assert request_id(site.front.get("/v1/articles?limit=4&brand=land-rover")) != kept


def test_requests_with_a_key_pass_through(site):
    wait_for_copy(site.front, "/v1/articles")
    key = {"Authorization": site.desk.headers["Authorization"]}
    answers = [site.front.get("/v1/articles", headers=key) for _ in range(2)]
    assert request_id(answers[0]) != request_id(answers[1])
    assert {answer.headers["Cache-Control"] for answer in answers} == {"private, no-store"}


def test_no_purge_is_lost_while_varnish_is_down(site):
    wait_for_copy(site.front, "/v1/articles")
    site.varnish.stop(signal.SIGKILL)
    site.publish("defender", "Defender")
    site.varnish.start()
    wait_until(lambda: "Defender" in headlines(site.front))
    wait_for_copy(site.front, "/v1/articles")
    site.publish("discovery", "Discovery")
    wait_until(lambda: headlines(site.front)[:2] == ["Discovery", "Defender"])


def test_while_the_server_is_dead_varnish_answers_from_what_it_has(mortal_site):
    front = mortal_site.front
    mortal_site.publish("velar", "Velar")
    mortal_site.wait_for_purges()
    wait_for_copy(front, "/v1/articles")
    mortal_site.served.stop(signal.SIGKILL)
    wait_until(lambda: is_dead(front))
    assert headlines(front) == ["Velar"]
    answer = front.get("/v1/tags")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "2"
    problem = {"type": "/problems/unavailable", "code": "unavailable", "title": "Service unavailable", "status": 503}
    assert answer.json() == problem


def test_a_copy_past_its_lifetime_is_sent_only_while_the_server_is_dead(tmp_path):
    with (
        serving(tmp_path, "demo") as served,  # without purging: copies live for two seconds
        Varnish(tmp_path, served.base) as varnish,
        httpx.Client(base_url=varnish.base, timeout=PATIENCE) as front,
    ):
        wait_until(lambda: front.get("/v1/articles").status_code == 200)
        first = request_id(front.get("/v1/articles"))
        wait_until(lambda: request_id(front.get("/v1/articles")) != first)
        last = front.get("/v1/articles").json()
        served.stop(signal.SIGKILL)
        wait_until(lambda: is_dead(front))
        wait_until(lambda: int(front.get("/v1/articles").headers["Age"]) > 2)
        assert front.get("/v1/articles").json() == last


def test_others_may_not_purge(site, tmp_path):
    with Varnish(tmp_path, site.served.base, purgers=["192.0.2.1"]) as varnish:
        statuses = [httpx.request(method, varnish.base).status_code for method in ("PURGE", "BAN")]
    assert statuses == [403, 403]
