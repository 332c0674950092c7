"""What is asked: every listing, filter and detail, at the start of a list and deep in it, as addresses of the API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import func, select

from newsapi.api import paging
from newsapi.model import Article, Facet, Listing
from newsapi.schemas.queries import ArticleQuery
from newsapi.store import facets
from newsapi.store.database import Connection
from newsapi.store.facets import FacetState
from newsapi.store.listing import Position, Turn

MIDDLE = {"published_from": "2018-01-01", "published_until": "2022-01-01"}
TOUCHED = {"updated_from": "2018-01-01", "updated_until": "2022-01-01"}


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of read. `flat` ones may not grow with the archive; `deep` is how far down its deep page stands.

    What is not flat all the same: articles named one by one, or updated one after the other, lie apart in the archive,
    each on pages of its own in a large one; a pair of filters walks until it has found enough; a count counts.
    `group` says what it is drawn with: lists, lists of what lies apart, single items, pairs of filters, or nothing.
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
    Case("published_from, _until", MIDDLE),
    Case("updated_…, by update", {**TOUCHED, "sort": "-updated_at"}, flat=False, group="apart"),
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
    Case("updated_…, by publication", TOUCHED, deep=None, flat=False, group=""),
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


def addresses(
    app: Flask, connection: Connection, case: Case, articles: list[Any], *, deep: bool, places: int
) -> list[str]:
    """Answer the addresses that a case is measured at."""
    if deep:
        return [_address(case.path, query) for query in _deep(app, connection, case, places)]
    if "{" not in case.path + "".join(case.query.values()):
        return [_address(case.path, case.query)]
    found = []
    for number in range(places):
        here = articles[number:] + articles[:number]
        words = {
            "slug": here[0].slug,
            "id": str(here[0].id),
            "ids": ",".join(str(row.id) for row in here[:20]),
            "slugs": ",".join(row.slug for row in here[:20]),
        }
        query = {name: value.format(**words) for name, value in case.query.items()}
        found.append(_address(case.path.format(**words), query))
    return found


def _address(path: str, query: Mapping[str, str]) -> str:
    return path + (f"?{urlencode(query, safe=',:')}" if query else "")


def _deep(app: Flask, connection: Connection, case: Case, places: int) -> list[dict[str, str]]:
    """The query strings of pages around a depth, by cursors such as `page.next` would be there.

    Found by counting rows off, which the product never does: the 40,000th page is not walked to.
    """
    with app.test_request_context():
        query = ArticleQuery().load(dict(case.query))
        question = paging.question(query, None)
        truth = facets.truth(connection, paging.facets(query))
        walked = max(_rarest(truth.filters.values()) or [truth.everything], key=lambda facet: facet.articles)
        key = Listing.__table__.c[question.key]
        within = [Listing.facet_id == walked.id]
        within += [
            (key >= time if name.endswith("_from") else key < time)
            for name, time in question.ranges().items()
            if name.startswith(question.key)
        ]
        order = (key.desc(), Listing.article_id.desc()) if question.descending else (key, Listing.article_id)
        whole = connection.execute(select(func.count()).select_from(Listing).where(*within)).scalar_one()
        # Pages side by side from that depth on, or as deep as they all fit.
        start = max(min(int(whole * (case.deep or 0)), whole - 20 * places - 21), 0)
        rows = select(key, Listing.article_id).where(*within).order_by(*order).offset(start).limit(20 * places)
        turns = [Turn(Position(*row)) for row in connection.execute(rows).all()[::20]]
        beside = {name: value for name, value in case.query.items() if name in {"fields", "include"}}
        return [{"cursor": paging.cursor(query, turn) or "", **beside} for turn in turns]


def _rarest(groups: Iterable[Sequence[FacetState]]) -> Sequence[FacetState]:
    return min(groups, key=lambda group: sum(facet.articles for facet in group), default=[])


def spread(connection: Connection) -> list[Any]:
    """Slugs and ids of articles spread evenly over the archive."""
    everything = select(Facet.id).where(Facet.kind == "all").scalar_subquery()
    listed = select(Listing.article_id).where(Listing.facet_id == everything).order_by(Listing.published_at)
    whole = connection.execute(select(func.count()).select_from(listed.subquery())).scalar_one()
    ids = [connection.execute(listed.offset(whole * place // 20).limit(1)).scalar_one() for place in range(20)]
    return list(connection.execute(select(Article.slug, Article.id).where(Article.id.in_(ids))))
