"""Sitemaps for search engines: index, pages, and the news sitemap of the last two days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from flask import Response
from flask.views import MethodView

from newsapi.api import paging
from newsapi.api.answers import cached
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.errors import NotFound
from newsapi.feeds import sitemap
from newsapi.model.articles import is_indexed
from newsapi.model.base import latest
from newsapi.schemas.queries import Read
from newsapi.store import articles, facets, sitemaps
from newsapi.store.database import Connection
from newsapi.store.listing import Question

blueprint = Blueprint("sitemaps", __name__, description="Sitemaps for search engines")

XML = {"type": "string"}
NEWS_HOURS = 48
NEWS_MOST = 1_000
HOUR = timedelta(hours=1)
PAGE = {
    "in": "path",
    "name": "page",
    "description": "Number of the page, from 1",
    "schema": {"type": "string", "pattern": "^[1-9][0-9]*$", "maxLength": 7},
}


@blueprint.route("/sitemap.xml")
class Index(MethodView):
    """The sitemap index."""

    @blueprint.doc(operationId="getSitemap", summary="Get the sitemap index")
    @blueprint.arguments(Read(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    def get(self, query: paging.Query) -> Response:
        """Return the URLs of the news sitemap and of the sitemap pages, with the last change of each page."""
        return cached(paging.address("/sitemap.xml", query), query, _index)


@blueprint.route("/sitemap-<page>.xml", parameters=[PAGE])
class Page(MethodView):
    """A sitemap page."""

    @blueprint.doc(operationId="getSitemapPage", summary="Get a sitemap page")
    @blueprint.arguments(Read(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The page does not exist")
    def get(self, query: paging.Query, page: str) -> Response:
        """Return the URLs of at most 5,000 articles. An article stays on the same page."""
        return cached(paging.address(f"/sitemap-{page}.xml", query), query, lambda connection: _page(connection, page))


@blueprint.route("/sitemap-news.xml")
class News(MethodView):
    """The news sitemap."""

    @blueprint.doc(operationId="getSitemapNews", summary="Get the news sitemap of the last two days")
    @blueprint.arguments(Read(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    def get(self, query: paging.Query) -> Response:
        """Return at most 1,000 articles of the last two days for Google News, newest first; updated every full hour."""
        return cached(paging.address("/sitemap-news.xml", query), query, _news)


def _index(connection: Connection) -> Answer:
    snapshot = facets.truth(connection, {})
    api_url = parts().presentation.api
    entries: list[tuple[str, datetime | None]] = [(f"{api_url}/sitemap-news.xml", None)]
    entries += [(f"{api_url}/sitemap-{page.number}.xml", page.at) for page in sitemaps.pages(connection)]
    return Answer(
        body=sitemap.index(entries),
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=snapshot.everything.at,
        words=frozenset({snapshot.everything.id}),
        tags=(tags.ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
    )


def _page(connection: Connection, number: str) -> Answer:
    snapshot = facets.truth(connection, {})
    page = next((page for page in sitemaps.pages(connection) if str(page.number) == number), None)
    if page is None:
        raise NotFound(seq=snapshot.seq, words=frozenset({snapshot.everything.id}))
    times: set[datetime | None] = {page.at}
    sections_and_brands: set[tuple[str | None, str | None]] = set()

    def entries() -> Iterator[tuple[str, datetime]]:
        article_url = parts().presentation.article_url
        for row in sitemaps.articles(connection, page):
            yield article_url({"id": row.id, "slug": row.slug, **_short(row.section, row.brand)}), row.at
            times.add(row.changed_at)
            sections_and_brands.add((row.section, row.brand))

    body = sitemap.page(entries())  # fills `times` and `sections_and_brands`
    names = tags.names(_short(section, brand) for section, brand in sections_and_brands)
    return Answer(
        body=body,
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=latest(times),
        words=frozenset({page.facet_id, *names}),
        tags=(tags.ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
    )


def _short(section: str | None, brand: str | None) -> dict[str, dict[str, str] | None]:
    """Return the section and the brand of a URL in the form that article records have."""
    return {"section": {"slug": section} if section else None, "brand": {"slug": brand} if brand else None}


def _news(connection: Connection) -> Answer:
    snapshot = facets.truth(connection, {})
    hour = parts().now().replace(minute=0, second=0, microsecond=0)
    # The current hour counts as a whole, so that no article gets older than two days before the next update.
    list_query = Question(published=(hour - (NEWS_HOURS - 1) * HOUR, None))
    page = articles.page(connection, snapshot, list_query, limit=NEWS_MOST, wanted={"seo"})
    presentation = parts().presentation
    summaries = [presentation.summary(record) for record in page.records if is_indexed(record["seo"])]
    return Answer(
        body=sitemap.news(summaries, presentation.publisher),
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=latest({snapshot.everything.at, page.changed_at, hour}),
        words=frozenset({snapshot.everything.id, *tags.names(page.records)}),
        tags=(tags.ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
        until=(hour + HOUR).timestamp(),
    )
