"""From a query to a question and back to addresses: canonical links, cursors, the key of an answer."""

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
"""How many related articles come with one, if nobody says."""


def with_cursor(query: Query, *, of: str = "articles") -> tuple[Query, Turn | None]:
    """Answer the query with the filters and the sort its cursor holds, and where the page starts.

    `of` is the list that it has to be a cursor of: `articles` or `feed`.

    Raises BadCursor or ExpiredCursor.
    """
    if "cursor" not in query:
        return query, None
    value = parts().cursors.read(query["cursor"], now=parts().now())
    try:
        where, filters, micros, hexadecimal, back, inclusive = value
        if where != of:
            raise BadCursor("This cursor belongs to another list.")
        held = _HELD[of].load(filters)
        position = Position(EPOCH + micros * MICROSECOND, UUID(hexadecimal))
    except (ValueError, TypeError, ValidationError) as error:
        raise BadCursor("This cursor belongs to an older release; start again without one.") from error
    shape = {name: value for name, value in query.items() if name in BESIDE_CURSOR}
    return {**held, **shape}, Turn(position, back, inclusive)


def cursor(query: Query, turn: Turn | None, *, of: str = "articles") -> str | None:
    """Write the cursor of a page beside this one."""
    if turn is None:
        return None
    held = {name: text for name, text in canonical(query).items() if name not in BESIDE_CURSOR}
    micros = (turn.position.at - EPOCH) // MICROSECOND
    value = [of, held, micros, turn.position.id.hex, turn.back, turn.inclusive]
    return parts().cursors.write(value, now=parts().now())


def question(query: Query, turn: Turn | None) -> Question:
    """Answer what the store is asked, facets apart."""
    zone = parts().settings.time_zone

    def moment(name: str) -> datetime | None:
        return _instant(query[name], zone) if name in query else None

    return Question(
        key=cast("Key", query["sort"].removeprefix("-")),
        descending=query["sort"].startswith("-"),
        published=(moment("published_from"), moment("published_until")),
        updated=(moment("updated_from"), moment("updated_until")),
        ids=query.get("id"),
        slugs=query.get("slug"),
        turn=turn,
    )


def facets(query: Query) -> dict[str, tuple[str, ...]]:
    """Answer the filters that name facets."""
    return {name: query[name] for name in FACET_FILTERS if name in query}


def canonical(query: Mapping[str, Any], *, limit: int = 20) -> dict[str, str]:
    """Answer the query in its one form: sorted, defaults left out, days as instants. Equal questions look equal.

    `limit` is the one that this list has if none is asked for.
    """
    zone = parts().settings.time_zone
    usual = {"sort": "-published_at", "limit": limit, "total": False, "min_seq": 0, "related_limit": RELATED}
    shown: dict[str, str] = {}
    for name in sorted(query):
        value = query[name]
        if name in usual and value == usual[name]:
            continue
        if isinstance(value, tuple):
            shown[name] = ",".join(map(str, value if name == "id" else sorted(value)))
        elif isinstance(value, date):
            shown[name] = written(_instant(value, zone))
        else:
            shown[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return shown


def address(path: str, query: Mapping[str, Any], *, limit: int = 20) -> str:
    """Answer the address of a read, with its query in the one form.

    `min_seq` says nothing of what is read, and what a cursor holds does not stand beside it.
    """
    said = BESIDE_CURSOR if "cursor" in query else query.keys()
    shown = {name: value for name, value in canonical(query, limit=limit).items() if name in said and name != "min_seq"}
    text = urlencode(shown, safe=",:")
    return f"{parts().settings.api_url}{path}" + (f"?{text}" if text else "")


def beside(path: str, query: Query, turn: str | None) -> str | None:
    """Answer the address of a page beside this one."""
    if turn is None:
        return None
    shape = {name: value for name, value in query.items() if name in BESIDE_CURSOR and name != "cursor"}
    return address(path, {**shape, "cursor": turn})


def envelope(path: str, query: Query, data: list[Any], turns: tuple[str | None, str | None], **more: Any) -> Query:
    """Answer a list as it is sent; `turns` are the cursors of the next page and of the one before."""
    following, previous = turns
    return {
        "data": data,
        "page": {"limit": query["limit"], "next": following, "prev": previous, **more},
        "links": {
            "self": address(path, query),
            "next": beside(path, query, following),
            "prev": beside(path, query, previous),
        },
    }


def link_header(links: Mapping[str, str | None]) -> str:
    """Answer the links as a `Link` header (RFC 8288)."""
    return ", ".join(f'<{url}>; rel="{name}"' for name, url in links.items() if url)


def tags(query: Query) -> tuple[str, ...]:
    """Answer the words for CDNs: those of the filters that can be named so, or that of all articles."""
    words = [f"{name}:{slug}" for name in ("brand", "section", "author", "tag") for slug in query.get(name, ())]
    others = set(FILTERS) - {"brand", "section", "author", "tag"}
    return tuple(words) if words and not others & set(query) else ("articles", *words)


def behind(query: Query, *named: str) -> list[Any]:
    """Answer what the cursor of a list holds behind the words that name the list.

    Raises BadCursor, where it belongs to another list too, and ExpiredCursor.
    """
    held = [*parts().cursors.read(query["cursor"], now=parts().now())]
    if held[: len(named)] != [*named]:
        raise BadCursor("This cursor belongs to another list.")
    return held[len(named) :]


def last_first(
    connection: Connection, path: str, query: Query, rows: Sequence[Any], shown: Dump, *held: str | None
) -> Answer:
    """Answer a page of a list whose rows come by id, the last first.

    In: one row more than is shown, if there is one; how a row is shown; what the cursor holds beside the last id.
    """
    page, after = rows[: query["limit"]], None
    if len(rows) > len(page):
        after = parts().cursors.write([*held, page[-1].id.hex], now=parts().now())
    truth = truth_of(connection, {})
    records = [dict(row._mapping) for row in page]  # noqa: SLF001 (the documented way to a row's names)
    body = envelope(path, query, [shown(record) for record in records], (after, None))
    return Answer(body=json(body), seq=truth.seq, mark=truth.mark, link=link_header(body["links"]))


def _instant(value: date, zone: ZoneInfo) -> datetime:
    """A plain date is the start of that day in the newsroom's zone."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), zone).astimezone(UTC)
