"""A search is never behind: what is written is found at once, what goes is not, and imports follow."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from newsapi.editing import scheduler
from newsapi.editing.worker import PublicationScheduler
from newsapi.keys import commands as key_commands
from newsapi.search import index as search_index
from newsapi.search import maintenance as search_maintenance
from newsapi.search import segments
from newsapi.search.tables import SearchDocument, SearchPendingDocument, SearchSegment
from newsapi.search.worker import SearchIndexConsumer
from newsapi.worker.consumers import ConsumerRunner
from tests.support.client import EVERYTHING, Editor
from tests.support.import_records import archive, article, brand
from tests.support.imports import import_accepted
from tests.support.invariants import consistent


@pytest.fixture
def editor(app, database, clock):
    return Editor(app, key_commands.create(database, "anna", EVERYTHING, now=clock()))


@pytest.fixture
def found(client):
    """The slugs that a search finds."""

    def found(query):
        answer = client.get(f"/v1/search?q={query}&limit=100&total=true")
        assert answer.status_code == 200, answer.text
        slugs = [hit["slug"] for hit in answer.json["data"]]
        assert answer.json["page"]["total"] == len(slugs)
        listed = client.get(f"/v1/articles?q={query}&limit=100").json["data"]
        assert {item["slug"] for item in listed} == {*slugs}
        return sorted(slugs)

    return found


@pytest.fixture
def load(database, settings, clock):
    return lambda *records: import_accepted(database, settings, records, clock)


@pytest.fixture
def index(database, clock):
    """Let the worker do what there is to do."""
    follow = ConsumerRunner(database, SearchIndexConsumer(database, now=clock), now=clock)

    def index():
        while follow.step() == 0.0:
            pass

    index()
    return index


def count(database, model):
    with database.read_transaction() as connection:
        return connection.execute(select(func.count()).select_from(model)).scalar_one()


def test_what_is_published_over_http_is_found_in_the_next_breath_and_gone_in_the_one_after(editor, found):
    assert found("granturismo") == []
    made = editor.write(slug="gt", headline="Una granturismo", status="published")
    assert found("granturismo") == ["gt"]
    made = editor.change(made, headline="Una spider")
    assert found("granturismo") == []
    assert found("spider") == ["gt"]
    made = editor.change(made, slug="spider")
    assert found("spider") == ["spider"]
    editor.delete(f"/v1/articles/{made['id']}")
    assert found("spider") == []


def test_what_was_published_last_is_counted(editor, client):
    editor.post("/v1/brands", {"name": "Volkswagen"})
    for number in range(3):
        editor.write(slug=f"gt-{number}", headline="Una granturismo", brand="volkswagen", status="published")
    shown = client.get("/v1/search?q=granturismo&total=true&facets=brand,section,author,tag,format").json
    assert shown["page"]["total"] == 3
    assert shown["facets"]["brand"] == [{"slug": "volkswagen", "name": "Volkswagen", "count": 3}]
    assert [one["count"] for one in shown["facets"]["format"]] == [3]
    assert shown["facets_exact"] is True


def test_drafts_and_what_is_scheduled_are_nowhere(editor, found, client, clock, database):
    editor.write(slug="bozza", headline="Zafferano segreto")
    later = (clock() + timedelta(hours=1)).isoformat()
    editor.write(slug="domani", headline="Zafferano domani", status="scheduled", published_at=later)
    assert found("zafferano") == []
    assert client.get("/v1/search?q=zaferano").json["did_you_mean"] is None
    assert client.get("/v1/suggest?q=zaff").json["data"] == []
    assert count(database, SearchDocument) == 0


def test_what_comes_due_is_found(editor, found, clock, database, app):
    later = (clock() + timedelta(hours=1)).isoformat()
    editor.write(slug="domani", headline="Zafferano domani", status="scheduled", published_at=later)
    clock.forward(hours=2)
    scheduler.run_due(app.extensions["newsapi"].write_context)
    assert found("zafferano") == ["domani"]


def test_a_word_that_is_only_in_what_is_gone_is_never_suggested(editor, client):
    made = editor.write(slug="a", headline="Zafferano", status="published")
    assert client.get("/v1/search?q=zaferano").json["did_you_mean"] == "zafferano"
    editor.delete(f"/v1/articles/{made['id']}")
    assert client.get("/v1/search?q=zaferano").json["did_you_mean"] is None
    facets = client.get("/v1/search?q=zafferano&facets=brand,section,author,tag,format").json["facets"]
    assert facets == {"brand": [], "section": [], "author": [], "tag": [], "format": []}


def test_names_count_as_they_are_now(editor, found):
    editor.post("/v1/brands", {"name": "Volkswagen", "aliases": ["VW"]})
    editor.write(slug="golf", headline="Una compatta", brand="volkswagen", status="published")
    assert found("vw") == ["golf"]
    assert editor.patch("volkswagen", {"aliases": ["Wolfsburg"]}, kind="brands").status_code in {200, 428}
    now = editor.get("/v1/brands/volkswagen")
    answer = editor.send("PATCH", "/v1/brands/volkswagen", {"aliases": ["Wolfsburg"]}, If_Match=now.headers["ETag"])
    assert answer.status_code == 200
    assert found("vw") == []
    assert found("wolfsburg") == ["golf"]


def test_a_group_holds_the_brands_it_has_now(editor, client):
    editor.post("/v1/brands", {"name": "Gruppo"})
    editor.post("/v1/brands", {"name": "Marca"})
    editor.write(slug="a", headline="Una spider", brand="marca", status="published")
    ask = "/v1/search?q=spider&group=gruppo"
    assert client.get(ask).json["data"] == []
    now = editor.get("/v1/brands/marca")
    assert (
        editor.send("PATCH", "/v1/brands/marca", {"parent": "gruppo"}, If_Match=now.headers["ETag"]).status_code == 200
    )
    assert [hit["slug"] for hit in client.get(ask).json["data"]] == ["a"]


def test_what_is_imported_is_found_when_the_worker_has_come_to_it(load, found, index, client):
    load(article("a", headline="Granturismo rossa"), article("b", headline="Granturismo blu"))
    assert found("granturismo") == []
    before = int(client.get("/v1/search?q=granturismo").headers["Content-Seq"])
    assert "behind" in client.get("/readyz").json["parts"]["search"]
    index()
    assert found("granturismo") == ["a", "b"]
    assert int(client.get("/v1/search?q=granturismo").headers["Content-Seq"]) == before + 1
    load(article("a", headline="Granturismo rossa", status="withdrawn"))
    assert found("granturismo") == ["b"]
    index()
    assert found("granturismo") == ["b"]
    assert client.get("/readyz").json["parts"]["search"] == "ok"


def test_an_article_imported_anew_is_found_by_its_old_text_until_the_new_one_is_indexed(load, found, index, client):
    load(article("a", headline="Granturismo"))
    index()
    load(article("a", headline="Spider"))
    assert (found("granturismo"), found("spider")) == (["a"], [])
    hit = client.get("/v1/search?q=granturismo").json["data"][0]
    assert hit["headline"] == "Spider"
    for asked in ("sort=-updated_at", "sort=updated_at", f"updated_until={hit['updated_at'].replace('+', '%2B')}"):
        assert client.get(f"/v1/articles?q=granturismo&{asked}").json["data"] == [], asked
    index()
    assert (found("granturismo"), found("spider")) == ([], ["a"])
    assert len(client.get("/v1/articles?q=spider&sort=-updated_at").json["data"]) == 1


@pytest.mark.parametrize(
    "changed",
    [{"tags": ["altro"]}, {"published_at": "2020-01-02T03:04:05Z"}, {"status": "draft"}, {"status": "withdrawn"}],
    ids=lambda changed: next(iter(changed)) + str(next(iter(changed.values())))[:5],
)
def test_an_article_that_an_import_moves_or_hides_is_nowhere_it_no_longer_belongs(load, found, index, changed):
    load(article("a", headline="Granturismo"))
    index()
    load(article("a", headline="Granturismo", **changed))
    assert found("granturismo") == []
    index()
    assert found("granturismo") == (["a"] if "status" not in changed else [])


def test_an_import_that_says_nothing_new_leaves_the_index_as_it_is(load, found, index, database):
    records = [article(f"a{number}", headline="Granturismo") for number in range(3)]
    load(*records)
    index()

    def kept():
        with database.read_transaction() as connection:
            columns = (SearchDocument.number, SearchDocument.article_id, SearchDocument.version)
            return connection.execute(select(*columns).order_by(SearchDocument.number)).all()

    before = kept()
    load(*records)
    assert kept() == before
    assert len(found("granturismo")) == 3
    index()
    assert kept() == before


def test_what_was_written_meanwhile_is_not_overwritten_by_what_the_worker_had_read(
    load, found, database, clock, editor
):
    load(article("a", headline="Granturismo"))
    listener = SearchIndexConsumer(database, now=clock)
    follow = ConsumerRunner(database, listener, now=clock)
    take = listener.handle

    def take_and_wait(changed):
        done = take(changed)
        if changed:
            now = editor.get("/v1/articles/a")
            assert editor.patch("a", {"headline": "Spider"}, now.json["data"]["version"]).status_code == 200
        return done

    listener.handle = take_and_wait
    follow.step()
    listener.handle = take
    while follow.step() == 0.0:
        pass
    assert (found("granturismo"), found("spider")) == ([], ["a"])


def test_the_worker_indexes_what_was_there_before_there_was_an_index(editor, database, found, index):
    editor.write(slug="gt", headline="Una granturismo", status="published")
    with database.transaction() as session:
        search_index.delete_documents(session, session.scalars(select(SearchDocument.article_id)).all())
    editor.write(slug="gt-2", headline="Una granturismo", status="published")
    index()
    assert found("granturismo") == ["gt", "gt-2"]


def everything(client):
    asked = [
        "marca-1",
        "batteria neve",
        "motore -prova",
        '"strada prova"',
        "cit",
        "pista&tag=tag-1",
        "luce&facets=brand,tag",
    ]
    found = [client.get(f"/v1/search?q={query}&limit=100").json for query in asked]
    # Of equal ones either may be first.
    return [(sorted((-hit["score"], hit["slug"]) for hit in body["data"]), body.get("facets")) for body in found]


def test_blocks_of_whatever_sizes_answer_the_same(load, client, database, clock, index, monkeypatch):
    monkeypatch.setattr(segments, "MERGE_FACTOR", 3)
    records = [*archive(200)]
    for start in range(0, len(records), 9):
        load(*records[start : start + 9])
        index()
    assert 1 < count(database, SearchSegment) < 12
    pieces = everything(client)
    assert sum(len(hits) for hits, _ in pieces) > 100
    search_maintenance.rebuild(database, now=clock)
    assert count(database, SearchSegment) == 1
    for several, one in zip(pieces, everything(client), strict=True):
        assert several == one
    consistent(database)


def test_blocks_that_were_made_anew_hold_nothing_of_the_old_ones(load, database, clock, index, monkeypatch):
    monkeypatch.setattr(segments, "MERGE_FACTOR", 3)
    monkeypatch.setattr(search_maintenance, "BATCH_SIZE", 20)
    records = [*archive(200)]
    for start in range(0, len(records), 9):
        load(*records[start : start + 9])
        index()
    search_maintenance.rebuild(database, now=clock)
    with database.read_transaction() as connection:
        spans = connection.execute(select(SearchSegment.span)).scalars().all()
    assert len(spans) > 1
    assert sum(spans) == count(database, SearchDocument)
    consistent(database)


def test_joined_blocks_lose_what_is_gone(load, database, clock, index, monkeypatch, client):
    monkeypatch.setattr(segments, "MERGE_FACTOR", 3)
    records = [article(f"a{number}", headline=f"Granturismo {number}") for number in range(60)]
    for start in range(0, 60, 5):
        load(*records[start : start + 5])
        index()
    for number in range(0, 60, 2):
        load(article(f"a{number}", headline="Spider"))
    index()
    search_maintenance.merge_segments(database, now=clock)
    assert count(database, SearchSegment) < 8
    shown = client.get("/v1/search?q=granturismo&limit=100&total=true").json
    assert shown["page"]["total"] == len(shown["data"]) == 30


def test_fresh_articles_are_put_into_a_block(editor, database, index, monkeypatch, found):
    monkeypatch.setattr(search_maintenance, "SEGMENT_SIZE", 5)
    for number in range(7):
        editor.write(slug=f"gt-{number}", headline="Una granturismo", status="published")
    assert count(database, SearchPendingDocument) == 7
    index()
    assert (count(database, SearchPendingDocument), count(database, SearchSegment)) == (0, 1)
    assert len(found("granturismo")) == 7


def test_an_import_may_hold_drafts_and_brands_without_articles(load, found, index):
    load(brand("b"), article("a", status="draft", headline="Granturismo"))
    index()
    assert found("granturismo") == []


def test_an_embargo_in_the_worker_is_searched_too(database, clock, editor, found, app):
    later = (clock() + timedelta(hours=1)).isoformat()
    editor.write(slug="domani", headline="Zafferano", status="scheduled", published_at=later)
    clock.forward(hours=2)
    ConsumerRunner(database, PublicationScheduler(app.extensions["newsapi"].write_context), now=clock).step()
    assert found("zafferano") == ["domani"]
