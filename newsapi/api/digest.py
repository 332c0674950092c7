"""Digest: counts and hashes by which a partner finds the errors of a mirror in three requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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

blueprint = Blueprint("digest", __name__, url_prefix="/v1/digest", description="Verify a mirror")

PATH: Final = "/v1/digest"

MOST: Final = 20_000
"""Articles of the smallest filter up to which several filters are summed article by article."""

_APART: Final = ("brand", "section", "format", "language", "all")
"""Filters of which an article has one value only, so that the stored sums of their facets can be added."""


@blueprint.route("")
class Digest(MethodView):
    """The digest of a filter."""

    @blueprint.doc(operationId="getDigest", summary="Get the digest of a filter")
    @blueprint.arguments(DigestQuery(), location="query", error_status_code=400)
    @blueprint.response(200, Shape)
    def get(self, query: paging.Query) -> Response:
        """Return the count and the hash of the articles of a filter, in total and by bucket.

        Each article adds the first 8 bytes of the SHA-256 of `ID:VERSION`, read as a big-endian integer; `hash` is the
        sum modulo 2^64 in hexadecimal, so it does not depend on the order. Compare the buckets with those of your
        mirror, request the bucket that differs, then the bucket inside it that differs: the third response lists its
        articles.

        With several filters, the total is available if the smallest filter has at most 20,000 articles; otherwise
        `bucket` is required.
        """
        return cached(paging.address(PATH, query), query, lambda connection: _build(connection, query))


def _build(connection: Connection, query: paging.Query) -> Answer:
    sync_scope = scope(connection, query)
    snapshot, name = sync_scope.truth, query.get("bucket")
    items: list[Item] = []
    sums: dict[int, Sum] = {}
    if name is None:
        sums = dict(enumerate(_whole(connection, sync_scope)))
    else:
        outer, dot, inner = name.partition(".")
        first = int(outer) * BUCKETS + int(inner or 0)
        last = first if dot else first + BUCKETS - 1
        numbered = _in_scope(connection, sync_scope, list(tallies.in_buckets(connection, first, last)))
        if dot:
            items = [item for _, item in numbered]
        else:
            sums = _gathered(numbered, lambda number: number % BUCKETS)
    total = tallies.added(items) if items else _total(sums.values())
    prefix = "" if name is None else f"{name}."
    data = {
        "bucket": name,
        "seq": snapshot.seq,
        **_said(total),
        "buckets": [
            {"bucket": f"{prefix}{number}", **_said(bucket_sum)}
            for number, bucket_sum in sorted(sums.items())
            if bucket_sum.articles
        ],
        "articles": [item._asdict() for item in sorted(items)],
    }
    filter_values = {filter_name: query[filter_name] for filter_name in snapshot.filters}
    return Answer(
        body=json({"data": compiled(DigestOf)(data)}),
        seq=snapshot.seq,
        mark=snapshot.mark,
        changed_at=snapshot.touched_at(),
        words=frozenset(tags.of_list(filter_values, snapshot.filters, snapshot.everything)),
        tags=(tags.ARTICLES,),
    )


def _whole(connection: Connection, sync_scope: Scope) -> list[Sum]:
    """Return the sums of the whole filter by bucket: the stored sums if they can be added, else computed ones.

    Raises:
        InvalidParameter: The sums cannot be added, and the smallest filter holds too many articles to compute them.
    """
    groups = list(sync_scope.groups.values())
    if not all(group.now for group in groups):
        return []
    if len(groups) == 1:
        [(filter_name, group)] = sync_scope.groups.items()
        if filter_name.removeprefix("own ") in _APART or len(group.now) == 1:
            return tallies.of_facets(connection, sorted(group.now))
    ids = delta.rarest(connection, groups, MOST)
    if ids is None:
        raise Invalid(
            [Fault("bucket", f"is required here, from 0 to {BUCKETS - 1}: these filters hold too many articles")]
        )
    numbered = _in_scope(connection, sync_scope, list(tallies.named(connection, ids)))
    sums = _gathered(numbered, lambda number: number // BUCKETS)
    return [sums.get(bucket, Sum()) for bucket in range(BUCKETS)]


def _in_scope(connection: Connection, sync_scope: Scope, numbered: list[tuple[int, Item]]) -> list[tuple[int, Item]]:
    """Return the items that are in the scope, each with the number of its inner bucket."""
    if "all" in sync_scope.groups:
        return numbered
    ids = delta.in_scope(connection, list(sync_scope.groups.values()), [item.id for _, item in numbered])
    return [(number, item) for number, item in numbered if item.id in ids]


def _gathered(numbered: list[tuple[int, Item]], bucket_of: Callable[[int], int]) -> dict[int, Sum]:
    """Return the sum of each bucket; `bucket_of` returns the bucket of an inner bucket number."""
    items: dict[int, list[Item]] = {}
    for number, item in numbered:
        items.setdefault(bucket_of(number), []).append(item)
    return {bucket: tallies.added(bucket_items) for bucket, bucket_items in items.items()}


def _total(sums: Iterable[Sum]) -> Sum:
    all_sums = list(sums)
    count = sum(bucket_sum.articles for bucket_sum in all_sums)
    return Sum(count, sum(bucket_sum.total for bucket_sum in all_sums) % (1 << 64))


def _said(bucket_sum: Sum) -> dict[str, Any]:
    return {"count": bucket_sum.articles, "hash": f"{bucket_sum.total:016x}"}
