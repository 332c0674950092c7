"""The workload: URLs of every listing, filter and detail, at the start of a list and deep in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import func, select

from newsapi.changelog.tables import Facet
from newsapi.content.presentation.article_paths import ARTICLES_PATH
from newsapi.content.presentation.list_request import parse_list_request
from newsapi.content.queries import facets
from newsapi.content.queries.articles import ArticlePage
from newsapi.content.queries.facets import FacetState
from newsapi.content.queries.listings import PageStart, Position
from newsapi.content.schemas.params import ArticleListParams
from newsapi.content.tables.articles import Article, ListingEntry
from newsapi.db.database import Connection

PUBLISHED_RANGE = {"published_from": "2018-01-01", "published_until": "2022-01-01"}
UPDATED_RANGE = {"updated_from": "2018-01-01", "updated_until": "2022-01-01"}


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of read.

    Some reads are not flat: articles listed by id, or by update time, are scattered over the archive, in a large one
    each on a different page; a pair of filters scans until it has enough matches; a total counts.

    Attributes:
        name: The name in reports.
        query: The query parameters; values may have the placeholders {slug}, {id}, {slugs}, {ids}.
        path: The path, with the same placeholders.
        deep: The relative position of the deep page in the list, 0 to 1; None if there is no deep page.
        flat: Whether the cost must not grow with the size of the archive.
        group: The line of the plot: "list", "apart" (scattered articles), "item", "pair" of filters, or "" for none.
    """

    name: str
    query: Mapping[str, str] = field(default_factory=dict)
    path: str = "/v1/articles"
    deep: float | None = 0.8
    flat: bool = True
    group: str = "list"


CASES = (
    Case("all articles"),
    *(
        Case(f"{name}=", {name: value})
        for name, value in {
            "brand": "audi",
            "group": "gruppo-stellantis",
            "mentions": "fiat",
            "about": "audi",
            "author": "bruno-amato",
            "section": "mercato",
            "tag": "tema-004",
            "format": "gallery",
            "language": "it",
        }.items()
    ),
    Case("published_from, _until", PUBLISHED_RANGE),
    Case("updated_…, by update", {**UPDATED_RANGE, "sort": "-updated_at"}, flat=False, group="apart"),
    Case("sort=-updated_at", {"sort": "-updated_at"}, flat=False, group="apart"),
    Case("sort=published_at", {"sort": "published_at"}),
    Case("fields=headline", {"fields": "headline"}),
    Case("fields=body_html,tags", {"fields": "headline,body_html,tags"}),
    Case("include=brand", {"include": "brand"}),
    Case("id= (20)", {"id": "{ids}"}, deep=None, flat=False, group="apart"),
    Case("slug= (20)", {"slug": "{slugs}"}, deep=None, flat=False, group="apart"),
    Case("brand= and author=", {"brand": "fiat", "author": "anna-amato"}, deep=0.5, flat=False, group="pair"),
    Case("brand= and section=", {"brand": "fiat", "section": "mercato"}, deep=0.5, flat=False, group="pair"),
    Case("tag= and author=", {"tag": "tema-001", "author": "anna-amato"}, deep=0.5, flat=False, group="pair"),
    Case("updated_…, by publication", UPDATED_RANGE, deep=None, flat=False, group=""),
    Case("total=true", {"total": "true"}, deep=None, flat=False, group=""),
    Case("article by slug", path="/v1/articles/{slug}", deep=None, group="item"),
    Case("article by id", path="/v1/articles/{id}", deep=None, group="item"),
    Case("article, blocks", {"include": "blocks"}, "/v1/articles/{slug}", deep=None, group="item"),
    Case("article, related", {"include": "related"}, "/v1/articles/{slug}", deep=None, group="item"),
    Case("related list", path="/v1/articles/{slug}/related", deep=None, group="item"),
    Case("jsonld", path="/v1/articles/{slug}/jsonld", deep=None, group="item"),
    Case("all brands", path="/v1/brands", deep=None, group="item"),
    Case("one brand", path="/v1/brands/audi", deep=None, group="item"),
    Case("one brand, articles", {"include": "articles"}, "/v1/brands/audi", deep=None, group="item"),
)


def case_urls(
    app: Flask, connection: Connection, case: Case, articles: list[Any], *, deep: bool, places: int
) -> list[str]:
    """Return the URLs at which a case is measured."""
    if deep:
        return [_address(case.path, query) for query in _deep(app, connection, case, places)]
    if "{" not in case.path + "".join(case.query.values()):
        return [_address(case.path, case.query)]
    urls = []
    for number in range(places):
        rotated = articles[number:] + articles[:number]
        placeholders = {
            "slug": rotated[0].slug,
            "id": str(rotated[0].id),
            "ids": ",".join(str(row.id) for row in rotated[:20]),
            "slugs": ",".join(row.slug for row in rotated[:20]),
        }
        query = {name: value.format(**placeholders) for name, value in case.query.items()}
        urls.append(_address(case.path.format(**placeholders), query))
    return urls


def _address(path: str, query: Mapping[str, str]) -> str:
    return path + (f"?{urlencode(query, safe=',:')}" if query else "")


def _deep(app: Flask, connection: Connection, case: Case, count: int) -> list[dict[str, str]]:
    """Return the query parameters of pages at the depth of a case, with cursors as `page.next` would be there."""
    # The positions are found with OFFSET, which the product never uses, so as not to page through 40,000 pages.
    with app.test_request_context():
        query = ArticleListParams().load(dict(case.query))
        request = parse_list_request(ARTICLES_PATH, query)
        question = request.list_query
        snapshot = facets.resolve_filters(connection, request.filters)
        scanned_facet = max(
            _rarest(snapshot.filters.values()) or [snapshot.everything], key=lambda facet: facet.article_count
        )
        sort_key = ListingEntry.__table__.c[question.key]
        conditions = [ListingEntry.facet_id == scanned_facet.id]
        conditions += [
            (sort_key >= time if name.endswith("_from") else sort_key < time)
            for name, time in question.ranges().items()
            if name.startswith(question.key)
        ]
        order = (
            (sort_key.desc(), ListingEntry.article_id.desc())
            if question.descending
            else (sort_key, ListingEntry.article_id)
        )
        total = connection.execute(select(func.count()).select_from(ListingEntry).where(*conditions)).scalar_one()
        # Consecutive pages from that depth on, or the last ones of a short list.
        start = max(min(int(total * (case.deep or 0)), total - 20 * count - 21), 0)
        rows = (
            select(sort_key, ListingEntry.article_id)
            .where(*conditions)
            .order_by(*order)
            .offset(start)
            .limit(20 * count)
        )
        page_starts = [PageStart(Position(*row)) for row in connection.execute(rows).all()[::20]]
        other_parameters = {name: value for name, value in case.query.items() if name in {"fields", "include"}}
        return [
            {"cursor": request.cursors(ArticlePage([], next=page_start))[0] or "", **other_parameters}
            for page_start in page_starts
        ]


def _rarest(groups: Iterable[Sequence[FacetState]]) -> Sequence[FacetState]:
    return min(groups, key=lambda group: sum(facet.article_count for facet in group), default=[])


def sample_articles(connection: Connection) -> list[Any]:
    """Return slugs and ids of 20 articles spread evenly over the archive."""
    all_articles = select(Facet.id).where(Facet.kind == "all").scalar_subquery()
    listing = (
        select(ListingEntry.article_id).where(ListingEntry.facet_id == all_articles).order_by(ListingEntry.published_at)
    )
    total = connection.execute(select(func.count()).select_from(listing.subquery())).scalar_one()
    ids = [connection.execute(listing.offset(total * part // 20).limit(1)).scalar_one() for part in range(20)]
    return list(connection.execute(select(Article.slug, Article.id).where(Article.id.in_(ids))))
