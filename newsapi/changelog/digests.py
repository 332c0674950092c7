"""Digests of facets: sums over their articles, updated with every change, by which partners verify their copies.

Each article belongs to one of 4,096 buckets by its id, and adds a fingerprint of its id and version to the sums of its
bucket. Sums do not depend on order, and a change updates them by what it adds and removes; the digest of a million
articles is therefore one row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from struct import Struct
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import BindParameter, Connection, bindparam, delete, select
from sqlalchemy.orm import Session

from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import Facet, FacetDigest
from newsapi.db import bulk_rows
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table

DIGESTED_KINDS: Final = ("all", "author", "brand", "format", "language", "section", "tag")
"""Kinds of facets that partners can filter by; only these have digests."""

BUCKETS: Final = 64
"""Number of buckets on the first level, and of sub-buckets in each of them."""

_SUMS: Final = Struct(f">{BUCKETS}I{BUCKETS}Q")
_EMPTY_SUMS: Final = bytes(_SUMS.size)
_MODULUS: Final = 1 << 64
"""Modulus of the sums of fingerprints."""


class BucketSum(NamedTuple):
    """The number of articles in a bucket, and the sum of their fingerprints modulo 2**64."""

    article_count: int = 0
    total: int = 0


class DigestItem(NamedTuple):
    """An article in a digest."""

    id: UUID
    version: int


def fingerprint(id_: UUID, version: int) -> int:
    """Return what an article adds to a sum: the first 8 bytes (big-endian) of the SHA-256 of `ID:VERSION`."""
    return int.from_bytes(hashlib.sha256(f"{id_}:{version}".encode()).digest()[:8])


def sum_of(items: Iterable[DigestItem]) -> BucketSum:
    """Return the sum of some articles."""
    fingerprints = [fingerprint(*item) for item in items]
    return BucketSum(len(fingerprints), sum(fingerprints) % _MODULUS)


def update_sums(session: Session, changes: Iterable[NewChange]) -> None:
    """Update the sums of the facets that these changes of articles remove them from or add them to."""
    deltas: dict[int, dict[int, list[int]]] = {}
    for change in changes:
        bucket_index, version = bucket(change.subject_id) // BUCKETS, change.version or 0
        removal = (change.facets_before, -1, change.previous_version or version)
        addition = (change.facets_after, 1, version)
        for facet_ids, sign, counted_version in (removal, addition):
            value = sign * fingerprint(change.subject_id, counted_version) if facet_ids else 0
            for facet_id in facet_ids:
                delta = deltas.setdefault(facet_id, {}).setdefault(bucket_index, [0, 0])
                delta[0] += sign
                delta[1] += value
    if deltas:
        _move(session, deltas)


def _move(session: Session, deltas: dict[int, dict[int, list[int]]]) -> None:
    """Add deltas to the stored sums, given by facet and bucket: number of articles and sum of fingerprints."""
    connection = session.connection()
    statement = (
        select(Facet.id, FacetDigest.bucket_sums)
        .outerjoin(FacetDigest, FacetDigest.facet_id == Facet.id)
        .where(in_values(connection, Facet.id, list(deltas)), Facet.kind.in_(DIGESTED_KINDS))
    )
    stored: list[tuple[int, bytes | None]] = [(facet_id, packed) for facet_id, packed in connection.execute(statement)]
    updated = []
    for facet_id, packed in stored:
        sums = list(_SUMS.unpack(packed or _EMPTY_SUMS))
        for bucket_index, (count, value) in deltas[facet_id].items():
            sums[bucket_index] += count
            sums[BUCKETS + bucket_index] = (sums[BUCKETS + bucket_index] + value) % _MODULUS
        updated.append((facet_id, _SUMS.pack(*sums)))
    replaced = [facet_id for facet_id, packed in stored if packed is not None]
    connection.execute(delete(columns_table(FacetDigest)).where(in_values(connection, FacetDigest.facet_id, replaced)))
    bulk_rows.bulk_insert(session, FacetDigest, ("facet_id", "bucket_sums"), sorted(updated))


def sums_of_facets(connection: Connection, facets: Sequence[int]) -> list[BucketSum]:
    """Return the sums of the 64 buckets, added up over facets that have no article in common."""
    sums = [0] * 2 * BUCKETS
    for packed in connection.execute(_OF_FACETS, {"facets": facets}).scalars():
        sums = [total + value for total, value in zip(sums, _SUMS.unpack(packed), strict=True)]
    return [BucketSum(sums[index], sums[BUCKETS + index] % _MODULUS) for index in range(BUCKETS)]


_FACETS: BindParameter[list[int]] = bindparam("facets", expanding=True)
_OF_FACETS = select(FacetDigest.bucket_sums).where(FacetDigest.facet_id.in_(_FACETS))


def bucket(id_: UUID) -> int:
    """Return the digest bucket of an article, 0 to 4095: the last three hexadecimal digits of its id."""
    return id_.int & 0xFFF
