"""The fields of the search index, and the document that is made of an article.

Texts are indexed and not stored: results are shown from the rows of the articles.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from importlib.metadata import version
from itertools import chain
from typing import Final, NamedTuple
from uuid import UUID

from tantivy import DocAddress, Document, Schema, SchemaBuilder, Searcher

from newsapi.db.types import EPOCH, MICROSECOND
from newsapi.search.recency import engine_value
from newsapi.text.analysis import ANALYSIS_VERSION, AnalyzedText, Lexicon, get_lexicon, join_fields

SCHEMA_VERSION: Final = 2
"""Incremented with every change of the fields or of what documents contain."""

MAX_INDEXED_WORDS: Final = 20_000
"""Words of an article that are indexed; the rest of its body is not searchable."""

ARTICLE_ID: Final = "article_id"
"""The id of the article as 32 hexadecimal digits, by which its document is deleted."""

ID_HIGH, ID_LOW = "id_high", "id_low"
"""The two halves of the id, as numbers that are read fast."""

ARTICLE_VERSION: Final = "version"

HEADLINE, STANDFIRST = "headline", "standfirst"
"""Tokens of a part, with their positions."""

TEXT: Final = "text"
"""Tokens of headline, standfirst and body, with their positions; `analysis.BREAK` is between the parts."""

BODY_OFTEN, BODY_MAIN = "body_often", "body_main"
"""The distinct tokens that are frequent in the body: at least `OFTEN_SHARE`, or `MAIN_SHARE`."""

WORDS: Final = "words"
"""The distinct words of the article, without stop words, as `PLAIN/SHOWN`: without accents, and as displayed if that is
another form."""

HEADLINE_WORDS: Final = "headline_words"
"""Those of the headline."""

FACETS: Final = "facets"
"""The ids of all facets that the article is in."""

COUNTED_KINDS: Final = ("brand", "section", "author", "tag", "format")
"""Kinds of facets that results are counted by; each has a field `facet_KIND` with the ids of its facets."""

PUBLISHED, UPDATED = "published", "updated"
"""Times in microseconds since 1970."""

RECENCY: Final = "recency"
"""What the engine multiplies scores with, see `recency.py`."""

POSITION: Final = "position"
"""The position of the index in the changelog; only one document, which is no article, has this field."""

OFTEN_SHARE, MAIN_SHARE = 0.5, 0.7
"""Least share n / (n + k) of a token that occurs n times in the body, where k grows with the length of the body."""

_USUAL_BODY_WORDS: Final = 300

INDEX_VERSION: Final = hashlib.blake2b(
    repr((SCHEMA_VERSION, ANALYSIS_VERSION, version("tantivy").rpartition(".")[0], version("pystemmer"))).encode(),
    digest_size=4,
).hexdigest()
"""Names what an index depends on beside the articles: fields, analysis, the engine's file format and the stemmer."""


def facet_field(kind: str) -> str:
    """Return the field with the facets of a counted kind."""
    return f"facet_{kind}"


def _build_schema() -> Schema:
    builder = SchemaBuilder()
    for name in (ARTICLE_ID, POSITION):
        builder.add_text_field(name, stored=name == POSITION, tokenizer_name="raw", index_option="basic")
    for name in (HEADLINE, STANDFIRST, TEXT):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="position")
    for name in (BODY_OFTEN, BODY_MAIN, WORDS, HEADLINE_WORDS):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="basic")
    for name in (FACETS, *map(facet_field, COUNTED_KINDS)):
        builder.add_unsigned_field(name, indexed=True, fast=True)
    for name in (ID_HIGH, ID_LOW, ARTICLE_VERSION):
        builder.add_unsigned_field(name, fast=True)
    for name in (PUBLISHED, UPDATED):
        builder.add_integer_field(name, indexed=True, fast=True)
    builder.add_float_field(RECENCY, fast=True)
    return builder.build()


SCHEMA: Final = _build_schema()


class ArticleToIndex(NamedTuple):
    """What the index has of an article.

    `facets` are the ids of the facets that the article is in, by kind; `body` is plain text.
    """

    id: UUID
    version: int
    language: str
    headline: str
    standfirst: str
    body: str
    published_at: datetime
    updated_at: datetime
    facets: Mapping[str, Iterable[int]]


def build_document(article: ArticleToIndex) -> Document:
    """Analyze an article and return its document."""
    lexicon = get_lexicon(article.language)
    headline = lexicon.analyze(article.headline, MAX_INDEXED_WORDS)
    standfirst = lexicon.analyze(article.standfirst, MAX_INDEXED_WORDS - len(headline.words))
    body = lexicon.analyze(article.body, MAX_INDEXED_WORDS - len(headline.words) - len(standfirst.words))
    often, main = _frequent(map(lexicon.searched, chain(body.words, body.joined)), len(body.words))
    published = to_microseconds(article.published_at)
    values: dict[str, object] = {
        ARTICLE_ID: article.id.hex,
        ID_HIGH: article.id.int >> 64,
        ID_LOW: article.id.int & (1 << 64) - 1,
        ARTICLE_VERSION: article.version,
        HEADLINE: headline.field(),
        STANDFIRST: standfirst.field(),
        TEXT: join_fields([headline.field(), standfirst.field(), body.field()]),
        BODY_OFTEN: " ".join(often),
        BODY_MAIN: " ".join(main),
        WORDS: " ".join(_words(lexicon, headline, standfirst, body)),
        HEADLINE_WORDS: " ".join(_words(lexicon, headline)),
        FACETS: sorted(chain.from_iterable(article.facets.values())),
        PUBLISHED: published,
        UPDATED: to_microseconds(article.updated_at),
        RECENCY: engine_value(published),
    }
    values |= {facet_field(kind): sorted(article.facets.get(kind, ())) for kind in COUNTED_KINDS}
    return Document.from_dict(values, SCHEMA)


def _frequent(tokens: Iterable[str | None], word_count: int) -> tuple[list[str], list[str]]:
    """Return the distinct tokens that are frequent in a body of `word_count` words, and those that are very frequent.

    None, which stands for a stop word, is left out.
    """
    counts = Counter(tokens)
    counts.pop(None, None)
    length = 1.5 * (0.4 + 0.6 * word_count / _USUAL_BODY_WORDS)
    least_often, least_main = (share * length / (1 - share) for share in (OFTEN_SHARE, MAIN_SHARE))
    often = [(token, count) for token, count in counts.items() if token is not None and count >= least_often]
    return [token for token, _ in often], [token for token, count in often if count >= least_main]


def _words(lexicon: Lexicon, *texts: AnalyzedText) -> Iterator[str]:
    """Return the distinct words of texts that may be suggested."""
    words: set[str] = set().union(*(part for text in texts for part in (text.words, text.joined)))
    return filter(None, map(lexicon.suggested, words))


def to_microseconds(time: datetime) -> int:
    """Return a time in microseconds since 1970, as the index has it."""
    return (time - EPOCH) // MICROSECOND


def read_ids(searcher: Searcher, addresses: list[DocAddress]) -> list[int]:
    """Return the ids of the articles of documents, as the numbers of their UUIDs."""
    halves = (searcher.fast_field_values(name, addresses) for name in (ID_HIGH, ID_LOW))
    return [int(high or 0) << 64 | int(low or 0) for high, low in zip(*halves, strict=True)]
