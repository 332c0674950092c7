"""Requests for lists of articles: parsed once from the query, and used by the list, search, feeds and term pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, cast
from uuid import UUID

from newsapi.cache import dependencies as cache_dependencies
from newsapi.content.context import app_context
from newsapi.content.queries import listings
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.listings import ListQuery, PageStart, Position, SortKey
from newsapi.content.schemas.params import FACET_FILTERS, FILTERS, ArticleListParams
from newsapi.db.types import EPOCH, MICROSECOND
from newsapi.errors import CursorInvalid
from newsapi.text.json_types import JsonObject, JsonValue
from newsapi.text.slugs import is_uuid
from newsapi.web import pagination
from newsapi.web.pagination import ListCursor, Query
from newsapi.web.params import ALLOWED_WITH_CURSOR, defaults_of

ARTICLE_CURSOR: Final = ListCursor("articles", ArticleListParams())
"""Cursors of `GET /v1/articles`, also of the articles on a term's page."""

_TERM_FILTERS: Final = ("brand", "section", "author", "tag")


class ListPage(Protocol):
    """Where the pages on either side of a page start."""

    @property
    def next(self) -> PageStart | None: ...
    @property
    def prev(self) -> PageStart | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleListRequest:
    """A request for a page of a list of articles.

    Attributes:
        path: Path of the list below the API URL.
        cursor_kind: Which cursors the list has.
        params: All parameters in canonical form, those of the cursor included.
        page_params: Parameters that may change from page to page, as loaded.
        selection: Values of all filters, by name.
        filters: Values of the filters that name facets, by name.
        list_query: The sort, the other filters, and where the page starts.
        limit: Maximum number of articles on the page.
        total: Whether the articles of the whole list are counted.
        fields: Dotted paths of the fields to return; empty for those of a summary.
        profile: The fixed selection of fields; None without one.
        include: References to expand to full objects.
        search_text: Words that the articles contain; None without a search.
        statuses: Statuses of the articles, for editors; None for public articles.
        preview_token: Token of a preview link; None without one.
        position: Values of the cursor after its parameters; None on the first page.
    """

    path: str
    cursor_kind: ListCursor
    params: Mapping[str, str]
    page_params: Query
    selection: Mapping[str, Sequence[JsonValue]]
    filters: Mapping[str, tuple[str, ...]]
    list_query: ListQuery
    limit: int
    total: bool = False
    fields: frozenset[str] = frozenset()
    profile: str | None = None
    include: tuple[str, ...] = ()
    search_text: str | None = None
    statuses: tuple[str, ...] | None = None
    preview_token: str | None = None
    position: Sequence[JsonValue] | None = None

    @property
    def canonical_url(self) -> str:
        """The canonical URL of this page."""
        return pagination.build_url(self.path, self.params)

    @property
    def first_url(self) -> str:
        """The canonical URL of the first page."""
        return pagination.build_url(self.path, {name: text for name, text in self.params.items() if name != "cursor"})

    @property
    def is_first_page(self) -> bool:
        """Whether this is the first page of the list."""
        return self.position is None

    @property
    def is_plain(self) -> bool:
        """Whether this is a page of public summaries or cards in the order of a sort, as most lists are."""
        has_other_items = self.fields or self.include or self.search_text is not None or self.list_query.ids is not None
        return not has_other_items and self.statuses is None and self.preview_token is None

    @property
    def selects_by_facets_only(self) -> bool:
        """Whether every filter names facets that articles are in, so that the changelog records which left the list."""
        return self.selection.keys() <= self.filters.keys() - cache_dependencies.NEGATED_FILTERS

    @property
    def field_names(self) -> Collection[str]:
        """The top-level fields that `fields` names; empty for those of a summary."""
        return {path.partition(".")[0] for path in self.fields}

    def cursors(self, page: ListPage) -> tuple[str | None, str | None]:
        """Return the cursors of the next and of the previous page, None where there is none."""
        return self._cursor(page.next), self._cursor(page.prev)

    def _cursor(self, page_start: PageStart | None) -> str | None:
        if page_start is None:
            return None
        sort_time, id_ = page_start.position
        microseconds = (sort_time - EPOCH) // MICROSECOND
        return self.cursor((microseconds, id_.hex, page_start.backward, page_start.inclusive))

    def cursor(self, position: Sequence[object]) -> str:
        """Return the cursor of a page of this list that starts at a position, given as JSON values."""
        return pagination.make_cursor(self.cursor_kind, self.params, position)

    def adjacent_url(self, cursor: str | None) -> str | None:
        """Return the URL of the page that a cursor leads to; None for None."""
        return pagination.adjacent_url(self.path, self.params, cursor)

    def response_body(
        self, items: Sequence[object], cursors: tuple[str | None, str | None], count: int | None = None
    ) -> JsonObject:
        """Return the body of the response: `data`, `page` and `links`.

        Args:
            items: The serialized articles.
            cursors: Cursors of the next and of the previous page.
            count: Number of articles on the whole list, of which more than MAX_EXACT_COUNT are not counted; None if
                they were not counted.
        """
        body = pagination.page_response(self.path, self.params, self.limit, items, cursors)
        if count is not None:
            body["page"] |= {
                "total": min(count, listings.MAX_EXACT_COUNT),
                "total_is_lower_bound": count > listings.MAX_EXACT_COUNT,
            }
        return body

    def dependencies(self, snapshot: ReadSnapshot) -> set[cache_dependencies.Dependency]:
        """Return the dependencies that decide which articles are on the list."""
        return {*cache_dependencies.list_dependencies(self.selection, snapshot.filters, snapshot.everything)}

    def surrogate_keys(self) -> tuple[str, ...]:
        """Return the surrogate keys of the list for CDNs.

        Filters by brand, section, author and tag have keys of their own. With any other filter, or with none, the list
        also carries the key of all articles.
        """
        keys = [f"{name}:{slug}" for name in _TERM_FILTERS for slug in self.filters.get(name, ())]
        has_other_filters = not self.selection.keys() <= {*_TERM_FILTERS}
        return tuple(keys) if keys and not has_other_filters else (cache_dependencies.ALL_ARTICLES, *keys)


def parse_list_request(
    path: str, query: Query, cursor_kind: ListCursor = ARTICLE_CURSOR, *, sort: str | None = None
) -> ArticleListRequest:
    """Return the parsed request of a list of articles whose cursors hold the time and the id of an article.

    Args:
        path: Path of the list below the API URL.
        query: Parsed query parameters.
        cursor_kind: Which cursors the list has.
        sort: The sort of a list that has no parameter for it.

    Raises:
        CursorInvalid: The cursor is malformed, or was made for another list or by an older release.
        CursorExpired: The cursor is too old.
    """
    query, position = pagination.apply_cursor(query, cursor_kind)
    return _build_request(path, query, cursor_kind, position, _list_query(query, sort, _page_start(position)))


def parse_ranked_request(path: str, query: Query, cursor_kind: ListCursor) -> ArticleListRequest:
    """Return the parsed request of a list of articles in an order of its own; the list reads its cursors itself.

    Raises:
        CursorInvalid: The cursor is malformed, or was made for another list or by an older release.
        CursorExpired: The cursor is too old.
    """
    query, position = pagination.apply_cursor(query, cursor_kind)
    return _build_request(path, query, cursor_kind, position, _list_query(query, "-published_at", None))


def _build_request(
    path: str, query: Query, cursor_kind: ListCursor, position: Sequence[JsonValue] | None, list_query: ListQuery
) -> ArticleListRequest:
    """Return the request for a page, from the query with the parameters of its cursor."""
    return ArticleListRequest(
        path=path,
        cursor_kind=cursor_kind,
        params=pagination.canonical_params(query, defaults_of(type(cursor_kind.params))),
        page_params={name: value for name, value in query.items() if name in ALLOWED_WITH_CURSOR},
        selection={name: query[name] for name in FILTERS if name in query},
        filters={name: query[name] for name in FACET_FILTERS if name in query},
        list_query=list_query,
        limit=query["limit"],
        total=query.get("total", False),
        fields=frozenset(query.get("fields", ())),
        profile=query.get("profile"),
        include=query.get("include", ()),
        search_text=query.get("q"),
        statuses=query.get("status"),
        preview_token=query.get("preview"),
        position=position,
    )


def _page_start(position: Sequence[JsonValue] | None) -> PageStart | None:
    """Return the start of the page that a cursor names.

    Raises:
        CursorInvalid: The cursor was made by an older release.
    """
    if position is None:
        return None
    try:
        microseconds, hex_id, backward, inclusive = position
        return PageStart(Position(EPOCH + microseconds * MICROSECOND, UUID(hex_id)), backward, inclusive)
    except (ValueError, TypeError) as error:
        raise CursorInvalid(pagination.MADE_BY_OLDER_RELEASE) from error


def _list_query(query: Query, sort: str | None, page_start: PageStart | None) -> ListQuery:
    """Return the part of a query that filters by something else than facets, sorts, and starts the page."""
    zone = app_context().settings.time_zone

    def instant(name: str) -> datetime | None:
        return pagination.to_instant(query[name], zone) if name in query else None

    sort, excluded = sort or str(query["sort"]), query.get("exclude", ())
    return ListQuery(
        key=cast("SortKey", sort.removeprefix("-")),
        descending=sort.startswith("-"),
        published=(instant("published_from"), instant("published_until")),
        updated=(instant("updated_from"), instant("updated_until")),
        ids=query.get("id"),
        slugs=query.get("slug"),
        excluded_ids=tuple(UUID(name) for name in excluded if is_uuid(name)),
        excluded_slugs=tuple(name for name in excluded if not is_uuid(name)),
        page_start=page_start,
    )
