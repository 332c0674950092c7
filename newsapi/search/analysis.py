"""Text analysis: the weighted terms of an article and the sequence of its words."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, islice
from operator import itemgetter
from typing import Any, Final, NamedTuple

from newsapi.text.stemming import analyze_word
from newsapi.text.words import WordSpan, joined_spans, lower_words, numbered_spans

MAX_INDEXED_WORDS: Final = 20_000
"""Words of an article that are indexed; the rest of its body is not searchable."""

MAX_JOINED_WORDS: Final = 2_000
"""Joined words of a part of an article that are indexed."""

HEADLINE_BIT: Final = 0x80
"""The bit of a weight byte that is set if the term occurs in the headline."""

MAX_WEIGHT: Final = 127
"""The greatest weight, without that bit."""

_IN_HEADLINE, _IN_STANDFIRST, _IN_BODY = 0.7, 0.5, 0.4
_USUAL_BODY_WORDS = 300
_BREAK = bytes(2)
_MAX_LEXICON_WORDS = 1 << 17
_SUGGESTION_LENGTHS = range(3, 41)
"""Lengths of words that are offered as completions and corrections."""


class IndexedDocument(NamedTuple):
    """An analyzed article.

    `published` and `updated` are microseconds since 1970. `facets` are facet ids. `weights` has a byte for each of
    `terms`. `sequence` has 16 bits for each word in the order of the text, and 0 after headline, standfirst and body.
    `words` are the distinct words in lower case.
    """

    published: int
    updated: int
    facets: tuple[int, ...]
    terms: array[int]
    weights: bytes
    sequence: bytes
    words: frozenset[str]
    language: str

    def to_bytes(self) -> bytes:
        """Return the document as bytes, without sequence, words and language."""
        head = array("q", (self.published, self.updated, len(self.facets), *self.facets))
        return head.tobytes() + self.terms.tobytes() + self.weights


def document_from_bytes(stored: bytes) -> IndexedDocument:
    """Return the document that `to_bytes` stored; sequence, words and language are empty."""
    head = array("q", stored[:24])
    end = 24 + 8 * head[2]
    count = (len(stored) - end) // 9
    terms = array("q", stored[end : end + 8 * count])
    return IndexedDocument(
        head[0], head[1], tuple(array("q", stored[24:end])), terms, stored[end + 8 * count :], b"", frozenset(), ""
    )


class ArticleTexts(NamedTuple):
    """The parts of an article as plain text."""

    headline: str
    standfirst: str
    body: str


def analyze_article(
    texts: ArticleTexts,
    language: str,
    *,
    published: int,
    updated: int,
    facets: Iterable[int],
) -> IndexedDocument:
    """Analyze an article for the index.

    The weight of a term depends on where it occurs (headline over standfirst over body), and in the body on its
    frequency.

    Args:
        texts: The parts of the article.
        language: The BCP 47 tag of the language.
        published: The time of publication in microseconds since 1970.
        updated: The time of the last update in microseconds since 1970.
        facets: The ids of the facets that the article is in.

    Returns:
        The document to be indexed.
    """
    lexicon = _lexicon(language.partition("-")[0].lower())
    headline_words, standfirst_words = lower_words(texts.headline), lower_words(texts.standfirst)
    body_words = lower_words(texts.body)[: MAX_INDEXED_WORDS - len(headline_words) - len(standfirst_words)]
    analyze = lexicon.__getitem__  # mapped, not called in a comprehension: this is the inner loop of indexing
    parts = [[*map(analyze, words)] for words in (headline_words, standfirst_words, body_words)]
    joined = [[*_joined_words(text, lexicon)] for text in texts]
    weights = _weights(parts, [[*map(analyze, words)] for words in joined])
    sequence = array("H")
    for entries in parts:
        sequence.extend([*map(_TOKEN_CODE, entries), 0])
    return IndexedDocument(
        published,
        updated,
        tuple(sorted(facets)),
        array("q", weights),
        bytes(weights.values()),
        _little_endian(sequence),
        frozenset(chain(headline_words, standfirst_words, body_words, *joined)),
        language,
    )


def _joined_words(text: str, lexicon: _Lexicon) -> Iterator[str]:
    """Yield the joined forms of words with a hyphen or a full stop inside, and of short words before a number."""
    spans = chain(joined_spans(text), (span for word, span in numbered_spans(text) if lexicon[word].term is not None))
    return (span.word for span in islice(spans, MAX_JOINED_WORDS))


def _weights(words: Sequence[Sequence[_LexiconEntry]], joined: Sequence[Sequence[_LexiconEntry]]) -> dict[int, int]:
    """Return the weight byte of each term, from the words and the joined words of headline, standfirst and body.

    The weights of the parts are combined as 1 - (1 - a)(1 - b)(1 - c). The weight in the body grows with the frequency
    f as f / (f + k), where k grows with the length of the body, as in BM25.
    """
    counts = [Counter[Any](map(_TERM, chain(*entries))) for entries in zip(words, joined, strict=True)]
    for count in counts:
        count.pop(None, None)  # stop words
    in_headline, in_standfirst, in_body = counts
    length = 1.5 * (0.4 + 0.6 * len(words[2]) / _USUAL_BODY_WORDS)
    complements = {id_: 1.0 - _IN_BODY * count / (count + length) for id_, count in in_body.items()}
    for part_counts, share in ((in_standfirst, _IN_STANDFIRST), (in_headline, _IN_HEADLINE)):
        for id_ in part_counts:
            complements[id_] = complements.get(id_, 1.0) * (1.0 - share)
    weights = {id_: int(MAX_WEIGHT * (1.0 - complement) + 0.5) or 1 for id_, complement in complements.items()}
    for id_ in in_headline:
        weights[id_] |= HEADLINE_BIT
    return weights


class _LexiconEntry(NamedTuple):
    """The analysis of a word.

    `term` is None for a stop word; `suggestion_form` is "" for a word that is not suggested.
    """

    term: int | None
    token_code: int
    suggestion_form: str


_TERM: Final = itemgetter(0)
_TOKEN_CODE: Final = itemgetter(1)


class _Lexicon(dict[str, _LexiconEntry]):
    """A cache of analyzed words of a language: most words of a text occurred in another text shortly before."""

    def __init__(self, language: str) -> None:
        """Create the lexicon of a language, given by its first subtag in lower case."""
        super().__init__()
        self._language = language

    def __missing__(self, written: str) -> _LexiconEntry:
        if len(self) >= _MAX_LEXICON_WORDS:
            self.clear()
        analyzed = analyze_word(written, self._language)
        plain = analyzed.plain
        is_suggested = len(plain) in _SUGGESTION_LENGTHS and plain.isalnum() and not plain.isdigit()
        id_ = None if analyzed.stop or not analyzed.stem else term_id(self._language, analyzed.stem)
        entry = self[written] = _LexiconEntry(id_, token_code(analyzed.stem or written), plain if is_suggested else "")
        return entry


@lru_cache(maxsize=64)
def _lexicon(language: str) -> _Lexicon:
    return _Lexicon(language)


def _little_endian(values: array[int]) -> bytes:
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def term_id(language: str, stem: str) -> int:
    """Return the term id of a stem in a language: a hash of 62 bits, greater than 0.

    With 62 bits, collisions are improbable even among the words of all archives together.
    """
    name = f"{language.partition('-')[0].lower()}:{stem}"
    return (int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) >> 2) + 1


def facet_term_id(id_: int) -> int:
    """Return the term id of a facet, which is negative."""
    return -id_


def token_code(stem: str) -> int:
    """Return the 16-bit code of a stem in a token sequence, which is never 0."""
    return zlib.crc32(stem.encode()) % 0xFFFF + 1


def term_id_of_word(token: str, language: str) -> int | None:
    """Return the term id of a lower-case word in a language, or None for a stop word."""
    return _lexicon(language.partition("-")[0].lower())[token].term


def suggestion_form(token: str, language: str) -> str:
    """Return a lower-case word without accents, as it is suggested; "" for a word that is not suggested."""
    return _lexicon(language.partition("-")[0].lower())[token].suggestion_form


def matching_words(text: str, terms: Collection[int], language: str) -> set[str]:
    """Return the lower-case words of a text whose term id is one of `terms`."""
    lexicon = _lexicon(language.partition("-")[0].lower())
    return {word for word in {*lower_words(text)} if lexicon[word].term in terms}


def matching_joined(text: str, terms: Collection[int], language: str) -> list[WordSpan]:
    """Return where the words of a text are whose joined form has a term that is one of `terms`, in their order."""
    lexicon = _lexicon(language.partition("-")[0].lower())
    spans = chain(joined_spans(text), (span for _, span in numbered_spans(text)))
    return sorted((span for span in spans if lexicon[span.word].term in terms), key=lambda span: span.start)


def encode_phrase(words: Sequence[str], language: str) -> bytes:
    """Return the token sequence of a phrase."""
    lexicon = _lexicon(language.partition("-")[0].lower())
    return _little_endian(array("H", [lexicon[token].token_code for token in words]))


def contains_phrase(sequence: bytes, codes: bytes) -> bool:
    """Return whether a token sequence contains a phrase."""
    return _find(sequence, codes, 0) >= 0


def drop_body(sequence: bytes) -> bytes:
    """Return the part of a token sequence with headline and standfirst."""
    return sequence[: _find(sequence, _BREAK, _find(sequence, _BREAK, 0) + 2)]


def _find(sequence: bytes, codes: bytes, start: int) -> int:
    """Return the byte offset of codes at an even offset from `start` on, or -1."""
    start = sequence.find(codes, start)
    while start >= 0 and start % 2:
        start = sequence.find(codes, start + 1)
    return start
