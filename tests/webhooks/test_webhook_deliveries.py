"""Webhooks: each event once planned, tried until it is answered, signed, and held up by nobody else."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator

from newsapi.app import WRITE_HOOKS, queue_import_event
from newsapi.cache.log_follower import MAX_STALENESS_SECONDS
from newsapi.changelog import failed_changes
from newsapi.changelog import offsets as changelog_offsets
from newsapi.changelog import reader as changelog_reader
from newsapi.changelog.offsets import LogPosition
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.content.writes.terms import resolve_slugs
from newsapi.content.writes.writer import WriteContext
from newsapi.db.types import uuid7
from newsapi.editing import term_commands
from newsapi.editing.term_commands import TermName
from newsapi.errors import NotFound
from newsapi.imports import article_writes as import_article_writes
from newsapi.imports import jobs as import_jobs
from newsapi.imports import loader as import_loader
from newsapi.keys import commands as key_commands
from newsapi.keys import queries as store_keys
from newsapi.keys.commands import Entitlement, KeyLimits
from newsapi.keys.queries import KeyRow
from newsapi.web.caller import Caller
from newsapi.web.preconditions import ANY_VERSION
from newsapi.webhooks import commands as acts
from newsapi.webhooks import queries as webhook_queries
from newsapi.webhooks import signing as wire
from newsapi.webhooks.event_types import EVENT_NAMES as EVENTS
from newsapi.webhooks.queries import reassign
from newsapi.webhooks.worker import (
    HASTENED_RETRY_SECONDS,
    MAX_BULK_CALLS,
    MAX_BULK_CALLS_PER_WEBHOOK,
    MAX_HASTENED_ATTEMPTS,
    PAUSE_AFTER,
    PLAN_INTERVAL_SECONDS,
    PURGE_WAIT_SECONDS,
    QUEUE_CHECK_SECONDS,
    RETRY_SCHEDULE,
    WebhookConsumer,
)
from tests.support.import_records import article, brand, lines, term
from tests.support.metrics import metric

TOP = Path(__file__).parents[2]
CALLER = Caller(id=uuid7(), prefix="key_partner", scopes=frozenset({"webhooks"}))


class Receiver:
    """A partner's server: keeps each call, and answers as `answer` says."""

    def __init__(self):
        self.calls = []
        self.answer = lambda _call: 200
        kept = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                call = {"id": self.headers["webhook-id"], "headers": self.headers, "text": body} | orjson.loads(body)
                kept.calls.append(call)
                status = kept.answer(call)
                self.send_response(status)
                self.send_header("Location", f"{kept.url}/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def types(self):
        return [call["type"] for call in self.calls]

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receive():
    made = []

    def receive():
        made.append(Receiver())
        return made[-1]

    yield receive
    for receiver in made:
        receiver.close()
        for call in receiver.calls:
            documented(call["type"]).validate(orjson.loads(call["text"]))


@cache
def documented(event):
    """The schema of an event in openapi.yaml."""
    document = yaml.load((TOP / "openapi.yaml").read_text(), Loader=yaml.CSafeLoader)
    schema = document["webhooks"][event]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": document["components"]})


@pytest.fixture
def receiver(receive):
    return receive()


@pytest.fixture
def bodies():
    """What readers without a key get of a body."""
    return "full"


@pytest.fixture
def listener(database, settings, clock, seconds, bodies):
    shown = ArticlePresenter(replace(settings, public_body=bodies))
    return WebhookConsumer(database, shown, wait_for_purge=False, allow_private=True, now=clock, clock=seconds)


@pytest.fixture
def follow(worker, listener):
    made = worker(listener)
    made.step()
    return made


@pytest.fixture
def settle(follow, listener, seconds, clock):
    """Let the bound pass, and every call that is due be made and noted."""

    def settle(*, seconds_=MAX_STALENESS_SECONDS + PLAN_INTERVAL_SECONDS, later=timedelta()):
        follow.step()
        seconds.now += seconds_
        clock.time += later
        follow.step()
        for _ in range(200):
            follow.step()
            if not listener._calls:
                break
            time.sleep(0.01)
        follow.step()

    return settle


@pytest.fixture
def key(database, clock):
    """The key of CALLER."""
    row = dict.fromkeys(KeyRow._fields) | {"id": CALLER.id, "prefix": CALLER.prefix, "secret_digest": b""}
    row |= {"name": "partner", "scopes": ["webhooks"], "created_at": clock()}
    with database.transaction() as session:
        store_keys.insert_key(session, KeyRow(**row))
    return CALLER.prefix


@pytest.fixture
def hook(database, clock, key):
    """Make a webhook for everything, or as it is said."""

    def hook(url, events=EVENTS, owner=CALLER.prefix, **more):
        values = {"url": url, "events": [*events], "brands": None, "sections": None, "include_imports": True, **more}
        caller = replace(CALLER, prefix=owner)
        return acts.create(database, caller, values, now=clock(), read_back=lambda _, row: row._asdict())

    return hook


@pytest.fixture
def publish(database, settings, clock):
    def publish(*records):
        import_loader.import_records(
            database,
            settings,
            BytesIO(lines(*records)),
            hooks=WRITE_HOOKS,
            now=clock,
            reject=lambda *_: pytest.fail("refused"),
        )

    return publish


def articles_of(receiver):
    """What was told of articles, in the order of the log: calls may overtake each other."""
    told = sorted(
        ((call["data"]["seq"], call) for call in receiver.calls if "article." in call["type"]), key=lambda each: each[0]
    )
    return [(call["type"].removeprefix("article."), call["data"]["slug"]) for _, call in told]


def rows(database, id_):
    with database.read_transaction() as connection:
        return webhook_queries.list_deliveries(connection, id_, before=None, limit=1000, state=None)


def test_what_happens_to_an_article_is_told_in_the_contracts_words(hook, receiver, publish, settle, make):
    hook(receiver.url)
    publish(brand("land-rover"), article("velar", brand="land-rover"))
    settle()
    [call] = [call for call in receiver.calls if call["type"] == "article.published"]
    data = call["data"]
    assert call["text"] == orjson.dumps({name: call[name] for name in ("type", "timestamp", "data")}).decode()
    assert set(data) == {
        *("seq", "id", "slug", "previous_slug", "version", "reason", "gone", "url", "tags", "links"),
    }
    assert (data["slug"], data["version"], data["reason"], data["gone"]) == ("velar", 1, "published", None)
    assert data["links"] == {"self": "https://api.example.com/v1/articles/velar"}
    assert {"articles", "slug:velar", "brand:land-rover", f"article:{data['id']}"} <= {*data["tags"]}
    publish(article("velar", brand="land-rover", headline="Altro titolo"))
    publish(article("velar", brand="land-rover", status="withdrawn"))
    settle()
    assert articles_of(receiver)[1:] == [("updated", "velar"), ("withdrawn", "velar")]
    gone = receiver.calls[-1]["data"] if receiver.types[-1] == "article.withdrawn" else None
    told = gone or next(call["data"] for call in receiver.calls if call["type"] == "article.withdrawn")
    assert told["gone"]["action"] == "withdrawn"


def test_the_age_of_the_queue_is_that_of_the_delivery_that_waits_longest(
    hook, receiver, publish, follow, seconds, clock, settle
):
    is_answered = threading.Event()
    receiver.answer = lambda _call: is_answered.wait(20) and 200
    hook(receiver.url, ["article.published"])
    try:
        for number in range(30):  # more than the lanes of a webhook take at a time
            publish(article(f"velar-{number}"))
        follow.step()
        seconds.now += MAX_STALENESS_SECONDS + PLAN_INTERVAL_SECONDS
        for _ in range(5):
            follow.step()
        clock.forward(seconds=40)
        seconds.now += QUEUE_CHECK_SECONDS
        follow.step()
        assert metric("newsapi_webhook_queue_age_seconds", cause="import") == 40
        assert metric("newsapi_webhook_queue_age_seconds", cause="edit") == 0
    finally:
        is_answered.set()
    settle()
    seconds.now += QUEUE_CHECK_SECONDS
    settle()
    assert len(receiver.calls) == 30
    assert metric("newsapi_webhook_queue_age_seconds", cause="import") == 0


def test_calls_are_signed_by_standard_webhooks(hook, receiver, publish, settle, database, clock):
    made = hook(receiver.url, ["article.published"])
    publish(article("velar"))
    settle()
    [call] = receiver.calls
    at = clock.time
    sent = wire.signed_headers(call["id"], at, call["text"], [made["secret"]])
    assert call["headers"]["webhook-timestamp"] == sent["webhook-timestamp"]
    assert call["headers"]["webhook-signature"] == sent["webhook-signature"]
    new = acts.rotate(database, CALLER, made["id"], now=clock())
    publish(article("altro"))
    settle()
    call = receiver.calls[-1]
    both = wire.signed_headers(call["id"], clock.time, call["text"], [new.secret, made["secret"]])
    assert call["headers"]["webhook-signature"] == both["webhook-signature"]
    publish(article("terzo"))
    settle(later=timedelta(hours=24, seconds=1))
    call = receiver.calls[-1]
    assert len(call["headers"]["webhook-signature"].split()) == 1


def test_a_signature_is_that_of_the_specification():
    """The example of the specification's reference implementations."""
    at = datetime.fromtimestamp(1614265330, UTC)
    found = wire.signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", at, '{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    )
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_of_a_filter_an_article_enters_and_leaves(hook, receiver, publish, settle):
    hook(receiver.url, brands=["jaguar"])
    publish(brand("jaguar"), brand("land-rover"), term("section", "prove"))
    publish(article("velar", brand="land-rover"))
    publish(article("velar", brand="jaguar"))
    publish(article("velar", brand="jaguar", headline="Altro"))
    publish(article("velar", brand="land-rover"))
    publish(article("velar", brand="land-rover", headline="Altro"))
    settle()
    assert articles_of(receiver) == [("published", "velar"), ("updated", "velar"), ("out_of_scope", "velar")]
    terms = [(call["type"], call["data"]["slug"]) for call in receiver.calls if call["type"].endswith("d.updated")]
    assert terms == [("brand.updated", "jaguar")]
    assert "section.updated" in receiver.types


@pytest.fixture
def partner(database, clock):
    """Somebody whose key is for some brands and sections."""

    def partner(**entitlement):
        scopes = ["partner:read", "webhooks"]
        secret = key_commands.create(
            database,
            "partner",
            scopes,
            now=clock(),
            limits=KeyLimits(entitlement=Entitlement(**entitlement)),
            resolve_slugs=resolve_slugs,
        )
        with database.read_transaction() as connection:
            return key_commands.authenticate(connection, secret, clock())

    return partner


MOVES = [
    ("velar", {"brand": "land-rover", "section": "prove"}),
    ("velar", {"brand": "jaguar", "section": "mercato"}),
    ("velar", {"brand": "jaguar", "section": "prove"}),
    ("punto", {"brand": "fiat", "section": "prove"}),
    ("velar", {"brand": "jaguar", "section": "prove", "headline": "Altro"}),
    ("velar", {"brand": "land-rover", "section": "prove"}),
    ("velar", {"brand": "land-rover", "section": "prove", "headline": "Altro"}),
]
WITHIN = [("published", "velar"), ("updated", "velar"), ("out_of_scope", "velar")]
ALL = [("published", "velar"), *[("updated", "velar")] * 2, ("published", "punto"), *[("updated", "velar")] * 3]


@pytest.mark.parametrize(("bodies", "told"), [("none", WITHIN), ("teaser", WITHIN), ("full", ALL)])
def test_a_key_is_told_of_what_it_is_for_where_not_everybody_gets_everything(
    hook, receive, publish, settle, partner, bodies, told
):
    publish(brand("jaguar"), brand("land-rover"), brand("fiat"), term("section", "prove"), term("section", "mercato"))
    bound, desk = receive(), receive()
    hook(bound.url, owner=partner(brands=("jaguar",), sections=("prove",)).name)
    hook(desk.url)
    for slug, said in MOVES:
        publish(article(slug, **said))
        settle()
    assert articles_of(desk) == ALL
    assert articles_of(bound) == told
    invalidated = {word for call in bound.calls if call["type"] == "cache.invalidated" for word in call["data"]["tags"]}
    assert ("slug:punto" in invalidated) == (bodies == "full")
    assert "slug:velar" in invalidated


@pytest.mark.parametrize("bodies", ["teaser"])
def test_what_a_key_is_for_narrows_what_a_webhook_asks_for(hook, receiver, publish, settle, partner):
    publish(brand("jaguar"), brand("fiat"), term("section", "prove"))
    own = partner(brands=("jaguar",)).name
    hook(receiver.url, owner=own, brands=["fiat"])
    hook(receiver.url, owner=own, brands=["fiat", "jaguar"])
    publish(article("punto", brand="fiat"), article("xe", brand="jaguar"))
    settle()
    assert articles_of(receiver) == [("published", "xe")]


def test_a_filter_follows_a_brand_that_is_called_otherwise_by_now(hook, receiver, publish, settle, desk):
    publish(brand("rover"), brand("fiat"))
    hook(receiver.url, ["article.published"], brands=["rover"])
    term_commands.update(
        desk, CALLER, TermName("brand", "rover"), {"slug": "land-rover"}, lambda *_: None, precondition=ANY_VERSION
    )
    publish(article("velar", brand="land-rover"), article("punto", brand="fiat"))
    settle()
    assert articles_of(receiver) == [("published", "velar")]


def test_drafts_are_told_to_nobody(hook, receiver, publish, settle):
    hook(receiver.url)
    publish(article("bozza", status="draft"), article("ora", status="scheduled", published_at="2030-01-01T00:00:00Z"))
    settle()
    assert receiver.calls == []


def test_no_event_leaves_before_every_node_knows(hook, receiver, publish, follow, seconds, listener):
    hook(receiver.url)
    publish(article("velar"))
    follow.step()
    seconds.now += MAX_STALENESS_SECONDS - 0.01
    for _ in range(5):
        follow.step()
    assert (receiver.calls, listener._calls) == ([], {})


def test_no_event_leaves_before_the_cdn_has_dropped_it(
    hook, receiver, publish, worker, database, settings, clock, seconds, mark_purged
):
    listener = WebhookConsumer(
        database, ArticlePresenter(settings), wait_for_purge=True, allow_private=True, now=clock, clock=seconds
    )
    follow = worker(listener)
    follow.step()
    hook(receiver.url, ["article.published"])
    publish(article("velar"))

    def pause(passes):
        seconds.now += passes
        for _ in range(20):
            follow.step()
            time.sleep(0.01)

    pause(0)
    pause(10)
    assert receiver.calls == []
    mark_purged()
    pause(1)
    assert receiver.types == ["article.published"]
    publish(article("altro"))
    pause(0)
    pause(PURGE_WAIT_SECONDS - 1)
    assert len(receiver.calls) == 1
    pause(2)
    assert len(receiver.calls) == 2


@pytest.fixture
def mark_purged(database, clock):
    """Record that the CDN was purged up to the last change, or up to another position."""

    def mark_purged(position=None):
        with database.transaction() as session:
            position = position or changelog_offsets.changelog_head(session.connection())
            changelog_offsets.save_offset(session, changelog_offsets.PURGED_OFFSET, position, clock())

    return mark_purged


@pytest.fixture
def behind_cdn(database, settings, worker, clock, seconds):
    """Webhooks that wait for purges; run for some seconds."""
    listener = WebhookConsumer(
        database, ArticlePresenter(settings), wait_for_purge=True, allow_private=True, now=clock, clock=seconds
    )
    follow = worker(listener)
    follow.step()

    def behind_cdn(passes):
        seconds.now += passes
        for _ in range(3):
            follow.step()
        while listener._calls:
            time.sleep(0.01)
            follow.step()

    return behind_cdn


def test_an_event_that_leaves_before_the_purge_says_so(hook, receiver, make, behind_cdn, mark_purged):
    hook(receiver.url, ["article.published", "cache.invalidated"])
    make.article("velar")
    behind_cdn(0)
    behind_cdn(PURGE_WAIT_SECONDS - 1)
    assert receiver.calls == []
    behind_cdn(2)
    assert {call["type"]: call["data"]["cdn_purged"] for call in receiver.calls} == {
        "article.published": False,
        "cache.invalidated": False,
    }
    make.article("evoque")
    mark_purged()
    behind_cdn(0)
    behind_cdn(1)
    assert [call["data"].get("cdn_purged") for call in receiver.calls[2:]] == [None, None]


def test_a_recall_whose_purge_is_set_aside_waits_and_says_so(
    hook, receiver, make, behind_cdn, mark_purged, database, clock
):
    hook(receiver.url, ["article.withdrawn", "article.published"])
    id_ = make.article("velar")
    mark_purged()
    behind_cdn(0)
    behind_cdn(1)
    assert receiver.types == ["article.published"]
    make.hide(id_)
    mark_purged()
    with database.transaction() as session:
        recall = changelog_offsets.changelog_head(session.connection())
        failed_changes.set_aside(session, "purge", [recall], "refused", now=clock())
    behind_cdn(0)
    behind_cdn(PURGE_WAIT_SECONDS - 1)
    assert len(receiver.calls) == 1
    behind_cdn(2)
    assert receiver.calls[1]["type"] == "article.withdrawn"
    assert receiver.calls[1]["data"]["cdn_purged"] is False
    make.article("evoque")
    mark_purged()
    behind_cdn(0)
    behind_cdn(1)
    assert "cdn_purged" not in receiver.calls[2]["data"]


def test_a_purge_of_a_change_that_the_changelog_lost_does_not_count(hook, receiver, make, behind_cdn, mark_purged):
    """A purge that is in progress at a failover is recorded on the new primary, which may lack the change."""
    hook(receiver.url, ["article.published"])
    mark_purged(LogPosition(10_000, 1))
    make.article("velar")
    behind_cdn(0)
    behind_cdn(PURGE_WAIT_SECONDS - 1)
    assert receiver.calls == []
    mark_purged()
    behind_cdn(0)
    assert receiver.types == ["article.published"]


def test_an_import_sends_no_event_of_its_articles_unless_a_webhook_asks(hook, receive, publish, settle, make, database):
    asks, does_not = receive(), receive()
    hook(asks.url)
    hook(does_not.url, include_imports=False)
    publish(brand("jaguar"), article("velar", brand="jaguar"), article("evoque"))
    publish(article("velar", headline="Altro"))  # it also leaves a brand
    make.article("notizia")
    settle()
    assert articles_of(does_not) == [("published", "notizia")]
    assert "brand.updated" not in does_not.types
    assert articles_of(asks)[-1] == ("published", "notizia")
    assert len(articles_of(asks)) == 4
    tags = {tag for call in does_not.calls if call["type"] == "cache.invalidated" for tag in call["data"]["tags"]}
    assert {"slug:velar", "slug:evoque", "slug:notizia"} <= tags


def test_what_an_import_withdraws_or_moves_out_of_a_filter_is_told_to_every_webhook(hook, receiver, publish, settle):
    publish(brand("jaguar"), brand("fiat"), article("velar", brand="jaguar"), article("evoque", brand="jaguar"))
    settle()
    hook(receiver.url, brands=["jaguar"], include_imports=False)
    publish(article("velar", brand="fiat"), article("evoque", brand="jaguar", status="withdrawn"))
    settle()
    assert articles_of(receiver) == [("out_of_scope", "velar"), ("withdrawn", "evoque")]


def test_the_end_of_an_import_alone_is_told_by_default(hook, receiver, send, runs, settle):
    hook(receiver.url, include_imports=False)
    send(article("velar"), article("punto"))
    while runs.run_slice():
        pass
    settle()
    assert {*receiver.types} == {"import.finished", "cache.invalidated"}


def test_news_do_not_wait_behind_the_events_of_an_import(hook, receiver, publish, make, follow, listener, seconds):
    hook(receiver.url, ["article.published"])
    hang = threading.Event()
    receiver.answer = lambda call: hang.wait(30) and 200 if call["data"]["slug"].startswith("archivio") else 200
    try:
        publish(*(article(f"archivio-{number}") for number in range(200)))
        make.article("notizia")
        follow.step()
        seconds.now += MAX_STALENESS_SECONDS
        for _ in range(300):
            follow.step()
            if "notizia" in [call["data"]["slug"] for call in receiver.calls]:
                break
            time.sleep(0.01)
        make.article("altra-notizia")  # while events of the import are under way
        follow.step()
        seconds.now += MAX_STALENESS_SECONDS
        for _ in range(300):
            follow.step()
            if "altra-notizia" in [call["data"]["slug"] for call in receiver.calls]:
                break
            time.sleep(0.01)
        slugs = [call["data"]["slug"] for call in receiver.calls]
        assert {"notizia", "altra-notizia"} < {*slugs}
        assert len([slug for slug in slugs if slug.startswith("archivio")]) <= MAX_BULK_CALLS_PER_WEBHOOK
    finally:
        hang.set()
        follow.release()


def test_imports_for_many_webhooks_leave_half_of_the_lanes(hook, receive, publish, make, follow, listener, seconds):
    slow, quick = receive(), receive()
    hang = threading.Event()
    slow.answer = lambda _: hang.wait(30) and 200
    for number in range(MAX_BULK_CALLS):
        hook(f"{slow.url}/{number}", ["article.published"])
    hook(quick.url, ["article.published"], include_imports=False)
    try:
        publish(*(article(f"archivio-{number}") for number in range(20)))
        follow.step()
        seconds.now += MAX_STALENESS_SECONDS
        follow.step()
        follow.step()
        assert len(listener._calls) == MAX_BULK_CALLS
        make.article("notizia")
        follow.step()
        seconds.now += MAX_STALENESS_SECONDS
        for _ in range(300):
            follow.step()
            if quick.calls:
                break
            time.sleep(0.01)
        assert [call["data"]["slug"] for call in quick.calls] == ["notizia"]
    finally:
        hang.set()
        follow.release()


def test_a_change_that_was_set_aside_is_planned_when_it_is_tried_again(
    hook, receiver, make, settle, listener, database
):
    hook(receiver.url, ["article.published"])
    make.article("velar")
    with database.read_transaction() as connection:
        [row] = changelog_reader.read_changes(connection, [1])
    settle()
    listener.retry([row])
    with database.transaction() as session:
        listener.commit(session)
    settle()
    assert articles_of(receiver) == [("published", "velar")] * 2


def test_what_fails_is_tried_again_under_its_id_until_it_is_answered(hook, receiver, publish, settle, database, clock):
    made = hook(receiver.url, ["article.published"])
    receiver.answer = lambda _: 500 if len(receiver.calls) < 3 else 204
    publish(article("velar"))
    settle()
    assert len(receiver.calls) == 1
    settle()
    assert len(receiver.calls) == 1
    settle(later=RETRY_SCHEDULE[0])
    settle(later=RETRY_SCHEDULE[1])
    assert len(receiver.calls) == 3
    settle(later=RETRY_SCHEDULE[2])
    assert len(receiver.calls) == 3
    assert len({(call["id"], call["text"]) for call in receiver.calls}) == 1
    [row] = rows(database, made["id"])
    assert (row.state, row.attempts, row.last_status_code) == ("delivered", 3, 204)


def test_when_a_webhook_answers_again_the_events_that_failed_follow_soon(hook, receiver, publish, settle, database):
    made = hook(receiver.url, ["article.published"])
    receiver.answer = lambda _: 500
    publish(article("velar"), article("defender"))
    settle()
    for wait in RETRY_SCHEDULE[:8]:  # the next attempts are due in 15 minutes
        settle(later=wait + timedelta(seconds=1))
    receiver.answer = lambda _: 200
    receiver.calls.clear()
    publish(article("altro"))
    settle(later=timedelta(seconds=1))
    assert [call["data"]["slug"] for call in receiver.calls] == ["altro"]
    settle(later=timedelta(seconds=HASTENED_RETRY_SECONDS))
    assert {call["data"]["slug"] for call in receiver.calls} == {"velar", "defender", "altro"}
    assert {row.state for row in rows(database, made["id"])} == {"delivered"}


def test_a_webhook_that_answers_now_and_then_does_not_use_up_the_attempts_of_days(
    hook, receiver, publish, settle, database
):
    made = hook(receiver.url, ["article.published"])
    receiver.answer = lambda call: 500 if call["data"]["slug"] == "velar" else 200
    publish(article("velar"))
    settle()
    for number in range(30):
        publish(article(f"altro-{number}"))
        settle(later=timedelta(seconds=HASTENED_RETRY_SECONDS + 1))
    [row] = [row for row in rows(database, made["id"]) if row.state == "pending"]
    assert row.attempts == MAX_HASTENED_ATTEMPTS + 1


def test_after_three_days_a_delivery_is_dead_and_the_webhook_paused(hook, receiver, publish, settle, database):
    made = hook(receiver.url, ["article.published"])
    receiver.answer = lambda _: 500
    publish(article("velar"))
    settle()
    for wait in RETRY_SCHEDULE:
        settle(later=wait + timedelta(seconds=1))
    assert len(receiver.calls) == len(RETRY_SCHEDULE) + 1
    assert sum(RETRY_SCHEDULE, timedelta()) >= PAUSE_AFTER - timedelta(hours=3)
    [row] = rows(database, made["id"])
    assert row.state == "dead"
    settle(later=PAUSE_AFTER)
    publish(article("altro"))
    settle()
    assert len(receiver.calls) == len(RETRY_SCHEDULE) + 1
    with database.read_transaction() as connection:
        assert acts.get_own(connection, CALLER, made["id"]).paused_at is not None
    receiver.answer = lambda _: 200
    with database.transaction() as session:
        webhook_queries.update_webhook(session, made["id"], paused_at=None, failing_since=None)
        assert webhook_queries.requeue(session, made["id"], row.id, row.created_at)
    settle()
    assert {call["data"]["slug"] for call in receiver.calls[-2:]} == {"velar", "altro"}
    assert {row.state for row in rows(database, made["id"])} == {"delivered"}


def test_gone_is_for_good(hook, receiver, publish, settle, database):
    made = hook(receiver.url, ["article.published"])
    receiver.answer = lambda _: 410
    publish(article("velar"))
    settle()
    assert [row.state for row in rows(database, made["id"])] == ["dead"]


def test_a_redirect_leads_nowhere(hook, receiver, publish, settle, database):
    made = hook(receiver.url, ["article.published"])
    receiver.answer = lambda _: 307
    publish(article("velar"))
    settle()
    assert len(receiver.calls) == 1
    assert [row.last_status_code for row in rows(database, made["id"])] == [307]


def test_a_partner_who_hangs_holds_up_nobody(hook, receive, publish, follow, listener, seconds):
    slow, quick = receive(), receive()
    hang = threading.Event()
    slow.answer = lambda _: hang.wait(30) and 200
    hook(slow.url, ["article.published"])
    hook(quick.url, ["article.published"])
    try:
        publish(*(article(f"a{number}") for number in range(40)))
        follow.step()
        seconds.now += MAX_STALENESS_SECONDS
        for _ in range(300):
            follow.step()
            if len(quick.calls) == 40:
                break
            time.sleep(0.01)
        assert len(quick.calls) == 40
        assert 0 < len(slow.calls) < 40
    finally:
        hang.set()
        while listener._calls:
            follow.step()
            time.sleep(0.01)


def test_every_event_arrives_though_half_of_the_calls_fail_and_workers_are_killed(
    hook, receiver, publish, worker, database, settings, clock, seconds
):
    made = hook(receiver.url, ["article.published"])
    calls = []

    def answer(call):
        calls.append(call)
        return 500 if len(calls) % 2 else 200

    receiver.answer = answer

    def hire():
        listener = WebhookConsumer(
            database, ArticlePresenter(settings), wait_for_purge=False, allow_private=True, now=clock, clock=seconds
        )
        return worker(listener)

    follow = hire()
    follow.step()
    for turn in range(10):
        publish(*(article(f"a{turn}-{number}") for number in range(10)))
        for _ in range(3):
            follow.step()
            seconds.now += MAX_STALENESS_SECONDS
            clock.time += timedelta(seconds=20)
        follow = hire()  # the one before was killed where it stood: what it had under way nobody notes
    for _ in range(3_000):
        follow.step()
        seconds.now += MAX_STALENESS_SECONDS
        clock.time += timedelta(seconds=20)
        found = rows(database, made["id"])
        if len(found) == 100 and all(row.state == "delivered" for row in found):
            break
        time.sleep(0.005)
    assert {row.state for row in rows(database, made["id"])} == {"delivered"}
    assert {call["data"]["slug"] for call in calls} == {
        f"a{turn}-{number}" for turn in range(10) for number in range(10)
    }
    assert len({call["id"] for call in calls}) == 100


@pytest.fixture
def desk(database, settings, clock):
    return WriteContext(database, settings, lambda _connection: clock(), WRITE_HOOKS)


@pytest.fixture
def send(desk):
    """Ask for an import; answer its id."""
    return lambda *records: import_jobs.create_import(
        desk, CALLER, [lines(*records)], options=import_jobs.ImportOptions("ndjson")
    )


@pytest.fixture
def runs(database, settings, clock):
    made = import_jobs.ImportRunner(
        database, settings, hooks=WRITE_HOOKS, on_finished=queue_import_event(settings), now=clock
    )
    yield made
    made.release()


def test_the_end_of_an_import_is_told_when_every_node_knows_what_it_wrote(
    hook, receiver, send, runs, follow, settle, seconds
):
    hook(receiver.url)
    hook(receiver.url, events=["article.updated"])
    id_ = send(article("velar"), article("punto"))
    while runs.run_slice():
        pass
    follow.step()
    seconds.now += MAX_STALENESS_SECONDS - 0.01
    for _ in range(5):
        follow.step()
        time.sleep(0.01)
    assert receiver.calls == []
    settle()
    [call] = [call for call in receiver.calls if call["type"] == "import.finished"]
    last = max(call["data"]["seq"] for call in receiver.calls if call["type"] == "article.published")
    own = f"https://api.example.com/v1/imports/{id_}"
    assert call["data"] == {"seq": last, "id": str(id_), "state": "done", "links": {"self": own}}


def test_an_import_that_ends_otherwise_is_told_too(hook, receiver, send, runs, desk, settle, monkeypatch):
    hook(receiver.url, events=["import.finished"])
    failed, cancelled = send(article("velar")), send(article("punto"))
    import_jobs.cancel(desk, CALLER, cancelled, on_finished=queue_import_event(desk.settings))

    def fails(*_args, **_kwargs):
        raise RuntimeError

    monkeypatch.setattr(import_article_writes.writer, "persist_articles", fails)
    for _ in range(import_jobs.MAX_FAILURES):
        with pytest.raises(RuntimeError):
            runs.run_slice()
    settle()
    told = {(call["data"]["id"], call["data"]["state"]) for call in receiver.calls}
    assert told == {(str(failed), "failed"), (str(cancelled), "cancelled")}
    assert receiver.types == ["import.finished"] * 2


def test_invalidations_are_gathered(hook, receiver, publish, settle):
    hook(receiver.url, ["cache.invalidated"])
    publish(brand("jaguar"), *(article(f"a{number}", brand="jaguar") for number in range(5)))
    settle()
    [call] = receiver.calls
    assert {"articles", "brand:jaguar", "slug:a0", "slug:a4"} <= {*call["data"]["tags"]}
    assert set(call["data"]) == {"seq", "tags"}


def test_keys_that_are_too_long_for_one_event_are_in_several(hook, receiver, publish, settle):
    hook(receiver.url, ["cache.invalidated"])
    slugs = [f"{'lungo-' * 30}{number}" for number in range(100)]
    publish(*(article(slug) for slug in slugs))
    settle()
    told = {tag for call in receiver.calls for tag in call["data"]["tags"]}
    assert told >= {f"slug:{slug}" for slug in slugs}
    assert len(receiver.calls) > 1
    assert max(len(call["text"]) for call in receiver.calls) <= wire.MAX_BODY_BYTES


def test_a_body_has_twenty_kilobytes_at_most():
    text = wire.build_event("article.updated", datetime.now(UTC), {"seq": 1, "tags": ["tag:" + "a" * 200] * 500})
    assert len(text) <= wire.MAX_BODY_BYTES
    assert orjson.loads(text)["data"]["tags"]


def test_keys_own_their_webhooks(hook, database, receiver):
    made = hook(receiver.url)
    other = Caller(id=uuid7(), prefix="key_other", scopes=frozenset({"webhooks"}))
    admin = Caller(id=uuid7(), prefix="key_admin", scopes=frozenset({"admin"}))
    with database.read_transaction() as connection:
        with pytest.raises(NotFound):
            acts.get_own(connection, other, made["id"])
        assert acts.get_own(connection, admin, made["id"]).url == receiver.url


def test_who_has_no_good_key_any_more_is_told_nothing(hook, receiver, publish, follow, settle, database, clock, key):
    made = hook(receiver.url, ["article.published"])
    publish(article("velar"))
    follow.step()
    key_commands.revoke(database, key, now=clock())
    publish(article("evoque"))
    settle()
    assert receiver.calls == []
    assert rows(database, made["id"]) == []


def test_who_gets_another_key_keeps_his_webhooks(hook, receiver, publish, settle, database, clock, key):
    made = hook(receiver.url, ["article.published"])
    secret = key_commands.rotate(database, key, now=clock(), overlap=timedelta(hours=1), on_rotated=reassign)
    publish(article("velar"))
    settle(later=timedelta(hours=2))
    assert receiver.types == ["article.published"]
    with database.read_transaction() as connection:
        assert (
            acts.get_own(connection, key_commands.authenticate(connection, secret, clock()), made["id"]).url
            == receiver.url
        )


def test_what_is_long_done_is_forgotten(hook, receiver, publish, settle, database):
    made = hook(receiver.url, ["article.published"])
    publish(article("velar"))
    settle()
    assert len(rows(database, made["id"])) == 1
    settle(later=timedelta(days=31))
    assert rows(database, made["id"]) == []


def test_a_worker_that_stops_writes_down_how_its_calls_ended(hook, receiver, publish, follow, seconds, database):
    called, may_answer = threading.Event(), threading.Event()
    receiver.answer = lambda _: (called.set(), may_answer.wait(30), 200)[-1]
    made = hook(receiver.url, ["article.published"])
    publish(article("velar"))
    follow.step()
    seconds.now += MAX_STALENESS_SECONDS
    while not called.is_set():
        follow.step()
        time.sleep(0.01)
    threading.Timer(0.1, may_answer.set).start()
    follow.release()
    assert [row.state for row in rows(database, made["id"])] == ["delivered"]
    assert len(receiver.calls) == 1
