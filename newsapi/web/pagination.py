"""Pagination: cursors, canonical URLs and list responses. It knows no resource: the views pass in what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from marshmallow import Schema, ValidationError
from sqlalchemy import Row

from newsapi.cache.cached_response import CachedResponse
from newsapi.changelog.reader import get_head
from newsapi.db.database import Connection
from newsapi.errors import CursorInvalid
from newsapi.text.json_types import JsonObject, JsonValue
from newsapi.web.context import app_context
from newsapi.web.fast_dump import DumpFunction, dump_json
from newsapi.web.params import ALLOWED_WITH_CURSOR, PageParams, defaults_of
from newsapi.web.wire import format_instant

Query = JsonObject
"""Query parameters of a request, loaded with their schema."""

PAGE_DEFAULTS = defaults_of(PageParams)
"""Values of the parameters of every list that its canonical URL leaves out."""

MADE_BY_OLDER_RELEASE = "This cursor was made by an older release. Start again without a cursor."


class ListCursor(NamedTuple):
    """What identifies the lists that a cursor belongs to.

    Attributes:
        name: Name of the list, the first value of its cursors.
        params: Schema of the parameters that its cursors hold.
    """

    name: str
    params: Schema


def apply_cursor(query: Query, list_cursor: ListCursor) -> tuple[Query, Sequence[JsonValue] | None]:
    """Return the query with the parameters that its cursor holds, and the position that the cursor names.

    Args:
        query: Parsed query parameters.
        list_cursor: The list that the cursor must belong to.

    Returns:
        The complete query, and the values of the cursor after its parameters; None without a cursor.

    Raises:
        CursorInvalid: The cursor is malformed, or was made for another list or by an older release.
        CursorExpired: The cursor is too old.
    """
    if "cursor" not in query:
        return query, None
    try:
        params, *position = cursor_payload(query, list_cursor.name)
        held_params = list_cursor.params.load(params)
    except (ValueError, TypeError, ValidationError) as error:
        raise CursorInvalid(MADE_BY_OLDER_RELEASE) from error
    beside_cursor = {name: value for name, value in query.items() if name in ALLOWED_WITH_CURSOR}
    return {**held_params, **beside_cursor}, position


def make_cursor(list_cursor: ListCursor, params: Mapping[str, str], position: Iterable[object]) -> str:
    """Return a signed cursor.

    Args:
        list_cursor: The list that the cursor belongs to.
        params: Canonical parameters of the current page; the cursor holds those that may not change from page to page.
        position: Where the other page starts, as JSON values.
    """
    held_params = {name: text for name, text in params.items() if name not in ALLOWED_WITH_CURSOR}
    return app_context().cursors.write([list_cursor.name, held_params, *position], now=app_context().now())


def canonical_params(query: Mapping[str, JsonValue], defaults: Mapping[str, object] = PAGE_DEFAULTS) -> dict[str, str]:
    """Return the canonical form of a query, so that equivalent queries are equal.

    Parameters and values are sorted (except ids, whose order counts), defaults are left out, dates become instants.

    Args:
        query: Parsed query parameters.
        defaults: The defaults of this read, which are left out.

    Returns:
        The parameters as text, sorted by name.
    """
    params: dict[str, str] = {}
    for name in sorted(query):
        value = query[name]
        if name in defaults and value == defaults[name]:
            continue
        if isinstance(value, tuple):
            params[name] = ",".join(map(str, value if name == "id" else sorted(value)))
        elif isinstance(value, date):
            params[name] = format_instant(to_instant(value, app_context().settings.time_zone))
        else:
            params[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return params


def canonical_url(path: str, query: Mapping[str, JsonValue], defaults: Mapping[str, object] = PAGE_DEFAULTS) -> str:
    """Return the canonical URL of a read.

    `min_seq` is left out because it does not change the content, and so are the parameters that a cursor holds.

    Args:
        path: Path below the API URL.
        query: Parsed query parameters.
        defaults: The defaults of this read, which are left out.
    """
    return build_url(path, canonical_params(query, defaults))


def build_url(path: str, params: Mapping[str, str]) -> str:
    """Return the URL of a read from its canonical parameters, as `canonical_url` does from the query."""
    included = ALLOWED_WITH_CURSOR if "cursor" in params else params.keys()
    text = urlencode(
        {name: value for name, value in params.items() if name in included and name != "min_seq"}, safe=",:"
    )
    return f"{app_context().settings.api_url}{path}" + (f"?{text}" if text else "")


def adjacent_url(path: str, params: Mapping[str, str], adjacent_cursor: str | None) -> str | None:
    """Return the URL of the next or previous page, or None if its cursor is None.

    Args:
        path: Path of the list below the API URL.
        params: Canonical parameters of the current page.
        adjacent_cursor: Cursor of the other page.
    """
    return (
        None
        if adjacent_cursor is None
        else build_url(path, dict(sorted({**params, "cursor": adjacent_cursor}.items())))
    )


def list_response(
    path: str, query: Query, items: list[JsonObject], cursors: tuple[str | None, str | None]
) -> JsonObject:
    """Return the body of a list response: `data`, `page` and `links`.

    Args:
        path: Path of the list below the API URL.
        query: Query of the current page.
        items: The serialized items.
        cursors: Cursors of the next and of the previous page.
    """
    return page_response(path, canonical_params(query), query["limit"], items, cursors)


def page_response(
    path: str, params: Mapping[str, str], limit: int, items: Sequence[object], cursors: tuple[str | None, str | None]
) -> JsonObject:
    """Return the body of a list response, as `list_response` does, from the canonical parameters of the page."""
    next_cursor, prev_cursor = cursors
    return {
        "data": items,
        "page": {"limit": limit, "next": next_cursor, "prev": prev_cursor},
        "links": {
            "self": build_url(path, params),
            "next": adjacent_url(path, params, next_cursor),
            "prev": adjacent_url(path, params, prev_cursor),
        },
    }


def link_header(links: Mapping[str, str | None]) -> str:
    """Return the value of a `Link` header (RFC 8288): the URLs by relation, without those that are None."""
    return ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)


def cursor_payload(query: Query, *list_id: str) -> list[JsonValue]:
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
    connection: Connection,
    path: str,
    query: Query,
    rows: Sequence[Row[*tuple[Any, ...]]],
    dump: DumpFunction,
    *cursor_values: str | None,
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
    records = [dict(row._mapping) for row in page_rows]  # noqa: SLF001 (documented API of SQLAlchemy rows)
    return forward_page(connection, path, query, [dump(record) for record in records], next_cursor)


def forward_page(
    connection: Connection, path: str, query: Query, items: list[JsonObject], next_cursor: str | None
) -> CachedResponse:
    """Return the response of a list that is read in one direction only.

    Args:
        connection: A read transaction.
        path: Path of the list below the API URL.
        query: Parsed query parameters.
        items: The serialized items of the page.
        next_cursor: Cursor of the next page; None on the last one.
    """
    seq, nonce = get_head(connection)
    body = list_response(path, query, items, (next_cursor, None))
    return CachedResponse(body=dump_json(body), seq=seq, nonce=nonce, link=link_header(body["links"]))


def to_instant(value: date, zone: ZoneInfo) -> datetime:
    """Return an instant; a date is the start of that day in the publisher's time zone."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), zone).astimezone(UTC)
