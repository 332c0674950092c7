"""The worker that leads is suspended, another takes over, and the first continues: nothing has two effects."""

import os
import signal
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import orjson
import pytest
from sqlalchemy import select

from newsapi.changelog.tables import ConsumerOffset
from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from newsapi.worker.consumers import LEASE_DURATION
from tests.support.fake_servers import Elsewhere
from tests.support.processes import descendants

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]

PATIENCE = 60
ARTICLES = 15
"""Articles published in each of the three phases: before, while and after the worker is suspended."""


@pytest.fixture
def partner():
    made = Elsewhere()
    yield made
    made.close()


@pytest.fixture
def desk(serve, database_url, partner):
    """A client that writes to a server with two workers; `pids` are theirs, that of the leader first."""
    database = Database(database_url)
    key = key_commands.create(database, "anna", ["content:write", "content:publish", "webhooks"], now=datetime.now(UTC))
    settings = {"NEWSAPI_DATABASE_URL": database_url, "NEWSAPI_WEBHOOK_PRIVATE": "allow", "NEWSAPI_PROCESSES": "1"}
    with serve("serve", **settings) as first:
        [leader] = wait_for(lambda: [pid for pid, name in descendants(first.process.pid) if name == "newsapi worker"])
        wait_for(lambda: leases(database))
        with serve("serve", **settings) as second:  # its worker finds every lease taken
            headers = {"Authorization": f"Bearer {key}", "If-Match": "*"}
            with httpx.Client(base_url=second.base, headers=headers, timeout=PATIENCE) as client:
                events = ["article.published", "article.updated"]
                client.post("/v1/webhooks", json={"url": partner.url, "events": events}).raise_for_status()
                yield client, leader, database
    database.dispose()


def leases(database):
    """Who holds the lease of each consumer."""
    with database.read_transaction() as connection:
        rows = connection.execute(select(ConsumerOffset.consumer, ConsumerOffset.lease_holder)).all()
    return {name: holder for name, holder in rows if holder}


def wait_for(find):
    until = time.monotonic() + PATIENCE
    while not (found := find()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def publish(client, name, count=ARTICLES):
    """Publish articles, and schedule as many for a moment later; return how many writes were refused at first."""
    refused, due = [], datetime.now(UTC) + timedelta(seconds=2)
    for number in range(count):
        for kind, more in (
            ("now", {"status": "published"}),
            ("due", {"status": "scheduled", "published_at": due.isoformat()}),
        ):
            body = {"slug": f"{name}-{kind}-{number}", "headline": "Titolo", "body_html": "<p>Testo.</p>", **more}
            wait_for(lambda body=body: is_accepted(client.post("/v1/articles", json=body), refused))
    return len(refused)


def is_accepted(answer, refused):
    """Whether a write was accepted; a desk repeats one that was refused while the suspended worker held the lock."""
    if answer.status_code == 503:
        refused.append(answer)
        return False
    answer.raise_for_status()
    return True


def test_each_event_and_each_publication_has_one_effect(desk, partner, record_property):
    client, leader, database = desk
    publish(client, "before")
    before = leases(database)
    os.kill(leader, signal.SIGSTOP)
    try:
        refused = publish(client, "while")
        taken = wait_for(lambda: before.keys() <= leases(database).keys() and holders_differ(before, leases(database)))
        time.sleep(LEASE_DURATION.total_seconds() / 3)
    finally:
        os.kill(leader, signal.SIGCONT)
    assert taken
    publish(client, "after")
    slugs = {
        f"{name}-{kind}-{n}"
        for name in ("before", "while", "after")
        for kind in ("now", "due")
        for n in range(ARTICLES)
    }
    wait_for(lambda: {call["data"]["slug"] for _, call in calls(partner)} >= slugs)
    time.sleep(3)
    ids = {}
    for id_, call in calls(partner):
        ids.setdefault((call["type"], call["data"]["slug"]), set()).add(id_)
    assert ids.keys() == {("article.published", slug) for slug in slugs}
    assert {len(found) for found in ids.values()} == {1}
    versions = Counter(client.get(f"/v1/articles/{slug}").json()["data"]["version"] for slug in slugs)
    assert set(versions) <= {1, 2}
    repeated = len(calls(partner)) - len(slugs)
    record_property(
        "measured", f"{len(slugs)} events, each with one id; {repeated} calls repeated, {refused} writes refused once"
    )


def holders_differ(before, now):
    return all(now[name] != holder for name, holder in before.items())


def calls(partner):
    return [(asked.headers["webhook-id"], orjson.loads(asked.body)) for asked in list(partner.asked)]
