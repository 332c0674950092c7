"""The order of results: exact however few documents are read, and equal on all machines."""

from dataclasses import replace

import pytest
from tantivy import Query

from newsapi.search import ranking
from newsapi.search.index_queries import MAX_TEXT_SCORE, IndexQuery, Reading, Word
from newsapi.search.index_schema import HEADLINE, ID_HIGH, ID_LOW, PUBLISHED, RECENCY, SCHEMA, STANDFIRST
from newsapi.search.ranking import RankStart, ranked_page
from newsapi.search.recency import UNIT, recency
from newsapi.text.analysis import get_lexicon


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


def in_order(searcher, searched):
    """Every result with its score, from a search that reads them all."""
    hits = searcher.search(searched.scoring(), 1_000, count=False).hits
    addresses = [address for _, address in hits]
    times, highs, lows = (searcher.fast_field_values(name, addresses) for name in (PUBLISHED, ID_HIGH, ID_LOW))
    scored = zip(hits, times, highs, lows, strict=True)
    return sorted(((int(score) * recency(time), high << 64 | low) for (score, _), time, high, low in scored))[::-1]


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
@pytest.mark.parametrize("spare", [0, 3])
@pytest.mark.parametrize("common", [1, 10**6])
def test_pages_are_exact_however_few_documents_are_read_at_first(opened, monkeypatch, name, spare, common):
    monkeypatch.setattr(ranking, "SPARE_RESULTS", spare)
    monkeypatch.setattr(ranking, "COMMON_FREQUENCY", common)
    searcher, newest, searched = opened.searcher, opened.newest_published, QUERIES[name]
    wanted = [id_ for _, id_ in in_order(searcher, searched)]
    assert (len(wanted) > 4) is (name != "nothing")
    for limit in (1, 4, 100):
        ids, last_page = walk(searcher, searched, newest, limit=limit)
        assert ids == wanted
        if last_page.prev is not None:
            before, _ = walk(searcher, searched, newest, limit=limit, start=last_page.prev)
            assert before == wanted[: len(wanted) - len(last_page.results)]


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("rank", [0, 10**6])
def test_the_rank_in_a_cursor_changes_no_page(opened, rank, backward):
    searcher, newest, searched = opened.searcher, opened.newest_published, QUERIES["a word"]
    keys = in_order(searcher, searched)
    page = ranked_page(searcher, searched, newest=newest, limit=3, start=RankStart(keys[4], rank, backward))
    assert [result.id.int for result in page.results] == [id_ for _, id_ in (keys[1:4] if backward else keys[5:8])]


def test_a_deep_page_reads_no_more_documents_than_the_first(opened, monkeypatch):
    sizes = []
    read_keys = ranking._read_keys

    def counted(searcher, scoring, first, size):
        sizes.append(size)
        return read_keys(searcher, scoring, first, size)

    monkeypatch.setattr(ranking, "_read_keys", counted)
    walk(opened.searcher, QUERIES["a word"], opened.newest_published, limit=3)
    assert len(sizes) > 4
    assert {*sizes} == {sizes[0]}


def test_the_engine_multiplies_text_scores_with_the_recency_as_exactly_as_is_assumed(opened):
    searcher, scoring = opened.searcher, QUERIES["two words"].scoring()
    text = {(hit.segment_ord, hit.doc): score for score, hit in searcher.search(scoring, 1_000).hits}
    weighted = searcher.search(scoring, 1_000, weight_by_field=RECENCY).hits
    assert len(text) == len(weighted) > 4
    for score, hit in weighted:
        (time,) = searcher.fast_field_values(PUBLISHED, [hit])
        exact = text[hit.segment_ord, hit.doc] * recency(time) / UNIT
        assert abs(score - exact) <= ranking._MAX_ERROR / 2 * exact


@pytest.mark.parametrize("parts", [(HEADLINE,), (HEADLINE, STANDFIRST)])
@pytest.mark.parametrize("name", ["a word", "two words", "a beginning", "a name"])
def test_no_document_scores_more_than_the_bound_of_those_with_no_word_in_a_part(opened, name, parts):
    searched = QUERIES[name]
    hits = []
    for query in (searched.scoring(), searched.scoring_in(parts)):
        found = opened.searcher.search(query, 1_000).hits
        hits.append({(hit.segment_ord, hit.doc): score for score, hit in found})
    everything, inside = hits
    assert inside.items() <= everything.items()
    others = [score for hit, score in everything.items() if hit not in inside]
    assert others
    assert max(others) <= searched.max_score_outside(parts)


def test_text_scores_are_whole_numbers_up_to_the_greatest(opened):
    for searched in QUERIES.values():
        scores = [score for score, _ in opened.searcher.search(searched.scoring(), 1_000).hits]
        assert all(score == int(score) and 0 <= score <= MAX_TEXT_SCORE for score in scores)


def test_a_search_for_headlines_reads_nothing_else(opened):
    token = get_lexicon("it").token("auto")
    words = (Word(text="auto", tokens=(token,), weight=MAX_TEXT_SCORE),)
    searched = IndexQuery(readings=(Reading(words=words),), filters={}, headlines_only=True)
    results = ranked_page(opened.searcher, searched, newest=opened.newest_published, limit=100).results
    in_headline = Query.term_query(SCHEMA, HEADLINE, token)
    assert len(results) == opened.searcher.search(in_headline, 1_000).count > 0
