"""Writing the search index: changes by article writes, and building and merging of segments."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from newsapi.content.queries import listing_entries, snapshots
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.tables.articles import Article
from newsapi.db import bulk_rows
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import EPOCH, MICROSECOND, columns_table
from newsapi.search import segments
from newsapi.search.analysis import ArticleTexts, IndexedDocument, analyze_article, document_from_bytes, suggestion_form
from newsapi.search.segments import Array, NewSegment
from newsapi.search.tables import (
    SearchDocument,
    SearchPendingDocument,
    SearchPosting,
    SearchSegment,
    SearchTokenSequence,
    SearchVocabularyEntry,
)
from newsapi.text import html

CONSUMER: Final = "search"
"""The changelog consumer that maintains the index."""

SEGMENT_SIZE: Final = 64
"""Pending articles from which a segment is built."""

MERGE_TRANSACTIONS: Final = 8
"""Transactions in which a merged segment is written, so that others can write in between."""

_MAX_TERM_ID: Final = 1 << 62
"""The greatest term id; those of facets are negative."""


class DocumentToIndex(NamedTuple):
    """An analyzed version of an article."""

    id: UUID
    version: int
    document: IndexedDocument


def to_microseconds(time: datetime) -> int:
    """Return a time in microseconds since 1970, as the index stores it."""
    return (time - EPOCH) // MICROSECOND


def indexable(snapshot: ArticleSnapshot, facets: Iterable[int]) -> DocumentToIndex:
    """Analyze a published article that is in these facets."""
    values = snapshot.values
    document = analyze_article(
        ArticleTexts(values["headline"], values["standfirst"] or "", html.html_to_text(values["body_html"])),
        values["language"],
        published=to_microseconds(values["published_at"]),
        updated=to_microseconds(values["updated_at"]),
        facets=facets,
    )
    return DocumentToIndex(snapshot.id, snapshot.version, document)


def stale_articles(connection: Connection, ids: Collection[UUID]) -> list[DocumentToIndex]:
    """Return those of these articles that are published but not indexed in their current version, in order."""
    if not ids:
        return []
    indexed = select(SearchDocument.article_id, SearchDocument.version).where(
        in_values(connection, SearchDocument.article_id, ids)
    )
    indexed_versions = dict(connection.execute(indexed).all())
    versions = _published_versions(connection, ids)
    return load_for_index(
        connection, [id_ for id_ in ids if id_ in versions and indexed_versions.get(id_) != versions[id_]]
    )


def _published_versions(connection: Connection, ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the current versions of those of these articles that are published."""
    statement = select(Article.id, Article.version)
    statement = statement.where(in_values(connection, Article.id, ids), Article.status == "published")
    return dict(connection.execute(statement).all())


def load_for_index(connection: Connection, ids: Collection[UUID]) -> list[DocumentToIndex]:
    """Return those of these articles that are published, analyzed, in the given order."""
    session = Session(bind=connection)
    by_id = snapshots.get_snapshots(session, ids)
    public = [by_id[id_] for id_ in ids if id_ in by_id and by_id[id_].is_public]
    return [
        indexable(state, facets)
        for state, facets in zip(public, listing_entries.facets_of_articles(session, public), strict=True)
    ]


# --- changes by article writes ----------------------------------------------------------------------------------------


def delete_documents(session: Session, ids: Collection[UUID]) -> None:
    """Delete these articles from the index; merges remove them from the segments later."""
    if not ids:
        return
    connection = session.connection()
    columns = columns_table(SearchDocument).c
    statement = select(columns.number).where(in_values(connection, columns.article_id, ids))
    doc_ids = connection.execute(statement).scalars().all()
    if not doc_ids:
        return
    for model in (SearchDocument, SearchTokenSequence, SearchPendingDocument):
        column = columns_table(model).c.number
        connection.execute(delete(columns_table(model)).where(in_values(connection, column, doc_ids)))


def insert_documents(session: Session, articles: Sequence[DocumentToIndex]) -> None:
    """Insert articles that are not in the index as pending documents; the caller holds the write lock."""
    if not articles:
        return
    numbered = list(enumerate(articles, next_doc_id(session.connection())))
    _add_texts(session, numbered)
    pending = [(doc_id, article.document.to_bytes()) for doc_id, article in numbered]
    bulk_rows.bulk_insert(session, SearchPendingDocument, ("number", "content"), pending)


def next_doc_id(connection: Connection) -> int:
    """Return the first document id after all that are in use or may still occur in a segment."""
    document, segment = columns_table(SearchDocument).c, columns_table(SearchSegment).c
    last = connection.execute(select(func.max(document.number))).scalar() or 0
    end = connection.execute(select(func.max(segment.first + segment.span))).scalar() or 0
    return max(last + 1, end)


def _add_texts(session: Session, numbered: Sequence[tuple[int, DocumentToIndex]]) -> None:
    """Insert documents and token sequences, and count the words of the documents."""
    documents = [(doc_id, article.id, article.version) for doc_id, article in numbered]
    bulk_rows.bulk_insert(session, SearchDocument, ("number", "article_id", "version"), documents)
    sequences = [(doc_id, article.document.sequence) for doc_id, article in numbered]
    bulk_rows.bulk_insert(session, SearchTokenSequence, ("number", "content"), sequences)
    by_language: dict[str, Counter[str]] = {}
    for _, article in numbered:
        by_language.setdefault(article.document.language, Counter()).update(article.document.words)
    counts: Counter[str] = Counter()
    display_forms: dict[str, str] = {}
    for language, language_counts in by_language.items():
        for text, count in language_counts.items():
            word = suggestion_form(text, language)
            if word:
                counts[word] += count
                display_forms[word] = max(text, display_forms.get(word, ""))
    _count_words(session.connection(), [(word, display_forms[word], count) for word, count in sorted(counts.items())])


def _count_words(connection: Connection, entries: Sequence[tuple[str, str, int]]) -> None:
    """Add words to the vocabulary, given as (word, display form, number of further articles with it)."""
    if not entries:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "INSERT INTO search_vocabulary (word, shown, times) VALUES (?, ?, ?)"
            " ON CONFLICT (word) DO UPDATE SET times = times + excluded.times",
            [*entries],
        )
        return
    columns = columns_table(SearchVocabularyEntry).c
    given = (
        func.unnest(
            bindparam("words", type_=postgresql.ARRAY(columns.word.type)),
            bindparam("display_forms", type_=postgresql.ARRAY(columns.shown.type)),
            bindparam("counts", type_=postgresql.ARRAY(columns.times.type)),
        )
        .table_valued("word", "shown", "times", name="given")
        .render_derived()
    )
    into = postgresql.insert(columns_table(SearchVocabularyEntry)).from_select(
        ["word", "shown", "times"], select(given)
    )
    upsert = into.on_conflict_do_update(
        index_elements=[columns.word], set_={"times": columns.times + into.excluded.times}
    )
    words, display_forms, counts = (list(column) for column in zip(*entries, strict=True))
    connection.execute(upsert, {"words": words, "display_forms": display_forms, "counts": counts})


# --- segments ---------------------------------------------------------------------------------------------------------


def count_pending(session: Session) -> int:
    """Return the number of articles that are in no segment yet."""
    return session.execute(select(func.count()).select_from(SearchPendingDocument)).scalar_one()


def add_segment(session: Session, articles: Sequence[DocumentToIndex]) -> int:
    """Build a segment of all pending documents and these articles; the caller holds the write lock.

    Articles whose current version is another one are left out.

    Returns:
        The number of the given articles that were indexed.
    """
    connection = session.connection()
    versions = _published_versions(connection, [article.id for article in articles]) if articles else {}
    current = [article for article in articles if versions.get(article.id) == article.version]
    delete_documents(session, [article.id for article in current])
    statement = select(SearchPendingDocument.number, SearchPendingDocument.content).order_by(
        SearchPendingDocument.number
    )
    pending = [(doc_id, document_from_bytes(content)) for doc_id, content in connection.execute(statement)]
    numbered = list(enumerate(current, next_doc_id(connection)))
    _add_texts(session, numbered)
    documents = [*pending, *((doc_id, article.document) for doc_id, article in numbered)]
    while documents:
        limit = documents[0][0] + segments.SEGMENT_SPAN
        end = next((index for index, (doc_id, _) in enumerate(documents) if doc_id >= limit), len(documents))
        _insert_segment(session, secrets.randbits(62), segments.build_segment(documents[:end]))
        documents = documents[end:]
    connection.execute(delete(columns_table(SearchPendingDocument)))
    return len(current)


def _insert_segment(session: Session, id_: int, segment: NewSegment) -> None:
    _insert_postings(session, id_, segment.rows)
    row = {"id": id_, **segment._asdict()}
    del row["rows"]
    session.execute(insert(columns_table(SearchSegment)).values(row))


def _insert_postings(session: Session, id_: int, postings: Iterable[tuple[int, bytes]]) -> None:
    values = [(id_, term, content) for term, content in postings]
    bulk_rows.bulk_insert(session, SearchPosting, ("block", "term", "content"), values)


class SegmentRange(NamedTuple):
    """A stored segment: its id, first document id, length of the range of document ids, and number of articles."""

    id: int
    first: int
    span: int
    articles: int


class SegmentMerge(NamedTuple):
    """A merge of the segments `sources` into the segment with the id `into`.

    `alive` is a mask of the document ids from `first` on that articles still have; `lost` tells whether some have none.
    """

    into: int
    sources: Sequence[SegmentRange]
    first: int
    alive: Array
    lost: bool

    def parts(self) -> dict[int, segments.SegmentMergeInput]:
        """Return the merge input of each source segment by its id."""
        parts = {}
        for row in self.sources:
            shift = row.first - self.first
            exists = np.zeros(row.span, bool)
            low, high = max(0, -shift), min(row.span, len(self.alive) - shift)
            if low < high:
                exists[low:high] = self.alive[low + shift : high + shift]
            parts[row.id] = segments.SegmentMergeInput(shift, exists)
        return parts


def choose_merge(connection: Connection, since: int) -> SegmentMerge | None:
    """Return the next merge of segments whose first document id is at least `since`, or None."""
    segment, doc_id = columns_table(SearchSegment).c, columns_table(SearchDocument).c.number
    statement = select(segment.id, segment.first, segment.span, segment.articles)
    rows = connection.execute(statement.where(segment.first >= since).order_by(segment.first))
    candidates = [SegmentRange(*row) for row in rows]
    chosen = segments.choose_merge([(row.first, row.span) for row in candidates])
    if chosen is None:
        return None
    sources = candidates[chosen.start : chosen.stop]
    in_range = (doc_id >= sources[0].first, doc_id < sources[-1].first + sources[-1].span)
    existing = connection.execute(select(doc_id).where(*in_range).order_by(doc_id)).scalars().all()
    ids = np.array(existing, np.int64)
    first = int(ids[0]) if len(ids) else sources[0].first
    alive = np.zeros(int(ids[-1]) - first + 1 if len(ids) else 0, bool)
    alive[ids - first] = True
    return SegmentMerge(secrets.randbits(62), sources, first, alive, len(ids) < sum(row.articles for row in sources))


def write_merge_part(session: Session, merge: SegmentMerge, part: int) -> int:
    """Write one part of the rows of a merged segment, which is not searched before the merge is finished.

    Part 0 of MERGE_TRANSACTIONS has the terms of facets, the others a range of term ids each.

    Returns:
        The number of rows written.
    """
    posting = columns_table(SearchPosting).c
    width = _MAX_TERM_ID // (MERGE_TRANSACTIONS - 1)
    start, end = (part - 1) * width, part * width + (MERGE_TRANSACTIONS if part == MERGE_TRANSACTIONS - 1 else 0)
    bounds = [posting.term >= start, posting.term < end] if part else [posting.term < 0]
    ids = [row.id for row in merge.sources]
    statement = select(posting.block, posting.term, posting.content).where(
        in_values(session.connection(), posting.block, ids), *bounds
    )
    postings = segments.merge_postings(merge.parts(), map(tuple, session.execute(statement)))
    _insert_postings(session, merge.into, postings)
    return len(postings)


def finish_merge(session: Session, merge: SegmentMerge, written: int) -> bool:
    """Replace the source segments by the merged segment.

    Returns:
        False, without any change, if a source or some of the `written` rows no longer exist, because another process
        merged segments or collected garbage in the meantime.
    """
    connection, posting = session.connection(), columns_table(SearchPosting).c
    if session.execute(select(func.count()).where(posting.block == merge.into)).scalar_one() != written:
        return False
    segment, ids = columns_table(SearchSegment).c, [row.id for row in merge.sources]
    statement = select(segment.id, segment.span, segment.times, segment.facets)
    sources = connection.execute(statement.where(in_values(connection, segment.id, ids)).order_by(segment.first)).all()
    if len(sources) < len(ids):
        return False
    parts, span, alive = merge.parts(), len(merge.alive), int(merge.alive.sum())
    newest, times, facets = segments.merge_columns(
        [
            (parts[row.id], segments.decode_times(row.times), segments.decode_facets(row.facets, row.span))
            for row in sources
        ],
        span,
    )
    connection.execute(delete(columns_table(SearchSegment)).where(in_values(connection, segment.id, ids)))
    if alive:
        row = {"id": merge.into, "first": merge.first, "span": span, "articles": alive, "newest": newest}
        connection.execute(insert(columns_table(SearchSegment)).values({**row, "times": times, "facets": facets}))
    return True


def delete_orphan_rows(session: Session) -> int:
    """Delete the rows of one segment that does not exist, such as that of an aborted merge; return their number."""
    posting = columns_table(SearchPosting).c
    existing = set(session.execute(select(columns_table(SearchSegment).c.id)).scalars())
    segment_id: int | None = -1
    while segment_id is not None:
        segment_id = session.execute(select(func.min(posting.block)).where(posting.block > segment_id)).scalar()
        if segment_id is not None and segment_id not in existing:
            orphans = delete(columns_table(SearchPosting)).where(posting.block == segment_id)
            return session.connection().execute(orphans).rowcount
    return 0


def delete_empty_segments(session: Session) -> None:
    """Delete segments of which no article exists any more."""
    segment, doc_id = columns_table(SearchSegment).c, columns_table(SearchDocument).c.number
    has_articles = select(doc_id).where(doc_id >= segment.first, doc_id < segment.first + segment.span).exists()
    session.execute(delete(columns_table(SearchSegment)).where(~has_articles))


def reset_word_counts(session: Session) -> None:
    """Set the article counts of all words to zero, to count them again."""
    session.execute(update(columns_table(SearchVocabularyEntry)).values(times=0))


def delete_unused_words(session: Session) -> None:
    """Delete words that were counted for no article."""
    session.execute(
        delete(columns_table(SearchVocabularyEntry)).where(columns_table(SearchVocabularyEntry).c.times == 0)
    )
