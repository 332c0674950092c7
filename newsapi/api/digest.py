"""The digest over HTTP: sums by which a partner finds what is wrong in his mirror, in three requests."""

from __future__ import annotations

from typing import Any, Final

from flask import Response
from flask.views import MethodView

from newsapi.api import paging
from newsapi.api.answers import cached
from newsapi.api.blueprints import Blueprint
from newsapi.api.changes import Scope, scope
from newsapi.cache import tags
from newsapi.cache.answer import Answer
from newsapi.errors import Fault, Invalid
from newsapi.schemas.dump import compiled, json
from newsapi.schemas.partners import Digest as Shape
from newsapi.schemas.partners import DigestOf, DigestQuery
from newsapi.store import delta, tallies
from newsapi.store.database import Connection
from newsapi.store.tallies import BUCKETS, Item, Sum

blueprint = Blueprint("digest", __name__, url_prefix="/v1/digest", description="Compare a mirror with what there is")

PATH: Final = "/v1/digest"

MOST: Final = 20_000
"""Articles of the rarest filter that are counted one by one."""

_APART: Final = ("brand", "section", "format", "language", "all")
"""Filters of whose values an article has one: what their facets hold can be added up."""


@blueprint.route("")
class Digest(MethodView):
    """Sums of a filter."""

    @blueprint.doc(operationId="getDigest", summary="Count and hash of the articles of a filter, in buckets")
    @blueprint.arguments(DigestQuery(), location="query", error_status_code=400)
    @blueprint.response(200, Shape)
    def get(self, query: paging.Query) -> Response:
        """Compare the sums with those of your mirror, ask for the bucket that differs, and for the one inside it.

        Several filters at once are summed up where the rarest has 20,000 articles or fewer; of more, ask by `bucket`.
        """
        return cached(paging.address(PATH, query), query, lambda connection: _build(connection, query))


def _build(connection: Connection, query: paging.Query) -> Answer:
    found = scope(connection, query)
    name = query.get("bucket")
    if name is None:
        sums, items = dict(enumerate(_whole(connection, found))), []
    else:
        outer, dot, inner = name.partition(".")
        first = int(outer) * BUCKETS + int(inner or 0)
        placed = list(tallies.in_buckets(connection, first, first if dot else first + BUCKETS - 1))
        among = _in_scope(connection, found, placed)
        items = [item for _, item in among] if dot else []
        sums = {} if dot else _gathered(among, lambda place: place % BUCKETS)
    total = tallies.added(items) if items else _total(sums.values())
    prefix = "" if name is None else f"{name}."
    buckets = [{"bucket": f"{prefix}{place}", **_said(of)} for place, of in sorted(sums.items()) if of.articles]
    listed = [item._asdict() for item in sorted(items)]
    data = {"bucket": name, "seq": found.truth.seq, **_said(total), "buckets": buckets, "articles": listed}
    own = {filter_: query[filter_] for filter_ in found.truth.filters}
    return Answer(
        body=json({"data": compiled(DigestOf)(data)}),
        seq=found.truth.seq,
        mark=found.truth.mark,
        changed_at=found.truth.touched_at(),
        words=frozenset(tags.of_list(own, found.truth.filters, found.truth.everything)),
        tags=(tags.ARTICLES,),
    )


def _whole(connection: Connection, found: Scope) -> list[Sum]:
    """The sums of the whole filter: those that are kept, where they can be added up, or else counted now."""
    groups = list(found.groups.values())
    if not all(group.now for group in groups):
        return []
    if len(groups) == 1 and (next(iter(found.groups)).removeprefix("own ") in _APART or len(groups[0].now) == 1):
        return tallies.of_facets(connection, sorted(groups[0].now))
    ids = delta.rarest(connection, groups, MOST)
    if ids is None:
        raise Invalid(
            [Fault("bucket", f"must be given here, 0 to {BUCKETS - 1}: these filters hold too many articles")]
        )
    sums = _gathered(_in_scope(connection, found, list(tallies.named(connection, ids))), lambda place: place // BUCKETS)
    return [sums.get(place, Sum()) for place in range(BUCKETS)]


def _in_scope(connection: Connection, found: Scope, placed: list[tuple[int, Item]]) -> list[tuple[int, Item]]:
    if "all" in found.groups:
        return placed
    within = delta.in_scope(connection, list(found.groups.values()), [item.id for _, item in placed])
    return [(place, item) for place, item in placed if item.id in within]


def _gathered(placed: list[tuple[int, Item]], of: Any) -> dict[int, Sum]:
    items: dict[int, list[Item]] = {}
    for place, item in placed:
        items.setdefault(of(place), []).append(item)
    return {place: tallies.added(some) for place, some in items.items()}


def _total(sums: Any) -> Sum:
    found = list(sums)
    return Sum(sum(one.articles for one in found), sum(one.total for one in found) % (1 << 64))


def _said(of: Sum) -> dict[str, Any]:
    return {"count": of.articles, "hash": f"{of.total:016x}"}
