"""What readers type, and what they get."""

import json
import re
from urllib.parse import urlencode

import pytest

from newsapi.content.queries import listings
from tests.search.texts import records

HOSTILE = [
    '"',
    '"velar',
    'velar"',
    '""',
    "velar AND",
    "velar OR NOT",
    "NEAR(velar suv)",
    "headline:velar",
    "velar*",
    "*",
    "^velar",
    "velar:*",
    "velar & !suv | (coupe",
    "'velar'",
    "velar'; DROP TABLE article; --",
    "%",
    "_",
    "vel%",
    "\\",
    "((((",
    "velar)",
    "{velar}",
    "- velar",
    "--velar",
    "-",
    "-velar",
    "<script>alert(1)</script>",
    "<mark>velar</mark>",
    "velar\u200bsuv",
    "velar\u202esuv",
    "🚗 velar",
    "ﬁat",
    "ᎠᎡᎢ",
    "上海",
    "a",
    "abc",
    "1",
    "e " * 100,
    "velar " * 33,
    " ".join(f"x{n}" for n in range(60))[:200],
    '-"velar suv',
    '"-velar"',
    "ｖｅｌａｒ",
    "İstanbul",
    "null",
    "0x41",
    "velar\u0301",
]


@pytest.mark.parametrize("typed", HOSTILE)
@pytest.mark.parametrize("path", ["/v1/search", "/v1/suggest", "/v1/articles"])
def test_nothing_that_is_typed_is_wrong(archive, path, typed):
    answer = archive.client.get(f"{path}?{urlencode({'q': typed.strip()})}")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "typed",
    ["velar", '"velar', 'velar"', "velar*", "(velar", "velar)", "^velar", "velar:", "'velar'", "VELAR", "- velar"],
)
def test_signs_of_other_systems_say_nothing(archive, typed):
    assert archive.slugs(typed) == archive.slugs("velar") != []


@pytest.mark.parametrize("typed", ["", " ", "\x00", "velar\x00", "velar\n", "a" * 201, "a" * 50_000, "x " * 1_000])
@pytest.mark.parametrize("path", ["/v1/search", "/v1/suggest", "/v1/articles"])
def test_what_is_no_query_is_refused(archive, path, typed):
    answer = archive.client.get(f"{path}?{urlencode({'q': typed})}")
    assert answer.status_code in {400, 200 if typed == "velar\n" else 400}
    if answer.status_code == 400:
        assert [error["parameter"] for error in answer.json["errors"]] == ["q"]


def test_a_search_needs_words(archive):
    for path in ("/v1/search", "/v1/suggest"):
        answer = archive.client.get(path)
        assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "q")


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("CITTÀ NEVE", "citta neve"),
        ("l'elettricità", "elettricita"),
        ("dell’università", "universita"),
        ("perché dormiamo", "perche dormiamo"),
        ("melanzane", "melanzana"),
        ("VW golf", "volkswagen golf"),
        ("Skoda bagagliaio", "škoda bagagliaio"),
    ],
)
def test_accents_case_elision_and_inflection_do_not_matter(archive, typed, same):
    assert archive.slugs(typed, limit=100) == archive.slugs(same, limit=100) != []


def test_the_headline_counts_more_than_the_standfirst_and_that_more_than_the_body(archive):
    found = archive.search("ospedale")["data"]
    where = [next(name for name, value in hit["highlights"].items() if value) for hit in found]
    assert where[0] == "headline"
    assert where.index("standfirst") < where.index("body")
    assert [hit["score"] for hit in found] == sorted((hit["score"] for hit in found), reverse=True)


def test_all_words_must_be_there_and_none_of_those_with_a_minus(archive):
    assert {*archive.slugs("neve discovery")} < {*archive.slugs("neve", limit=100)}
    assert {*archive.slugs("neve -discovery", limit=100)} < {*archive.slugs("neve", limit=100)}
    assert "land-rover-discovery-la-prova-sulla-neve" not in archive.slugs("neve -discovery", limit=100)


def test_a_phrase_is_there_word_by_word(archive):
    assert archive.slugs('"terapia intensiva"') == ["ospedale-di-cuneo-terapia-intensiva"]
    assert archive.slugs("intensiva terapia") == ["ospedale-di-cuneo-terapia-intensiva"]
    assert archive.slugs('"intensiva terapia"') == []
    assert archive.slugs("«pane fatto con questa farina»") == ["farina-di-grani-antichi"]
    assert archive.slugs('ospedale -"terapia intensiva"', limit=100) == [
        slug for slug in archive.slugs("ospedale", limit=100) if slug != "ospedale-di-cuneo-terapia-intensiva"
    ]


def test_the_last_word_may_be_begun(archive):
    assert archive.slugs("granchio vong") == ["pescatori-e-granchio-blu"]
    assert archive.slugs("vong granchio") == []
    assert archive.slugs('granchio "vong"') == []


def test_highlights_are_escaped_and_have_no_element_but_mark(archive):
    seen = 0
    for query in ("batterie", "neve", "polizia", "ladri paura", "used porsche"):
        for hit in archive.search(query, limit=100)["data"]:
            shown = [hit["highlights"]["headline"], hit["highlights"]["standfirst"], *hit["highlights"]["body"]]
            assert any(shown)
            for text in filter(None, shown):
                assert {*re.findall(r"<[^>]*>", text)} == {"<mark>", "</mark>"}
                assert re.fullmatch(r"(?:[^<>&\"']|&(?:amp|lt|gt|quot|#x27);|<mark>[^<>&]+</mark>)*", text), text
                seen += 1
    assert seen > 20


def test_filters_hold_for_searches_too(archive):
    whole = {*archive.slugs("neve", limit=100)}
    for name, value in (
        ("brand", "land-rover"),
        ("section", "prove"),
        ("tag", "cronaca"),
        ("published_until", "2017-06-01"),
    ):
        some = {*archive.slugs("neve", limit=100, **{name: value})}
        listed = {item["slug"] for item in archive.client.get(f"/v1/articles?{name}={value}&limit=100").json["data"]}
        assert some == whole & listed, name
    assert archive.slugs("neve", brand="unknown") == []
    assert {*archive.slugs("batterie", group="jaguar-land-rover", limit=100)} > {
        *archive.slugs("batterie", brand="land-rover", limit=100)
    }
    one = archive.search("neve")["data"][0]
    assert archive.slugs("neve", id=one["id"]) == archive.slugs("neve", slug=one["slug"]) == [one["slug"]]


def test_facets_are_counted_each_without_its_own_filter(archive):
    found = archive.search("land rover", facets="brand,section,author,tag,format", limit=100, total="true")
    assert list(found["facets"]) == ["brand", "section", "author", "tag", "format"]
    assert found["facets_exact"] is True
    assert found["page"]["total"] == len(found["data"])
    for kind in ("brand", "section"):
        counted = {}
        for hit in found["data"]:
            if hit[kind]:
                counted[hit[kind]["slug"]] = counted.get(hit[kind]["slug"], 0) + 1
        assert {one["slug"]: one["count"] for one in found["facets"][kind]} == counted
    narrowed = archive.search("land rover", facets="brand,section", brand="jaguar")
    assert narrowed["facets"]["brand"] == found["facets"]["brand"]
    assert narrowed["facets"]["section"] != found["facets"]["section"]


def test_of_very_many_all_are_counted_by_facets_and_the_total_is_a_lower_bound(archive, monkeypatch):
    whole = archive.search("auto", limit=100, total="true")
    monkeypatch.setattr(listings, "MAX_EXACT_COUNT", 5)
    counted = archive.search("auto", facets="format,brand", total="true", limit=7)
    assert counted["facets_exact"] is True
    assert sum(one["count"] for one in counted["facets"]["format"]) == whole["page"]["total"] > 5
    assert counted["page"]["total"] == 5
    assert counted["page"]["total_is_lower_bound"] is True


def test_a_search_costs_as_many_statements_whatever_it_finds(archive, statements):
    counts = set()
    for query in ("auto", "neve", "gigafactory", "auto neve freddo"):
        statements.clear()
        archive.search(query, limit=1 if query == "neve" else 50, facets="brand,tag")
        counts.add(len([text for text in statements if text.lstrip().startswith(("SELECT", "WITH", "("))]))
    assert max(counts) <= 16
    assert max(counts) - min(counts) <= 2  # what a process has read of a block it does not read again


def test_pages_have_everything_once_forward_and_backward(archive):
    whole = archive.search("auto", limit=100)["data"]
    assert len(whole) > 12
    pages, path = [], f"/v1/search?{urlencode({'q': 'auto', 'limit': 5})}"
    while path:
        page = archive.client.get(path).json
        pages.append([hit["slug"] for hit in page["data"]])
        last, path = path, page["links"]["next"]
    assert [slug for page in pages for slug in page] == [hit["slug"] for hit in whole]
    backward = [pages[-1]]
    page = archive.client.get(last).json
    while page["links"]["prev"]:
        page = archive.client.get(page["links"]["prev"]).json
        backward.insert(0, [hit["slug"] for hit in page["data"]])
    assert backward == pages


def test_a_cursor_holds_its_words_and_filters(archive):
    first = archive.search("auto", limit=5, published_from="2017-01-01")
    cursor = first["page"]["next"]
    answer = archive.client.get(f"/v1/search?{urlencode({'cursor': cursor, 'q': 'auto'})}")
    assert answer.status_code == 400
    more = archive.client.get(f"/v1/search?{urlencode({'cursor': cursor, 'limit': 100, 'total': 'true'})}").json
    assert all(hit["published_on"] >= "2017-01-01" for hit in more["data"])
    assert more["page"]["total"] == 5 + len(more["data"])
    assert archive.client.get(f"/v1/articles?cursor={cursor}").status_code == 400


def test_what_was_meant_is_told_where_nothing_is_found(archive):
    assert archive.search("maggiolno")["did_you_mean"] == "maggiolino"
    assert archive.search("maggiolno")["corrected_from"] == "maggiolno"
    assert archive.search("maggiolno")["data"] == archive.search("maggiolino")["data"] != []
    assert archive.search("maggiolino")["corrected_from"] is None
    assert archive.search("vongole maggiolno")["corrected_from"] is None
    assert archive.search("volksvagen")["did_you_mean"] == "volkswagen"
    assert archive.search("bibliotca periferia")["did_you_mean"] == "biblioteca periferia"
    assert archive.search("maggiolino")["did_you_mean"] is None
    assert archive.search("xqzxqzxqz")["did_you_mean"] is None
    assert archive.search("vongole maggiolno")["did_you_mean"] is None  # nothing has both


def test_articles_are_filtered_by_words_and_sorted_by_time(archive):
    whole = archive.client.get("/v1/articles?q=neve&limit=100&total=true").json
    assert {item["slug"] for item in whole["data"]} == {*archive.slugs("neve", limit=100)}
    assert whole["page"]["total"] == len(whole["data"])
    times = [item["published_at"] for item in whole["data"]]
    assert times == sorted(times, reverse=True)
    for sort in ("published_at", "-published_at", "updated_at", "-updated_at"):
        walked, path = [], f"/v1/articles?q=neve&limit=2&sort={sort}"
        while path:
            page = archive.client.get(path).json
            walked += page["data"]
            path = page["links"]["next"]
        keys = [(item[sort.removeprefix("-")], item["id"]) for item in walked]
        assert keys == sorted(keys, reverse=sort.startswith("-"))
        assert {item["slug"] for item in walked} == {item["slug"] for item in whole["data"]}
    narrow = archive.client.get("/v1/articles?q=neve&brand=land-rover&fields=headline").json["data"]
    assert narrow
    assert all({*item} == {"id", "headline"} for item in narrow)


def test_suggestions_are_names_and_headlines_that_begin_so(archive):
    def suggested(typed):
        return [(one["type"], one["name"]) for one in archive.client.get(f"/v1/suggest?q={typed}").json["data"]]

    assert suggested("volks")[0] == ("brand", "Volkswagen")
    assert suggested("vw")[0] == ("brand", "Volkswagen")
    assert ("author", "Francesco Donnici") in suggested("donn")
    assert ("tag", "Gigafactory") in suggested("giga")
    assert ("article", "Il granchio blu minaccia le vongole") in suggested("granchio v")
    assert suggested("elettr")
    assert suggested("xqzxqz") == suggested("!!") == []
    for one in archive.client.get("/v1/suggest?q=ran&limit=20").json["data"]:
        assert archive.client.get(one["links"]["self"].removeprefix("https://api.example.com")).status_code == 200


def test_a_search_is_an_answer_like_others(archive):
    answer = archive.client.get("/v1/search?q=neve")
    assert {"ETag", "Last-Modified", "Content-Seq", "Surrogate-Key", "Cache-Status"} <= {*answer.headers.keys()}
    again = archive.client.get("/v1/search?q=neve", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert json.loads(answer.data)["links"]["self"] == "https://api.example.com/v1/search?q=neve"


def test_there_is_a_text_for_each_query():
    assert len({record["slug"] for record in records()}) == 24
