"""What filters cost together: never more than a stated scan, however little they have in common."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets, listings
from newsapi.content.queries.listings import MAX_SCANNED_ROWS, ListQuery
from tests.content import synthetic_archive as contents
from tests.content.query_plans import nodes_of, plan_of, rows_read, statements_of, steps_taken

MEETING = {"tag": ["pari"], "author": ["carla"]}
EARLY = (None, contents.START + timedelta(minutes=60))
PAIRS = {
    "half and half, four in common": (MEETING, ListQuery()),
    "the same, oldest first": (MEETING, ListQuery(descending=False)),
    "the same, by update": (MEETING, ListQuery(key="updated_at")),
    "the whole archive, updated early": ({}, ListQuery(updated=EARLY)),
    "by update, published early": ({}, ListQuery(key="updated_at", published=EARLY)),
    "a large and a sparse one": ({"tag": ["raro"], "language": ["it"]}, ListQuery()),
    "two that often meet": ({"brand": ["land-rover"], "format": ["article"]}, ListQuery()),
    "three": ({"brand": ["land-rover"], "format": ["gallery"], "author": ["anna"]}, ListQuery()),
    "any of some and a range": ({"tag": ["pari", "dispari"]}, ListQuery(updated=EARLY)),
    "two tags at once, seven in common": ({"tag_all": ["pari", "dispari"]}, ListQuery()),
    "two sections left out": ({"section_not": ["mercato", "anteprime"]}, ListQuery()),
    "two sections left out of a brand, by update": (
        {"section_not": ["mercato", "anteprime"], "brand": ["fiat"]},
        ListQuery(key="updated_at", descending=False),
    ),
    "about and any of two": ({"about": ["fiat"], "section": ["mercato", "anteprime"]}, ListQuery()),
}
STEPS = 80
"""Instructions of SQLite for a row that is walked and looked up in one other facet."""


@pytest.mark.parametrize("pair", PAIRS)
def test_a_page_of_a_pair_walks_at_most_the_stated_scan(archive, pair):
    filters, question = PAIRS[pair]
    others = max(len(filters) - 1, 1)
    with archive.read_transaction() as connection:
        truth = facets.resolve_filters(connection, filters)
        for _ in range(1 if archive.is_sqlite else 6):
            turn = None
            for _ in range(2):
                asked = replace(question, page_start=turn)
                if archive.is_sqlite:
                    with steps_taken(connection) as counts:
                        page = article_queries.list_page(connection, truth, asked, limit=20)
                    assert counts["steps"] <= MAX_SCANNED_ROWS * STEPS * (1 + others), dict(counts)
                else:
                    with rows_read(connection) as counts:
                        page = article_queries.list_page(connection, truth, asked, limit=20)
                    # The walk, what it found in each other facet, and once more the walk to find where it ended.
                    assert counts["listing"] <= MAX_SCANNED_ROWS * (1 + others) + MAX_SCANNED_ROWS, counts
                    assert counts["article"] <= 60
                turn = page.next
                if turn is None:
                    break


def test_facets_that_often_meet_are_read_no_further_than_the_page(archive):
    filters = {"brand": ["land-rover"], "format": ["article"]}
    with archive.read_transaction() as connection:
        truth = facets.resolve_filters(connection, filters)
        for _ in range(10):
            if archive.is_sqlite:
                with steps_taken(connection) as counts:
                    article_queries.list_page(connection, truth, ListQuery(), limit=20)
                assert counts["steps"] <= 6_000
            else:
                with rows_read(connection) as counts:
                    article_queries.list_page(connection, truth, ListQuery(), limit=20)
                assert counts["listing"] <= 100


def test_articles_that_are_left_out_are_looked_up_once_and_skipped(archive):
    ids, slugs = [], []
    with archive.read_transaction() as connection:
        truth = facets.resolve_filters(connection, {"brand": ["land-rover"]})
        for record in article_queries.list_page(connection, truth, ListQuery(), limit=100).records:
            (ids if len(ids) < 40 else slugs).append(record["id"] if len(ids) < 40 else record["slug"])
        asked = ListQuery(excluded_ids=tuple(ids), excluded_slugs=tuple(slugs[:50]))
        for _ in range(1 if archive.is_sqlite else 6):
            if archive.is_sqlite:
                with steps_taken(connection) as counts:
                    page = article_queries.list_page(connection, truth, asked, limit=20)
                assert counts["steps"] <= 20_000, dict(counts)
            else:
                with rows_read(connection) as counts:
                    page = article_queries.list_page(connection, truth, asked, limit=20)
                assert counts["listing_entry"] <= 20 + 1 + 90, counts
                assert counts["article"] <= 60 + 2 * 90, counts
        assert [record["slug"] for record in page.records][:10] == slugs[50:]
        assert len(page.records) == 20


def explain_list(connection, filters):
    """Return the statement that scans a list with these filters, and its plan as text."""
    snapshot = facets.resolve_filters(connection, filters)
    statement = statements_of(
        connection, lambda: article_queries.list_page(connection, snapshot, ListQuery(), limit=20)
    )[0]
    return statement, "\n".join(plan_of(connection, *statement))


def test_a_row_is_looked_up_in_the_facets_that_are_left_out_by_its_whole_key(archive):
    with archive.read_transaction() as connection:
        statement, plan = explain_list(connection, {"section_not": ["mercato", "anteprime"]})
        if archive.is_sqlite:
            whole = "(facet_id=? AND published_at=? AND article_id=?)"
            assert f"SEARCH other_excluded_facets USING PRIMARY KEY {whole}" in plan, plan
            assert "SEARCH row_0 USING PRIMARY KEY (facet_id=?)" in plan, plan
        else:
            nodes = nodes_of(connection, *statement)
            (walked,) = (node for node in nodes if node.get("Alias") == "row_0")
            (other,) = (node for node in nodes if node.get("Alias") == "other_excluded_facets")
            assert walked["Actual Rows"] <= 70, plan  # two of three articles are left out
            assert (other["Node Type"], other["Index Name"]) == ("Index Only Scan", "pk_listing_entry"), plan
            assert other["Actual Loops"] == walked["Actual Rows"], plan


def test_a_row_is_looked_up_in_the_other_facet_by_its_whole_key(archive):
    with archive.read_transaction() as connection:
        statement, plan = explain_list(connection, MEETING)
        if archive.is_sqlite:
            whole = "(facet_id=? AND published_at=? AND article_id=?)"
            assert f"SEARCH other_looked_up_0 USING PRIMARY KEY {whole}" in plan, plan
            assert "SEARCH row_0 USING PRIMARY KEY (facet_id=?)" in plan, plan
        else:
            nodes = nodes_of(connection, *statement)
            (walked,) = (node for node in nodes if node.get("Alias") == "row_0")
            (other,) = (node for node in nodes if node.get("Alias") == "other_looked_up_0")
            assert walked["Node Type"] in {"Index Scan", "Index Only Scan"}, plan
            assert walked["Actual Rows"] == MAX_SCANNED_ROWS, plan
            assert other["Node Type"] == "Index Only Scan", plan
            assert other["Index Name"] == "pk_listing_entry", plan
            assert other["Actual Loops"] == MAX_SCANNED_ROWS, plan


@pytest.mark.parametrize("archive", ["sqlite", "counted"], indirect=True)
@pytest.mark.parametrize("pair", [pair for pair in PAIRS if not pair.startswith(("two", "about"))])
def test_following_the_pages_to_the_end_gives_exactly_what_is_in_all(archive, pair):
    filters, question = PAIRS[pair]
    with archive.read_transaction() as connection:
        truth = facets.resolve_filters(connection, filters)
        whole = listings.count_articles(connection, truth, question)
        forth = walked(connection, truth, question, back=False)
        assert len(forth) == whole
        assert max(Counter(forth).values()) == 1
        assert walked(connection, truth, question, back=True) == forth


def test_an_early_end_for_lack_of_matches_leads_on(archive):
    with archive.read_transaction() as connection:
        truth = facets.resolve_filters(connection, MEETING)
        page = article_queries.list_page(connection, truth, ListQuery(), limit=20)
        assert (page.records, page.prev) == ([], None)
        page = article_queries.list_page(connection, truth, ListQuery(page_start=page.next), limit=20)
        assert tuple(record["slug"] for record in page.records) == contents.MEETING
        assert page.next is None


def test_a_listing_takes_one_statement_after_the_look_up_and_one_more_where_it_ends_early(archive):
    with archive.read_transaction() as connection:
        for limit in (1, 20, 100):
            truth = facets.resolve_filters(connection, {"brand": ["land-rover"], "format": ["article"]})
            page = statements_of(
                connection, lambda t=truth, n=limit: article_queries.list_page(connection, t, ListQuery(), limit=n)
            )
            assert len(page) == 1
        truth = facets.resolve_filters(connection, MEETING)
        page = statements_of(connection, lambda: article_queries.list_page(connection, truth, ListQuery(), limit=20))
        assert len(page) == 2


def walked(connection, truth, question, *, back):
    """All slugs of a list from its start, page by page: forth, or from its end back."""
    pages, turn, step = [], None, None
    while True:
        page = article_queries.list_page(connection, truth, replace(question, page_start=turn), limit=100)
        pages.append([record["slug"] for record in page.records])
        onward = page.next if step is None else page.prev
        if onward is None and back and step is None:
            step, onward, pages = "back", page.prev, [pages[-1]]
        if onward is None:
            break
        turn = onward
    return [slug for slugs in (reversed(pages) if back else pages) for slug in slugs]
