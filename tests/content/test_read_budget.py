"""What a page costs, at any depth: rows that are really read, on an archive of 21,000 articles."""

import sys
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select

from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets, listings
from newsapi.content.queries.articles import ArticlePage
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListQuery, PageStart, Position
from newsapi.content.tables.articles import ListingEntry
from tests.content import synthetic_archive as contents
from tests.content.query_plans import nodes_of, plan_of, rows_read, statements_of, steps_taken

SINGLE = {
    "none": {},
    "brand": {"brand": ["land-rover"]},
    "group": {"group": ["jaguar-land-rover"]},
    "mentions": {"mentions": ["fiat"]},
    "author": {"author": ["anna"]},
    "section": {"section": ["mercato"]},
    "tag": {"tag": ["pari"]},
    "sparse tag": {"tag": ["raro"]},
    "format": {"format": ["article"]},
    "language": {"language": ["it"]},
}
ANY_OF = {
    "about": {"about": ["fiat"]},
    "brands": {"brand": ["land-rover", "fiat", "marca-1", "marca-2"]},
    "a hundred tags": {"tag": ["pari", "dispari", "suv", "raro", *contents.THEMES[:96]]},
}
MEETING = {"tag": ["pari"], "author": ["carla"]}
SORTS = [(key, descending) for key in listings.SORT_KEYS for descending in (True, False)]
LATE = (contents.START.replace(day=3), contents.START.replace(day=5))
STEPS = 200
"""Instructions of SQLite for each article shown, beside what a statement costs anyway."""


def facet_ids(truth: ReadSnapshot) -> list[int]:
    groups = list(truth.filters.values())
    return [
        facet.id for facet in min(groups, key=lambda group: sum(facet.article_count for facet in group), default=[])
    ]


def turns(connection: Connection, truth: ReadSnapshot, key: str, *, descending: bool) -> dict[str, PageStart | None]:
    """The first page, and one near the other end of the list, forth and back."""
    facet = (facet_ids(truth) or [truth.everything.id])[0]
    column = ListingEntry.__table__.c[key]
    order = (column.desc(), ListingEntry.article_id.desc()) if descending else (column, ListingEntry.article_id)
    count = next(
        (f.article_count for group in truth.filters.values() for f in group if f.id == facet), contents.ARTICLES
    )
    row = connection.execute(
        select(column, ListingEntry.article_id)
        .where(ListingEntry.facet_id == facet)
        .order_by(*order)
        .offset(count * 4 // 5)
    ).first()
    deep = Position(*row)
    return {"first": None, "deep": PageStart(deep), "back": PageStart(deep, backward=True)}


def read(
    connection: Connection, truth: ReadSnapshot, question: ListQuery, limit: int
) -> tuple[ArticlePage, dict[str, int]]:
    counted = rows_read if connection.dialect.name == "postgresql" else steps_taken
    with counted(connection) as counts:
        page = article_queries.list_page(connection, truth, question, limit=limit)
    return page, counts


@pytest.mark.parametrize(
    ("key", "descending", "limit"), [*((*sort, 20) for sort in SORTS), *((*sort, 100) for sort in SORTS[:1])]
)
def test_a_page_of_a_single_filter_reads_what_it_shows_at_any_depth(archive, key, descending, limit):
    first: dict[str, int] = {}
    with archive.read_transaction() as connection:
        # One statement serves all of these filters: in the second round PostgreSQL has prepared it.
        for _ in range(2 if limit == 20 and not archive.is_sqlite else 1):
            for name, filters in SINGLE.items():
                truth = facets.resolve_filters(connection, filters)
                for depth, turn in turns(connection, truth, key, descending=descending).items():
                    question = ListQuery(key=key, descending=descending, page_start=turn)
                    page, counts = read(connection, truth, question, limit)
                    told = (name, depth, dict(counts))
                    shown = len(page.records)
                    assert shown == limit or name == "sparse tag", told
                    if archive.is_sqlite:
                        assert counts["steps"] <= STEPS * (shown + 3), told
                        assert counts["steps"] <= 1.2 * first.setdefault(name, counts["steps"]), told
                    else:
                        assert counts["listing_entry"] == limit + 1 or (
                            name == "sparse tag" and counts["listing_entry"] <= limit
                        ), told
                        assert counts["article"] <= 3 * limit, told


@pytest.mark.parametrize(("key", "descending"), SORTS[::3])
def test_a_page_of_any_of_several_reads_as_much_of_each(archive, key, descending):
    limit = 20
    with archive.read_transaction() as connection:
        for _ in range(1 if archive.is_sqlite else 6):
            for name, filters in ANY_OF.items():
                truth = facets.resolve_filters(connection, filters)
                several = sum(map(len, truth.filters.values()))
                for depth, turn in turns(connection, truth, key, descending=descending).items():
                    question = ListQuery(key=key, descending=descending, page_start=turn)
                    page, counts = read(connection, truth, question, limit)
                    told = (name, depth, dict(counts))
                    assert page.records, told
                    if archive.is_sqlite:
                        assert counts["steps"] <= STEPS * (limit + 3) * several, told
                    else:
                        assert counts["listing_entry"] <= several * (limit + 1), told
                        assert counts["article"] <= 3 * limit, told
                        if name == "about":
                            assert counts["listing_entry"] <= 3 * limit, told


@pytest.mark.parametrize(("key", "descending"), [sort for sort in SORTS if sort[0] != "materially_updated_at"])
def test_a_page_within_a_range_of_its_sort_key_reads_what_it_shows(archive, key, descending):
    first: dict[str, int] = {}
    with archive.read_transaction() as connection:
        for filters in ({}, {"tag": ["pari"]}):
            truth = facets.resolve_filters(connection, filters)
            whole = ListQuery(key=key, descending=descending, **{key.removesuffix("_at"): LATE})
            places = [None, *places_of(connection, truth, whole, every=900)]
            assert len(places) > 3
            for place in places:
                for back in (False, True)[: 1 if place is None else 2]:
                    question = replace(whole, page_start=place and PageStart(place, back))
                    page, counts = read(connection, truth, question, 20)
                    told = (filters, place, back, dict(counts))
                    assert len(page.records) == 20, told
                    assert all(LATE[0] <= record[key] < LATE[1] for record in page.records), told
                    if archive.is_sqlite:
                        assert counts["steps"] <= 1.2 * first.setdefault(str(filters), counts["steps"]), told
                    else:
                        assert counts["listing_entry"] <= 21, told


def places_of(connection: Connection, truth: ReadSnapshot, question: ListQuery, *, every: int) -> list[Position]:
    """Every so many places of a list, but its ends."""
    walk = listings.plan_listing(connection, truth, question, rows=contents.ARTICLES)
    rows = connection.execute(select(walk.rows).order_by(*walk.order), walk.parameters).all()
    return [Position(getattr(row, question.key), row.article_id) for row in rows[every:-every:every]]


def test_what_is_asked_for_is_looked_up_and_not_searched_for(archive):
    with archive.read_transaction() as connection:
        for _ in range(10):
            for filters in (*SINGLE.values(), ANY_OF["about"], ANY_OF["brands"], MEETING, {"tag": ["non-esiste"]}):
                if archive.is_sqlite:
                    with steps_taken(connection) as counts:
                        facets.resolve_filters(connection, filters)
                    assert counts["steps"] <= 1_000, (filters, dict(counts))
                else:
                    with rows_read(connection) as counts:
                        facets.resolve_filters(connection, filters)
                    assert counts["facet"] + counts["tag"] <= 60, (filters, dict(counts))


@pytest.mark.parametrize(("key", "descending"), SORTS)
@pytest.mark.parametrize("filters", [{}, SINGLE["tag"], SINGLE["sparse tag"], ANY_OF["about"]])
def test_the_plan_of_a_page_walks_an_index_and_looks_articles_up(archive, filters, key, descending):
    with archive.read_transaction() as connection:
        truth = facets.resolve_filters(connection, filters)
        for depth, turn in turns(connection, truth, key, descending=descending).items():
            question = ListQuery(key=key, descending=descending, page_start=turn)
            statement = page_statement(connection, truth, question)
            plan = "\n".join(plan_of(connection, *statement))
            if archive.is_sqlite:
                walks = [line for line in plan.splitlines() if "row_" in line]
                index = (
                    "PRIMARY KEY"
                    if key == "published_at"
                    else f"COVERING INDEX ix_listing_entry_{key.removesuffix('_at')}"
                )
                order = "<" if descending is not question.backward else ">"
                bound = f" AND ({key},article_id){order}(?,?)" if turn else ""
                assert {line.strip() for line in walks} == {
                    f"SEARCH row_{i} USING {index} (facet_id=?{bound})" for i in range(len(walks))
                }, plan
                assert "SEARCH article USING INDEX sqlite_autoindex_article_1 (id=?)" in plan, plan
                assert "SCAN article" not in plan, plan
                assert "SCAN row_" not in plan, plan
                if len(walks) == 1:  # what is sorted at the end are the articles of the page
                    assert [line for line in plan.splitlines() if "B-TREE" in line] == ["USE TEMP B-TREE FOR ORDER BY"]
            else:
                nodes = nodes_of(connection, *statement)
                walked = [node for node in nodes if node.get("Relation Name") == "listing"]
                assert {node["Node Type"] for node in walked} <= {"Index Scan", "Index Only Scan"}, plan
                assert all(node["Actual Rows"] * node["Actual Loops"] <= 21 for node in walked), plan
                assert all(node.get("Rows Removed by Filter", 0) == 0 for node in walked), plan
                found = [node for node in nodes if node.get("Relation Name") == "article"]
                assert sum(node["Actual Rows"] * node["Actual Loops"] for node in found) <= 60, (depth, plan)


def page_statement(connection: Connection, truth: ReadSnapshot, question: ListQuery) -> tuple[str, object]:
    """The statement that finds a page, and its parameters."""
    return statements_of(connection, lambda: article_queries.list_page(connection, truth, question, limit=20))[0]


def test_the_hardest_filters_show_their_plans(archive, archive_name):
    """Run with -s to see them."""
    late = (contents.START.replace(day=3), None)
    hardest = {
        "about=fiat, near the end": (ANY_OF["about"], ListQuery(), True),
        "tag=pari&author=carla (half the archive each, four in common)": (MEETING, ListQuery(), False),
        "tag=pari&updated_from=…": ({"tag": ["pari"]}, ListQuery(updated=late), True),
    }
    with archive.read_transaction() as connection:
        for title, (filters, question, deep) in hardest.items():
            truth = facets.resolve_filters(connection, filters)
            turn = turns(connection, truth, question.key, descending=True)["deep"] if deep else None
            statement = page_statement(connection, truth, replace(question, page_start=turn))
            plan = plan_of(connection, *statement)
            sys.stdout.write(f"\n--- {title} [{archive_name}]\n" + "\n".join(plan) + "\n")
            assert "Seq Scan on listing" not in "".join(plan)
            assert "Seq Scan on article " not in "".join(plan)
