"""Tables of related articles: the index of profiles and postings, term statistics, and the stored lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Double
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base


class RelatedProfile(Base):
    """The profile of a published article: its term vector, packed as bytes, and the lists that it is a candidate for.

    Attributes:
        doc_id: Short integer id of the article in the index.
        pool: The facet of the article's brand; the facet of all articles if it has none.
        seq: The last public change of the article when it was indexed.
        version: The term statistics that the profile was built with.
    """

    __tablename__ = "related_profile"

    doc_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    article_id: Mapped[UUID] = mapped_column(unique=True)
    pool: Mapped[int]
    seq: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(BigInteger)
    content: Mapped[bytes]


class RelatedPosting(Base):
    """A term by which articles of a candidate pool are found. The pool 0 contains the articles of all brands.

    `impact` sorts the postings of a term by weight and age together. Its lowest byte is the term's share of the
    article; the bits above it are the day of publication plus ten days for each point of the share. The postings with
    the highest impact are therefore the newest articles, and older ones that are about little else.
    """

    __tablename__ = "related_posting"
    __table_args__ = ({"sqlite_with_rowid": False},)

    pool: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    term: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    impact: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    doc_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class RelatedTermStatistics(Base):
    """Document frequencies of terms; there is one row.

    Attributes:
        version: Random, and new for each count.
        revision: The number of batches that rebuilds have written, which do not move the offset of the consumer.
        documents: Number of the newest articles that were counted.
        corpus_size: Number of published articles at that time.
        content: The terms, each with the number of articles that contain it, packed as bytes.
    """

    __tablename__ = "related_term_statistics"

    version: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    revision: Mapped[int]
    counted_at: Mapped[datetime]
    documents: Mapped[int]
    corpus_size: Mapped[int]
    content: Mapped[bytes]


class RelatedList(Base):
    """A stored related list: the articles with their similarity and reasons.

    Attributes:
        pool: The facet whose articles are candidates; 0 if articles of any brand may be appended.
        version: The term statistics that it was computed with.
        built_at: Time of the last change of the candidate pool when the list was computed.
        max_items: The number of items after which the list was cut off: a shorter list is complete.
        min_similarity: An article that is more similar than this belongs on the list.
    """

    __tablename__ = "related_list"

    article_id: Mapped[UUID] = mapped_column(primary_key=True)
    pool: Mapped[int] = mapped_column(index=True)
    version: Mapped[int] = mapped_column(BigInteger)
    built_at: Mapped[datetime | None]
    min_similarity: Mapped[float] = mapped_column(Double)
    max_items: Mapped[int]
    entries: Mapped[list[Any]]


class RelatedListMember(Base):
    """The reverse index of the stored lists: which lists contain an article."""

    __tablename__ = "related_list_member"
    __table_args__ = ({"sqlite_with_rowid": False},)

    listed_article_id: Mapped[UUID] = mapped_column(primary_key=True)
    article_id: Mapped[UUID] = mapped_column(primary_key=True)
