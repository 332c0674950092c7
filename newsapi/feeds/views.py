"""Feeds of articles in four formats: RSS, Atom, JSON Feed and ninjs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from flask import Response
from flask.views import MethodView

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.changelog import exits as changelog_exits
from newsapi.changelog import reader
from newsapi.content.article_types import ArticleRow
from newsapi.content.context import app_context
from newsapi.content.presentation import visibility_of_caller
from newsapi.content.presentation.list_request import ArticleListRequest, parse_list_request
from newsapi.content.queries import facets
from newsapi.content.queries import terms as term_queries
from newsapi.content.queries.article_rows import DETAIL_FIELDS
from newsapi.content.queries.articles import ArticlePage
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.schemas.params import FeedParams
from newsapi.db.database import Connection
from newsapi.db.types import latest_time
from newsapi.feeds.feed import NEVER_CHANGED, Feed, Tombstone
from newsapi.feeds.renderers import RENDERERS
from newsapi.web import pagination
from newsapi.web.blueprint import Blueprint
from newsapi.web.feed_formats import FEED_FORMATS, FEEDS_PATH, FeedFormat
from newsapi.web.pagination import ListCursor
from newsapi.web.responses import cached_response

URL_PREFIX = "/v1/feeds"
blueprint = Blueprint("feeds", __name__, url_prefix=URL_PREFIX, description="Feeds for readers and partners")

FEED_FIELDS = DETAIL_FIELDS | {"tags", "mentions"}
SORT = "-materially_updated_at"
FEED_CURSOR = ListCursor("feed", FeedParams())
MAX_NAMES_IN_TITLE = 5
"""Values of each filter that are named in the title of a feed."""


def _add_route(feed_format: FeedFormat) -> None:
    """Define the route of a format."""
    media_type, path = feed_format.media_type, feed_format.path
    schema = {"type": "string"} if feed_format.is_xml else {"type": "object"}

    @blueprint.route(path.removeprefix(URL_PREFIX))
    class _Feed(MethodView):
        """The feed in one format."""

        @blueprint.doc(operationId=feed_format.operation_id, summary=f"Get articles as {feed_format.title}")
        @blueprint.arguments(FeedParams(), location="query", error_status_code=400)
        @blueprint.response(200, schema, content_type=media_type)
        def get(self, query: pagination.Query) -> Response:
            """Return the articles with the latest publications, major updates and corrections first.

            Different filters are combined with AND; comma-separated values of one filter are alternatives (OR).
            """
            request = parse_list_request(path, query, FEED_CURSOR, sort=SORT)
            return cached_response(
                request.canonical_url,
                request.page_params,
                lambda connection: _build_page(connection, feed_format, request),
            )


for _feed_format in FEED_FORMATS:
    _add_route(_feed_format)


def _list_changed_at(snapshot: ReadSnapshot) -> datetime | None:
    """Return when an article last entered, changed in or left the list; None if no filter names anything that exists.

    Such a list depends on the names alone, and not on the changes of any article.
    """
    return snapshot.changed_at() if not snapshot.filters or any(snapshot.filters.values()) else None


def _build_page(connection: Connection, feed_format: FeedFormat, request: ArticleListRequest) -> CachedResponse:
    snapshot = facets.resolve_filters(connection, request.filters)
    extra_visibility = visibility_of_caller.list_visibility(connection, request)
    page = visibility_of_caller.list_page(connection, snapshot, request, extra_visibility, FEED_FIELDS)
    times, title_names = _names(connection, request)
    # The first page lists the tombstones. Exits from a time range or an id list are not recorded: no tombstones.
    has_tombstones = request.is_first_page and extra_visibility is None and request.selects_by_facets_only
    tombstones = _tombstones(connection, snapshot) if has_tombstones else []
    presentation = app_context().presentation
    body_access = visibility_of_caller.body_access(connection)
    records = [presentation.article(record, body_access) for record in page.records]
    links = _links(request, page)
    hub = app_context().settings.websub_hub if extra_visibility is None else None
    times |= {_list_changed_at(snapshot), page.changed_at, *(tombstone.at for tombstone in tombstones)}
    changed_at = latest_time(times)
    feed = Feed(
        id=uuid5(NAMESPACE_URL, pagination.canonical_url(FEEDS_PATH, request.selection)),
        title=" | ".join([*title_names, presentation.publisher]),
        publisher=presentation.publisher,
        site_url=_site_url(request),
        api_url=presentation.api,
        self_url=str(links["self"]),
        first=str(links["first"]),
        next=links["next"],
        prev=links["prev"],
        hub=hub,
        language=_language(request, records),
        records=records,
        tombstones=tombstones,
        changed_at=changed_at or NEVER_CHANGED,
        site_url_of=presentation.site_url,
    )
    depends_on = {
        *request.dependencies(snapshot),
        *dependencies.name_dependencies(records),
    }
    if has_tombstones:
        depends_on.add(dependencies.TOMBSTONES)
    return CachedResponse(
        body=RENDERERS[feed_format](feed),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=changed_at,
        dependencies=frozenset(depends_on),
        surrogate_keys=request.surrogate_keys(),
        link=pagination.link_header({**links, "hub": hub}),
        media_type=feed_format.media_type,
    )


def _links(request: ArticleListRequest, page: ArticlePage) -> dict[str, str | None]:
    """Return the URLs of this page, the first one, and those beside this one."""
    next_cursor, prev_cursor = request.cursors(page)
    return {
        "self": request.canonical_url,
        "first": request.first_url,
        "next": request.adjacent_url(next_cursor),
        "prev": request.adjacent_url(prev_cursor),
    }


def _tombstones(connection: Connection, snapshot: facets.ReadSnapshot) -> list[Tombstone]:
    """Return the articles that recently left a list, the latest first."""
    groups = sorted(snapshot.groups, key=lambda group: sum(facet.article_count for facet in group))
    facet_ids = [[facet.id for facet in group] for group in groups or [[snapshot.everything]]]
    exits = changelog_exits.list_recent(connection, facet_ids)
    infos = reader.get_changes(connection, {exit_.seq for exit_ in exits}) if exits else {}
    return [
        Tombstone(exit_.id, infos[exit_.seq].slug, infos[exit_.seq].version, infos[exit_.seq].at) for exit_ in exits
    ]


def _names(connection: Connection, request: ArticleListRequest) -> tuple[set[datetime | None], list[str]]:
    """Return when the terms of the filters last changed, and the parts of the title that name them."""
    times: set[datetime | None] = set()
    title_parts = []
    for filter_name, kind in dependencies.FILTERS.items():
        slugs = request.filters.get(filter_name, ())[:MAX_NAMES_IN_TITLE]
        if not slugs or filter_name in dependencies.NEGATED_FILTERS:
            continue
        by_slug = term_queries.get_terms(connection, kind, slugs)  # type: ignore[arg-type]
        times |= {term["changed_at"] for term in by_slug.values()}
        title_parts.append(", ".join(by_slug[slug]["name"] if slug in by_slug else slug for slug in slugs))
    title_parts += [", ".join(request.filters[name]) for name in ("format", "language") if name in request.filters]
    return times, title_parts


def _site_url(request: ArticleListRequest) -> str:
    """Return the site's page for the feed: that of its only brand, author or section, or the home page."""
    if len(request.selection) == 1:
        [(filter_name, values)] = request.selection.items()
        if filter_name in {"brand", "author", "section"} and len(values) == 1:
            return app_context().presentation.site_url(filter_name, values[0]) or app_context().presentation.site
    return app_context().presentation.site


def _language(request: ArticleListRequest, records: Iterable[ArticleRow]) -> str | None:
    """Return the language of a feed, or None if its articles have several."""
    languages = set(request.filters.get("language") or (record["language"] for record in records))
    return languages.pop() if len(languages) == 1 else None
