"""The index that searches are answered from: inverted lists in blocks, and what was written since the last block."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base, BytewiseText


class SearchText(Base):
    """A published article as the index has it, and of which version.

    Each state of an article has a number of its own: what is left of former ones in blocks is no number of anything.
    Which numbers are is asked for by the ten thousand, so the rows are short.
    """

    __tablename__ = "search_text"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    article_id: Mapped[UUID] = mapped_column(unique=True)
    version: Mapped[int]


class SearchSequence(Base):
    """The words of such an article in their order, 16 bits each."""

    __tablename__ = "search_sequence"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class SearchFresh(Base):
    """What an article is found by that is in no block yet, packed."""

    __tablename__ = "search_fresh"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class SearchBlock(Base):
    """What is kept of `articles` at once, whose numbers are among the `span` ones from `first` on.

    It is never changed: `id` is random and names the same bytes for ever. `newest` is the latest publication, in
    microseconds since 1970; `times` and `facets` are those of all its articles.
    """

    __tablename__ = "search_block"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    first: Mapped[int]
    span: Mapped[int]
    articles: Mapped[int]
    newest: Mapped[int] = mapped_column(BigInteger)
    times: Mapped[bytes]
    facets: Mapped[bytes]


class SearchPosting(Base):
    """The articles of a block that have a term: their places, two bytes each, then their weights, a byte each.

    In SQLite the key is an index beside the rows: with such long ones in a tree of keys it is thrice as slow to read.
    """

    __tablename__ = "search_posting"

    block: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    term: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content: Mapped[bytes]


class SearchWord(Base):
    """A word that stands in articles, without its accents, as it is written, and in about how many it was put."""

    __tablename__ = "search_word"
    __table_args__ = ({"sqlite_with_rowid": False},)

    word: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    shown: Mapped[str]
    times: Mapped[int]
