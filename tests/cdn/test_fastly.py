"""Behind a small Fastly: what its edge sends after changes, and how its API may refuse purges."""

from dataclasses import replace

import pytest

from newsapi import cdn as cdn_module
from newsapi.cdn import CdnPurgeConsumer, FastlyCdn, make_cdn
from newsapi.changelog import offsets
from tests.support.events import later
from tests.support.fastly import SERVICE_PATH, TOKEN, Fastly

pytestmark = pytest.mark.one_database

BATCH = f"{SERVICE_PATH}/purge"


@pytest.fixture
def fastly(build, settings):
    settings = replace(settings, purge_url=f"fastly+https://api.example.com{SERVICE_PATH}", purge_key=TOKEN)
    made = Fastly(build(settings).test_client())
    yield made
    made.close()


@pytest.fixture
def start_purging(worker, database, fastly, seconds, clock):
    def start_purging(token=TOKEN):
        consumer = CdnPurgeConsumer(database, make_cdn(f"fastly+{fastly.url}", token), now=clock, clock=seconds)
        runner = worker(consumer)
        runner.step()
        return runner

    return start_purging


def purge_twice(runner, seconds):
    for seconds_later in (0, 1, 5):
        later(runner, seconds, seconds_later)


def is_finished(database):
    with database.read_transaction() as connection:
        return offsets.get_offset(connection, offsets.PURGE_CONSUMER) == offsets.changelog_head(connection).seq


def slugs(response):
    return [item["slug"] for item in response.json["data"]]


def test_a_publication_a_rename_and_a_recall_are_seen_through_the_edge(
    fastly, start_purging, seconds, editor, make, database
):
    runner = start_purging()
    make.brand("fiat")
    editor.write(slug="panda", status="published", brand="fiat")
    purge_twice(runner, seconds)
    assert slugs(fastly.get("/v1/articles")) == ["panda"]
    assert fastly.get("/v1/articles") is fastly.get("/v1/articles")  # kept

    article = editor.write(slug="uno", status="published", brand="fiat")
    assert slugs(fastly.get("/v1/articles")) == ["panda"]  # the control: the edge has the old list until the purge
    purge_twice(runner, seconds)
    assert slugs(fastly.get("/v1/articles")) == ["uno", "panda"]

    assert fastly.get("/v1/articles/uno").json["data"]["brand"]["name"] == "Fiat"
    assert editor.send("PATCH", "/v1/brands/fiat", {"name": "FIAT"}, If_Match="*").status_code == 200
    purge_twice(runner, seconds)
    assert fastly.get("/v1/articles/uno").json["data"]["brand"]["name"] == "FIAT"

    assert editor.delete(f"/v1/articles/{article['id']}?reason=error", If_Match="*").status_code == 200
    purge_twice(runner, seconds)
    assert fastly.get("/v1/articles/uno").status_code == 410
    assert slugs(fastly.get("/v1/articles")) == ["panda"]
    assert {status for _, _, status in fastly.purges} == {200}
    assert is_finished(database)


def test_a_recalled_article_is_not_sent_although_the_api_does_not_respond(fastly, start_purging, seconds, make):
    runner = start_purging()
    id_ = make.article("velar")
    purge_twice(runner, seconds)
    assert fastly.get("/v1/articles/velar").status_code == 200
    make.hide(id_)
    purge_twice(runner, seconds)
    fastly.is_origin_down = True
    assert fastly.get("/v1/articles/velar") is None


def test_after_a_soft_purge_the_edge_would_send_it(fastly, make):
    """The control of the test before."""
    make.article("velar")
    fastly.get("/v1/articles/velar")
    assert fastly.purge(BATCH, frozenset({"slug:velar"}), token=TOKEN, soft=True)[0] == 200
    fastly.is_origin_down = True
    assert fastly.get("/v1/articles/velar").status_code == 200


def test_no_request_has_more_keys_than_fastly_accepts(fastly, start_purging, seconds, make, monkeypatch):
    monkeypatch.setattr(cdn_module, "MAX_KEY_HEADER_BYTES", 16_000)  # else the bytes limit a batch first
    runner = start_purging()
    make.articles(100)
    purge_twice(runner, seconds)
    assert {(path, status) for path, _, status in fastly.purges} == {(BATCH, 200)}
    sizes = [len(keys) for _, keys, _ in fastly.purges]
    assert (max(sizes), sum(sizes)) == (FastlyCdn.max_keys, 2 * 301)


def test_fastly_refuses_more_keys(fastly):
    """The control of the test before."""
    keys = [f"slug:{number}" for number in range(FastlyCdn.max_keys + 1)]
    with pytest.raises(OSError, match="status 400"):
        FastlyCdn(fastly.url, TOKEN).purge_keys(keys)


def test_at_its_rate_limit_purges_wait_and_nothing_more_is_purged_or_asked(
    fastly, start_purging, seconds, make, database
):
    runner = start_purging()
    fastly.requests_left = 0
    make.article("velar")
    later(runner, seconds, 0)
    waits = [later(runner, seconds, 1) for _ in range(3)]
    assert waits == [0.5, 1.0, 2.0]
    assert [(path, status) for path, _, status in fastly.purges] == [(BATCH, 429)] * 3
    fastly.requests_left = None
    purge_twice(runner, seconds)
    assert [(path, status) for path, _, status in fastly.purges[3:]] == [(BATCH, 200)] * 2
    assert {keys for _, keys, _ in fastly.purges} == {fastly.purges[0][1]}
    assert is_finished(database)


def test_a_rate_limit_between_two_batches_purges_not_everything(
    fastly, start_purging, seconds, make, database, monkeypatch
):
    monkeypatch.setattr(FastlyCdn, "max_keys", 2)
    runner = start_purging()
    make.article("velar", tags=["suv"])
    later(runner, seconds, 0)
    fastly.requests_left = 1
    later(runner, seconds, 1)
    assert [status for *_, status in fastly.purges] == [200, 429]
    fastly.requests_left = None
    purge_twice(runner, seconds)
    assert {path for path, *_ in fastly.purges} == {BATCH}
    assert is_finished(database)


@pytest.mark.parametrize("token", [None, "revoked"])
def test_without_a_valid_token_purges_wait_and_operators_are_told(
    fastly, start_purging, seconds, make, database, token
):
    runner = start_purging(token)
    make.article("velar")
    later(runner, seconds, 0)
    for _ in range(4):
        later(runner, seconds, 60)
    assert {status for *_, status in fastly.purges} == {401}
    assert not is_finished(database)
    with database.read_transaction() as connection:
        [state] = [state for state in offsets.list_consumers(connection) if state.consumer == "purge"]
    assert state.failing_since is not None  # which /readyz and the metrics show
    runner.release()
    purge_twice(start_purging(), seconds)
    assert {status for *_, status in fastly.purges[-2:]} == {200}
    assert is_finished(database)
