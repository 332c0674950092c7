"""Feeds of articles in four formats: RSS, Atom, JSON Feed and ninjs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from flask import Response
from flask.views import MethodView

from newsapi.api import paging, sight
from newsapi.api.answers import cached
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.feeds import atom, jsonfeed, ninjs, rss
from newsapi.feeds.feed import Feed, Gone
from newsapi.model.base import latest
from newsapi.schemas.presentation import FEEDS
from newsapi.schemas.queries import FILTERS, FeedQuery
from newsapi.store import delta, departures, facets, taxonomy
from newsapi.store.articles import DETAIL, Page, Record
from newsapi.store.database import Connection
from newsapi.store.listing import Turn

blueprint = Blueprint("feeds", __name__, url_prefix="/v1/feeds", description="Feeds for readers and partners")

WANTED = DETAIL | {"tags", "mentions"}
SORT = "-materially_updated_at"
NAMED_IN_TITLE = 5
"""Values of each filter that are named in the title of a feed."""


class Form(Protocol):
    """Format of a feed."""

    MEDIA_TYPE: str

    def document(self, feed: Feed) -> bytes: ...


FORMS: dict[str, Any] = dict(zip(FEEDS, (rss, atom, jsonfeed, ninjs), strict=True))
SAID = {
    "rss": "RSS 2.0 with Media RSS",
    "atom": "Atom (RFC 4287) with pages (RFC 5005) and tombstones (RFC 6721)",
    "json": "JSON Feed 1.1",
    "ninjs": "an IPTC ninjs 3.1 package",
}


def _route(name: str) -> None:
    """Define the route of one format."""
    feed_format: Form = FORMS[name]
    path = f"/v1/feeds/articles.{name}"
    schema = {"type": "string"} if feed_format.MEDIA_TYPE.endswith("+xml") else {"type": "object"}

    @blueprint.route(f"/articles.{name}")
    class _Feed(MethodView):
        """The feed in one format."""

        @blueprint.doc(operationId=f"getFeed{name.title()}", summary=f"Get articles as {SAID[name]}")
        @blueprint.arguments(FeedQuery(), location="query", error_status_code=400)
        @blueprint.response(200, schema, content_type=feed_format.MEDIA_TYPE)
        def get(self, query: paging.Query) -> Response:
            """Return the articles with the latest publications, major updates and corrections first.

            Different filters are combined with AND; comma-separated values of one filter are alternatives (OR).
            """
            query, page_start = paging.with_cursor(query, of="feed")
            url = paging.address(path, query)
            return cached(url, query, lambda connection: _page(connection, feed_format, path, query, page_start))


for _name in FORMS:
    _route(_name)


def _page(connection: Connection, feed_format: Form, path: str, query: paging.Query, page_start: Turn | None) -> Answer:
    facet_slugs = paging.facets(query)
    snapshot = facets.truth(connection, facet_slugs)
    list_query = paging.question({**query, "sort": SORT}, page_start)
    extra_visibility = sight.of_list(connection, query)
    page = sight.page(
        connection, snapshot, list_query, extra_visibility, facet_slugs, limit=query["limit"], wanted=WANTED
    )
    times, title_names = _names(connection, query)
    # The first page lists the tombstones. Departures from a time range or an id list are not recorded: no tombstones.
    has_tombstones = page_start is None and extra_visibility is None and _filters(query).keys() <= {*facet_slugs}
    tombstones = _gone(connection, snapshot) if has_tombstones else []
    presentation = parts().presentation
    body_access = sight.sharing(connection)
    records = [presentation.article(record, body_access) for record in page.records]
    links = _links(path, query, page)
    hub = parts().settings.websub_hub if extra_visibility is None else None
    feed = Feed(
        id=uuid5(NAMESPACE_URL, paging.address("/v1/feeds/articles", _filters(query))),
        title=" | ".join([*title_names, presentation.publisher]),
        publisher=presentation.publisher,
        home=_home(query),
        api=presentation.api,
        own=str(links["self"]),
        first=str(links["first"]),
        next=links["next"],
        prev=links["prev"],
        hub=hub,
        language=_language(query, records),
        records=records,
        gone=tombstones,
        page_of=presentation.page_of,
    )
    depends_on = {*tags.of_list(query, snapshot.filters, snapshot.everything), *tags.names(records)}
    if has_tombstones:
        depends_on.add(tags.GONE)
    times |= {snapshot.touched_at(), page.changed_at, *(tombstone.at for tombstone in tombstones)}
    return Answer(
        body=feed_format.document(feed),
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=latest(times),
        words=frozenset(depends_on),
        tags=paging.tags(query),
        link=paging.link_header({**links, "hub": hub}),
        media_type=feed_format.MEDIA_TYPE,
    )


def _links(path: str, query: paging.Query, page: Page) -> dict[str, str | None]:
    """Return the URLs of this page, the first one, and those beside this one."""
    next_cursor = paging.cursor(query, page.next, of="feed")
    prev_cursor = paging.cursor(query, page.prev, of="feed")
    return {
        "self": paging.address(path, query),
        "first": paging.address(path, {name: value for name, value in query.items() if name != "cursor"}),
        "next": paging.beside(path, query, next_cursor),
        "prev": paging.beside(path, query, prev_cursor),
    }


def _gone(connection: Connection, snapshot: facets.Truth) -> list[Gone]:
    """Return the articles that recently left a list, the latest first."""
    groups = sorted(snapshot.filters.values(), key=lambda group: sum(facet.articles for facet in group))
    facet_ids = [[facet.id for facet in group] for group in groups or [[snapshot.everything]]]
    exits = departures.lately(connection, facet_ids)
    infos = delta.told(connection, {exit_.seq for exit_ in exits}) if exits else {}
    return [Gone(exit_.id, infos[exit_.seq].slug, infos[exit_.seq].version, infos[exit_.seq].at) for exit_ in exits]


def _filters(query: paging.Query) -> paging.Query:
    return {name: value for name, value in query.items() if name in FILTERS}


def _names(connection: Connection, query: paging.Query) -> tuple[set[datetime | None], list[str]]:
    """Return when the terms of the filters last changed, and the parts of the title that name them."""
    times: set[datetime | None] = set()
    title_parts = []
    for filter_name, kind in tags.FILTERS.items():
        slugs = query.get(filter_name, ())[:NAMED_IN_TITLE]
        if not slugs:
            continue
        by_slug: dict[str, Record] = taxonomy.by_slugs(connection, kind, slugs)  # type: ignore[arg-type]
        times |= {term["changed_at"] for term in by_slug.values()}
        title_parts.append(", ".join(by_slug[slug]["name"] if slug in by_slug else slug for slug in slugs))
    title_parts += [", ".join(query[name]) for name in ("format", "language") if name in query]
    return times, title_parts


def _home(query: paging.Query) -> str:
    """Return the site's page for the feed: that of its only brand, author or section, or the home page."""
    filters = _filters(query)
    if len(filters) == 1:
        [(filter_name, values)] = filters.items()
        if filter_name in {"brand", "author", "section"} and len(values) == 1:
            return parts().presentation.page_of(filter_name, values[0]) or parts().presentation.site
    return parts().presentation.site


def _language(query: paging.Query, records: Iterable[Record]) -> str | None:
    """Return the language of a feed, or None if its articles have several."""
    languages = set(query["language"]) if "language" in query else {record["language"] for record in records}
    return languages.pop() if len(languages) == 1 else None
