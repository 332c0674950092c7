"""Tables of the search index: inverted lists in segments, and the documents that no segment contains yet."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, BytewiseText


class SearchDocument(Base):
    """A published article in the index, and the version that is indexed.

    Each indexed version has a document id of its own: ids of former versions may remain in segments but have no row
    here. Queries check document ids against this table by the ten thousand, so its rows are short.
    """

    __tablename__ = "search_document"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    article_id: Mapped[UUID] = mapped_column(unique=True)
    version: Mapped[int]


class SearchTokenSequence(Base):
    """The words of a document in order, encoded in 16 bits each."""

    __tablename__ = "search_token_sequence"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class SearchPendingDocument(Base):
    """A document that is in no segment yet, packed as bytes."""

    __tablename__ = "search_pending_document"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class SearchSegment(Base):
    """A segment: `document_count` documents with ids from `first_doc_id` on, spread over `doc_id_span` ids.

    A segment never changes; its random `id` always stands for the same bytes. `newest_published_at` is the latest
    publication in it, in microseconds since 1970; `times` and `facets` are those of all its documents.
    """

    __tablename__ = "search_segment"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first: Mapped[int]
    span: Mapped[int]
    articles: Mapped[int]
    newest: Mapped[int] = mapped_column(BigInteger)
    times: Mapped[bytes]
    facets: Mapped[bytes]


class SearchPosting(Base):
    """The documents of a segment that contain a term: their offsets, 2 bytes each, then their weights, 1 byte each.

    In SQLite this table keeps its rowid and the key is a separate index: with rows this long, reading is three times as
    slow if they are stored in the index itself (WITHOUT ROWID).
    """

    __tablename__ = "search_posting"

    block: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    term: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class SearchVocabularyEntry(Base):
    """A word that occurs in articles: without accents, as displayed, and the approximate number of these articles."""

    __tablename__ = "search_vocabulary"
    __table_args__ = ({"sqlite_with_rowid": False},)

    word: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    shown: Mapped[str]
    times: Mapped[int]
