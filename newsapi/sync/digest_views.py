"""Digest: counts and hashes by which a partner finds the errors of a mirror in three requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from flask import Response
from flask.views import MethodView

from newsapi.cache import dependencies
from newsapi.cache.cached_response import CachedResponse
from newsapi.changelog import digests as changelog_digests
from newsapi.changelog.digests import BUCKETS, BucketSum, DigestItem
from newsapi.db.database import Connection
from newsapi.errors import FieldError, InvalidParameter
from newsapi.sync import delta, digest_queries
from newsapi.sync.change_views import SyncScope, scope
from newsapi.sync.schemas import DigestLevel, DigestParams, DigestSchema
from newsapi.web import pagination
from newsapi.web.blueprint import Blueprint
from newsapi.web.fast_dump import compile_dump, dump_json
from newsapi.web.responses import cached_response

blueprint = Blueprint("digest", __name__, url_prefix="/v1/digest", description="Verify a mirror")

PATH: Final = "/v1/digest"

MAX_COUNTED_ARTICLES: Final = 20_000
"""Articles of the smallest filter up to which several filters are summed article by article."""

_DISJOINT_FILTERS: Final = ("brand", "section", "format", "language", "all")
"""Filters of which an article has one value only, so that the stored sums of their facets can be added."""


@blueprint.route("")
class Digest(MethodView):
    """The digest of a filter."""

    @blueprint.doc(operationId="getDigest", summary="Get the digest of a filter")
    @blueprint.arguments(DigestParams(), location="query", error_status_code=400)
    @blueprint.response(200, DigestSchema)
    def get(self, query: pagination.Query) -> Response:
        """Return the count and the hash of the articles of a filter, in total and by bucket.

        Each article adds the first 8 bytes of the SHA-256 of `ID:VERSION`, read as a big-endian integer; `hash` is the
        sum modulo 2^64 in hexadecimal, so it does not depend on the order. Compare the buckets with those of your
        mirror, request the bucket that differs, then the bucket inside it that differs: the third response lists its
        articles.

        With several filters, the total is available if the smallest filter has at most 20,000 articles; otherwise
        `bucket` is required.
        """
        return cached_response(
            pagination.canonical_url(PATH, query), query, lambda connection: _build(connection, query)
        )


def _build(connection: Connection, query: pagination.Query) -> CachedResponse:
    sync_scope = scope(connection, query)
    snapshot, name = sync_scope.snapshot, query.get("bucket")
    items: list[DigestItem] = []
    sums: dict[int, BucketSum] = {}
    if name is None:
        sums = dict(enumerate(_whole(connection, sync_scope)))
    else:
        outer, dot, inner = name.partition(".")
        first = int(outer) * BUCKETS + int(inner or 0)
        last = first if dot else first + BUCKETS - 1
        numbered = _in_scope(connection, sync_scope, list(digest_queries.items_in_buckets(connection, first, last)))
        if dot:
            items = [item for _, item in numbered]
        else:
            sums = _sum_buckets(numbered, lambda number: number % BUCKETS)
    total = changelog_digests.sum_of(items) if items else _total(sums.values())
    prefix = "" if name is None else f"{name}."
    data = {
        "bucket": name,
        "seq": snapshot.seq,
        **_json_sum(total),
        "buckets": [
            {"bucket": f"{prefix}{number}", **_json_sum(bucket_sum)}
            for number, bucket_sum in sorted(sums.items())
            if bucket_sum.article_count
        ],
        "articles": [item._asdict() for item in sorted(items)],
    }
    filter_values = {filter_name: query[filter_name] for filter_name in snapshot.filters}
    return CachedResponse(
        body=dump_json({"data": compile_dump(DigestLevel)(data)}),
        seq=snapshot.seq,
        nonce=snapshot.nonce,
        changed_at=snapshot.changed_at(),
        dependencies=frozenset(dependencies.list_dependencies(filter_values, snapshot.filters, snapshot.everything)),
        surrogate_keys=(dependencies.ALL_ARTICLES,),
    )


def _whole(connection: Connection, sync_scope: SyncScope) -> list[BucketSum]:
    """Return the sums of the whole filter by bucket: the stored sums if they can be added, else computed ones.

    Raises:
        InvalidParameter: The sums cannot be added, and the smallest filter holds too many articles to compute them.
    """
    groups = list(sync_scope.groups.values())
    if not all(group.now for group in groups):
        return []
    if len(groups) == 1:
        [(filter_name, group)] = sync_scope.groups.items()
        if filter_name.removeprefix("own ") in _DISJOINT_FILTERS or len(group.now) == 1:
            return changelog_digests.sums_of_facets(connection, sorted(group.now))
    ids = delta.smallest_filter_ids(connection, groups, MAX_COUNTED_ARTICLES)
    if ids is None:
        raise InvalidParameter(
            [FieldError("bucket", f"is required here, from 0 to {BUCKETS - 1}: these filters hold too many articles")]
        )
    numbered = _in_scope(connection, sync_scope, list(digest_queries.items_of_articles(connection, ids)))
    sums = _sum_buckets(numbered, lambda number: number // BUCKETS)
    return [sums.get(bucket, BucketSum()) for bucket in range(BUCKETS)]


def _in_scope(
    connection: Connection, sync_scope: SyncScope, numbered: list[tuple[int, DigestItem]]
) -> list[tuple[int, DigestItem]]:
    """Return the items that are in the scope, each with the number of its inner bucket."""
    if "all" in sync_scope.groups:
        return numbered
    ids = delta.matching_ids(connection, list(sync_scope.groups.values()), [item.id for _, item in numbered])
    return [(number, item) for number, item in numbered if item.id in ids]


def _sum_buckets(numbered: list[tuple[int, DigestItem]], bucket_of: Callable[[int], int]) -> dict[int, BucketSum]:
    """Return the sum of each bucket; `bucket_of` returns the bucket of an inner bucket number."""
    items: dict[int, list[DigestItem]] = {}
    for number, item in numbered:
        items.setdefault(bucket_of(number), []).append(item)
    return {bucket: changelog_digests.sum_of(bucket_items) for bucket, bucket_items in items.items()}


def _total(sums: Iterable[BucketSum]) -> BucketSum:
    all_sums = list(sums)
    count = sum(bucket_sum.article_count for bucket_sum in all_sums)
    return BucketSum(count, sum(bucket_sum.total for bucket_sum in all_sums) % (1 << 64))


def _json_sum(bucket_sum: BucketSum) -> dict[str, object]:
    return {"count": bucket_sum.article_count, "hash": f"{bucket_sum.total:016x}"}
