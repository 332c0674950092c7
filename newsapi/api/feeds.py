"""Feeds of articles, in four forms: RSS, Atom, JSON Feed and ninjs."""

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
from newsapi.store.articles import DETAIL, Record
from newsapi.store.database import Connection
from newsapi.store.listing import Turn

blueprint = Blueprint("feeds", __name__, url_prefix="/v1/feeds", description="Articles for readers and partners")

WANTED = DETAIL | {"tags", "mentions"}
SORT = "-materially_updated_at"
NAMED_IN_TITLE = 5
"""Values of a filter that a feed's title names."""


class Form(Protocol):
    """How a feed is written."""

    MEDIA_TYPE: str

    def document(self, feed: Feed) -> bytes: ...


FORMS: dict[str, Any] = dict(zip(FEEDS, (rss, atom, jsonfeed, ninjs), strict=True))
SAID = {
    "rss": "RSS 2.0, with Media RSS",
    "atom": "Atom (RFC 4287), in pages (RFC 5005) and with what was withdrawn (RFC 6721)",
    "json": "JSON Feed 1.1",
    "ninjs": "IPTC ninjs 3.1: a package of articles",
}


def _route(name: str) -> None:
    """Make the route of one form."""
    form: Form = FORMS[name]
    path = f"/v1/feeds/articles.{name}"
    schema = {"type": "string"} if form.MEDIA_TYPE.endswith("+xml") else {"type": "object"}

    @blueprint.route(f"/articles.{name}")
    class _Feed(MethodView):
        """One form."""

        @blueprint.doc(operationId=f"getFeed{name.title()}", summary=f"Articles as {SAID[name]}")
        @blueprint.arguments(FeedQuery(), location="query", error_status_code=400)
        @blueprint.response(200, schema, content_type=form.MEDIA_TYPE)
        def get(self, query: paging.Query) -> Response:
            """Those that changed last in a way that matters to readers come first; commas in a filter mean any of."""
            query, turn = paging.with_cursor(query, of="feed")
            return cached(
                paging.address(path, query), query, lambda connection: _page(connection, form, path, query, turn)
            )


for _name in FORMS:
    _route(_name)


def _page(connection: Connection, form: Form, path: str, query: paging.Query, turn: Turn | None) -> Answer:
    wanted = paging.facets(query)
    truth = facets.truth(connection, wanted)
    asked = paging.question({**query, "sort": SORT}, turn)
    seen = sight.of_list(connection, query)
    page = sight.page(connection, truth, asked, seen, wanted, limit=query["limit"], wanted=WANTED)
    times, named = _names(connection, query)
    # What left a range of time nobody knows; and one page is enough to tell it.
    told = turn is None and seen is None and _filters(query).keys() <= {*wanted}
    gone = _gone(connection, truth) if told else []
    presentation = parts().presentation
    sharing = sight.sharing(connection)
    records = [presentation.article(record, sharing) for record in page.records]
    turns = [paging.cursor(query, one, of="feed") for one in (page.next, page.prev)]
    links = {
        "self": paging.address(path, query),
        "first": paging.address(path, {name: value for name, value in query.items() if name != "cursor"}),
        "next": paging.beside(path, query, turns[0]),
        "prev": paging.beside(path, query, turns[1]),
        "hub": parts().settings.websub_hub if seen is None else None,
    }
    feed = Feed(
        id=uuid5(NAMESPACE_URL, paging.address("/v1/feeds/articles", _filters(query))),
        title=" | ".join([*named, presentation.publisher]),
        publisher=presentation.publisher,
        home=_home(query),
        api=presentation.api,
        own=str(links["self"]),
        first=str(links["first"]),
        next=links["next"],
        prev=links["prev"],
        hub=links["hub"],
        language=_language(query, records),
        records=records,
        gone=gone,
        page_of=presentation.page_of,
    )
    return Answer(
        body=form.document(feed),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest({truth.touched_at(), page.changed_at, *times, *(one.at for one in gone)}),
        words=frozenset(
            {
                *tags.of_list(query, truth.filters, truth.everything),
                *tags.names(records),
                *([tags.GONE] if told else ()),
            }
        ),
        tags=paging.tags(query),
        link=paging.link_header(links),
        media_type=form.MEDIA_TYPE,
    )


def _gone(connection: Connection, truth: facets.Truth) -> list[Gone]:
    """What was withdrawn from a list lately, the last first."""
    groups = sorted(truth.filters.values(), key=lambda found: sum(facet.articles for facet in found))
    named = [[facet.id for facet in found] for found in groups or [[truth.everything]]]
    left = departures.lately(connection, named)
    said = delta.told(connection, {one.seq for one in left}) if left else {}
    return [Gone(one.id, said[one.seq].slug, said[one.seq].version, said[one.seq].at) for one in left]


def _filters(query: paging.Query) -> paging.Query:
    return {name: value for name, value in query.items() if name in FILTERS}


def _names(connection: Connection, query: paging.Query) -> tuple[set[datetime | None], list[str]]:
    """What a feed is called after: the names of what its filters ask for. And when these last changed."""
    times: set[datetime | None] = set()
    told = []
    for filter_, kind in tags.FILTERS.items():
        slugs = query.get(filter_, ())[:NAMED_IN_TITLE]
        found: dict[str, Record] = taxonomy.by_slugs(connection, kind, slugs) if slugs else {}  # type: ignore[arg-type]
        times |= {term["changed_at"] for term in found.values()}
        told += [", ".join(found[slug]["name"] if slug in found else slug for slug in slugs)] if slugs else []
    told += [", ".join(query[name]) for name in ("format", "language") if name in query]
    return times, told


def _home(query: paging.Query) -> str:
    """The page on the site: that of the brand, author or section if it is the feed of one alone, or the first page."""
    filters = _filters(query)
    if len(filters) == 1:
        [(filter_, values)] = filters.items()
        if filter_ in {"brand", "author", "section"} and len(values) == 1:
            return parts().presentation.page_of(filter_, values[0]) or parts().presentation.site
    return parts().presentation.site


def _language(query: paging.Query, records: Iterable[Record]) -> str | None:
    """The language of a feed, where it has one."""
    found = set(query["language"]) if "language" in query else {record["language"] for record in records}
    return found.pop() if len(found) == 1 else None
