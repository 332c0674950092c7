"""Delta sync over HTTP: what happened since, and a cursor that leads on from there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from flask import Response
from flask.views import MethodView

from newsapi.api import crosslinks, paging, sight
from newsapi.api.answers import cached, held
from newsapi.api.articles import EVERYTHING
from newsapi.api.blueprints import Blueprint
from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.errors import BadCursor, ExpiredCursor
from newsapi.model.base import latest
from newsapi.schemas.articles import Article
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.partners import BESIDE, Changes, ChangesQuery
from newsapi.store import articles, delta, facets
from newsapi.store.database import Connection
from newsapi.store.delta import Event, Group, Told
from newsapi.store.departures import OUT_OF_SCOPE
from newsapi.store.facets import Truth

blueprint = Blueprint("changes", __name__, url_prefix="/v1/changes", description="What happened since")

PATH: Final = "/v1/changes"
PERIODS: Final = 14
"""How many periods of 30 days a cursor outlives its own: 400 days at least."""

FILTERS: Final = ("brand", "section", "author", "tag", "format", "language")
USUAL: Final = 100
"""Changes on a page, if nobody says."""

STANDS: Final = 1_000
"""Changes of others after which a cursor that has nothing to tell moves on: until then it stays as it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands: after a change with its mark (None: he only says its number).

    `ever` has, by filter, the facets that its values ever stood for; `licence` is a word for what his key is for.
    """

    after: int = 0
    mark: int | None = None
    ever: Mapping[str, list[int]] | None = None
    licence: str | None = None


@blueprint.route("")
class AllChanges(MethodView):
    """What happened."""

    @blueprint.doc(operationId="listChanges", summary="What happened since")
    @blueprint.arguments(ChangesQuery(), location="query", error_status_code=400)
    @blueprint.response(200, Changes)
    @blueprint.alt_response(410, "DEFAULT_ERROR", description="The cursor leads nowhere any more: start again")
    def get(self, query: paging.Query) -> Response:
        """The latest of each article that changed, came into the filter or left it, in the order of the log.

        Start without a cursor and keep the one that each answer brings: what you keep is the published set of the
        filter. Filters are for articles; names follow by `types`.
        """
        query, place = _placed(query)
        seconds = query.pop("wait")
        address = paging.address(PATH, query, limit=USUAL)
        if seconds:
            return held(address, query, lambda connection: _build(connection, query, place), seconds)
        return cached(address, query, lambda connection: _build(connection, query, place))


def _placed(query: paging.Query) -> tuple[paging.Query, Place]:
    """Answer the query with what its cursor holds, and where that stands. Raises BadCursor, ExpiredCursor."""
    if "cursor" not in query:
        return query, Place(query.get("since", 0))
    value = parts().cursors.read(query["cursor"], now=parts().now(), periods=PERIODS)
    try:
        where, filters, after, mark, ever, licence = value
        if where != "changes":
            raise BadCursor("This cursor belongs to another list.")
        told = {name: value for name, value in query.items() if name in BESIDE}
        return {**ChangesQuery().load(filters), **told}, Place(after, mark, ever, licence)
    except (ValueError, TypeError) as error:
        raise BadCursor("This cursor belongs to an older release; start again without one.") from error


class Scope(NamedTuple):
    """What somebody follows: filters as groups of facets, by name, and what decides on them."""

    truth: Truth
    groups: dict[str, Group]
    licence: str | None


def scope(connection: Connection, query: Mapping[str, Any], ever: Mapping[str, list[int]] | None = None) -> Scope:
    """Look the filters of a query up, and those of the caller's key beside them."""
    truth = facets.truth(connection, {name: query[name] for name in FILTERS if name in query})
    groups = {name: _group(found, ever, name) for name, found in truth.filters.items()}
    licence = sight.licence()
    if licence:
        own = facets.truth(connection, licence)
        groups |= {f"own {name}": _group(found, ever, f"own {name}") for name, found in own.filters.items()}
    word = None
    if parts().settings.public_body != "full":
        share = sight.sharing(connection)
        told = repr((share.inside, share.outside, sorted(licence.items())))
        word = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
    return Scope(truth, groups or {"all": _group([truth.everything], ever, "all")}, word)


def _group(found: Any, ever: Mapping[str, list[int]] | None, name: str) -> Group:
    now = frozenset(facet.id for facet in found)
    return Group(now, now | {*(ever or {}).get(name, ())}, sum(facet.articles for facet in found))


def _build(connection: Connection, query: paging.Query, place: Place) -> Answer:
    found = scope(connection, query, place.ever)
    truth, groups = found.truth, list(found.groups.values())
    after = _start(connection, found, place)
    kinds = query.get("types", ("article",))
    page = delta.page(connection, groups, kinds, after, truth.seq, limit=query["limit"])
    told = delta.told(connection, {event.seq for event in page.events} | {page.until, after})
    if place.mark is not None and after == place.after and delta.marks(told, after) != place.mark:
        raise ExpiredCursor  # the log was set back, and went another way from there
    more = page.until < truth.seq
    until = after if not page.events and not more and truth.seq - after <= STANDS else page.until
    shown = _shown(connection, query, page.events, told)
    ever = {name: sorted(group.ever) for name, group in found.groups.items()}
    said = {name: value for name, value in query.items() if name not in BESIDE and name != "since"}
    value = ["changes", paging.canonical(said), until, delta.marks(told, until), ever, found.licence]
    body = {
        "data": shown.data,
        "cursor": parts().cursors.write(value, now=parts().now()),
        "has_more": more,
    }
    names = {truth.terms[kind].id for kind in kinds if kind in truth.terms}
    own = {name: query[name] for name in truth.filters}
    words = {*tags.of_list(own, truth.filters, truth.everything), tags.GONE, *names, *shown.words}
    at = {truth.touched_at(), *(truth.terms[kind].at for kind in kinds if kind in truth.terms)}
    return Answer(
        body=json(body),
        seq=truth.seq,
        mark=truth.mark,
        changed_at=latest({*at, *shown.times}),
        words=frozenset(words),
        tags=(tags.ARTICLES,),
        keep=not more,
        idle=not page.events and not more,
    )


def _start(connection: Connection, found: Scope, place: Place) -> int:
    """Answer after which change to go on. Raises ExpiredCursor where only a new start tells the truth.

    A slug may have come to stand for something else. What is new in the filter is told from the beginning; where what
    is not in it any more still has articles, nobody could say any more which of them to take away.
    """
    if place.after > found.truth.seq or (place.mark is not None and place.licence != found.licence):
        raise ExpiredCursor
    if place.mark is None or place.ever is None:
        return place.after
    former = frozenset[int]().union(*(group.ever - group.now for group in found.groups.values()))
    if former and delta.members(connection, former):
        raise ExpiredCursor
    same = all(group.now <= {*place.ever.get(name, ())} for name, group in found.groups.items())
    return place.after if same else 0


class _Shown(NamedTuple):
    data: list[dict[str, Any]]
    words: set[tags.Word]
    times: set[Any]


def _shown(connection: Connection, query: paging.Query, events: list[Event], told: dict[int, Told]) -> _Shown:
    """Complete the events of a page."""
    here = [event.id for event in events if event.kind == "article" and event.action == "upsert"]
    paths = frozenset(query.get("fields", ()))
    wanted = {path.partition(".")[0] for path in paths} or EVERYTHING
    # As many as a power of two: of each number of ids a statement is kept.
    padded = here + here[-1:] * ((1 << max(len(here) - 1, 0).bit_length()) - len(here))
    page = articles.by_ids(connection, padded, wanted) if here else articles.Page([])
    linked = crosslinks.link(connection, page.records)
    words = {*tags.names(page.records), *linked.words}
    sharing, presentation = sight.sharing(connection), parts().presentation
    dump = compiled(Article, paths | {"id"} if paths else paths)
    shown = {record["id"]: record for record in page.records}
    bodies = {id_: dump(presentation.article(record, sharing)) for id_, record in shown.items()}
    left = [event.id for event in events if event.kind == "article" and event.action == "delete"]
    gone = delta.gone(connection, left) if left else {}
    named = _names(connection, events)
    data = []
    for event in events:
        said = told[event.seq]
        reason = event.reason or said.reason
        article = shown.get(event.id)
        data.append({
            "seq": event.seq,
            "type": event.kind,
            "action": event.action,
            "reason": reason,
            "id": event.id,
            "slug": article["slug"] if article else said.slug,
            "previous_slug": said.previous_slug,
            "version": article["version"] if article else said.version,
            "changed_at": said.at,
            "article": bodies.get(event.id),
            "gone": gone.get(event.id) if reason != OUT_OF_SCOPE else None,
            "name": named.get(event.id),
        })  # fmt: skip
    times = {page.changed_at, linked.changed_at, *(told[event.seq].at for event in events)}
    return _Shown(data, words, times)


def _names(connection: Connection, events: list[Event]) -> dict[Any, dict[str, str]]:
    found: dict[Any, dict[str, str]] = {}
    for kind in sorted({event.kind for event in events} - {"article"}):
        ids = [event.id for event in events if event.kind == kind and event.action == "upsert"]
        found |= delta.short(connection, kind, ids) if ids else {}
    return found
