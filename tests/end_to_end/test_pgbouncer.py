"""Everything through a real PgBouncer in transaction mode, whose sessions are fewer than its clients.

Without prepared statements, and with them where PgBouncer keeps track of them (1.21 and later).
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from newsapi.db.database import Database
from newsapi.keys import commands as key_commands
from newsapi.settings import Settings
from tests.end_to_end.cache_coherence import Checker
from tests.support import servers
from tests.support.import_records import archive, lines
from tests.support.pgbouncer import PROGRAM, knows_prepared_statements, pgbouncer
from tests.support.processes import PATIENCE, serving

pytestmark = [pytest.mark.real_time, pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed")]

ARTICLES = 60


@pytest.fixture(scope="module", params=["off", "on"])
def prepared(request):
    """Whether statements are prepared by name."""
    if request.param == "on" and not knows_prepared_statements():
        pytest.skip("this PgBouncer does not keep track of prepared statements")
    return request.param == "on"


@pytest.fixture(scope="module")
def settings(prepared):
    return {"NEWSAPI_PREPARED_STATEMENTS": "on" if prepared else "off", "NEWSAPI_LOG_LEVEL": "warning"}


@pytest.fixture(scope="module")
def pooled_url(pytestconfig, postgresql_template, prepared):
    """A database with the tables, through PgBouncer."""
    server = servers.database_url(pytestconfig)
    with (
        servers.database(server, template=postgresql_template) as url,
        pgbouncer(url, prepared_statements=prepared) as pooled,
    ):
        yield pooled


@pytest.fixture(scope="module")
def site(pooled_url, settings, prepared, tmp_path_factory):
    """A server of two processes with a worker and an indexer, and a client that may write."""
    folder = tmp_path_factory.mktemp("pooled")
    with serving(folder, "serve", NEWSAPI_DATABASE_URL=pooled_url, **settings) as served:
        database = Database(pooled_url, prepared_statements=prepared)
        scopes = ["content:write", "content:publish", "drafts:read"]
        key = key_commands.create(database, "anna", scopes, now=datetime.now(UTC))
        database.dispose()
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=served.base, timeout=PATIENCE, headers=headers) as desk:
            yield served, desk


@pytest.fixture
def desk(site):
    return site[1]


@pytest.fixture
def public(site):
    with httpx.Client(base_url=site[0].base, timeout=PATIENCE) as client:
        yield client


@pytest.fixture
def database(pooled_url, prepared):
    made = Database(pooled_url, prepared_statements=prepared)
    yield made
    made.dispose()


def wait_until(is_done):
    end = time.monotonic() + PATIENCE
    while not is_done():
        assert time.monotonic() < end
        time.sleep(0.1)


def publish(desk, slug, **values):
    body = {"slug": slug, "headline": f"Titolo {slug}", "body_html": "<p>Testo.</p>", "status": "published", **values}
    for _ in range(20):  # writers of a burst are told to come again
        answer = desk.post("/v1/articles", json=body, headers={"Idempotency-Key": slug})
        if answer.status_code != 503:
            break
        assert answer.json()["type"].endswith("/unavailable")
        time.sleep(float(answer.headers["Retry-After"]))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def test_a_read_is_one_snapshot_that_cannot_write_and_has_a_time_limit(database):
    def write():
        with database.transaction() as session:
            session.execute(text("INSERT INTO snapshot_probe VALUES (1)"))

    with database.transaction() as session:
        session.execute(text("CREATE TABLE snapshot_probe (number integer)"))
    count = text("SELECT count(*) FROM snapshot_probe")
    for _ in range(10):
        with database.read_transaction() as connection:
            before = connection.execute(count).scalar_one()
            write()
            assert connection.execute(count).scalar_one() == before
            with pytest.raises(DatabaseError, match="read-only"):
                connection.execute(text("DELETE FROM snapshot_probe"))
    with database.read_transaction() as connection, pytest.raises(DatabaseError, match="statement timeout"):
        connection.execute(text("SELECT pg_sleep(5)"))


def test_what_one_transaction_sets_is_not_seen_by_another(database):
    with database.try_transaction() as session:
        assert session.execute(text("SHOW lock_timeout")).scalar_one() == "50ms"
    for open_transaction in (database.transaction, database.connection):
        with open_transaction() as connection:
            shown = [
                connection.execute(text(f"SHOW {name}")).scalar_one() for name in ("lock_timeout", "statement_timeout")
            ]
            assert shown == ["0", "0"]


def test_the_main_flows_work(site, desk, public, tmp_path):
    desk.post("/v1/brands", json={"name": "Fiat"})
    with ThreadPoolExecutor(8) as pool:
        articles = list(pool.map(lambda n: publish(desk, f"a{n}", brand="fiat", tags=["suv"]), range(ARTICLES)))
    changed = desk.patch(
        f"/v1/articles/{articles[0]['id']}",
        json={"headline": "Cambiato"},
        headers={"If-Match": f'"v{articles[0]["version"]}"', "Content-Type": "application/merge-patch+json"},
    )
    assert changed.status_code == 200, changed.text
    assert (
        public.get("/v1/articles/a0", params={"min_seq": changed.json()["data"]["seq"]}).json()["data"]["headline"]
        == "Cambiato"
    )
    due = datetime.now(UTC) + timedelta(seconds=2)
    publish(desk, "scheduled", status="scheduled", published_at=due.isoformat())
    deleted = desk.delete("/v1/articles/a1", params={"reason": "error"}, headers={"If-Match": "*"})
    assert deleted.status_code in {200, 204}, deleted.text

    paths = ["/v1/articles?total=true", "/v1/articles/a2?include=related", "/v1/feeds/articles.rss", "/sitemap.xml"]
    with ThreadPoolExecutor(8) as pool:
        queries = [f"{path}{'&' if '?' in path else '?'}min_seq={n}" for n in range(1, 20) for path in paths[:3]]
        assert {answer.status_code for answer in pool.map(public.get, [*queries, *paths])} == {200}

    upload = desk.post("/v1/imports", content=lines(*archive(200)), headers={"Content-Type": "application/x-ndjson"})
    assert upload.status_code == 202, upload.text
    job = f"/v1/imports/{upload.json()['data']['id']}"
    wait_until(lambda: desk.get(job).json()["data"]["state"] not in {"queued", "running"})
    done = desk.get(job).json()["data"]
    assert (done["state"], done["rejected"]) == ("done", 0)

    wait_until(lambda: public.get("/v1/articles/scheduled").status_code == 200)
    wait_until(lambda: public.get("/v1/search", params={"q": "cambiato"}).json()["data"])
    mirror, page = set(), {"cursor": None, "has_more": True}
    while page["has_more"]:
        page = public.get(
            "/v1/changes", params={"limit": 100, **({"cursor": page["cursor"]} if page["cursor"] else {})}
        ).json()
        for change in page["data"]:
            (mirror.add if change["action"] == "upsert" else mirror.discard)(change["slug"])
    assert len(mirror) == public.get("/v1/articles", params={"total": "true"}).json()["page"]["total"] > ARTICLES
    wait_until(lambda: public.get("/readyz").json()["status"] == "ready")
    # Nothing is logged but what a busy machine causes.
    logged = [line for line in site[0].printed.splitlines() if "did not reply in time" not in line]
    assert len(logged) == site[0].printed.count("Serving"), site[0].printed


def test_commands_work(newsapi_process, pooled_url, settings, tmp_path):
    (tmp_path / "some.ndjson").write_bytes(lines(*archive(50)))
    settings = {"NEWSAPI_DATABASE_URL": pooled_url, **settings, "NEWSAPI_API_URL": "https://api.example.com"}
    for words in (
        ["db", "upgrade"],
        ["keys", "list"],
        ["import", "some.ndjson"],
        ["export", "all.ndjson"],
        ["import", "all.ndjson"],
        ["related", "rebuild"],
    ):
        result = newsapi_process(*words, **settings)
        assert result.returncode == 0, (words, result.stderr)


def test_prepared_statements_that_a_pooler_loses_are_reported(newsapi, pooled_url, prepared, postgresql_url):
    settings = {"NEWSAPI_API_URL": "https://api.example.com", "NEWSAPI_RATE_LIMITS": "10,10"}
    on = newsapi("check-config", **settings, NEWSAPI_DATABASE_URL=pooled_url)
    if prepared:
        assert on.returncode == 0, on.stdout
    else:
        assert (on.returncode, on.stdout.count("\n")) == (1, 1)
        assert "NEWSAPI_PREPARED_STATEMENTS is on" in on.stdout
    off = {**settings, "NEWSAPI_PREPARED_STATEMENTS": "off"}
    assert newsapi("check-config", **off, NEWSAPI_DATABASE_URL=pooled_url).returncode == 0
    assert newsapi("check-config", **settings, NEWSAPI_DATABASE_URL=postgresql_url).returncode == 0


def test_statements_are_prepared_once_and_reused_in_any_session(database, prepared):
    query = text("SELECT count(*) FROM changelog_head WHERE seq >= :seq")

    def read(seq):
        with database.read_transaction() as connection:
            return connection.execute(query, {"seq": seq}).scalar_one()

    with ThreadPoolExecutor(4) as pool:  # more clients than one session, in any order
        assert set(pool.map(read, [0] * 200)) == {1}
    with database.read_transaction() as connection:
        names = connection.execute(text("SELECT name FROM pg_prepared_statements")).scalars().all()
    assert bool(names) == prepared
    assert all(name.startswith("PGBOUNCER_") for name in names)


def test_statements_that_a_connection_discards_are_discarded_by_the_pooler(database):
    queries = [text(f"SELECT seq + {number} FROM changelog_head WHERE seq >= :seq") for number in range(120)]
    for _ in range(7):  # prepared at the sixth execution; a connection keeps 100
        for number, query in enumerate(queries):
            with database.read_transaction() as connection:
                assert connection.execute(query, {"seq": 0}).scalar_one() >= number


@pytest.mark.long
def test_no_answer_is_wrong_while_articles_change(pytestconfig, postgresql_template, prepared, settings, tmp_path):
    server = servers.database_url(pytestconfig)
    with (
        servers.database(server, template=postgresql_template) as url,
        pgbouncer(url, prepared_statements=prepared) as pooled,
    ):
        database = Database(pooled, prepared_statements=prepared)
        with serving(tmp_path, "serve", NEWSAPI_DATABASE_URL=pooled, **settings) as served:
            checker = Checker(served.base, database, Settings.from_env({"NEWSAPI_DATABASE_URL": pooled}))
            checker.fill()
            with checker.reading(6):
                checker.run(4, pace=lambda _: 0.05)
        database.dispose()
    assert checker.faults == checker.refused == []
    assert checker.how["newsapi; fwd=miss"] > 50
