"""Sitemaps for search engines: index, pages, and the news sitemap of the last two days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from flask import Response
from flask.views import MethodView

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.content.context import app_context
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import facets
from newsapi.content.queries.listings import ListQuery
from newsapi.content.queries.visibility import is_indexed
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.errors import NotFound
from newsapi.feeds import sitemap, sitemap_queries
from newsapi.web import pagination
from newsapi.web.blueprint import Blueprint
from newsapi.web.params import ReadParams
from newsapi.web.responses import cached_response

blueprint = Blueprint("sitemaps", __name__, description="Sitemaps for search engines")

XML = {"type": "string"}
NEWS_HOURS = 48
MAX_NEWS = 1_000
HOUR = timedelta(hours=1)
FIRST_PAGE = "1"
"""The page that a site without articles has too; it lists the home page."""

PAGE = {
    "in": "path",
    "name": "page",
    "description": "Number of the page, from 1",
    "schema": {"type": "string", "pattern": "^[1-9][0-9]*$", "maxLength": 7},
}


class SitemapParams(ReadParams):
    """Parameters of sitemaps."""

    ignores_unknown = True


@blueprint.route("/sitemap.xml")
class SitemapIndex(MethodView):
    """The sitemap index."""

    @blueprint.doc(operationId="getSitemap", summary="Get the sitemap index")
    @blueprint.arguments(SitemapParams(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    def get(self, query: pagination.Query) -> Response:
        """Return the URLs of the news sitemap and of the sitemap pages, with the last change of each page."""
        return cached_response(pagination.canonical_url("/sitemap.xml", query), query, _index)


@blueprint.route("/sitemap-<page>.xml", parameters=[PAGE])
class SitemapPageView(MethodView):
    """A sitemap page."""

    @blueprint.doc(operationId="getSitemapPage", summary="Get a sitemap page")
    @blueprint.arguments(SitemapParams(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="The page does not exist")
    def get(self, query: pagination.Query, page: str) -> Response:
        """Return the URLs of at most 5,000 articles. An article stays on the same page."""
        return cached_response(
            pagination.canonical_url(f"/sitemap-{page}.xml", query), query, lambda connection: _page(connection, page)
        )


@blueprint.route("/sitemap-news.xml")
class NewsSitemap(MethodView):
    """The news sitemap."""

    @blueprint.doc(operationId="getSitemapNews", summary="Get the news sitemap of the last two days")
    @blueprint.arguments(SitemapParams(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    def get(self, query: pagination.Query) -> Response:
        """Return at most 1,000 articles of the last two days for Google News, newest first; updated every full hour."""
        return cached_response(pagination.canonical_url("/sitemap-news.xml", query), query, _news)


def _index(connection: Connection) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, {})
    api_url, hour = app_context().presentation.api, _current_hour()
    pages = sitemap_queries.list_pages(connection)
    entries: list[tuple[str, datetime | None]] = []
    if sitemap_queries.has_articles_since(connection, pages, _start_of_news(hour)):
        entries.append((f"{api_url}/sitemap-news.xml", None))
    entries += [(f"{api_url}/sitemap-{page.number}.xml", page.at) for page in pages]
    return CachedResponse(
        body=sitemap.index(entries or [(f"{api_url}/sitemap-{FIRST_PAGE}.xml", None)]),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time({snapshot.everything.changed_at, hour}),
        dependencies=frozenset({snapshot.everything.id}),
        surrogate_keys=(dependencies.ALL_ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
        expires_at=(hour + HOUR).timestamp(),
    )


def _page(connection: Connection, number: str) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, {})
    pages = {str(page.number): page for page in sitemap_queries.list_pages(connection)}
    if number not in (pages or {FIRST_PAGE}):
        raise NotFound(seq=snapshot.seq, dependencies=frozenset({snapshot.everything.id}))
    page = pages.get(number)
    times: set[datetime | None] = {page.at if page else snapshot.everything.changed_at}
    sections_and_brands: set[tuple[str | None, str | None]] = set()

    def entries() -> Iterator[tuple[str, datetime]]:
        article_url = app_context().presentation.article_url
        for row in sitemap_queries.list_articles(connection, page) if page else ():
            yield article_url({"id": row.id, "slug": row.slug, **_term_slugs(row.section, row.brand)}), row.at
            times.add(row.changed_at)
            sections_and_brands.add((row.section, row.brand))

    body = sitemap.page(entries(), app_context().presentation.site)  # fills `times` and `sections_and_brands`
    names = dependencies.name_dependencies(_term_slugs(section, brand) for section, brand in sections_and_brands)
    return CachedResponse(
        body=body,
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time(times),
        dependencies=frozenset({page.facet_id if page else snapshot.everything.id, *names}),
        surrogate_keys=(dependencies.ALL_ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
    )


def _term_slugs(section: str | None, brand: str | None) -> dict[str, dict[str, str] | None]:
    """Return the section and the brand of a URL in the form that article records have."""
    return {"section": {"slug": section} if section else None, "brand": {"slug": brand} if brand else None}


def _news(connection: Connection) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, {})
    hour = _current_hour()
    list_query = ListQuery(published=(_start_of_news(hour), None))
    page = article_queries.list_page(connection, snapshot, list_query, limit=MAX_NEWS, fields={"seo"})
    presentation = app_context().presentation
    summaries = [presentation.summary(record) for record in page.records if is_indexed(record["seo"])]
    return CachedResponse(
        body=sitemap.news(summaries, presentation.publisher, presentation.site),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=latest_time({snapshot.everything.changed_at, page.changed_at, hour}),
        dependencies=frozenset({snapshot.everything.id, *dependencies.name_dependencies(page.records)}),
        surrogate_keys=(dependencies.ALL_ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
        expires_at=(hour + HOUR).timestamp(),
    )


def _current_hour() -> datetime:
    return app_context().now().replace(minute=0, second=0, microsecond=0)


def _start_of_news(hour: datetime) -> datetime:
    """Return the earliest publication of news; the current hour counts as a whole, so that none gets too old in it."""
    return hour - (NEWS_HOURS - 1) * HOUR
