"""The index of related articles: article vectors and the postings of their terms."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, select, text
from sqlalchemy.orm import Session

from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import Article
from newsapi.db import bulk_rows, compiled_queries
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table
from newsapi.related.ranking import Candidate
from newsapi.related.tables import RelatedPosting, RelatedProfile
from newsapi.related.texts import load_texts
from newsapi.related.vectors import (
    MAX_INDEX_TAGS,
    MAX_INDEX_TERMS,
    ArticleVector,
    IdfWeights,
    build_vector,
    vector_from_bytes,
)

CONSUMER: Final = "related"
"""The changelog consumer that maintains the index."""

MAX_POSTINGS_PER_TERM: Final = 100
"""Postings read of each term, those with the highest impact first."""

ALL_BRANDS: Final = 0
"""The pool of the articles of all brands, which is no facet. It is used when a brand has no article to list."""

MAX_TERMS_IN_ALL_BRANDS: Final = 12
"""Terms of a text that are indexed in that pool."""

DAYS_PER_SHARE_UNIT: Final = 10
"""The impact of a posting is its day plus so many days for each 1/640 of its share: old postings need larger shares."""
WEIGHT_SCALE: Final = 1_000
"""Weights are integers in thousandths: an integer sum does not depend on the order in which a database adds."""


class Document(NamedTuple):
    """An article to be indexed: its candidate pool, its last public change and its vector."""

    pool: int
    id: UUID
    seq: int
    vector: ArticleVector


def load_documents(connection: Connection, ids: Collection[UUID], weights: IdfWeights) -> list[Document]:
    """Read those of these articles that are public and build their vectors."""
    sources = load_texts(connection, ids)
    return [
        Document(source.pool, id_, source.seq, build_vector(source.text, weights)) for id_, source in sources.items()
    ]


def list_current_ids(connection: Connection, ids: Collection[UUID], *, version: int | None = None) -> set[UUID]:
    """Return those of these articles that are public and have not changed since they were indexed.

    Args:
        connection: A connection to the database.
        ids: The articles.
        version: Only those that were indexed with this version of the term statistics.
    """
    statement = (
        select(RelatedProfile.article_id)
        .join(Article, (Article.id == RelatedProfile.article_id) & (Article.seq == RelatedProfile.seq))
        .where(in_values(connection, RelatedProfile.article_id, ids), is_visible())
    )
    if version is not None:
        statement = statement.where(RelatedProfile.version == version)
    return {*connection.execute(statement).scalars()}


def replace_documents(
    session: Session, removed_ids: Collection[UUID], documents: Sequence[Document], *, version: int
) -> None:
    """Remove articles from the index and insert others, built with a version of the term statistics.

    An article that is removed and inserted again keeps its document id. A new article gets an id above all that exist
    before the removal, so that it never takes the former id of another article.
    """
    connection = session.connection()
    next_id = (connection.execute(select(func.max(RelatedProfile.doc_id))).scalar() or 0) + 1
    former_ids = _delete(connection, removed_ids)
    numbered = [(former_ids.get(document.id, doc_id), document) for doc_id, document in enumerate(documents, next_id)]
    bulk_rows.bulk_insert(
        session,
        RelatedProfile,
        ("doc_id", "article_id", "pool", "seq", "version", "content"),
        [
            (doc_id, document.id, document.pool, document.seq, version, document.vector.to_bytes())
            for doc_id, document in numbered
        ],
    )
    postings = sorted(
        posting for doc_id, document in numbered for posting in _postings(document.pool, doc_id, document.vector)
    )
    # Integers are stored as they are, so the rows need no conversion.
    bulk_rows.insert_stored(session, RelatedPosting, ("pool", "term", "impact", "doc_id"), postings)


def _postings(pool: int, doc_id: int, vector: ArticleVector) -> Iterator[tuple[int, int, int, int]]:
    """Iterate over the postings of an article: pool, term, impact and document id."""
    keys = vector.index_keys()
    tags_and_mentions = keys[min(len(vector.terms), MAX_INDEX_TERMS) :]
    day = int(vector.day)
    for pool_, keys_of_pool in ((pool, keys), (ALL_BRANDS, keys[:MAX_TERMS_IN_ALL_BRANDS] + tags_and_mentions)):
        for term, share in dict(keys_of_pool).items():
            # The rank is in the upper bits of the impact, the share in the lowest 8.
            yield pool_, term, (day + DAYS_PER_SHARE_UNIT * share) << 8 | share, doc_id


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
        dict(zip(_NO_POSTING, posting, strict=True))
        for _, doc_id, pool, content in documents
        for posting in _postings(pool, doc_id, vector_from_bytes(content))
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
"""Parameters in the order of `_postings` that match no row: an empty list cannot be executed."""


def load_vectors(connection: Connection, ids: Collection[UUID], weights: IdfWeights) -> dict[UUID, ArticleVector]:
    """Return the vectors of these articles, from the index or, if not indexed yet, built from their texts."""
    if not ids:
        return {}
    rows = compiled_queries.fetch_rows(connection, _VECTORS, {"ids": list(ids)})
    vectors = {id_: vector_from_bytes(content) for id_, content in rows}
    missing = load_texts(connection, [id_ for id_ in ids if id_ not in vectors])
    return vectors | {id_: build_vector(source.text, weights) for id_, source in missing.items()}


_VECTORS = select(RelatedProfile.article_id, RelatedProfile.content).where(
    RelatedProfile.article_id.in_(bindparam("ids", expanding=True))
)


def find_candidates(
    connection: Connection, pool: int, vector: ArticleVector, weights: IdfWeights, limit: int
) -> list[Candidate]:
    """Return the articles of a pool that have most in common with a vector.

    One statement sums the products of weights and shares over the first MAX_POSTINGS_PER_TERM postings of each index
    term of the vector, so its cost is bounded whatever the size of the pool.

    Returns:
        At most `limit` candidates, best first.
    """
    statement = _CANDIDATES[connection.dialect.name]
    rows = connection.execute(statement, _parameters(connection, pool, vector, weights, limit))
    return [Candidate(_as_id(id_), vector_from_bytes(content)) for id_, content in rows]


def find_listed_neighbours(
    connection: Connection, pool: int, vector: ArticleVector, weights: IdfWeights, limit: int
) -> list[tuple[Candidate, float]]:
    """Return those of the best candidates for a vector that have a stored list, with its minimum similarity.

    Vectors of the others, which are most, are not read. In the pool ALL_BRANDS, only lists count to which articles of
    other brands may be appended.
    """
    statement = _LISTED_NEIGHBOURS[connection.dialect.name]
    rows = connection.execute(statement, _parameters(connection, pool, vector, weights, limit))
    return [(Candidate(_as_id(id_), vector_from_bytes(content)), minimum) for id_, content, minimum in rows]


def _parameters(
    connection: Connection, pool: int, vector: ArticleVector, weights: IdfWeights, limit: int
) -> dict[str, int | list[int]]:
    """Return the parameters of a statement: the index terms of a vector, each with its weight."""
    keys = vector.index_keys()
    weighted_terms = [(term, round(WEIGHT_SCALE * weights.weight(term) * share)) for term, share in keys]
    parameters: dict[str, int | list[int]] = {"pool": pool, "limit": limit}
    if connection.dialect.name == "sqlite":
        weighted_terms += [(0, 0)] * (MAX_INDEX_TERMS + MAX_INDEX_TAGS - len(weighted_terms))
        parameters |= {f"t{index}": term for index, (term, _) in enumerate(weighted_terms)}
        parameters |= {f"w{index}": weight for index, (_, weight) in enumerate(weighted_terms)}
    else:
        parameters |= {
            "terms": [term for term, _ in weighted_terms],
            "weights": [weight for _, weight in weighted_terms],
        }
    return parameters


def _as_id(stored: UUID | bytes) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(bytes=stored)


_FIRST = f"ORDER BY impact DESC, doc_id DESC LIMIT {MAX_POSTINGS_PER_TERM}"
_BEST = "GROUP BY doc_id ORDER BY weight DESC, doc_id DESC LIMIT :limit"
_BRANCH = (
    "SELECT doc_id, :w{index} * (impact & 255) AS weight FROM"  # noqa: S608 (constants only)
    " (SELECT doc_id, impact FROM related_posting WHERE pool = :pool AND term = :t{index} " + _FIRST + ")"
)
_SHARED = {
    "sqlite": "SELECT doc_id, sum(weight) AS weight FROM ("  # noqa: S608 (constants only)
    + " UNION ALL ".join(_BRANCH.format(index=index) for index in range(MAX_INDEX_TERMS + MAX_INDEX_TAGS))
    + f") {_BEST}",
    "postgresql": "SELECT doc_id, sum(query.weight * (posting.impact & 255)) AS weight"  # noqa: S608 (constants only)
    " FROM unnest(cast(:terms AS integer[]), cast(:weights AS bigint[])) AS query (term, weight)"
    " CROSS JOIN LATERAL (SELECT doc_id, impact FROM related_posting"
    f" WHERE pool = :pool AND term = query.term {_FIRST}) AS posting {_BEST}",
}
_CANDIDATES = {
    dialect: text(
        f"SELECT p.article_id, p.content FROM ({shared}) AS shared"  # noqa: S608 (constants only)
        " JOIN related_profile AS p ON p.doc_id = shared.doc_id ORDER BY shared.weight DESC, shared.doc_id DESC"
    )
    for dialect, shared in _SHARED.items()
}
_LISTED_NEIGHBOURS = {
    dialect: text(
        f"SELECT p.article_id, p.content, l.min_similarity FROM ({shared}) AS shared"  # noqa: S608 (constants only)
        " JOIN related_profile AS p ON p.doc_id = shared.doc_id JOIN related_list AS l ON l.article_id = p.article_id"
        f" WHERE :pool <> {ALL_BRANDS} OR l.pool = {ALL_BRANDS}"
    )
    for dialect, shared in _SHARED.items()
}


def all_indexed_ids(connection: Connection) -> set[UUID]:
    """Return the ids of all articles in the index."""
    return {*connection.execute(select(RelatedProfile.article_id)).scalars()}
