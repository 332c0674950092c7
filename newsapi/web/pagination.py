"""Pagination: cursors, canonical URLs, list queries and list responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from newsapi.cache.cached_response import CachedResponse
from newsapi.content.queries.facets import resolve_filters as truth_of
from newsapi.content.queries.listings import ListQuery, PageStart, Position, SortKey
from newsapi.content.schemas.params import FACET_FILTERS, FILTERS, ArticleListParams, ArticleParams, FeedParams
from newsapi.db.database import Connection
from newsapi.db.types import EPOCH, MICROSECOND
from newsapi.errors import CursorInvalid
from newsapi.web.context import app_context
from newsapi.web.fast_dump import DumpFunction, dump_json
from newsapi.web.params import ALLOWED_WITH_CURSOR
from newsapi.web.wire import format_instant

Query = dict[str, Any]

_CURSOR_SCHEMAS = {"articles": ArticleListParams(), "feed": FeedParams()}
DEFAULT_RELATED_LIMIT: int = ArticleParams().load({})["related_limit"]
"""Related articles of an article without `related_limit`."""


def apply_cursor(query: Query, *, list_name: str = "articles") -> tuple[Query, PageStart | None]:
    """Return the query with the filters and the sort of its cursor, and the start of the page.

    Args:
        query: Parsed query parameters.
        list_name: The list that the cursor must belong to: "articles" or "feed".

    Returns:
        The complete query, and the page start; None without a cursor.

    Raises:
        CursorInvalid: The cursor is malformed, or was made for another list or by an older release.
        CursorExpired: The cursor is too old.
    """
    if "cursor" not in query:
        return query, None
    value = app_context().cursors.read(query["cursor"], now=app_context().now())
    try:
        cursor_list, filters, microseconds, hex_id, backward, inclusive = value
        if cursor_list != list_name:
            raise CursorInvalid("This cursor belongs to another list.")
        held_params = _CURSOR_SCHEMAS[list_name].load(filters)
        position = Position(EPOCH + microseconds * MICROSECOND, UUID(hex_id))
    except (ValueError, TypeError, ValidationError) as error:
        raise CursorInvalid("This cursor was made by an older release. Start again without a cursor.") from error
    beside_cursor = {name: value for name, value in query.items() if name in ALLOWED_WITH_CURSOR}
    return {**held_params, **beside_cursor}, PageStart(position, backward, inclusive)


def make_cursor(query: Query, page_start: PageStart | None, *, list_name: str = "articles") -> str | None:
    """Return the cursor of the next or previous page.

    Args:
        query: Query of the current page.
        page_start: Start of the other page; None if there is no such page.
        list_name: The list that the cursor belongs to: "articles" or "feed".

    Returns:
        The signed cursor, or None.
    """
    if page_start is None:
        return None
    held_params = {name: text for name, text in canonical_params(query).items() if name not in ALLOWED_WITH_CURSOR}
    microseconds = (page_start.position.sort_time - EPOCH) // MICROSECOND
    value = [
        list_name,
        held_params,
        microseconds,
        page_start.position.id.hex,
        page_start.backward,
        page_start.inclusive,
    ]
    return app_context().cursors.write(value, now=app_context().now())


def list_query(query: Query, page_start: PageStart | None) -> ListQuery:
    """Return the list query without its facet filters, which `facet_filters` returns."""
    zone = app_context().settings.time_zone

    def instant(name: str) -> datetime | None:
        return _instant(query[name], zone) if name in query else None

    return ListQuery(
        key=cast("SortKey", query["sort"].removeprefix("-")),
        descending=query["sort"].startswith("-"),
        published=(instant("published_from"), instant("published_until")),
        updated=(instant("updated_from"), instant("updated_until")),
        ids=query.get("id"),
        slugs=query.get("slug"),
        page_start=page_start,
    )


def facet_filters(query: Query) -> dict[str, tuple[str, ...]]:
    """Return the values of the filters that name facets."""
    return {name: query[name] for name in FACET_FILTERS if name in query}


def canonical_params(query: Mapping[str, Any], *, default_limit: int = 20) -> dict[str, str]:
    """Return the canonical form of a query, so that equivalent queries are equal.

    Parameters and values are sorted (except ids, whose order counts), defaults are left out, dates become instants.

    Args:
        query: Parsed query parameters.
        default_limit: The `limit` of this list if none is given.

    Returns:
        The parameters as text, sorted by name.
    """
    zone = app_context().settings.time_zone
    defaults = {
        "sort": "-published_at",
        "limit": default_limit,
        "total": False,
        "min_seq": 0,
        "related_limit": DEFAULT_RELATED_LIMIT,
    }
    params: dict[str, str] = {}
    for name in sorted(query):
        value = query[name]
        if name in defaults and value == defaults[name]:
            continue
        if isinstance(value, tuple):
            params[name] = ",".join(map(str, value if name == "id" else sorted(value)))
        elif isinstance(value, date):
            params[name] = format_instant(_instant(value, zone))
        else:
            params[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return params


def canonical_url(path: str, query: Mapping[str, Any], *, default_limit: int = 20) -> str:
    """Return the canonical URL of a read.

    `min_seq` is left out because it does not change the content, and so are the parameters that a cursor holds.

    Args:
        path: Path below the API URL.
        query: Parsed query parameters.
        default_limit: The `limit` of this list if none is given.
    """
    included = ALLOWED_WITH_CURSOR if "cursor" in query else query.keys()
    params = canonical_params(query, default_limit=default_limit)
    text = urlencode(
        {name: value for name, value in params.items() if name in included and name != "min_seq"}, safe=",:"
    )
    return f"{app_context().settings.api_url}{path}" + (f"?{text}" if text else "")


def adjacent_url(path: str, query: Query, adjacent_cursor: str | None) -> str | None:
    """Return the URL of the next or previous page, or None if its cursor is None."""
    if adjacent_cursor is None:
        return None
    params = {name: value for name, value in query.items() if name in ALLOWED_WITH_CURSOR}
    return canonical_url(path, {**params, "cursor": adjacent_cursor})


def list_response(
    path: str, query: Query, items: list[Any], cursors: tuple[str | None, str | None], **page_members: Any
) -> Query:
    """Return the body of a list response: `data`, `page` and `links`.

    Args:
        path: Path of the list below the API URL.
        query: Query of the current page.
        items: The serialized items.
        cursors: Cursors of the next and of the previous page.
        **page_members: Further members of `page`, such as `total`.
    """
    next_cursor, prev_cursor = cursors
    return {
        "data": items,
        "page": {"limit": query["limit"], "next": next_cursor, "prev": prev_cursor, **page_members},
        "links": {
            "self": canonical_url(path, query),
            "next": adjacent_url(path, query, next_cursor),
            "prev": adjacent_url(path, query, prev_cursor),
        },
    }


def link_header(links: Mapping[str, str | None]) -> str:
    """Return the value of a `Link` header (RFC 8288): the URLs by relation, without those that are None."""
    return ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)


def surrogate_keys(query: Query) -> tuple[str, ...]:
    """Return the surrogate keys of an article list for CDNs.

    Filters by brand, section, author and tag have keys of their own. With any other filter, or with none, the list also
    carries the key of all articles.
    """
    term_filters = ("brand", "section", "author", "tag")
    keys = [f"{name}:{slug}" for name in term_filters for slug in query.get(name, ())]
    has_other_filters = bool((set(FILTERS) - set(term_filters)) & set(query))
    return tuple(keys) if keys and not has_other_filters else ("articles", *keys)


def cursor_payload(query: Query, *list_id: str) -> list[Any]:
    """Return the payload of a cursor after the values that identify its list.

    Args:
        query: Parsed query parameters with `cursor`.
        *list_id: The values that the cursor must begin with.

    Returns:
        The remaining values of the cursor.

    Raises:
        CursorInvalid: The cursor is malformed or belongs to another list.
        CursorExpired: The cursor is too old.
    """
    payload = [*app_context().cursors.read(query["cursor"], now=app_context().now())]
    if payload[: len(list_id)] != [*list_id]:
        raise CursorInvalid("This cursor belongs to another list.")
    return payload[len(list_id) :]


def newest_first_page(
    connection: Connection, path: str, query: Query, rows: Sequence[Any], dump: DumpFunction, *cursor_values: str | None
) -> CachedResponse:
    """Return the response of a list that is sorted by descending id (UUIDv7: newest first).

    Args:
        connection: A read transaction.
        path: Path of the list below the API URL.
        query: Parsed query parameters.
        rows: The rows of the page, and one more if there is a next page.
        dump: Serializes one row.
        *cursor_values: Values of the next cursor before the id of the last row.
    """
    page_rows, next_cursor = rows[: query["limit"]], None
    if len(rows) > len(page_rows):
        next_cursor = app_context().cursors.write([*cursor_values, page_rows[-1].id.hex], now=app_context().now())
    snapshot = truth_of(connection, {})
    records = [dict(row._mapping) for row in page_rows]  # noqa: SLF001 (documented API of SQLAlchemy rows)
    body = list_response(path, query, [dump(record) for record in records], (next_cursor, None))
    return CachedResponse(body=dump_json(body), seq=snapshot.seq, nonce=snapshot.nonce, link=link_header(body["links"]))


def _instant(value: date, zone: ZoneInfo) -> datetime:
    """Return an instant; a date is the start of that day in the publisher's time zone."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), zone).astimezone(UTC)
