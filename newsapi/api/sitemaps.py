"""The site map for search engines: its index, its pages, and the news of the last two days."""

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

blueprint = Blueprint("sitemaps", __name__, description="What search engines are shown")

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
    """The index."""

    @blueprint.doc(operationId="getSitemap", summary="The index of the site map")
    @blueprint.arguments(Read(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    def get(self, query: paging.Query) -> Response:
        """The pages of the site map and the news, each with the time of its last change."""
        return cached(paging.address("/sitemap.xml", query), query, _index)


@blueprint.route("/sitemap-<page>.xml", parameters=[PAGE])
class Page(MethodView):
    """A page."""

    @blueprint.doc(operationId="getSitemapPage", summary="A page of the site map")
    @blueprint.arguments(Read(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    @blueprint.alt_response(404, "DEFAULT_ERROR", description="There is no such page")
    def get(self, query: paging.Query, page: str) -> Response:
        """At most 5,000 articles; one that stands on a page stays there."""
        return cached(paging.address(f"/sitemap-{page}.xml", query), query, lambda connection: _page(connection, page))


@blueprint.route("/sitemap-news.xml")
class News(MethodView):
    """The news."""

    @blueprint.doc(operationId="getSitemapNews", summary="The last two days, as Google News asks for them")
    @blueprint.arguments(Read(), location="query", error_status_code=400)
    @blueprint.response(200, XML, content_type=sitemap.MEDIA_TYPE)
    def get(self, query: paging.Query) -> Response:
        """The newest first, at most 1,000; looked at again every full hour."""
        return cached(paging.address("/sitemap-news.xml", query), query, _news)


def _index(connection: Connection) -> Answer:
    truth = facets.truth(connection, {})
    api = parts().presentation.api
    found: list[tuple[str, datetime | None]] = [(f"{api}/sitemap-news.xml", None)]
    found += [(f"{api}/sitemap-{page.number}.xml", page.at) for page in sitemaps.pages(connection)]
    return Answer(
        body=sitemap.index(found),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=truth.everything.at,
        words=frozenset({truth.everything.id}),
        tags=(tags.ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
    )


def _page(connection: Connection, name: str) -> Answer:
    truth = facets.truth(connection, {})
    page = next((page for page in sitemaps.pages(connection) if str(page.number) == name), None)
    if page is None:
        raise NotFound(seq=truth.seq, words=frozenset({truth.everything.id}))
    times: set[datetime | None] = {page.at}
    terms: set[tuple[str | None, str | None]] = set()

    def shown() -> Iterator[tuple[str, datetime]]:
        address = parts().presentation.article_url
        for row in sitemaps.articles(connection, page):
            yield address({"id": row.id, "slug": row.slug, **_short(row.section, row.brand)}), row.at
            times.add(row.changed_at)
            terms.add((row.section, row.brand))

    body = sitemap.page(shown())
    return Answer(
        body=body,
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest(times),
        words=frozenset({page.facet_id, *tags.names(_short(*pair) for pair in terms)}),
        tags=(tags.ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
    )


def _short(section: str | None, brand: str | None) -> dict[str, dict[str, str] | None]:
    """What an address names, as articles have it."""
    return {"section": {"slug": section} if section else None, "brand": {"slug": brand} if brand else None}


def _news(connection: Connection) -> Answer:
    truth = facets.truth(connection, {})
    hour = parts().now().replace(minute=0, second=0, microsecond=0)
    # Of the hours that have begun the last one counts whole, so that nothing grows older than two days until the next.
    question = Question(published=(hour - (NEWS_HOURS - 1) * HOUR, None))
    page = articles.page(connection, truth, question, limit=NEWS_MOST, wanted={"seo"})
    presentation = parts().presentation
    shown = [presentation.summary(record) for record in page.records if is_indexed(record["seo"])]
    return Answer(
        body=sitemap.news(shown, presentation.publisher),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest({truth.everything.at, page.changed_at, hour}),
        words=frozenset({truth.everything.id, *tags.names(page.records)}),
        tags=(tags.ARTICLES,),
        media_type=sitemap.MEDIA_TYPE,
        until=(hour + HOUR).timestamp(),
    )
