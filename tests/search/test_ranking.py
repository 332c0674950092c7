"""The order of results: exact however few documents are read, and equal on all machines."""

from dataclasses import replace

import pytest
from tantivy import Query

from newsapi.search import ranking
from newsapi.search.index_queries import MAX_TEXT_SCORE, IndexQuery, Reading, Word
from newsapi.search.index_schema import HEADLINE, ID_HIGH, ID_LOW, PUBLISHED, SCHEMA
from newsapi.search.ranking import MAX_RECENCY, RankStart, ranked_page, recency
from newsapi.text.analysis import get_lexicon

DAY = 86_400_000_000


@pytest.fixture(scope="module")
def opened(in_sqlite):
    in_sqlite.search("auto")
    return in_sqlite.client.application.extensions["newsapi"].search_index.open()


def query(*texts, language="it", filters=None, **more):
    token = get_lexicon(language).token
    words = tuple(Word(text=text, tokens=(token(text),), weight=MAX_TEXT_SCORE // len(texts), **more) for text in texts)
    return IndexQuery(readings=(Reading(words=words),), filters=filters or {})


QUERIES = {
    "a word": query("auto"),
    "two words": query("auto", "anni"),
    "a beginning": query("batter", prefix="ba"),
    "a name": query("land", facets=tuple((facet, 70 - facet % 3 * 20) for facet in range(40))),
    "a word in headlines": replace(query("rover"), headlines_only=True),
    "a beginning in headlines": replace(query("land", prefix="la"), headlines_only=True),
    "nothing": query("xqzxqz"),
}


def in_order(searcher, searched, newest):
    """Every result with its score, from a search that reads them all."""
    hits = searcher.search(searched.scoring(), 1_000, count=False).hits
    addresses = [address for _, address in hits]
    times, highs, lows = (searcher.fast_field_values(name, addresses) for name in (PUBLISHED, ID_HIGH, ID_LOW))
    scored = zip(hits, times, highs, lows, strict=True)
    return sorted(((int(score) * recency(newest - time), high << 64 | low) for (score, _), time, high, low in scored))[
        ::-1
    ]


def walk(searcher, searched, newest, *, limit, start=None):
    """The ids of the results of all pages from a start on, and the last page."""
    ids = []
    while True:
        page = ranked_page(searcher, searched, newest=newest, limit=limit, start=start)
        pages = [result.id.int for result in page.results]
        backward = start is not None and start.backward
        ids = pages + ids if backward else ids + pages
        following = page.prev if backward else page.next
        if following is None:
            return ids, page
        start = following


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("first", [1, 3, 100])
def test_pages_are_exact_however_few_documents_are_read_at_first(opened, monkeypatch, name, first):
    monkeypatch.setattr(ranking, "FIRST_CANDIDATES", first)
    monkeypatch.setattr(ranking, "_COMMON_FREQUENCY", 1)
    monkeypatch.setattr(ranking, "_MAX_READ_FACTOR", 1)
    searcher, newest, searched = opened.searcher, opened.newest_published, QUERIES[name]
    wanted = [id_ for _, id_ in in_order(searcher, searched, newest)]
    assert (len(wanted) > 4) is (name != "nothing")
    for limit in (1, 4, 100):
        ids, last_page = walk(searcher, searched, newest, limit=limit)
        assert ids == wanted
        if last_page.prev is not None:
            before, _ = walk(searcher, searched, newest, limit=limit, start=last_page.prev)
            assert before == wanted[: len(wanted) - len(last_page.results)]


@pytest.mark.parametrize("rank", [0, 10**6])
def test_the_rank_in_a_cursor_changes_no_page(opened, rank):
    searcher, newest, searched = opened.searcher, opened.newest_published, QUERIES["a word"]
    keys = in_order(searcher, searched, newest)
    page = ranked_page(searcher, searched, newest=newest, limit=3, start=RankStart(keys[4], rank))
    assert [result.id.int for result in page.results] == [id_ for _, id_ in keys[5:8]]


@pytest.mark.parametrize("name", ["a word", "two words", "a beginning", "a name"])
def test_no_document_scores_more_than_the_bound_of_those_with_all_words_in_the_headline(opened, name):
    searched = QUERIES[name]
    in_headlines, bound = searched.best_in_headlines()
    headlines = in_headlines.filters[HEADLINE]
    everything = opened.searcher.search(searched.scoring(), 1_000).hits
    inside = {(hit.segment_ord, hit.doc) for _, hit in opened.searcher.search(headlines, 1_000).hits}
    others = [score for score, hit in everything if (hit.segment_ord, hit.doc) not in inside]
    assert others
    assert max(others) <= bound


def test_text_scores_are_whole_numbers_up_to_the_greatest(opened):
    for searched in QUERIES.values():
        scores = [score for score, _ in opened.searcher.search(searched.scoring(), 1_000).hits]
        assert all(score == int(score) and 0 <= score <= MAX_TEXT_SCORE for score in scores)


def test_the_part_decides_and_then_the_age(opened):
    assert recency(0) == MAX_RECENCY
    assert recency(365 * DAY) == round(0.9 * MAX_RECENCY)
    assert recency(10_000 * DAY) == recency(20_000 * DAY) == round(0.8 * MAX_RECENCY)
    assert [recency(days * DAY) for days in range(5_000)] == sorted(
        (recency(days * DAY) for days in range(5_000)), reverse=True
    )


def test_a_search_for_headlines_reads_nothing_else(opened):
    token = get_lexicon("it").token("auto")
    words = (Word(text="auto", tokens=(token,), weight=MAX_TEXT_SCORE),)
    searched = IndexQuery(readings=(Reading(words=words),), filters={}, headlines_only=True)
    results = ranked_page(opened.searcher, searched, newest=opened.newest_published, limit=100).results
    in_headline = Query.term_query(SCHEMA, HEADLINE, token)
    assert len(results) == opened.searcher.search(in_headline, 1_000).count > 0
