"""Pagination: cursors, canonical URLs, list queries and list responses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from marshmallow import ValidationError

from newsapi.api.parts import parts
from newsapi.cache.answer import Answer
from newsapi.errors import BadCursor
from newsapi.model.base import EPOCH, MICROSECOND
from newsapi.schemas.dump import Dump, json
from newsapi.schemas.queries import BESIDE_CURSOR, FACET_FILTERS, FILTERS, ArticleQuery, FeedQuery, OneArticleQuery
from newsapi.schemas.wire import written
from newsapi.store.database import Connection
from newsapi.store.facets import truth as truth_of
from newsapi.store.listing import Key, Position, Question, Turn

Query = dict[str, Any]

_HELD = {"articles": ArticleQuery(), "feed": FeedQuery()}
RELATED: int = OneArticleQuery().load({})["related_limit"]
"""Related articles of an article without `related_limit`."""


def with_cursor(query: Query, *, of: str = "articles") -> tuple[Query, Turn | None]:
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
    value = parts().cursors.read(query["cursor"], now=parts().now())
    try:
        cursor_list, filters, microseconds, hex_id, backward, inclusive = value
        if cursor_list != of:
            raise BadCursor("This cursor belongs to another list.")
        held_params = _HELD[of].load(filters)
        position = Position(EPOCH + microseconds * MICROSECOND, UUID(hex_id))
    except (ValueError, TypeError, ValidationError) as error:
        raise BadCursor("This cursor was made by an older release. Start again without a cursor.") from error
    beside_cursor = {name: value for name, value in query.items() if name in BESIDE_CURSOR}
    return {**held_params, **beside_cursor}, Turn(position, backward, inclusive)


def cursor(query: Query, turn: Turn | None, *, of: str = "articles") -> str | None:
    """Return the cursor of the next or previous page.

    Args:
        query: Query of the current page.
        page_start: Start of the other page; None if there is no such page.
        list_name: The list that the cursor belongs to: "articles" or "feed".

    Returns:
        The signed cursor, or None.
    """
    if turn is None:
        return None
    held_params = {name: text for name, text in canonical(query).items() if name not in BESIDE_CURSOR}
    microseconds = (turn.position.at - EPOCH) // MICROSECOND
    value = [of, held_params, microseconds, turn.position.id.hex, turn.back, turn.inclusive]
    return parts().cursors.write(value, now=parts().now())


def question(query: Query, turn: Turn | None) -> Question:
    """Return the list query without its facet filters, which `facet_filters` returns."""
    zone = parts().settings.time_zone

    def instant(name: str) -> datetime | None:
        return _instant(query[name], zone) if name in query else None

    return Question(
        key=cast("Key", query["sort"].removeprefix("-")),
        descending=query["sort"].startswith("-"),
        published=(instant("published_from"), instant("published_until")),
        updated=(instant("updated_from"), instant("updated_until")),
        ids=query.get("id"),
        slugs=query.get("slug"),
        turn=turn,
    )


def facets(query: Query) -> dict[str, tuple[str, ...]]:
    """Return the values of the filters that name facets."""
    return {name: query[name] for name in FACET_FILTERS if name in query}


def canonical(query: Mapping[str, Any], *, limit: int = 20) -> dict[str, str]:
    """Return the canonical form of a query, so that equivalent queries are equal.

    Parameters and values are sorted (except ids, whose order counts), defaults are left out, dates become instants.

    Args:
        query: Parsed query parameters.
        default_limit: The `limit` of this list if none is given.

    Returns:
        The parameters as text, sorted by name.
    """
    zone = parts().settings.time_zone
    defaults = {"sort": "-published_at", "limit": limit, "total": False, "min_seq": 0, "related_limit": RELATED}
    params: dict[str, str] = {}
    for name in sorted(query):
        value = query[name]
        if name in defaults and value == defaults[name]:
            continue
        if isinstance(value, tuple):
            params[name] = ",".join(map(str, value if name == "id" else sorted(value)))
        elif isinstance(value, date):
            params[name] = written(_instant(value, zone))
        else:
            params[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return params


def address(path: str, query: Mapping[str, Any], *, limit: int = 20) -> str:
    """Return the canonical URL of a read.

    `min_seq` is left out because it does not change the content, and so are the parameters that a cursor holds.

    Args:
        path: Path below the API URL.
        query: Parsed query parameters.
        default_limit: The `limit` of this list if none is given.
    """
    included = BESIDE_CURSOR if "cursor" in query else query.keys()
    params = canonical(query, limit=limit)
    text = urlencode(
        {name: value for name, value in params.items() if name in included and name != "min_seq"}, safe=",:"
    )
    return f"{parts().settings.api_url}{path}" + (f"?{text}" if text else "")


def beside(path: str, query: Query, turn: str | None) -> str | None:
    """Return the URL of the next or previous page, or None if its cursor is None."""
    if turn is None:
        return None
    params = {name: value for name, value in query.items() if name in BESIDE_CURSOR}
    return address(path, {**params, "cursor": turn})


def envelope(path: str, query: Query, data: list[Any], turns: tuple[str | None, str | None], **more: Any) -> Query:
    """Return the body of a list response: `data`, `page` and `links`.

    Args:
        path: Path of the list below the API URL.
        query: Query of the current page.
        items: The serialized items.
        cursors: Cursors of the next and of the previous page.
        **page_members: Further members of `page`, such as `total`.
    """
    next_cursor, prev_cursor = turns
    return {
        "data": data,
        "page": {"limit": query["limit"], "next": next_cursor, "prev": prev_cursor, **more},
        "links": {
            "self": address(path, query),
            "next": beside(path, query, next_cursor),
            "prev": beside(path, query, prev_cursor),
        },
    }


def link_header(links: Mapping[str, str | None]) -> str:
    """Return the value of a `Link` header (RFC 8288): the URLs by relation, without those that are None."""
    return ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)


def tags(query: Query) -> tuple[str, ...]:
    """Return the surrogate keys of an article list for CDNs.

    Filters by brand, section, author and tag have keys of their own. With any other filter, or with none, the list also
    carries the key of all articles.
    """
    term_filters = ("brand", "section", "author", "tag")
    keys = [f"{name}:{slug}" for name in term_filters for slug in query.get(name, ())]
    has_other_filters = bool((set(FILTERS) - set(term_filters)) & set(query))
    return tuple(keys) if keys and not has_other_filters else ("articles", *keys)


def behind(query: Query, *named: str) -> list[Any]:
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
    payload = [*parts().cursors.read(query["cursor"], now=parts().now())]
    if payload[: len(named)] != [*named]:
        raise BadCursor("This cursor belongs to another list.")
    return payload[len(named) :]


def last_first(
    connection: Connection, path: str, query: Query, rows: Sequence[Any], shown: Dump, *held: str | None
) -> Answer:
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
        next_cursor = parts().cursors.write([*held, page_rows[-1].id.hex], now=parts().now())
    snapshot = truth_of(connection, {})
    records = [dict(row._mapping) for row in page_rows]  # noqa: SLF001 (documented API of SQLAlchemy rows)
    body = envelope(path, query, [shown(record) for record in records], (next_cursor, None))
    return Answer(body=json(body), seq=snapshot.seq, mark=snapshot.mark, link=link_header(body["links"]))


def _instant(value: date, zone: ZoneInfo) -> datetime:
    """Return an instant; a date is the start of that day in the publisher's time zone."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), zone).astimezone(UTC)
