"""A search is never behind: what is written is found at once, what goes is not, and large imports follow."""

from contextlib import contextmanager
from datetime import timedelta

import pytest

from newsapi.cache.memory_cache import MemoryCache
from newsapi.editing import scheduler
from newsapi.editing.worker import PublicationScheduler
from newsapi.search import indexer
from newsapi.search.index_folder import IndexFolder
from newsapi.search.indexer import Indexer
from newsapi.search.rebuild import rebuild
from newsapi.worker.consumers import ConsumerRunner
from tests.support.import_records import archive, article, brand
from tests.support.invariants import consistent


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
def folder(settings):
    return IndexFolder.of(settings)


@pytest.fixture
def index(database, folder, monkeypatch):
    """Index step by step: `with index() as step`; each step indexes one article of those that imports changed."""
    monkeypatch.setattr(indexer, "SMALL_BATCH_CHANGES", 0)
    monkeypatch.setattr(indexer, "BATCH_CHANGES", 1)

    @contextmanager
    def index():
        with folder.writing(timeout_seconds=30) as is_mine, folder.waking() as searches:
            assert is_mine
            used = Indexer(folder, database)

            def step(*, awaited=False):
                if awaited:
                    folder.wake()
                return used.step(searches)

            while step():
                pass
            yield step
            used.close()

    return index


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


def test_drafts_and_what_is_scheduled_are_nowhere(editor, found, client, clock):
    editor.write(slug="bozza", headline="Zafferano segreto")
    later = (clock() + timedelta(hours=1)).isoformat()
    editor.write(slug="domani", headline="Zafferano domani", status="scheduled", published_at=later)
    assert found("zafferano") == []
    assert client.get("/v1/search?q=zaferano").json["did_you_mean"] is None
    assert client.get("/v1/suggest?q=zaff").json["data"] == []


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


def test_what_is_imported_is_found_when_the_indexer_has_come_to_it(load, found, index, client):
    with index() as step:
        load(article("a", headline="Granturismo rossa"), article("b", headline="Granturismo blu"))
        assert step(awaited=True)
        assert found("granturismo") == []
        assert client.get("/readyz").json["parts"]["search"] == "2 changes behind"
        assert step()
        assert found("granturismo") == ["a"]
        assert not step()
        assert found("granturismo") == ["a", "b"]
        assert client.get("/readyz").json["parts"]["search"] == "ok"
        load(article("a", headline="Granturismo rossa", status="withdrawn"))
        step(awaited=True)
        assert found("granturismo") == ["b"]
        step()
        assert found("granturismo") == ["b"]


def test_what_a_search_says_while_an_import_is_indexed_is_kept_nowhere(load, index, client):
    def ask():
        return client.get("/v1/search?q=granturismo")

    with index() as step:
        load(*(article(f"a{number}", headline="Granturismo") for number in range(3)))
        assert step(awaited=True)
        for _ in range(2):
            assert ask().headers["Cache-Status"] == "newsapi; fwd=miss"
            assert int(ask().headers["CDN-Cache-Control"].removeprefix("max-age=")) <= 2
        while step():
            pass
        assert ask().headers["Cache-Status"] == "newsapi; fwd=miss"
        assert ask().headers["Cache-Status"] == "newsapi; hit"
        assert len(ask().json["data"]) == 3


def test_an_article_imported_anew_is_found_by_its_old_text_until_the_new_one_is_indexed(load, found, index, client):
    load(article("a", headline="Granturismo"))
    with index() as step:
        load(article("a", headline="Spider"))
        step(awaited=True)
        assert (found("granturismo"), found("spider")) == (["a"], [])
        hit = client.get("/v1/search?q=granturismo").json["data"][0]
        assert hit["headline"] == "Spider"
        for asked in ("sort=-updated_at", "sort=updated_at", f"updated_until={hit['updated_at'].replace('+', '%2B')}"):
            assert client.get(f"/v1/articles?q=granturismo&{asked}").json["data"] == [], asked
        step()
        assert (found("granturismo"), found("spider")) == ([], ["a"])
        assert len(client.get("/v1/articles?q=spider&sort=-updated_at").json["data"]) == 1


@pytest.mark.parametrize(
    "changed",
    [{"tags": ["altro"]}, {"published_at": "2020-01-02T03:04:05Z"}, {"status": "draft"}, {"status": "withdrawn"}],
    ids=lambda changed: next(iter(changed)) + str(next(iter(changed.values())))[:5],
)
def test_an_article_that_an_import_moves_or_hides_is_nowhere_it_no_longer_belongs(load, found, index, changed):
    load(article("a", headline="Granturismo"))
    with index() as step:
        assert found("granturismo") == ["a"]
        load(article("a", headline="Granturismo", **changed))
        step(awaited=True)
        assert found("granturismo") == []
        step()
        assert found("granturismo") == (["a"] if "status" not in changed else [])


def test_an_import_that_says_nothing_new_leaves_the_index_as_it_is(load, found, folder):
    records = [article(f"a{number}", headline="Granturismo") for number in range(3)]
    load(*records)
    assert len(found("granturismo")) == 3
    before = folder.stamp()
    load(*records)
    assert len(found("granturismo")) == 3
    assert folder.stamp() == before


def test_what_was_there_before_there_was_an_index_is_found(editor, found, folder):
    editor.write(slug="gt", headline="Una granturismo", status="published")
    assert found("granturismo") == ["gt"]
    folder.discard(folder.current())
    editor.write(slug="gt-2", headline="Una granturismo", status="published")
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


def test_an_index_that_grew_answers_as_one_that_was_rebuilt(load, client, database, folder):
    records = [*archive(200)]
    for start in range(0, len(records), 9):
        load(*records[start : start + 9])
        assert client.get("/v1/search?q=motore").status_code == 200
    for start in range(0, len(records), 27):
        withdrawn = [record | {"status": "withdrawn"} for record in records[start : start + 3]]
        load(*(record for record in withdrawn if record["type"] == "article"))
        assert client.get("/v1/search?q=motore").status_code == 200
    grown = everything(client)
    assert sum(len(hits) for hits, _ in grown) > 100
    rebuild(folder, database)
    client.application.extensions["newsapi"].response_cache.memory = MemoryCache(0)
    for one, other in zip(grown, everything(client), strict=True):
        assert one == other
    consistent(database)


def test_totals_do_not_count_what_is_gone(load, client):
    records = [article(f"a{number}", headline=f"Granturismo {number}") for number in range(60)]
    for start in range(0, 60, 5):
        load(*records[start : start + 5])
        client.get("/v1/search?q=granturismo")
    for number in range(0, 60, 2):
        load(article(f"a{number}", headline="Spider"))
        client.get("/v1/search?q=granturismo")
    shown = client.get("/v1/search?q=granturismo&limit=100&total=true").json
    assert shown["page"]["total"] == len(shown["data"]) == 30


def test_an_import_may_hold_drafts_and_brands_without_articles(load, found):
    load(brand("b"), article("a", status="draft", headline="Granturismo"))
    assert found("granturismo") == []


def test_an_embargo_in_the_worker_is_searched_too(database, clock, editor, found, app):
    later = (clock() + timedelta(hours=1)).isoformat()
    editor.write(slug="domani", headline="Zafferano", status="scheduled", published_at=later)
    clock.forward(hours=2)
    ConsumerRunner(database, PublicationScheduler(app.extensions["newsapi"].write_context), now=clock).step()
    assert found("zafferano") == ["domani"]
