"""A kept answer is sent only while it is true."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from newsapi.changelog.tables import Change, ChangelogHead
from tests.support import servers
from tests.support.import_records import brand

READS = [
    "/v1/articles",
    "/v1/articles?brand=land-rover",
    "/v1/articles?brand=land-rover&section=prove&total=true",
    "/v1/articles/velar",
    "/v1/articles/velar?include=related",
    "/v1/articles/velar/related",
    "/v1/brands",
    "/v1/brands/land-rover?include=articles",
    "/v1/authors",
    "/v1/sections/prove",
]


def state(answer):
    return answer.headers["Cache-Status"]


@pytest.fixture
def archive(make):
    make.brand("land-rover")
    make.article("velar", brand="land-rover", section="prove", authors=["anna"])
    make.article("reborn", brand="land-rover", section="prove")


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("url", READS)
def test_the_second_answer_is_the_first_one_kept(client, url):
    first, second = client.get(url), client.get(url)
    assert (state(first), state(second)) == ("newsapi; fwd=miss", "newsapi; hit")
    assert second.data == first.data
    assert {**second.headers, "Cache-Status": "", "X-Request-Id": ""} == {
        **first.headers,
        "Cache-Status": "",
        "X-Request-Id": "",
    }


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("url", ["/v1/articles?brand=land-rover", "/v1/articles/velar"])
def test_a_hit_costs_one_statement(client, statements, url):
    client.get(url)
    statements.clear()
    client.get(url)
    assert len(statements) == 1


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("url", READS)
def test_every_answer_is_new_after_a_change_that_touches_it(client, make, url):
    before = client.get(url)
    make.article("nuova", brand="land-rover", section="prove", authors=["anna"])
    after = client.get(url)
    fresh = client.get(f"{url}{'&' if '?' in url else '?'}min_seq=0")  # the same question in other words
    assert after.data == fresh.data
    assert int(after.headers["Content-Seq"]) > int(before.headers["Content-Seq"])
    if url != "/v1/articles/velar":
        assert after.data != before.data


@pytest.mark.usefixtures("archive")
def test_a_change_elsewhere_leaves_a_kept_answer_true(client, make):
    make.brand("tesla")
    before = client.get("/v1/articles?brand=land-rover")
    seq = int(before.headers["Content-Seq"])
    make.article("model-3", brand="tesla")
    after = client.get("/v1/articles?brand=land-rover")
    assert state(after) == "newsapi; hit"
    assert int(after.headers["Content-Seq"]) == seq + 1


def test_a_brand_shows_the_new_name_of_the_one_above(client, load):
    load(brand("jlr", name="Tata"), brand("jaguar", parent="jlr"))
    assert client.get("/v1/brands/jaguar").json["data"]["parent"]["name"] == "Tata"
    load(brand("jlr", name="JLR"))
    assert client.get("/v1/brands/jaguar").json["data"]["parent"]["name"] == "JLR"


@pytest.mark.parametrize("url", ["/v1/articles", "/v1/articles/velar", "/v1/articles/velar/jsonld"])
def test_an_article_shows_the_new_name_of_its_brand(client, load, make, url):
    load(brand("land-rover", name="Rover Company"))
    make.article("velar", brand="land-rover")
    assert "Rover Company" in client.get(url).text
    load(brand("land-rover", name="Land Rover"))
    assert '"Land Rover"' in client.get(url).text


@pytest.mark.usefixtures("archive")
def test_a_withdrawn_article_is_gone_at_once_though_it_was_kept(client, make):
    article = make.article("ritirato", brand="land-rover")
    assert client.get("/v1/articles/ritirato").status_code == 200
    make.hide(article)
    assert client.get("/v1/articles/ritirato").status_code == 410
    assert "ritirato" not in client.get("/v1/articles?brand=land-rover").text


@pytest.mark.usefixtures("archive")
def test_after_a_restore_from_a_backup_nothing_kept_is_sent(client, make, database):
    client.get("/v1/articles")
    with database.transaction() as session:  # the same number, but another history
        session.execute(update(Change).values(nonce=Change.nonce + 1))
        session.execute(update(ChangelogHead).values(nonce=ChangelogHead.nonce + 1))
    assert state(client.get("/v1/articles")) == "newsapi; fwd=miss"
    make.tag("altro")
    with database.transaction() as session:
        session.execute(update(Change).values(nonce=Change.nonce + 1))
    assert state(client.get("/v1/articles?brand=land-rover")) == "newsapi; fwd=miss"


@pytest.mark.usefixtures("archive")
def test_two_nodes_share_answers_through_redis_and_neither_is_ever_stale(pytestconfig, build, settings, make):
    shared = replace(settings, redis_url=servers.redis_url(pytestconfig))
    one, other = build(shared).test_client(), build(shared).test_client()
    first = one.get("/v1/articles?brand=land-rover&limit=7")
    assert state(other.get("/v1/articles?brand=land-rover&limit=7")) == "newsapi; hit"
    make.article("nuova", brand="land-rover")
    assert other.get("/v1/articles?brand=land-rover&limit=7").data != first.data
    assert state(one.get("/v1/articles?brand=land-rover&limit=7")) == "newsapi; hit"


@pytest.mark.usefixtures("archive")
def test_releases_and_settings_that_write_other_bytes_never_share(pytestconfig, build, settings):
    shared = replace(settings, redis_url=servers.redis_url(pytestconfig))
    build(shared).test_client().get("/v1/articles?limit=9")
    elsewhere = build(replace(shared, api_url="https://other.example.com")).test_client()
    answer = elsewhere.get("/v1/articles?limit=9")
    assert state(answer) == "newsapi; fwd=miss"
    assert "api.example.com" not in answer.text
