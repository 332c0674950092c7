"""The index of related articles: article vectors, the postings of their terms, and IDF weights."""

from __future__ import annotations

import secrets
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, delete, func, insert, literal, select, text, union_all
from sqlalchemy.orm import Session

from newsapi.changelog.tables import Facet
from newsapi.content.queries.listing_entries import ALL_ARTICLES_FACET
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article, ArticleContent, ArticleMention, ArticleTag, ListingEntry
from newsapi.content.tables.terms import Brand, Tag
from newsapi.db import bulk_rows, compiled_queries
from newsapi.db.bulk_rows import in_values
from newsapi.db.immutable_cache import ImmutableCache
from newsapi.db.types import columns_table
from newsapi.related.ranking import Candidate
from newsapi.related.tables import RelatedPosting, RelatedProfile, RelatedTermStatistics
from newsapi.related.vectors import (
    MAX_INDEX_TAGS,
    MAX_INDEX_TERMS,
    ArticleText,
    ArticleVector,
    IdfWeights,
    build_vector,
    document_terms,
    vector_from_bytes,
)
from newsapi.text import html
from newsapi.worker.isolation import process_in_halves

CONSUMER: Final = "related"
"""The changelog consumer that maintains the index."""

MAX_POSTINGS_PER_TERM: Final = 200
"""Postings read of each term, those with the highest impact first."""

SAMPLE_SIZE: Final = 5_000
"""Maximum number of articles, the newest ones, on which document frequencies are counted."""

DAYS_PER_SHARE_UNIT: Final = 10
"""The impact of a posting is its day plus so many days for each 1/640 of its share: old postings need larger shares."""
WEIGHT_SCALE: Final = 1_000
"""Weights are integers in thousandths: an integer sum does not depend on the order in which a database adds."""


class Source(NamedTuple):
    """The text of an article and its candidate pool, which is the facet of its brand or that of all articles."""

    pool: int
    text: ArticleText


class NewStatistics(NamedTuple):
    """New document frequencies, counted when there were `corpus_size` articles."""

    weights: IdfWeights
    corpus_size: int
    frequencies: Mapping[int, int]


_TEXTS = (
    select(
        Article.id,
        func.coalesce(Brand.facet_id, ALL_ARTICLES_FACET).label("pool"),
        Article.headline,
        Article.standfirst,
        ArticleContent.body_html,
        Article.language,
        Article.published_at,
    )
    .join(ArticleContent, ArticleContent.article_id == Article.id)
    .outerjoin(Brand, Brand.id == Article.brand_id)
    .where(is_visible(), Article.id.in_(bindparam("ids", expanding=True)))
)


def load_texts(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Source]:
    """Return the texts of those of these articles that are public."""
    if not ids:
        return {}
    parameters = {"ids": list(ids)}
    terms: dict[UUID, dict[str, list[tuple[UUID, str]]]] = {}
    for kind, article, id_, name in compiled_queries.fetch_rows(connection, _TAGS_AND_MENTIONS, parameters):
        terms.setdefault(article, {"tags": [], "mentions": []})[kind].append((id_, name))
    return {
        id_: Source(
            pool,
            ArticleText(
                id=id_,
                headline=headline,
                standfirst=standfirst or "",
                body=html.html_to_text(body_html),
                language=language,
                at=published_at.timestamp() if published_at else 0.0,
                **terms.get(id_, {}),
            ),
        )
        for id_, pool, headline, standfirst, body_html, language, published_at in compiled_queries.fetch_rows(
            connection, _TEXTS, parameters
        )
    }


def _tags_and_mentions() -> Select[str, UUID, UUID, str]:
    branches = [
        select(literal(kind).label("kind"), link.article_id, term.id, term.name, link.position)
        .join(term, term.id == term_id)
        .where(link.article_id.in_(bindparam("ids", expanding=True)))
        for kind, link, term_id, term in (
            ("tags", ArticleTag, ArticleTag.tag_id, Tag),
            ("mentions", ArticleMention, ArticleMention.brand_id, Brand),
        )
    ]
    terms = union_all(*branches).subquery()
    return select(terms.c.kind, terms.c.article_id, terms.c.id, terms.c.name).order_by(terms.c.position)


_TAGS_AND_MENTIONS = _tags_and_mentions()


# --- IDF weights ------------------------------------------------------------------------------------------------------


def current_weights(connection: Connection) -> IdfWeights | None:
    """Return the current IDF weights, or None before the first count."""
    version = connection.execute(select(RelatedTermStatistics.version)).scalar()
    return None if version is None else weights_of_version(connection, version)


def weights_of_version(connection: Connection, version: int) -> IdfWeights:
    """Return the IDF weights of a stored version; each process reads a version once."""

    def load() -> IdfWeights:
        row = connection.execute(
            select(RelatedTermStatistics.documents, RelatedTermStatistics.content).where(
                RelatedTermStatistics.version == version
            )
        ).one()
        half = len(row.content) // 6 * 4
        numbers, counts = array("i", row.content[:half]), array("H", row.content[half:])
        return IdfWeights(version, row.documents, dict(zip(numbers, counts, strict=True)))

    return _WEIGHTS.get_or_load(version, load)


_WEIGHTS: Final = ImmutableCache[int, IdfWeights](max_entries=2)


def needs_recount(connection: Connection) -> bool:
    """Return whether terms were never counted, or there are twice as many articles as at the last count."""
    article_count = connection.execute(select(Facet.article_count).where(Facet.kind == "all")).scalar() or 0
    corpus_size = connection.execute(select(RelatedTermStatistics.corpus_size)).scalar()
    return article_count > 0 if corpus_size is None else article_count >= 2 * max(corpus_size, 1)


def count_terms(connection: Connection, *, progress: Callable[[int], None] = lambda _: None) -> NewStatistics:
    """Count in how many of the newest articles each term occurs; `progress` is called with 1 for every article.

    An article whose text cannot be processed is not counted: the weights of all others must not depend on it.

    Returns:
        The new statistics, for `save_statistics`.
    """
    newest = (
        select(ListingEntry.article_id)
        .where(ListingEntry.facet_id == ALL_ARTICLES_FACET)
        .order_by(ListingEntry.published_at.desc(), ListingEntry.article_id.desc())
        .limit(SAMPLE_SIZE)
    )
    ids = list(connection.execute(newest).scalars())
    frequencies: Counter[int] = Counter()

    def count_batch(batch: Sequence[UUID]) -> None:
        counted = [document_terms(source.text) for source in load_texts(connection, batch).values()]
        for terms in counted:
            frequencies.update(terms)
            progress(1)

    for start in range(0, len(ids), 500):
        process_in_halves(ids[start : start + 500], count_batch)
    corpus_size = connection.execute(select(Facet.article_count).where(Facet.kind == "all")).scalar() or 0
    return NewStatistics(IdfWeights(secrets.randbits(63), len(ids), frequencies), corpus_size, frequencies)


def save_statistics(session: Session, statistics: NewStatistics, *, now: datetime) -> None:
    """Replace the stored document frequencies by new ones; terms of a single article are not stored."""
    common = sorted((term, count) for term, count in statistics.frequencies.items() if count > 1)
    numbers, counts = array("i", [term for term, _ in common]), array("H", [count for _, count in common])
    session.execute(delete(columns_table(RelatedTermStatistics)))
    row = {
        "version": statistics.weights.version,
        "counted_at": now,
        "documents": statistics.weights.documents,
        "corpus_size": statistics.corpus_size,
        "content": numbers.tobytes() + counts.tobytes(),
    }
    session.execute(insert(columns_table(RelatedTermStatistics)).values(row))


# --- vectors and postings ---------------------------------------------------------------------------------------------


def replace_documents(
    session: Session, removed_ids: Collection[UUID], additions: Sequence[tuple[int, UUID, ArticleVector]]
) -> None:
    """Remove articles from the index and insert others, given as (pool, id, vector).

    An article that is removed and inserted again keeps its document id. A new article gets an id above all that exist
    before the removal, so that it never takes the former id of another article.
    """
    connection = session.connection()
    next_id = (connection.execute(select(func.max(RelatedProfile.doc_id))).scalar() or 0) + 1
    former_ids = _delete(connection, removed_ids)
    documents = [
        (former_ids.get(id_, doc_id), pool, id_, vector)
        for doc_id, (pool, id_, vector) in enumerate(additions, next_id)
    ]
    bulk_rows.bulk_insert(
        session,
        RelatedProfile,
        ("doc_id", "article_id", "pool", "content"),
        [(doc_id, id_, pool, vector.to_bytes()) for doc_id, pool, id_, vector in documents],
    )
    postings = sorted(
        (pool, term, _impact(vector, share), doc_id)
        for doc_id, pool, _, vector in documents
        for term, share in dict(vector.index_keys()).items()
    )
    bulk_rows.bulk_insert(session, RelatedPosting, ("pool", "term", "impact", "doc_id"), postings)


def _impact(vector: ArticleVector, share: int) -> int:
    """Return the impact of a posting: its rank in the upper bits, its share in the lowest 8."""
    return (int(vector.day) + DAYS_PER_SHARE_UNIT * share) << 8 | share


def _delete(connection: Connection, ids: Collection[UUID]) -> dict[UUID, int]:
    """Remove articles from the index; return the document ids that they had."""
    if not ids:
        return {}
    columns = columns_table(RelatedProfile).c
    documents = connection.execute(
        select(columns.article_id, columns.doc_id, columns.pool, columns.content).where(
            in_values(connection, columns.article_id, ids)
        )
    ).all()
    postings = [
        {
            "posting_pool": pool,
            "posting_term": term,
            "posting_impact": _impact(vector, share),
            "posting_doc_id": doc_id,
        }
        for _, doc_id, pool, content in documents
        for vector in [vector_from_bytes(content)]
        for term, share in dict(vector.index_keys()).items()
    ]
    if documents:
        connection.execute(_DELETE_POSTING, postings or [_NO_POSTING])
        connection.execute(delete(columns_table(RelatedProfile)).where(in_values(connection, columns.article_id, ids)))
    return {id_: doc_id for id_, doc_id, _, _ in documents}


_POSTING = columns_table(RelatedPosting).c
_DELETE_POSTING = delete(columns_table(RelatedPosting)).where(
    _POSTING.pool == bindparam("posting_pool"),
    _POSTING.term == bindparam("posting_term"),
    _POSTING.impact == bindparam("posting_impact"),
    _POSTING.doc_id == bindparam("posting_doc_id"),
)
_NO_POSTING = {"posting_pool": 0, "posting_term": 0, "posting_impact": 0, "posting_doc_id": 0}
"""Parameters that match no row, for articles without terms: an empty list cannot be executed."""


def load_vectors(connection: Connection, ids: Collection[UUID], weights: IdfWeights) -> dict[UUID, ArticleVector]:
    """Return the vectors of these articles, from the index or, if not indexed yet, built from their texts."""
    if not ids:
        return {}
    statement = select(RelatedProfile.article_id, RelatedProfile.content)
    result = connection.execute(statement.where(in_values(connection, RelatedProfile.article_id, ids)))
    vectors = {id_: vector_from_bytes(content) for id_, content in result}
    missing = load_texts(connection, [id_ for id_ in ids if id_ not in vectors])
    return vectors | {id_: build_vector(source.text, weights) for id_, source in missing.items()}


def find_candidates(
    connection: Connection, pool: int, vector: ArticleVector, weights: IdfWeights, limit: int
) -> list[Candidate]:
    """Return the articles of a pool that have most in common with a vector.

    One statement sums the products of weights and shares over the first MAX_POSTINGS_PER_TERM postings of each index
    term of the vector, so its cost is bounded whatever the size of the pool.

    Returns:
        At most `limit` candidates, best first.
    """
    keys = vector.index_keys()[: MAX_INDEX_TERMS + MAX_INDEX_TAGS]
    weighted_terms = [(term, round(WEIGHT_SCALE * weights.weight(term) * share)) for term, share in keys]
    parameters: dict[str, int | list[int]] = {"pool": pool, "limit": limit}
    if connection.dialect.name == "sqlite":
        weighted_terms += [(0, 0)] * (MAX_INDEX_TERMS + MAX_INDEX_TAGS - len(weighted_terms))
        parameters |= {f"t{index}": term for index, (term, _) in enumerate(weighted_terms)}
        parameters |= {f"w{index}": weight for index, (_, weight) in enumerate(weighted_terms)}
        statement = _SHARED_SQLITE
    else:
        parameters |= {
            "terms": [term for term, _ in weighted_terms],
            "weights": [weight for _, weight in weighted_terms],
        }
        statement = _SHARED_POSTGRESQL
    result = connection.execute(statement, parameters)
    return [Candidate(_as_id(id_), vector_from_bytes(content)) for id_, content in result]


def _as_id(stored: UUID | bytes) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(bytes=stored)


_FIRST = f"ORDER BY impact DESC, doc_id DESC LIMIT {MAX_POSTINGS_PER_TERM}"
_SHARED = """
    SELECT p.article_id, p.content
    FROM ({rows}) AS shared JOIN related_profile AS p ON p.doc_id = shared.doc_id
    ORDER BY shared.weight DESC, shared.doc_id DESC
"""
_BEST = "GROUP BY doc_id ORDER BY weight DESC, doc_id DESC LIMIT :limit"
_BRANCH = (
    "SELECT doc_id, :w{index} * (impact & 255) AS weight FROM"  # noqa: S608 (constants only)
    " (SELECT doc_id, impact FROM related_posting WHERE pool = :pool AND term = :t{index} " + _FIRST + ")"
)
_SHARED_SQLITE = text(
    _SHARED.format(
        rows="SELECT doc_id, sum(weight) AS weight FROM ("  # noqa: S608 (constants only)
        + " UNION ALL ".join(_BRANCH.format(index=index) for index in range(MAX_INDEX_TERMS + MAX_INDEX_TAGS))
        + f") {_BEST}"
    )
)
_SHARED_POSTGRESQL = text(
    _SHARED.format(
        rows="SELECT doc_id, sum(query.weight * (posting.impact & 255)) AS weight"  # noqa: S608 (constants only)
        " FROM unnest(cast(:terms AS integer[]), cast(:weights AS bigint[])) AS query (term, weight)"
        " CROSS JOIN LATERAL (SELECT doc_id, impact FROM related_posting"
        f" WHERE pool = :pool AND term = query.term {_FIRST}) AS posting {_BEST}"
    )
)


def all_indexed_ids(connection: Connection) -> set[UUID]:
    """Return the ids of all articles in the index."""
    return {*connection.execute(select(RelatedProfile.article_id)).scalars()}
