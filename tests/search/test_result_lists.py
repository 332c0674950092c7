"""Results in the order of a list, their counts by facet, and the names that a query contains."""

from collections import Counter
from urllib.parse import urlencode

import pytest

from newsapi.search import facet_counts, names, planner
from tests.support.import_records import article


@pytest.fixture
def walk(public):
    """The slugs of all pages of a list, forward and then backward."""

    def walk(**query):
        forward, backward, path = [], [], f"/v1/articles?{urlencode(query)}"
        while path:
            page = public.get(path).json
            forward.append([item["slug"] for item in page["data"]])
            last, path = path, page["links"]["next"]
        while last:
            page = public.get(last).json
            backward.insert(0, [item["slug"] for item in page["data"]])
            last = page["links"]["prev"]
        return forward, backward

    return walk


@pytest.mark.parametrize("sort", ["published_at", "-published_at", "updated_at", "-updated_at"])
def test_articles_of_one_moment_are_each_on_one_page(load, walk, sort):
    times = ["2020-05-01T10:00:00Z"] * 31 + ["2020-05-02T10:00:00Z"] * 2
    load(*(article(f"prova-{number}", headline="Prova", published_at=time) for number, time in enumerate(times)))
    forward, backward = walk(q="prova", sort=sort, limit=3)
    slugs = [slug for page in forward for slug in page]
    assert len(slugs) == len({*slugs}) == 33
    assert forward == backward
    newest_first = [slug in {"prova-31", "prova-32"} for slug in slugs]
    assert newest_first == sorted(newest_first, reverse=sort.startswith("-"))


def test_facets_with_equal_counts_are_listed_by_slug(load, public, monkeypatch):
    monkeypatch.setattr(facet_counts, "_SPARE_VALUES", 1)
    records = [article(f"prova-{n}", headline="Prova", tags=[f"tema-{n % 30:02}", "tutti"]) for n in range(60)]
    load(*records)
    counted = public.get("/v1/search?q=prova&facets=tag").json["facets"]["tag"]
    assert [(one["slug"], one["count"]) for one in counted] == [
        ("tutti", 60),
        *((f"tema-{n:02}", 2) for n in range(9)),
    ]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("tag_all=rossa,sportiva", {0, 6}),
        ("tag_all=rossa,nessuna", set()),
        ("section_not=prove", {1, 3, 5, 7}),
        ("section_not=prove,nessuna&tag_all=sportiva", {3}),
        ("exclude=prova-0,prova-1,nessuno", {2, 3, 4, 5, 6, 7}),
        ("exclude=prova-0&tag_all=rossa,sportiva&section_not=mercato", {6}),
    ],
)
def test_a_search_leaves_out_what_its_filters_say(load, public, query, numbers):
    load(
        {"type": "section", "slug": "prove", "name": "Prove"},
        *(
            article(
                f"prova-{number}",
                headline="Prova",
                section=None if number % 2 else "prove",
                tags=["rossa"] * (number % 2 == 0) + ["sportiva"] * (number % 3 == 0),
            )
            for number in range(8)
        ),
    )
    expected = {f"prova-{number}" for number in numbers}
    for path in ("/v1/search", "/v1/articles"):
        assert {item["slug"] for item in public.get(f"{path}?q=prova&{query}").json["data"]} == expected, path
        assert public.get(f"{path}?q=prova&{query}&total=true").json["page"]["total"] == len(expected), path


def test_each_facet_counts_the_results_without_its_own_filter(archive):
    filters = {"section": "prove", "format": "article"}
    counted = archive.search("auto", facets="section,format,brand", **filters)["facets"]
    for kind, others in (("section", {"format": "article"}), ("format", {"section": "prove"}), ("brand", filters)):
        hits = archive.search("auto", limit=100, **others)["data"]
        values = [hit[kind] if kind == "format" else (hit[kind] or {}).get("slug") for hit in hits]
        assert {one["slug"]: one["count"] for one in counted[kind]} == Counter(filter(None, values)), kind


@pytest.mark.parametrize("text", ["land rover", "rover", "vw golf", "francesco donnici", "range rover velar", "auto"])
def test_names_in_memory_match_as_those_in_the_database(archive, monkeypatch, text):
    kept = archive.search(text, limit=100)["data"]
    search_index = archive.client.application.extensions["newsapi"].search_index
    monkeypatch.setattr(search_index.caches, "names", names.NameCatalog())
    monkeypatch.setattr(names, "MAX_KEPT_TERMS", 0)
    assert archive.search(text, limit=99)["data"] == kept != []  # another URL, which is in no cache


def test_the_last_word_is_completed_unless_it_is_a_whole_word_or_begins_too_many(editor, public, monkeypatch):
    editor.write(headline="Batterie", body_html="<p>Un testo.</p>", status="published")
    editor.write(headline="Auto", body_html="<p>Le batterie.</p>", status="published")
    editor.write(headline="La batt", body_html="<p>Niente.</p>", status="published")

    def found(text):
        # The excluded word makes another URL, since nothing changed that a cached response depends on.
        found.count += 1
        hits = public.get(f"/v1/search?q=-x{found.count}%20{text}").json["data"]
        return {hit["headline"] for hit in hits}

    found.count = 0
    assert found("batt") == {"Batterie", "Auto", "La batt"}
    assert found("ba") == {"Batterie", "La batt"}
    assert found("b") == set()
    monkeypatch.setattr(planner, "MAX_COMPLETED_OCCURRENCES", 1)
    assert found("batt") == {"Batterie", "La batt"}
    monkeypatch.setattr(planner, "COMPLETE_WORD_COUNT", 1)
    assert found("batt") == {"La batt"}


def test_a_corrected_search_leads_on_to_its_next_pages(load, public):
    load(*(article(f"prova-{number}", headline="Zafferano") for number in range(5)))
    page = public.get("/v1/search?q=zaferano&limit=2&total=true&facets=format").json
    assert (page["corrected_from"], page["did_you_mean"], page["page"]["total"]) == ("zaferano", "zafferano", 5)
    assert page["facets"]["format"][0]["count"] == 5
    assert page["links"]["self"].endswith("/v1/search?facets=format&limit=2&q=zaferano&total=true")
    slugs, url = [item["slug"] for item in page["data"]], page["links"]["next"]
    while url:
        page = public.get(url).json
        assert (page["corrected_from"], page["did_you_mean"]) == (None, None)
        slugs += [item["slug"] for item in page["data"]]
        url = page["links"]["next"]
    assert sorted(slugs) == [f"prova-{number}" for number in range(5)]


@pytest.mark.parametrize("query", ["q=prova", "q=prva"])
def test_results_can_be_sorted_by_time_with_the_scores_of_relevance(load, public, query):
    records = [
        article(f"prova-{n}", headline="Prova" if n % 2 else "Titolo", standfirst="Una prova.",
                body_html="<p>Prova.</p>", published_at=f"20{10 + n}-05-01T10:00:00Z")
        for n in range(7)
    ]  # fmt: skip
    load(*records)
    scores = {item["slug"]: item["score"] for item in public.get(f"/v1/search?{query}").json["data"]}
    url, seen = f"/v1/search?{query}&sort=-published_at&limit=3", []
    while url:
        page = public.get(url).json
        seen += [(item["slug"], item["score"]) for item in page["data"]]
        assert all(item["highlights"]["standfirst"] for item in page["data"])
        last, url = page, page["links"]["next"]
    assert seen == [(f"prova-{n}", scores[f"prova-{n}"]) for n in reversed(range(7))]
    back = public.get(last["links"]["prev"]).json["data"]
    assert [item["slug"] for item in back] == ["prova-3", "prova-2", "prova-1"]
    assert list(scores) != [slug for slug, _ in seen], "the order of relevance is another one"
    assert public.get(f"/v1/search?{query}&sort=published_at").status_code == 400


def test_what_is_no_field_is_refused_with_its_include(magazine):
    for name in ("blocks", "related", "jsonld"):
        for path in ("/v1/articles", "/v1/articles/velar"):
            answer = magazine.get(f"{path}?fields=headline,{name}")
            assert answer.status_code == 400
            assert f"include={name}" in answer.json["errors"][0]["message"]
